// The one place where the state changes: `reduce(state, change)`. Pure; the flow is
// backend → events → reduce → state → views → commands → backend.

import type { AttachmentView } from "../backend/gen/AttachmentView";
import type { EventId } from "../backend/gen/EventId";
import type { PersonView } from "../backend/gen/PersonView";
import type { Refusal } from "../backend/gen/Refusal";
import type { RoomId } from "../backend/gen/RoomId";
import type { RoomView } from "../backend/gen/RoomView";
import type { Settings } from "../backend/gen/Settings";
import type { Snapshot } from "../backend/gen/Snapshot";
import type { SpaceId } from "../backend/gen/SpaceId";
import type { SpaceView } from "../backend/gen/SpaceView";
import type { ThreadDraftView } from "../backend/gen/ThreadDraftView";
import type { TransferId } from "../backend/gen/TransferId";
import type { TransferView } from "../backend/gen/TransferView";
import type { Item } from "../backend/gen/Item";
import { withImport } from "./imports";
import { isLooking, placeOf, threadOf } from "./select";
import {
  NOTICES_SHOWN,
  THREADS_KEPT,
  TIMELINES_KEPT,
  type Change,
  type Drawer,
  type Place,
  type Space,
  type State,
  type Timeline,
} from "./state";
import { after, before, fromPage, unchanged, withItems, withMarks, withoutItem } from "./timeline";

export function reduce(state: State, change: Change): State {
  switch (change.event) {
    case "snapshot":
      return withSnapshot(state, change);
    case "me":
      return { ...state, me: change.me };
    case "settings":
      return withSettings(state, change.settings, state.settingsWanted);
    case "set":
      return withSettings(state, state.settingsTold, { ...state.settingsWanted, ...change.change });
    case "set_done":
      return settled(state, change);
    case "nearby":
      return { ...state, nearby: change.spaces };
    case "hosting":
      return { ...state, hosting: change.hosting };
    case "space":
      return withSpace(state, change.space);
    case "space_gone":
      return withoutSpace(state, change.space);
    case "room":
      return withRoom(state, change.space, change.room);
    case "room_gone":
      return withoutRoom(state, change.space, change.room);
    case "people":
      return inSpace(state, change.space, (space) => ({
        ...space,
        people: { ...space.people, ...byMember(change.people) },
      }));
    case "presence":
      return inSpace(state, change.space, (space) => ({
        ...space,
        people: { ...space.people, ...byMember(presentPeople(space, change.changes)) },
      }));
    case "typing":
      return inSpace(state, change.space, (space) => ({
        ...space,
        typing: {
          ...space.typing,
          [change.room]: { members: change.members, more: change.more },
        },
      }));
    case "marks":
      return everywhere(state, change.room, (timeline) => ({
        ...timeline,
        marks: withMarks(timeline.marks, change.changes),
      }));
    case "items":
      return withChanged(state, change.room, change.items);
    case "item_gone":
      return withGone(state, change.room, change.id);
    case "reload":
      return everywhere(state, change.room, (timeline) => ({ ...timeline, stale: true }));
    case "open":
      // Where to go is for the actions: they read the page, then open it.
      return state;
    case "attachments":
      return {
        ...state,
        attachments: { ...state.attachments, [placeOf(change)]: change.attachments },
      };
    case "attached":
      return withAttached(state, placeOf(change.to), change.attachment);
    case "thread_draft":
      return withThreadDraft(state, change);
    case "unsent":
      return withNotice(withDraft(state, change), change.refusal);
    case "transfers":
      return { ...state, transfers: withTransfers(state.transfers, change) };
    case "notice":
      return withNotice(state, change.refusal);
    case "opened":
      return opened(change.anew === true ? withoutTimeline(state, change.room) : state, change);
    case "listed":
      return inPlace(state, { list: true });
    case "adding":
      return inPlace(state, { adding: change.on });
    case "page":
      return withPage(state, change);
    case "target":
      return inPlace(state, { target: change.target });
    case "unread_kept":
      return inPlace(state, { unread: change.on });
    case "line_done":
      return inPlace(state, {
        line: state.place.line === null ? null : { ...state.place.line, done: true },
      });
    case "focus":
      return { ...state, focused: change.on };
    case "layout":
      return { ...state, layout: change.layout };
    case "dialog":
      return { ...state, dialog: change.dialog };
    case "drawer":
      return { ...state, drawer: change.drawer };
    case "notice_closed":
      return { ...state, notices: state.notices.filter((notice) => notice.key !== change.key) };
    case "import":
      return { ...state, imports: withImport(state.imports, change.space, change.change) };
  }
}

