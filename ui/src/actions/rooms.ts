// Going from room to room, and what belongs to it: reading pages and marks.

import type { App } from "../app.svelte";
import type { Request } from "../backend/backend";
import type { EventId } from "../backend/gen/EventId";
import type { Item } from "../backend/gen/Item";
import type { MemberId } from "../backend/gen/MemberId";
import type { RoomId } from "../backend/gen/RoomId";
import type { SpaceId } from "../backend/gen/SpaceId";
import { t } from "../i18n/t";
import type { MessageAddress } from "../lib/message-link";
import { currentRoom, currentSpace, isUnread, roomsInOrder, threadOf } from "../store/select";
import { firstItems, PAGE_ITEMS, type Target } from "../store/state";

/** Replies asked for at once. */
const THREAD_ITEMS = 100;

/** Opens a room at its first unread message, or at its end. */
export async function openRoom(app: App, space: SpaceId, room: RoomId): Promise<void> {
  const view = app.state.spaces[space]?.rooms[room];
  const firstUnread = view?.first_unread ?? null;
  const known = app.state.timelines[room];
  const covered =
    known !== undefined &&
    !known.stale &&
    !known.moreAfter &&
    (firstUnread === null || known.items.some((item) => (item.seq ?? Infinity) <= firstUnread));
  open(app, space, room, covered);
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
  const inOrder = roomsInOrder(there, null);
  // Whoever is new may have no other room than the one for everyone, and that may be archived.
  const everyone = Object.values(there.rooms).find((one) => one.everyone);
  const room = last ?? inOrder.find((one) => one.everyone) ?? inOrder[0] ?? everyone;
  if (room) {
    await openRoom(app, space, room.room);
    return;
  }
  const { place } = app.state;
  const isOpen = place.space === space && place.room === null && !place.adding;
  if (!isOpen) app.change({ event: "opened", space, room: null });
}

/** `held`: what is held of the room has what is to be seen. */
function open(app: App, space: SpaceId, room: RoomId, held: boolean): void {
  const anew = !held && app.state.place.room !== room;
  app.change({ event: "opened", space, room, anew });
}

/** Opens a room at one item and lights it up; one that stands in a thread, in the drawer. */
export async function openAt(
  app: App,
  space: SpaceId,
  room: RoomId,
  item: Target | null,
): Promise<void> {
  if (item === null) {
    await openRoom(app, space, room);
    return;
  }
  const found = item.seq === null ? await findItem(app, space, item.id) : item;
  if (found === null || found.seq === null) {
    await openRoom(app, space, room);
    // It is on its way to the end of the room, and is gone to when it comes: see the timeline.
    app.change({ event: "target", target: item });
    return;
  }
  const { thread } = found;
  // Within a thread one comes from anywhere: its place in the room is that of its first message.
  const head = thread == null ? found : await findItem(app, space, thread);
  const seq = head?.seq ?? found.seq;
  const target = head?.id ?? found.id;
  const held = app.state.timelines[room]?.items.some(({ id }) => id === target) === true;
  open(app, space, room, held);
  if (!held) await readAround(app, space, room, seq);
  if (thread != null) await openThread(app, space, room, thread, found);
  else app.change({ event: "target", target: { id: found.id, seq: found.seq } });
}

/**
 * Where a link to a message leads. One of a space that one is not in leads nowhere, one to what is
 * not on this computer to its room.
 */
export async function openLinked(app: App, address: MessageAddress): Promise<void> {
  const { space, room, item } = address;
  if (app.state.spaces[space]?.rooms[room] === undefined) {
    app.notice({ code: "not_found", message: t("message.link_elsewhere") });
    return;
  }
  const found = await app.tell("item", { space, id: item });
  if (found === null) return;
  if (found.item === null) {
    await openRoom(app, space, room);
    app.notice({ code: "not_found", message: t("message.link_not_here") });
    return;
  }
  const { seq } = found.item;
  await openAt(app, space, found.room ?? room, { id: item, seq, thread: threadOf(found.item) });
}

/** Null where it is not on this computer, and where that can't be asked. */
async function findItem(app: App, space: SpaceId, id: EventId): Promise<Target | null> {
  const item = (await app.tell("item", { space, id }))?.item ?? null;
  return item === null ? null : { id, seq: item.seq, thread: threadOf(item) };
}

/** Shows a thread in the drawer, at its end or at one reply. */
export async function openThread(
  app: App,
  space: SpaceId,
  room: RoomId,
  thread: EventId,
  at: Target | null = null,
): Promise<void> {
  app.change({ event: "drawer", drawer: { kind: "thread", thread, at } });
  const held = app.state.threads[thread]?.items.some(({ id }) => id === at?.id) === true;
  if (!held) await readThread(app, space, room, thread, at?.seq ?? null);
}

/** A stretch of a thread around `seq`; null: the newest of it. */
export async function readThread(
  app: App,
  space: SpaceId,
  room: RoomId,
  thread: EventId,
  seq: number | null = null,
): Promise<void> {
  if (seq === null) await app.read(page(space, room, {}, thread), "newest");
  else await app.read(page(space, room, { around: seq }, thread), "around");
}

