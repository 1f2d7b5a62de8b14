// Questions that views ask of the state. Pure, and cheap to ask again: what costs is remembered
// with the part of the state that it comes from.

import type { EventId } from "../backend/gen/EventId";
import type { File } from "../backend/gen/File";
import type { HostingView } from "../backend/gen/HostingView";
import type { Item } from "../backend/gen/Item";
import type { MemberId } from "../backend/gen/MemberId";
import type { MessageView } from "../backend/gen/MessageView";
import type { PersonView } from "../backend/gen/PersonView";
import type { PresenceState } from "../backend/gen/PresenceState";
import type { RoomId } from "../backend/gen/RoomId";
import type { RoomView } from "../backend/gen/RoomView";
import type { SpaceId } from "../backend/gen/SpaceId";
import type { TransferView } from "../backend/gen/TransferView";
import { kindOf } from "../lib/files";
import type { Named } from "../lib/markup";
import type { Space, State, Thread, Timeline } from "./state";

export type MessageItem = Item & { body: { kind: "message" } & MessageView };

export function isMessage(item: Item): item is MessageItem {
  return item.body.kind === "message";
}

/** The thread that a message stands in; null for what stands in the room itself. */
export function threadOf(item: Item): EventId | null {
  return isMessage(item) ? item.body.thread : null;
}

/** What one writes in goes by its thread, else by its room. */
export function placeOf({ room, thread }: { room: RoomId; thread: EventId | null }): string {
  return thread ?? room;
}

/** What was typed there and not sent, as far as the core knows: see `Drafts`. */
export function draftOf(
  state: State,
  { space, room, thread }: { space: SpaceId; room: RoomId; thread: EventId | null },
): string {
  return thread === null
    ? (state.spaces[space]?.rooms[room]?.draft ?? "")
    : (state.threadDrafts[thread]?.text ?? "");
}

/** A file of a message on its way, if it is on one. */
export function transferOf(
  state: State,
  file: { space: SpaceId; event: EventId; blake3: string },
): TransferView | null {
  return (
    Object.values(state.transfers[file.space] ?? {}).find(
      ({ event, blake3 }) => event === file.event && blake3 === file.blake3,
    ) ?? null
  );
}

/** How this computer hosts a space, or can host it again; null where it never has. */
export function hostingOf(state: State, space: SpaceId): HostingView | null {
  return state.hosting.find((one) => one.space === space) ?? null;
}

/** The space that this computer hosts now. */
export function hostedNow(state: State): HostingView | null {
  return state.hosting.find(({ on }) => on) ?? null;
}

/** What this computer has hosted and one is not in. */
export function hostedBefore(state: State): HostingView[] {
  return state.hosting.filter(({ space }) => !(space in state.spaces));
}

export function currentSpace(state: State): Space | null {
  return state.place.space === null ? null : (state.spaces[state.place.space] ?? null);
}

/** The node has the last word. */
export function mayImport({ view }: Space): boolean {
  return view.role === "owner" || view.role === "admin";
}

export function currentRoom(state: State): RoomView | null {
  const space = currentSpace(state);
  return space && state.place.room !== null ? (space.rooms[state.place.room] ?? null) : null;
}

/** Nothing that covers it lies over the room. */
export function roomVisible({ place, dialog, drawer, layout }: State): boolean {
  if (dialog?.kind === "viewer") return false;
  if (drawer !== null && layout.includes("one-pane")) return false;
  return !(place.list && layout.includes("list-over"));
}

/** The thread in the drawer, where nothing that covers it lies over it. */
export function threadVisible({ place, dialog, drawer, layout }: State): EventId | null {
  if (dialog?.kind === "viewer" || drawer?.kind !== "thread") return null;
  return place.list && layout.includes("list-over") ? null : drawer.thread;
}

/** Somebody has the room before them: what comes in it is seen. */
export function isLooking(state: State): boolean {
  return state.focused && roomVisible(state);
}

