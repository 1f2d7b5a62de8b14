// Going from room to room, and what belongs to it: reading pages and marks.

import type { App } from "../app.svelte";
import type { EventId } from "../backend/gen/EventId";
import type { RoomId } from "../backend/gen/RoomId";
import type { SpaceId } from "../backend/gen/SpaceId";
import { currentRoom, currentSpace, roomsInOrder } from "../store/select";
import { PAGE_ITEMS } from "../store/state";

/** Opens a room at its first unread message, or at its end. */
export async function openRoom(app: App, space: SpaceId, room: RoomId): Promise<void> {
  const view = app.state.spaces[space]?.rooms[room];
  const firstUnread = view?.first_unread ?? null;
  app.change({ event: "opened", space, room });
  remember(app, space, room);
  const known = app.state.timelines[room];
  const covered =
    known !== undefined &&
    !known.stale &&
    !known.moreAfter &&
    (firstUnread === null || known.items.some((item) => (item.seq ?? Infinity) <= firstUnread));
  if (covered) return;
  if (firstUnread === null) await readNewest(app, space, room);
  else await readAround(app, space, room, firstUnread);
}

/** Opens a space where one was last, else in its first room. */
export async function openSpace(app: App, space: SpaceId): Promise<void> {
  const there = app.state.spaces[space];
  if (!there) return;
  const { last_room } = app.state.settings;
  const last = last_room === null ? undefined : there.rooms[last_room];
  const room = last ?? roomsInOrder(there, null)[0];
  if (room) await openRoom(app, space, room.room);
  else {
    app.change({ event: "opened", space, room: null });
  }
}

/** Opens a room at one item and lights it up. */
export async function openAt(
  app: App,
  space: SpaceId,
  room: RoomId,
  item: { id: EventId; seq: number | null } | null,
): Promise<void> {
  if (item === null || item.seq === null) {
    await openRoom(app, space, room);
    if (item !== null) app.change({ event: "target", target: item });
    return;
  }
  if (app.state.place.room !== room) {
    app.change({ event: "opened", space, room });
    remember(app, space, room);
  } else {
    app.change({ event: "opened", space, room });
  }
  const held = app.state.timelines[room]?.items.some(({ id }) => id === item.id) === true;
  if (!held) await readAround(app, space, room, item.seq);
  app.change({ event: "target", target: item });
}

export async function readNewest(app: App, space: SpaceId, room: RoomId): Promise<void> {
  await app.read(page(space, room, {}), "newest");
}

async function readAround(app: App, space: SpaceId, room: RoomId, seq: number): Promise<void> {
  await app.read(page(space, room, { around: seq }), "around");
}

/** The page above what is held. Answers whether there was anything to read. */
export async function readBefore(app: App, space: SpaceId, room: RoomId): Promise<boolean> {
  const timeline = app.state.timelines[room];
  const first = timeline?.items.find((item) => item.seq !== null)?.seq ?? null;
  if (!timeline?.moreBefore || timeline.holeBefore || first === null || app.isReading(room)) {
    return false;
  }
  return await app.read(page(space, room, { before: first }), "before");
}

/** The page below what is held. */
export async function readAfter(app: App, space: SpaceId, room: RoomId): Promise<boolean> {
  const timeline = app.state.timelines[room];
  const last = timeline?.items.findLast((item) => item.seq !== null)?.seq ?? null;
  if (!timeline?.moreAfter || last === null || app.isReading(room)) return false;
  return await app.read(page(space, room, { after: last }), "after");
}

/** Reads again what is held, around `seq` where one has scrolled up; null: at the end. */
export async function readAgain(
  app: App,
  space: SpaceId,
  room: RoomId,
  seq: number | null,
): Promise<void> {
  if (seq === null) await readNewest(app, space, room);
  else await readAround(app, space, room, seq);
}

/** The next or previous room in the sidebar's order; of the unread ones only, if asked. */
export async function stepRoom(app: App, step: 1 | -1, unreadOnly: boolean): Promise<void> {
  const space = currentSpace(app.state);
  if (!space) return;
  const { room: open } = app.state.place;
  const rooms = roomsInOrder(space, open);
  const from = rooms.findIndex((room) => room.room === open);
  for (let n = 1; n <= rooms.length; n += 1) {
    const room = rooms[(from + step * n + rooms.length * n) % rooms.length];
    if (room && room.room !== open && (!unreadOnly || room.unread > 0)) {
      await openRoom(app, space.view.space, room.room);
      return;
    }
  }
}

/** Reads the open room to its end. */
export function markRead(app: App): void {
  const space = currentSpace(app.state);
  const room = currentRoom(app.state);
  if (!space || !room || room.unread === 0) return;
  app.hint("read", { space: space.view.space, room: room.room, seq: room.head });
}

/** Starts, or finds, the direct room with a person and opens it. */
export async function messagePerson(app: App, space: SpaceId, member: string): Promise<void> {
  const me = app.state.spaces[space]?.view.me;
  const known = Object.values(app.state.spaces[space]?.rooms ?? {}).find(
    (room) =>
      room.kind === "direct" &&
      room.members.length === 2 &&
      room.members.every((one) => one === member || one === me),
  );
  if (known) {
    await openRoom(app, space, known.room);
    return;
  }
  const made = await app.tell("create_room", {
    space,
    kind: "direct",
    name: "",
    topic: "",
    members: [member],
  });
  if (made) await openRoom(app, space, made.room);
}

function remember(app: App, space: SpaceId, room: RoomId): void {
  const { settings } = app.state;
  if (settings.last_space === space && settings.last_room === room) return;
  app.hint("set_settings", { settings: { ...settings, last_space: space, last_room: room } });
}

function page(
  space: SpaceId,
  room: RoomId,
  at: { before?: number; after?: number; around?: number },
) {
  const { before = null, after = null, around = null } = at;
  return { space, room, before, after, around, limit: PAGE_ITEMS };
}
