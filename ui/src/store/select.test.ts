import { describe, expect, test } from "vitest";
import { layoutFor } from "../lib/layout";
import { reduce } from "./reduce";
import { ME, inRooms, page, person, queued, room, said, snapshot, space } from "./sample";
import {
  displayNames,
  isLooking,
  isMessage,
  lastOwn,
  picturesOf,
  presenceOf,
  roomName,
  roomSections,
  roomVisible,
  unreadOf,
} from "./select";
import { EMPTY, type Change, type Space } from "./state";
import { fromPage } from "./timeline";

function studio(rooms: Parameters<typeof snapshot>[0], people = [person(ME)]): Space {
  const found = reduce(EMPTY, { event: "snapshot", ...snapshot(rooms, people) }).spaces["studio"];
  if (!found) throw new Error("no space");
  return found;
}

test("alike names are told apart by the start of the key", () => {
  const here = studio(
    [],
    [
      person("AAAAxx", { name: "Ana" }),
      person("BBBBxx", { name: "Ana" }),
      person("C", { name: "Jo" }),
    ],
  );
  expect([...displayNames(here.people).values()]).toEqual(["Ana (AAAA)", "Ana (BBBB)", "Jo"]);
});

test("a direct room is called after the others in it", () => {
  const direct = room("d", { kind: "direct", name: "", members: [ME, "ana"] });
  const here = studio([direct], [person(ME), person("ana", { name: "Ana" })]);
  expect(roomName(here, direct)).toBe("Ana");
});

describe("the sidebar", () => {
  test("has the room of everyone first, then by name; left and archived ones are not there", () => {
    const here = studio([
      room("zebra"),
      room("apple"),
      room("general", { everyone: true }),
      room("left", { open: false }),
      room("old", { archived: true }),
    ]);
    expect(roomSections(here, null).rooms.map(({ room: id }) => id)).toEqual([
      "general",
      "apple",
      "zebra",
    ]);
  });

  test("keeps the room that is open even when one has been removed from it", () => {
    const here = studio([room("left", { open: false })]);
    expect(roomSections(here, "left").rooms).toHaveLength(1);
  });

  test("hides a room of a kind of a later version", () => {
    expect(roomSections(studio([room("odd", { kind: "unknown" })]), null).rooms).toEqual([]);
  });
});

test("mentions and direct messages are loud, rooms one has left are silent", () => {
  const here = studio([
    room("a", { unread: 5, mentions: 1 }),
    room("d", { kind: "direct", unread: 2 }),
    room("left", { open: false, unread: 9, mentions: 9 }),
  ]);
  expect(unreadOf(here)).toEqual({ messages: 7, loud: 3 });
});

test("nobody is known to be there while there is no connection", () => {
  const here = studio([], [person("ana")]);
  const ana = person("ana", { state: "online" });
  expect(presenceOf(here, ana)).toBe("online");
  const link = { ...here.view.link, state: "looking" } as const;
  expect(presenceOf({ ...here, view: space({ link }) }, ana)).toBe("offline");
});

test("Up takes the last of my messages, sent or not, that is not deleted", () => {
  const timeline = fromPage(page([said(1, ME), queued("one"), queued("two")]));
  expect(lastOwn(timeline, ME)?.id).toBe("two");
  const gone = said(2, ME);
  if (gone.body.kind === "message") gone.body.deleted = true;
  expect(lastOwn(fromPage(page([said(1, ME), gone, said(3)])), ME)?.id).toBe("id-1");
  expect(lastOwn(fromPage(page([said(1)])), ME)).toBeNull();
});

test("what is unread stands in a section of its own, but for what is open or silent", () => {
  const here = studio([
    room("open", { unread: 3 }),
    room("busy", { unread: 3 }),
    room("thread", { unread_replies: 1 }),
    room("silent", { unread: 9, level: "nothing" }),
    room("quiet"),
  ]);
  const { unread, rooms } = roomSections(here, "open");
  expect(unread.map(({ room: id }) => id)).toEqual(["thread", "busy"]);
  expect(rooms.map(({ room: id }) => id)).toEqual(["open", "quiet", "silent"]);
  expect(unreadOf(here)).toEqual({ messages: 7, loud: 1 });
});

test("the state starts with nothing open", () => {
  expect(inRooms().place.room).toBeNull();
});

describe("the room is out of view", () => {
  const drawer: Change = { event: "drawer", drawer: { kind: "details" } };
  const list: Change = { event: "listed" };
  const viewer = { kind: "viewer", thread: null, event: "id-1", blake3: "one" } as const;
  const visible = (width: number, ...changes: Change[]) => {
    const layout: Change = { event: "layout", layout: layoutFor(width, 100) };
    return roomVisible([layout, ...changes].reduce(reduce, inRooms(room("general"))));
  };

  test("behind a drawer where there is one pane, and only there", () => {
    expect([visible(1160, drawer), visible(700, drawer), visible(400, drawer)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("behind the sidebar where that lies over it", () => {
    expect([visible(1160, list), visible(700, list), visible(400, list)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("behind a picture over the whole window, but not behind a sheet", () => {
    expect(visible(1160, { event: "dialog", dialog: viewer })).toBe(false);
    expect(visible(1160, { event: "dialog", dialog: { kind: "settings" } })).toBe(true);
  });

  test("of somebody who is elsewhere, though it is on the screen", () => {
    const state = inRooms(room("general"));
    expect(isLooking(state)).toBe(true);
    expect(isLooking(reduce(state, { event: "focus", on: false }))).toBe(false);
  });
});

test("a message that has a picture twice shows it once, so that one gets past it", () => {
  const picture = (blake3: string) => ({ blake3, name: "a.png", type: "image/png", bytes: 1 });
  const items = [said(1), said(2)].filter(isMessage).map((item) => ({
    ...item,
    body: { ...item.body, files: [picture("one"), picture("one"), picture("two")] },
  }));
  const shown = picturesOf(items).map(({ item, file }) => `${item.id} ${file.blake3}`);
  expect(shown).toEqual(["id-1 one", "id-1 two", "id-2 one", "id-2 two"]);
});