export function currentTimeline(state: State): Timeline | null {
  return state.place.room === null ? null : (state.timelines[state.place.room] ?? null);
}

/** A thread as it reads: the message that began it, then what was said in it. */
export function itemsOf({ head, items }: Thread): readonly Item[] {
  return head === null ? items : [head, ...items];
}

/** An item that is held here: of the room that is open, or of a thread. */
export function heldItem(state: State, id: EventId): Item | null {
  const stretches = [
    currentTimeline(state)?.items ?? [],
    ...Object.values(state.threads).map(itemsOf),
  ];
  for (const items of stretches) {
    const found = items.find((item) => item.id === id);
    if (found) return found;
  }
  return null;
}

/** What people are called here. Names need not be unique: alike ones get the start of the key. */
export function displayNames(people: Space["people"]): ReadonlyMap<MemberId, string> {
  return remembered(namesOf, people, () => {
    const count = new Map<string, number>();
    for (const { name } of Object.values(people)) count.set(name, (count.get(name) ?? 0) + 1);
    return new Map(
      Object.values(people).map(({ member, name }) => [
        member,
        (count.get(name) ?? 0) > 1 ? `${name} (${member.slice(0, 4)})` : name,
      ]),
    );
  });
}

/** A name for everybody: somebody not known yet goes by the start of their key. */
export function nameOf(space: Space, member: MemberId): string {
  return displayNames(space.people).get(member) ?? member.slice(0, 4);
}

/** Who wrote it: an imported message names somebody without a key here. */
export function authorName(space: Space, item: Item): string {
  const imported = isMessage(item) ? item.body.imported_name : null;
  return imported ?? nameOf(space, item.author);
}

/** A direct room is called after the others in it. */
export function roomName(space: Space, room: RoomView): string {
  if (room.kind !== "direct") return room.name;
  const others = room.members.filter((member) => member !== space.view.me);
  return (others.length > 0 ? others : room.members)
    .map((member) => nameOf(space, member))
    .join(", ");
}

/** Whether somebody is there: without the link nobody knows. */
export function presenceOf(space: Space, person: PersonView): PresenceState {
  return space.view.link.state === "connected" ? person.state : "offline";
}

export interface RoomSections {
  /** Whatever has something that one has not read. */
  unread: RoomView[];
  rooms: RoomView[];
  direct: RoomView[];
}

/** Something in it wants to be read. */
export function isUnread(room: RoomView): boolean {
  return room.open && (room.unread > 0 || room.unread_replies > 0);
}

/** What of it is for me: mentions, replies in my threads, all of a direct room. */
export function loudOf(room: RoomView): number {
  return (room.kind === "direct" ? room.unread : room.mentions) + room.unread_replies;
}

/** Rooms of the sidebar: those one is in, and the one that is open even if one no longer is. */
export function roomSections(space: Space, open: string | null): RoomSections {
  const shown = Object.values(space.rooms).filter(
    (room) => room.kind !== "unknown" && ((room.open && !room.archived) || room.room === open),
  );
  const byName = (a: RoomView, b: RoomView) =>
    Number(b.everyone) - Number(a.everyone) || roomName(space, a).localeCompare(roomName(space, b));
  const byTime = (a: RoomView, b: RoomView) => (b.last_at ?? 0) - (a.last_at ?? 0);
  // The one that is open stays where it is: nothing moves under the pointer of who reads it.
  const unread = shown.filter(
    (room) => isUnread(room) && room.room !== open && room.level !== "nothing",
  );
  const rest = shown.filter((room) => !unread.includes(room));
  return {
    unread: unread.sort((a, b) => Number(loudOf(b) > 0) - Number(loudOf(a) > 0) || byName(a, b)),
    rooms: rest.filter((room) => room.kind !== "direct").sort(byName),
    direct: rest.filter((room) => room.kind === "direct").sort(byTime),
  };
}