function withSnapshot(state: State, snapshot: Snapshot): State {
  const spaces = Object.fromEntries(
    snapshot.spaces.map(({ space, rooms, people }) => [
      space.space,
      {
        view: space,
        rooms: Object.fromEntries(rooms.map((room) => [room.room, room])),
        people: byMember(people),
        typing: {},
      },
    ]),
  );
  return {
    ...withSettings(state, snapshot.settings, state.settingsWanted),
    ready: true,
    me: snapshot.me,
    nearby: snapshot.nearby,
    discoveryProblem: snapshot.discovery_problem,
    hosting: snapshot.hosting,
    spaces,
    order: snapshot.spaces.map(({ space }) => space.space),
    timelines: {},
    threads: {},
    attachments: Object.fromEntries(
      snapshot.spaces
        .flatMap((space) => space.attachments)
        .map((draft) => [placeOf(draft), draft.attachments]),
    ),
    threadDrafts: Object.fromEntries(
      snapshot.spaces.flatMap((space) => space.thread_drafts).map((draft) => [draft.thread, draft]),
    ),
    transfers: Object.fromEntries(
      snapshot.spaces.map(({ space, transfers }) => [space.space, byId(transfers)]),
    ),
  };
}

function withSettings(state: State, told: Settings, wanted: Partial<Settings>): State {
  return { ...state, settingsTold: told, settingsWanted: wanted, settings: { ...told, ...wanted } };
}

/** What was changed again meanwhile is still wanted. */
function settled(state: State, { change, kept }: Extract<Change, { event: "set_done" }>): State {
  const told = kept ? { ...state.settingsTold, ...change } : state.settingsTold;
  const wanted = Object.entries(state.settingsWanted).filter(
    ([name, value]) => change[name as keyof Settings] !== value,
  );
  return withSettings(state, told, Object.fromEntries(wanted));
}

/** The core tells of it, too, before or after. */
function withAttached(state: State, place: string, attachment: AttachmentView): State {
  const known = state.attachments[place] ?? [];
  if (known.some(({ id }) => id === attachment.id)) return state;
  return { ...state, attachments: { ...state.attachments, [place]: [...known, attachment] } };
}

function withDraft(
  state: State,
  { space, room, thread, draft: text }: Extract<Change, { event: "unsent" }>,
): State {
  if (thread !== null) return withThreadDraft(state, { room, thread, text });
  return inSpace(state, space, (known) => {
    const view = known.rooms[room];
    const rooms = view ? { ...known.rooms, [room]: { ...view, draft: text } } : known.rooms;
    return { ...known, rooms };
  });
}

function withThreadDraft(state: State, { room, thread, text }: ThreadDraftView): State {
  const others = without(state.threadDrafts, [thread]);
  const threadDrafts = text === "" ? others : { ...others, [thread]: { room, thread, text } };
  return { ...state, threadDrafts };
}

/** Those of other rooms. */
function withoutDraftsOf(drafts: State["threadDrafts"], rooms: readonly RoomId[]) {
  return Object.fromEntries(Object.entries(drafts).filter(([, { room }]) => !rooms.includes(room)));
}

/** What is done is told once, and then no longer on its way. */
function withTransfers(
  known: State["transfers"],
  { space, transfers, gone }: Extract<Change, { event: "transfers" }>,
): State["transfers"] {
  const done = transfers.filter(({ state }) => state === "done").map(({ id }) => id);
  const changed = { ...known[space], ...byId(transfers) };
  return { ...known, [space]: without(changed, [...gone, ...done]) };
}

