// How the stretch of a room's log in the window changes: pages at both ends, items that are new
// or have changed. Pure.

import type { EventId } from "../backend/gen/EventId";
import type { Item } from "../backend/gen/Item";
import type { MarkChange } from "../backend/gen/MarkChange";
import type { Page } from "../backend/gen/Page";
import { WINDOW_ITEMS, type Timeline } from "./state";

/**
 * A page in place of whatever was there. `known`: what was there; of it, items that have not
 * changed stay the same objects, and so are not drawn again.
 */
export function fromPage(page: Page, known?: Timeline): Timeline {
  return {
    items: known ? keeping(known.items, page.items) : page.items,
    moreBefore: page.more_before,
    moreAfter: page.more_after,
    holeBefore: page.hole_before,
    marks: withMarks({}, page.marks),
    stale: false,
  };
}

/** An older page goes above; what is too much falls off the newer end. */
export function before(timeline: Timeline, page: Page): Timeline {
  const items = union(page.items, timeline.items);
  const kept = items.slice(0, WINDOW_ITEMS);
  return {
    ...timeline,
    items: kept,
    moreBefore: page.more_before,
    moreAfter: timeline.moreAfter || kept.length < items.length,
    holeBefore: page.hole_before,
    marks: withMarks(timeline.marks, page.marks),
  };
}

/** A newer page goes below; what is too much falls off the older end. */
export function after(timeline: Timeline, page: Page): Timeline {
  return trimmedAbove({
    ...timeline,
    items: union(timeline.items, page.items),
    moreAfter: page.more_after,
    marks: withMarks(timeline.marks, page.marks),
  });
}

/**
 * Items that are new or have changed. An item takes the place of the one with its id, so that the
 * accepted message stands where the queued one stood. What lies outside the stretch is left out:
 * it comes with its page.
 */
export function withItems(timeline: Timeline, changed: readonly Item[]): Timeline {
  const first = timeline.items.find((item) => item.seq !== null)?.seq ?? null;
  const last = timeline.items.findLast((item) => item.seq !== null)?.seq ?? null;
  const known = new Set(timeline.items.map((item) => item.id));
  const fitting = changed.filter((item) => {
    if (known.has(item.id)) return true;
    if (item.seq === null || last === null || item.seq > last) return !timeline.moreAfter;
    return first === null || item.seq > first || !timeline.moreBefore;
  });
  if (fitting.length === 0) return timeline;
  return trimmedAbove({ ...timeline, items: union(timeline.items, fitting) });
}

export function withoutItem(timeline: Timeline, id: EventId): Timeline {
  return { ...timeline, items: timeline.items.filter((item) => item.id !== id) };
}

export function withMarks(
  marks: Timeline["marks"],
  changes: readonly MarkChange[],
): Timeline["marks"] {
  if (changes.length === 0) return marks;
  return { ...marks, ...Object.fromEntries(changes.map((mark) => [mark.member, mark])) };
}

function trimmedAbove(timeline: Timeline): Timeline {
  if (timeline.items.length <= WINDOW_ITEMS) return timeline;
  return {
    ...timeline,
    items: timeline.items.slice(-WINDOW_ITEMS),
    moreBefore: true,
    holeBefore: false,
  };
}

function keeping(known: readonly Item[], read: readonly Item[]): Item[] {
  const byId = new Map(known.map((item) => [item.id, item]));
  return read.map((item) => unchanged(byId.get(item.id), item));
}

/** The known object where what was read is the same. */
export function unchanged(known: Item | null | undefined, read: Item): Item {
  return known && JSON.stringify(known) === JSON.stringify(read) ? known : read;
}

/** Both lists, the later one's items in place of the earlier's; by `seq`, those without one last. */
function union(earlier: readonly Item[], later: readonly Item[]): Item[] {
  const byId = new Map<EventId, Item>();
  for (const item of earlier) byId.set(item.id, item);
  for (const item of later) byId.set(item.id, item);
  // Sorting is stable: items without a seq keep the order in which they came.
  return [...byId.values()].sort((a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity) || 0);
}
