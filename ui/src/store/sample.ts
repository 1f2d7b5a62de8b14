// Plain things for tests, with dull defaults: a test names only what it is about.

import type { Item } from "../backend/gen/Item";
import type { Page } from "../backend/gen/Page";
import type { PersonView } from "../backend/gen/PersonView";
import type { RoomView } from "../backend/gen/RoomView";
import type { Snapshot } from "../backend/gen/Snapshot";
import type { SpaceView } from "../backend/gen/SpaceView";
import { message, spaceView } from "../backend/fake/scene";
import { reduce } from "./reduce";
import { EMPTY, type State } from "./state";

export const ME = "me";
export const START = Date.UTC(2026, 10, 20, 9, 0);
export const MINUTE = 60_000;

/** A message with this seq, written a minute after the one before. */
export function said(seq: number, author = "ana", text = `text ${seq}`): Item {
  return message(`id-${seq}`, seq, author, START + seq * MINUTE, text);
}

export function queued(id: string, text = id): Item {
  return message(id, null, ME, START, text);
}

export function accepted(item: Item, seq: number): Item {
  return { ...item, seq, accepted_at: START + seq * MINUTE, state: { state: "accepted" } };
}

export function page(items: Item[], more: Partial<Page> = {}): Page {
  return {
    head: null,
    items,
    more_before: false,
    more_after: false,
    hole_before: false,
    marks: [],
    ...more,
  };
}

export function person(member: string, more: Partial<PersonView> = {}): PersonView {
  return {
    member,
    name: member,
    role: "member",
    here: true,
    state: "online",
    text: "",
    last_seen: null,
    ...more,
  };
}

export function room(id: string, more: Partial<RoomView> = {}): RoomView {
  return {
    room: id,
    kind: "public",
    name: id,
    topic: "",
    archived: false,
    everyone: false,
    open: true,
    creator: null,
    may: {
      write: true,
      pin: true,
      delete_others: false,
      invite: true,
      change: false,
      remove: false,
      leave: true,
    },
    unread_replies: 0,
    pins: 0,
    level: "everything",
    member_count: 3,
    members: [],
    head: 0,
    came: 0,
    read: 0,
    unread: 0,
    mentions: 0,
    first_unread: null,
    last_at: null,
    draft: "",
    queued: 0,
    ...more,
  };
}

export function space(more: Partial<SpaceView> = {}): SpaceView {
  return { ...spaceView("studio", "Studio", "Ana’s desk"), me: ME, ...more };
}

export function snapshot(rooms: RoomView[], people: PersonView[] = [person(ME)]): Snapshot {
  return {
    me: {
      member: ME,
      name: "Mira",
      suggested_name: "Mira",
      version: "0.1.0",
      data_dir: "/data",
      platform: "linux",
    },
    settings: EMPTY.settings,
    nearby: [],
    hosting: [],
    spaces: [{ space: space(), rooms, people, attachments: [], thread_drafts: [], transfers: [] }],
    discovery_problem: null,
  };
}

/** A state with these rooms, in the first of which one is. */
export function inRooms(...rooms: RoomView[]): State {
  const state = reduce(EMPTY, { event: "snapshot", ...snapshot(rooms) });
  return reduce(state, { event: "opened", space: "studio", room: rooms[0]?.room ?? null });
}