function byId(transfers: readonly TransferView[]): Record<TransferId, TransferView> {
  return Object.fromEntries(transfers.map((transfer) => [transfer.id, transfer]));
}

function withSpace(state: State, view: SpaceView): State {
  const known = state.spaces[view.space];
  const space: Space = known ? { ...known, view } : { view, rooms: {}, people: {}, typing: {} };
  return {
    ...state,
    spaces: { ...state.spaces, [view.space]: space },
    order: known ? state.order : [...state.order, view.space],
  };
}

function withoutSpace(state: State, gone: SpaceId): State {
  const rooms = Object.keys(state.spaces[gone]?.rooms ?? {});
  const here = state.place.space === gone;
  return {
    ...state,
    spaces: without(state.spaces, [gone]),
    order: state.order.filter((space) => space !== gone),
    timelines: without(state.timelines, rooms),
    threadDrafts: withoutDraftsOf(state.threadDrafts, rooms),
    transfers: without(state.transfers, [gone]),
    imports: without(state.imports, [gone]),
    place: here
      ? { ...state.place, space: null, room: null, line: null, target: null, unread: false }
      : state.place,
    drawer: here ? null : state.drawer,
  };
}

/** What was kept of a room is gone from this computer. */
function withoutRoom(state: State, id: SpaceId, gone: RoomId): State {
  const changed = inSpace(state, id, (space) => ({
    ...space,
    rooms: without(space.rooms, [gone]),
  }));
  const here = state.place.room === gone;
  return {
    ...changed,
    timelines: without(state.timelines, [gone]),
    threadDrafts: withoutDraftsOf(state.threadDrafts, [gone]),
    place: here
      ? { ...state.place, room: null, line: null, target: null, unread: false }
      : state.place,
    drawer: here ? null : state.drawer,
  };
}

/** What is said in a thread stands there; the message that began it stands in both. */
function withChanged(state: State, room: RoomId, items: readonly Item[]): State {
  const threads = { ...state.threads };
  let inThreads = false;
  for (const [thread, known] of Object.entries(state.threads)) {
    const head = items.findLast(({ id }) => id === thread);
    const replies = items.filter((item) => threadOf(item) === thread);
    if (!head && replies.length === 0) continue;
    threads[thread] = { ...known, ...withItems(known, replies), head: head ?? known.head };
    inThreads = true;
  }
  const main = items.filter((item) => threadOf(item) === null);
  const changed = inThreads ? { ...state, threads } : state;
  return inTimeline(changed, room, (timeline) => withItems(timeline, main));
}

/** What waited to be sent was taken back; a thread that it began has no head then. */
function withGone(state: State, room: RoomId, id: EventId): State {
  const changed = everywhere(state, room, (timeline) => withoutItem(timeline, id));
  const begun = changed.threads[id];
  return begun
    ? { ...changed, threads: { ...changed.threads, [id]: { ...begun, head: null } } }
    : changed;
}

function withRoom(state: State, id: SpaceId, room: RoomView): State {
  const changed = inSpace(state, id, (space) => ({
    ...space,
    rooms: { ...space.rooms, [room.room]: room },
  }));
  // What comes while nobody looks gets its line too.
  const away = !isLooking(state) && state.place.room === room.room;
  const wasRead = state.spaces[id]?.rooms[room.room]?.unread === 0;
  const lineIsFree = state.place.line === null || state.place.line.done || wasRead;
  return away && lineIsFree && room.first_unread !== null
    ? inPlace(changed, { line: { seq: room.first_unread, done: false } })
    : changed;
}

/** What is held of it does not show what is wanted: drawing it first would only cost time. */
function withoutTimeline(state: State, room: RoomId | null): State {
  if (room === null || state.timelines[room] === undefined) return state;
  const held = Object.entries(state.timelines).filter(([id]) => id !== room);
  return { ...state, timelines: Object.fromEntries(held) };
}

