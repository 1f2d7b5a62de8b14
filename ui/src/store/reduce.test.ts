import { describe, expect, test } from "vitest";
import { reduce } from "./reduce";
import { ME, inRooms, page, person, room, said, snapshot, space } from "./sample";
import { currentRoom, currentTimeline, draftOf, transferOf } from "./select";
import type { Item } from "../backend/gen/Item";
import type { TransferView } from "../backend/gen/TransferView";
import {
  EMPTY,
  NOTICES_SHOWN,
  THREADS_KEPT,
  WINDOW_ITEMS,
  TIMELINES_KEPT,
  type Change,
  type State,
  type Timeline,
} from "./state";

const after = (state: State, ...changes: Change[]) => changes.reduce(reduce, state);
const general = room("general");

describe("the snapshot", () => {
  test("makes the state ready, with spaces in their order", () => {
    const state = reduce(EMPTY, { event: "snapshot", ...snapshot([general]) });
    expect(state.ready).toBe(true);
    expect(state.order).toEqual(["studio"]);
    expect(state.spaces["studio"]?.rooms["general"]).toEqual(general);
  });

  test("a second one drops timelines that may be out of date", () => {
    const state = after(inRooms(general), {
      event: "page",
      room: "general",
      thread: null,
      page: page([said(1)]),
      where: "newest",
    });
    const again = reduce(state, { event: "snapshot", ...snapshot([general]) });
    expect(again.timelines).toEqual({});
    expect(again.place.room).toBe("general");
  });
});

describe("drafts", () => {
  const of = <T extends string | null>(thread: T, text: string) =>
    ({ space: "studio", room: "general", thread, text }) as const;

  test("those of threads come with the snapshot, and go when they are empty", () => {
    const told = snapshot([general]);
    const kept = { room: "general", thread: "kiln", text: "from noon" };
    const spaces = told.spaces.map((one) => ({ ...one, thread_drafts: [kept] }));
    const state = reduce(EMPTY, { event: "snapshot", ...told, spaces });
    expect(draftOf(state, of("kiln", ""))).toBe("from noon");
    expect(draftOf(state, of("press", ""))).toBe("");
    const more = reduce(state, { event: "thread_draft", ...of("kiln", "from noon on") });
    expect(draftOf(more, of("kiln", ""))).toBe("from noon on");
    expect(reduce(more, { event: "thread_draft", ...of("kiln", "") }).threadDrafts).toEqual({});
  });

  test("those of threads go with their room, or the space", () => {
    const state = after(inRooms(general), { event: "thread_draft", ...of("kiln", "from noon") });
    const gone = reduce(state, { event: "room_gone", space: "studio", room: "general" });
    expect(gone.threadDrafts).toEqual({});
    expect(reduce(state, { event: "space_gone", space: "studio" }).threadDrafts).toEqual({});
  });
});

describe("spaces, rooms and people", () => {
  test("a space that is new comes last in the rail, without rooms until they are told", () => {
    const state = reduce(inRooms(general), { event: "space", space: space({ space: "nord" }) });
    expect(state.order).toEqual(["studio", "nord"]);
    expect(state.spaces["nord"]?.rooms).toEqual({});
  });

  test("a space that has changed keeps its rooms", () => {
    const state = reduce(inRooms(general), { event: "space", space: space({ queued: 3 }) });
    expect(state.spaces["studio"]?.view.queued).toBe(3);
    expect(state.spaces["studio"]?.rooms["general"]).toEqual(general);
  });

  test("a space that is gone takes its timelines and the place with it", () => {
    const state = after(
      inRooms(general),
      { event: "page", room: "general", thread: null, page: page([said(1)]), where: "newest" },
      { event: "space_gone", space: "studio" },
    );
    expect(state.order).toEqual([]);
    expect(state.timelines).toEqual({});
    expect(state.place.space).toBeNull();
    expect(currentRoom(state)).toBeNull();
  });

  test("presence changes people who are known, and nobody else", () => {
    const here = reduce(inRooms(general), {
      event: "people",
      space: "studio",
      people: [person("ana")],
    });
    const change = { state: "away", text: "lunch", last_seen: 5 } as const;
    const state = reduce(here, {
      event: "presence",
      space: "studio",
      changes: [
        { member: "ana", ...change },
        { member: "nobody", ...change },
      ],
    });
    expect(state.spaces["studio"]?.people["ana"]).toMatchObject(change);
    expect(Object.keys(state.spaces["studio"]?.people ?? {})).toEqual([ME, "ana"]);
  });

  test("what is told of a space that is not there changes nothing", () => {
    const state = inRooms(general);
    expect(reduce(state, { event: "room", space: "nord", room: room("x") })).toEqual(state);
  });
});

