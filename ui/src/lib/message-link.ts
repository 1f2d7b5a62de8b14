// The address of a message, to be given to others in the same space: it opens in the window.

import type { EventId } from "../backend/gen/EventId";
import type { RoomId } from "../backend/gen/RoomId";
import type { SpaceId } from "../backend/gen/SpaceId";

export interface MessageAddress {
  space: SpaceId;
  room: RoomId;
  item: EventId;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function messageLink({ space, room, item }: MessageAddress): string {
  return `landline://message?space=${space}&room=${room}&item=${item}`;
}

/** What an address names; null of any other. */
export function parseMessageLink(url: string): MessageAddress | null {
  if (!/^landline:\/\/message\?/i.test(url)) return null;
  const named = new URLSearchParams(url.slice(url.indexOf("?") + 1));
  const [space, room, item] = ["space", "room", "item"].map((name) => named.get(name) ?? "");
  if (space === undefined || room === undefined || item === undefined) return null;
  return [space, room, item].every((id) => ID.test(id)) ? { space, room, item } : null;
}