function opened(state: State, { space, room }: { space: SpaceId; room: RoomId | null }): State {
  const view = room === null ? undefined : state.spaces[space]?.rooms[room];
  const firstUnread = view?.first_unread ?? null;
  const stays = state.place.room === room || !isOfRoom(state.drawer);
  // Where it covers the room, nobody would see that one has gone anywhere.
  const covers = state.layout.includes("one-pane");
  return {
    ...state,
    drawer: state.place.space === space && stays && !covers ? state.drawer : null,
    place: {
      space,
      room,
      list: room === null,
      adding: false,
      line: firstUnread === null ? null : { seq: firstUnread, done: false },
      target: null,
      unread: false,
    },
  };
}

/** What the drawer shows belongs to the room that is open. */
function isOfRoom(drawer: Drawer | null): boolean {
  switch (drawer?.kind) {
    case "details":
    case "pins":
    case "threads":
    case "thread":
    case "message":
      return true;
    case "people":
      return drawer.room;
    case "search":
    case undefined:
      return false;
  }
}

function withPage(state: State, change: Extract<Change, { event: "page" }>): State {
  if (change.thread !== null) {
    const { thread, room, page } = change;
    const known = state.threads[thread];
    const head = page.head ? unchanged(known?.head, page.head) : (known?.head ?? null);
    const made = { ...placed(known, change), room, head };
    const rest = Object.entries(state.threads).filter(([id]) => id !== thread);
    const threads = Object.fromEntries([...rest.slice(-(THREADS_KEPT - 1)), [thread, made]]);
    return { ...state, threads };
  }
  const known = state.timelines[change.room];
  const timeline = placed(known, change);
  const others = Object.entries(state.timelines).filter(([room]) => room !== change.room);
  // Whichever was read last stands last, and the first give way.
  const kept = others.slice(-(TIMELINES_KEPT - 1));
  return { ...state, timelines: Object.fromEntries([...kept, [change.room, timeline]]) };
}

function placed(known: Timeline | undefined, change: Extract<Change, { event: "page" }>): Timeline {
  switch (change.where) {
    case "newest":
    case "around":
      return fromPage(change.page, known);
    case "before":
      return known ? before(known, change.page) : fromPage(change.page);
    case "after":
      return known ? after(known, change.page) : fromPage(change.page);
  }
}

function withNotice(state: State, refusal: Refusal): State {
  const key = (state.notices.at(-1)?.key ?? 0) + 1;
  return { ...state, notices: [...state.notices, { key, refusal }].slice(-NOTICES_SHOWN) };
}

function presentPeople(
  space: Space,
  changes: Extract<Change, { event: "presence" }>["changes"],
): PersonView[] {
  return changes.flatMap(({ member, state, text, last_seen }) => {
    const person = space.people[member];
    return person ? [{ ...person, state, text, last_seen }] : [];
  });
}

function byMember(people: readonly PersonView[]): Record<string, PersonView> {
  return Object.fromEntries(people.map((person) => [person.member, person]));
}

function inSpace(state: State, id: SpaceId, change: (space: Space) => Space): State {
  const space = state.spaces[id];
  return space ? { ...state, spaces: { ...state.spaces, [id]: change(space) } } : state;
}

function inTimeline(state: State, room: RoomId, change: (old: Timeline) => Timeline): State {
  const timeline = state.timelines[room];
  if (!timeline) return state;
  const changed = change(timeline);
  return changed === timeline
    ? state
    : { ...state, timelines: { ...state.timelines, [room]: changed } };
}

/** In the room's own timeline, and in its threads that are here. */
function everywhere(state: State, room: RoomId, change: (old: Timeline) => Timeline): State {
  const changed = inTimeline(state, room, change);
  if (!Object.values(state.threads).some((thread) => thread.room === room)) return changed;
  const threads = Object.entries(state.threads).map(([id, thread]) => [
    id,
    thread.room === room ? { ...thread, ...change(thread) } : thread,
  ]);
  return { ...changed, threads: Object.fromEntries(threads) as State["threads"] };
}

function inPlace(state: State, change: Partial<Place>): State {
  return { ...state, place: { ...state.place, ...change } };
}

function without<T>(record: Readonly<Record<string, T>>, keys: readonly string[]) {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}