describe("the line of unread messages", () => {
  const unread = room("general", { unread: 2, first_unread: 7 });

  test("stands at the first unread when a room is opened, and fades when read", () => {
    const state = inRooms(unread);
    expect(state.place.line).toEqual({ seq: 7, done: false });
    expect(reduce(state, { event: "line_done" }).place.line).toEqual({ seq: 7, done: true });
  });

  test("is not there where all is read", () => {
    expect(inRooms(general).place.line).toBeNull();
  });

  test("comes for what arrives while the window is in the background", () => {
    const away = reduce(inRooms(general), { event: "focus", on: false });
    const state = reduce(away, { event: "room", space: "studio", room: unread });
    expect(state.place.line).toEqual({ seq: 7, done: false });
  });

  test("does not come for what arrives before one's eyes", () => {
    const state = reduce(inRooms(general), { event: "room", space: "studio", room: unread });
    expect(state.place.line).toBeNull();
  });
});

describe("timelines", () => {
  const open = (id: string): Change => ({
    event: "page",
    room: id,
    thread: null,
    page: page([said(1)]),
    where: "newest",
  });

  test("items of a room without a timeline wait for its page", () => {
    const state = inRooms(general);
    expect(
      reduce(state, { event: "items", space: "studio", room: "general", items: [said(1)] }),
    ).toBe(state);
  });

  test("a reload marks the timeline as stale, the next page makes it true again", () => {
    const stale = after(inRooms(general), open("general"), {
      event: "reload",
      space: "studio",
      room: "general",
    });
    expect(currentTimeline(stale)?.stale).toBe(true);
    expect(currentTimeline(reduce(stale, open("general")))?.stale).toBe(false);
  });

  test("only the ones read last are kept", () => {
    const rooms = Array.from({ length: TIMELINES_KEPT + 2 }, (_, n) => `room-${n}`);
    const state = after(inRooms(general), ...rooms.map(open));
    expect(Object.keys(state.timelines)).toEqual(rooms.slice(-TIMELINES_KEPT));
  });
});

test("no more notices than fit, each closed by its own key", () => {
  const notice: Change = { event: "notice", refusal: { code: "internal", message: "no" } };
  const state = after(EMPTY, notice, notice, notice, notice);
  expect(state.notices).toHaveLength(NOTICES_SHOWN);
  const [first, ...rest] = state.notices;
  expect(reduce(state, { event: "notice_closed", key: first?.key ?? 0 }).notices).toEqual(rest);
});

test("a room that opens elsewhere than what is held of it does not show that first", () => {
  const read: Change = {
    event: "page",
    room: "general",
    thread: null,
    page: page([said(1)]),
    where: "newest",
  };
  const opens: Change = { event: "opened", space: "studio", room: "general" };
  const state = after(inRooms(general), read);
  expect(currentTimeline(after(state, opens))?.items).toHaveLength(1);
  expect(currentTimeline(after(state, { ...opens, anew: true }))).toBeNull();
});

test("changing room closes the details of the old one, not the search", () => {
  const two = inRooms(general, room("other"));
  const to: Change = { event: "opened", space: "studio", room: "other" };
  const details = reduce(two, { event: "drawer", drawer: { kind: "details" } });
  expect(reduce(details, to).drawer).toBeNull();
  const search = reduce(two, { event: "drawer", drawer: { kind: "search", everywhere: true } });
  expect(reduce(search, to).drawer).toEqual({ kind: "search", everywhere: true });
  // Where it fills the window, nothing else could be seen.
  const narrow = reduce(search, { event: "layout", layout: ["one-pane"] });
  expect(narrow.drawer).not.toBeNull();
  expect(reduce(narrow, to).drawer).toBeNull();
});

