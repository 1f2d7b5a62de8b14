// How far one's own message has come, from its state and the room's marks. Pure.

import type { Item } from "../backend/gen/Item";
import type { MemberId } from "../backend/gen/MemberId";
import type { Timeline } from "./state";

/** What the mark beside a message says; `data-ticks` in the page. */
export type Ticks = "queued" | "node" | "delivered" | "read";

export interface Reach {
  ticks: Ticks;
  /** Others who have it on their device. */
  delivered: MemberId[];
  /** Others who had it on their screen. */
  read: MemberId[];
}

/** Members in a room up to which the node tells everybody's marks. */
export const MARKS_MEMBERS = 100;

export function reachOf(
  item: Item,
  marks: Timeline["marks"],
  me: MemberId,
  memberCount: number,
): Reach {
  const { seq } = item;
  if (item.state.state !== "accepted" || seq === null) {
    return { ticks: "queued", delivered: [], read: [] };
  }
  if (memberCount > MARKS_MEMBERS) return { ticks: "node", delivered: [], read: [] };
  const others = Object.values(marks).filter((mark) => mark.member !== me);
  const read = others.filter((mark) => mark.read >= seq).map((mark) => mark.member);
  const delivered = others
    .filter((mark) => mark.delivered >= seq || mark.read >= seq)
    .map((mark) => mark.member);
  const ticks = read.length > 0 ? "read" : delivered.length > 0 ? "delivered" : "node";
  return { ticks, delivered, read };
}