/** In the order of the sidebar, as the keys go through them. */
export function roomsInOrder(space: Space, open: string | null): RoomView[] {
  const { unread, rooms, direct } = roomSections(space, open);
  return [...unread, ...rooms, ...direct];
}

export interface Unread {
  messages: number;
  /** Mentions of me, and everything in direct rooms. */
  loud: number;
}

export function unreadOf(space: Space): Unread {
  let messages = 0;
  let loud = 0;
  for (const room of Object.values(space.rooms)) {
    if (!room.open) continue;
    if (room.level === "nothing") continue;
    messages += room.unread + room.unread_replies;
    loud += loudOf(room);
  }
  return { messages, loud };
}

const PRESENCE_ORDER = { online: 0, unknown: 0, away: 1, dnd: 2, offline: 3 } as const;

/** Who is in the space: those who are there first, then by name; I am first of all. */
export function peopleOf(space: Space): PersonView[] {
  return remembered(sortedPeople, space.people, () =>
    Object.values(space.people)
      .filter((person) => person.here)
      .sort(
        (a, b) =>
          Number(b.member === space.view.me) - Number(a.member === space.view.me) ||
          PRESENCE_ORDER[a.state] - PRESENCE_ORDER[b.state] ||
          a.name.localeCompare(b.name),
      ),
  );
}

/** A picture that stands in a timeline. */
export interface PictureItem {
  item: MessageItem;
  file: File;
}

/** The pictures of these messages, in their order; each once in a message that has it twice. */
export function picturesOf(items: readonly Item[]): PictureItem[] {
  return items
    .filter(isMessage)
    .filter(({ body }) => !body.deleted && body.files.length > 0)
    .flatMap((item) =>
      item.body.files
        .filter(({ type }) => kindOf(type) === "image")
        .filter(({ blake3 }, at, all) => all.findIndex((other) => other.blake3 === blake3) === at)
        .map((file) => ({ item, file })),
    );
}

/** One's own last message in the room, which Up edits. */
export function lastOwn(timeline: Timeline, me: MemberId): MessageItem | null {
  return (
    timeline.items.filter(isMessage).findLast((item) => isMine(item, me) && !item.body.deleted) ??
    null
  );
}

/** Written by me, here: what I have imported is somebody else's. */
export function isMine(item: MessageItem, me: MemberId): boolean {
  return item.author === me && item.body.imported_name === null;
}

/** Rooms by what they are called, for `#` in a text: those that one can open. */
export function roomsByName(space: Space): ReadonlyMap<string, RoomView> {
  return remembered(roomNames, space.rooms, () => {
    const named = Object.values(space.rooms).filter(
      (room) => room.kind === "public" || room.kind === "private",
    );
    return new Map(named.map((room) => [room.name, room]));
  });
}

/** Whom and which rooms a message names, as they are called now. */
export function namedIn(space: Space, { text, mentions }: MessageView): Named[] {
  const people = mentions.map((mention): Named =>
    mention === "room"
      ? { sign: "@", name: "room", me: true }
      : { sign: "@", name: nameOf(space, mention), me: mention === space.view.me },
  );
  if (!text.includes("#")) return people;
  const rooms = [...roomsByName(space).keys()].filter((name) => text.includes(`#${name}`));
  return [...people, ...rooms.map((name): Named => ({ sign: "#", name, me: false }))];
}

/** By the node's clock where it has one; imported messages by theirs. */
export function timeOf(item: Item): number {
  const imported = isMessage(item) ? item.body.imported_at : null;
  return imported ?? item.accepted_at ?? item.sent_at;
}

const roomNames = new WeakMap<Space["rooms"], ReadonlyMap<string, RoomView>>();
const namesOf = new WeakMap<Space["people"], ReadonlyMap<MemberId, string>>();
const sortedPeople = new WeakMap<Space["people"], PersonView[]>();

function remembered<K extends object, V>(cache: WeakMap<K, V>, key: K, make: () => V): V {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make();
  cache.set(key, made);
  return made;
}