describe("threads", () => {
  const inThread = (seq: number): Item => {
    const item = said(seq);
    if (item.body.kind === "message") item.body.thread = "id-1";
    return item;
  };
  const opened = after(
    inRooms(general),
    { event: "page", room: "general", thread: null, page: page([said(1)]), where: "newest" },
    {
      event: "page",
      room: "general",
      thread: "id-1",
      page: page([], { head: said(1) }),
      where: "newest",
    },
  );
  const ids = (timeline: Timeline | null | undefined) => timeline?.items.map(({ id }) => id);

  test("what is said in a thread stands there and not in the room", () => {
    const state = reduce(opened, {
      event: "items",
      space: "studio",
      room: "general",
      items: [inThread(2), said(3)],
    });
    expect(ids(currentTimeline(state))).toEqual(["id-1", "id-3"]);
    expect(ids(state.threads["id-1"])).toEqual(["id-2"]);
    expect(state.threads["id-1"]?.head?.id).toBe("id-1");
  });

  test("the message that began it changes in both", () => {
    const pinned = said(1);
    if (pinned.body.kind === "message") pinned.body.pinned = true;
    const items = [pinned];
    const state = reduce(opened, { event: "items", space: "studio", room: "general", items });
    expect(currentTimeline(state)?.items[0]).toEqual(pinned);
    expect(state.threads["id-1"]?.head).toEqual(pinned);
    expect(ids(state.threads["id-1"])).toEqual([]);
  });

  test("the message that began it stays, however long the thread is", () => {
    const long = Array.from({ length: WINDOW_ITEMS + 1 }, (_, n) => inThread(n + 2));
    const state = reduce(opened, {
      event: "items",
      space: "studio",
      room: "general",
      items: long,
    });
    expect(state.threads["id-1"]?.items).toHaveLength(WINDOW_ITEMS);
    expect(state.threads["id-1"]?.moreBefore).toBe(true);
    expect(state.threads["id-1"]?.head?.id).toBe("id-1");
    const earlier = page([inThread(2)], { head: said(1) });
    const back = reduce(state, {
      event: "page",
      room: "general",
      thread: "id-1",
      page: earlier,
      where: "before",
    });
    expect(ids(back.threads["id-1"])?.[0]).toBe("id-2");
    expect(back.threads["id-1"]?.head).toBe(state.threads["id-1"]?.head);
  });

  test("one that was begun by a message that is taken back has no head", () => {
    const id = "id-1";
    const state = reduce(opened, { event: "item_gone", space: "studio", room: "general", id });
    expect(state.threads["id-1"]?.head).toBeNull();
  });

  test("what happens in another room leaves them alone, in theirs it reaches them", () => {
    const changes = [{ member: "ana", delivered: 9, read: 9 }];
    const there = reduce(opened, { event: "marks", space: "studio", room: "other", changes });
    expect(there.threads).toEqual(opened.threads);
    const here = reduce(opened, { event: "marks", space: "studio", room: "general", changes });
    expect(here.threads["id-1"]?.marks["ana"]?.read).toBe(9);
    const stale = reduce(opened, { event: "reload", space: "studio", room: "general" });
    expect(stale.threads["id-1"]?.stale).toBe(true);
  });

  test("only a few are kept", () => {
    const threads = Array.from({ length: THREADS_KEPT + 2 }, (_, n): Change => {
      const thread = `id-${n}`;
      return { event: "page", room: "general", thread, page: page([]), where: "newest" };
    });
    expect(Object.keys(after(opened, ...threads).threads)).toHaveLength(THREADS_KEPT);
  });

  test("the drawer of a thread closes with the room it belongs to", () => {
    const two = inRooms(general, room("other"));
    const drawn = reduce(two, {
      event: "drawer",
      drawer: { kind: "thread", thread: "id-1", at: null },
    });
    const again = reduce(drawn, { event: "opened", space: "studio", room: "general" });
    expect(again.drawer).not.toBeNull();
    expect(reduce(drawn, { event: "opened", space: "studio", room: "other" }).drawer).toBeNull();
  });
});

test("a room that is gone from this computer is gone from the window", () => {
  const state = after(
    inRooms(general, room("other")),
    { event: "page", room: "general", thread: null, page: page([said(1)]), where: "newest" },
    { event: "room_gone", space: "studio", room: "general" },
  );
  expect(Object.keys(state.spaces["studio"]?.rooms ?? {})).toEqual(["other"]);
  expect(state.timelines).toEqual({});
  expect(state.place.room).toBeNull();
});

test("what is attached belongs to its room or its thread, and comes whole", () => {
  const file = { id: "a", name: "plan.pdf", type: "application/pdf", bytes: 1 };
  const attached = (state: State, thread: string | null, attachments: (typeof file)[]) =>
    reduce(state, { event: "attachments", space: "studio", room: "general", thread, attachments });
  const one = attached(attached(inRooms(room("general")), null, [file]), "first", [file, file]);
  expect(one.attachments["general"]).toHaveLength(1);
  expect(one.attachments["first"]).toHaveLength(2);
  expect(attached(one, null, []).attachments["general"]).toEqual([]);
});

test("files on their way change in place; what is done or gone is no longer on it", () => {
  const transfer = (id: string, state: TransferView["state"], done = 0): TransferView => {
    const way = "down" as const;
    return {
      id,
      space: "studio",
      room: "general",
      event: id,
      blake3: id,
      way,
      state,
      done,
      bytes: 9,
    };
  };
  const told = (state: State, transfers: TransferView[], gone: string[] = []) =>
    reduce(state, { event: "transfers", space: "studio", transfers, gone });
  const begun = told(inRooms(room("general")), [
    transfer("a", "waiting"),
    transfer("b", "running"),
  ]);
  const moved = told(begun, [transfer("b", "running", 5)]);
  expect(transferOf(moved, { space: "studio", event: "b", blake3: "b" })?.done).toBe(5);
  expect(transferOf(moved, { space: "studio", event: "a", blake3: "a" })?.state).toBe("waiting");
  const ended = told(moved, [transfer("b", "done", 9)], ["a"]);
  expect(ended.transfers["studio"]).toEqual({});
});

test("a file is attached by its answer or by what the core tells, whichever comes first, once", () => {
  const to = { space: "studio", room: "general", thread: null };
  const file = (id: string) => ({ id, name: id, type: "", bytes: 1 });
  const answered: Change = { event: "attached", to, attachment: file("b") };
  const told: Change = { event: "attachments", ...to, attachments: [file("a"), file("b")] };
  const ids = (state: State) => state.attachments["general"]?.map(({ id }) => id);
  const before = after(inRooms(general), {
    event: "attachments",
    ...to,
    attachments: [file("a")],
  });
  expect(ids(after(before, answered))).toEqual(["a", "b"]);
  expect(ids(after(before, answered, told))).toEqual(["a", "b"]);
  expect(ids(after(before, told, answered))).toEqual(["a", "b"]);
});