/** What was said in a thread before what is held. */
export async function readThreadBefore(
  app: App,
  space: SpaceId,
  room: RoomId,
  thread: EventId,
): Promise<void> {
  await readOn(app, space, room, thread, "before");
}

/** What was said in a thread after what is held. */
export async function readThreadAfter(
  app: App,
  space: SpaceId,
  room: RoomId,
  thread: EventId,
): Promise<void> {
  await readOn(app, space, room, thread, "after");
}

export async function readNewest(app: App, space: SpaceId, room: RoomId): Promise<void> {
  await app.read(page(space, room, {}), "newest");
}

async function readAround(app: App, space: SpaceId, room: RoomId, seq: number): Promise<void> {
  await app.read(page(space, room, { around: seq }), "around");
}

/** The page above what is held. Answers whether there was anything to read. */
export async function readBefore(app: App, space: SpaceId, room: RoomId): Promise<boolean> {
  return await readOn(app, space, room, null, "before");
}

/** The page below what is held. */
export async function readAfter(app: App, space: SpaceId, room: RoomId): Promise<boolean> {
  return await readOn(app, space, room, null, "after");
}

/** The page before or after what is held of a room or of a thread, one at a time. */
async function readOn(
  app: App,
  space: SpaceId,
  room: RoomId,
  thread: EventId | null,
  where: "before" | "after",
): Promise<boolean> {
  const held = thread === null ? app.state.timelines[room] : app.state.threads[thread];
  const isIn = (item: Item) => item.seq !== null;
  const edge = where === "before" ? held?.items.find(isIn) : held?.items.findLast(isIn);
  const more = where === "before" ? held?.moreBefore : held?.moreAfter;
  if (more !== true || edge?.seq == null || app.isReading(thread ?? room)) return false;
  return await app.read(page(space, room, { [where]: edge.seq }, thread), where);
}

/**
 * Reads again what is held, around `seq` where one has scrolled up; null: at the end. While a page of
 * the room is being read it waits: what asks for it is applied after that page, and asks once more.
 */
export async function readAgain(
  app: App,
  space: SpaceId,
  room: RoomId,
  seq: number | null,
): Promise<void> {
  if (app.isReading(room)) return;
  if (seq === null) await readNewest(app, space, room);
  // What is held goes: with a whole page, what one looks at stays where it is.
  else await app.read({ ...page(space, room, { around: seq }), limit: PAGE_ITEMS }, "around");
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
    if (room && room.room !== open && (!unreadOnly || isUnread(room))) {
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
  app.change({ event: "unread_kept", on: false });
  app.hint("read", { space: space.view.space, room: room.room, seq: room.head });
}

/** Starts, or finds, the direct room with these people and opens it. */
export async function writeTo(app: App, space: SpaceId, members: MemberId[]): Promise<void> {
  const me = app.state.spaces[space]?.view.me;
  const wanted = new Set(members.filter((member) => member !== me));
  const known = Object.values(app.state.spaces[space]?.rooms ?? {}).find((room) => {
    const others = room.members.filter((member) => member !== me);
    return (
      room.kind === "direct" &&
      others.length === wanted.size &&
      others.every((member) => wanted.has(member))
    );
  });
  if (known) {
    await openRoom(app, space, known.room);
    return;
  }
  const made = await app.tell("create_room", {
    space,
    kind: "direct",
    name: "",
    topic: "",
    members: [...wanted],
  });
  if (made) await openRoom(app, space, made.room);
}

export async function messagePerson(app: App, space: SpaceId, member: MemberId): Promise<void> {
  await writeTo(app, space, [member]);
}

/** Changes a room's name, topic or archive. Answers whether it is in the outbox. */
export async function changeRoom(
  app: App,
  space: SpaceId,
  room: RoomId,
  change: { name?: string; topic?: string; archived?: boolean },
): Promise<boolean> {
  const { name = null, topic = null, archived = null } = change;
  return (await app.tell("change_room", { space, room, name, topic, archived })) !== null;
}

/** The room counts as unread from this message on, and stays so while it is open. */
export async function markUnread(
  app: App,
  space: SpaceId,
  room: RoomId,
  seq: number,
): Promise<void> {
  app.change({ event: "unread_kept", on: true });
  await app.tell("mark_unread", { space, room, seq });
}

/** `thread`: of this thread; null: of the room itself. */
function page(
  space: SpaceId,
  room: RoomId,
  at: { before?: number; after?: number; around?: number },
  thread: EventId | null = null,
): Request<"page"> {
  const { before = null, after = null, around = null } = at;
  const part = thread === null ? ("main" as const) : { thread };
  const first = before === null && after === null;
  const ofRoom = first ? firstItems(innerHeight) : PAGE_ITEMS;
  const limit = thread === null ? ofRoom : THREAD_ITEMS;
  return { space, room, part, before, after, around, limit };
}
