// A timeline's items as the rows that are drawn: day lines, the unread line, messages grouped by
// author, system events gathered. Pure.

import type { Item } from "../backend/gen/Item";
import { isMessage, timeOf, type MessageItem } from "./select";
import type { UnreadLine } from "./state";

export type Row =
  | { kind: "day"; key: string; at: number }
  | { kind: "unread"; key: string; done: boolean }
  | { kind: "system"; key: string; items: Item[] }
  | {
      kind: "message";
      key: string;
      item: MessageItem;
      /** Begins a group: shows who wrote it and when. */
      head: boolean;
    };

/** Messages of one author within this time stand together. */
export const GROUP_MS = 5 * 60_000;

export function rowsOf(items: readonly Item[], line: UnreadLine | null): Row[] {
  const rows: Row[] = [];
  let day = "";
  let lineDrawn = line === null;
  let last: MessageItem | null = null;
  for (const item of items) {
    if (!isMessage(item) && !isShown(item)) continue;
    const at = timeOf(item);
    const itsDay = new Date(at).toDateString();
    if (itsDay !== day) {
      day = itsDay;
      last = null;
      rows.push({ kind: "day", key: `day ${item.id}`, at });
    }
    if (!lineDrawn && line !== null && (item.seq ?? Infinity) >= line.seq) {
      lineDrawn = true;
      last = null;
      rows.push({ kind: "unread", key: "unread", done: line.done });
    }
    if (isMessage(item)) {
      rows.push({ kind: "message", key: item.id, item, head: !follows(item, last) });
      last = item;
    } else {
      gather(rows, item);
      last = null;
    }
  }
  return rows;
}

/**
 * The highest seq down to the row with this key; of all rows where there is none with it (what
 * stands below them has no seq: my queued messages, the invitation).
 */
export function seqAbove(rows: readonly Row[], key: string | undefined): number | null {
  const index = rows.findIndex((row) => row.key === key);
  const above = rows.slice(0, index < 0 ? rows.length : index + 1);
  for (const row of above.toReversed()) {
    const item =
      row.kind === "message" ? row.item : row.kind === "system" ? row.items.at(-1) : null;
    if (item?.seq != null) return item.seq;
  }
  return null;
}

/**
 * The seq of what stands in the row with this key, or next below it: day lines and the like have
 * none. Of the first row where there is none with it (the head of the list); null: only what waits
 * to be sent stands there.
 */
export function seqFrom(rows: readonly Row[], key: string): number | null {
  const index = Math.max(
    0,
    rows.findIndex((row) => row.key === key),
  );
  for (const row of rows.slice(index)) {
    const item = row.kind === "message" ? row.item : row.kind === "system" ? row.items[0] : null;
    if (item?.seq != null) return item.seq;
  }
  return null;
}

/** System events in a row are one row. */
function gather(rows: Row[], item: Item): void {
  const previous = rows.at(-1);
  if (previous?.kind === "system") previous.items.push(item);
  else rows.push({ kind: "system", key: item.id, items: [item] });
}

function follows(item: MessageItem, last: MessageItem | null): boolean {
  return (
    last !== null &&
    last.author === item.author &&
    last.body.imported_name === item.body.imported_name &&
    item.body.reply_to === null &&
    timeOf(item) - timeOf(last) < GROUP_MS
  );
}

/** What of a later version one can't read has nothing to show. */
function isShown(item: Item): boolean {
  return item.body.kind === "system" && item.body.content.type !== "unknown";
}
