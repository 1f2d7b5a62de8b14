import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Item } from "../backend/gen/Item";
import { accepted, page, queued, said } from "./sample";
import { WINDOW_ITEMS, type Timeline } from "./state";
import { after, before, fromPage, withItems, withMarks, withoutItem } from "./timeline";

const ids = (timeline: Timeline) => timeline.items.map((item) => item.id);
const many = (from: number, to: number): Item[] =>
  Array.from({ length: to - from + 1 }, (_, index) => said(from + index));

describe("items that are new or have changed", () => {
  test("the accepted message takes the place of the queued one", () => {
    const first = queued("one");
    const second = queued("two");
    const timeline = withItems(fromPage(page([said(1), first])), [second]);
    const done = withItems(timeline, [accepted(first, 2)]);
    expect(ids(done)).toEqual(["id-1", "one", "two"]);
    expect(done.items[1]?.state.state).toBe("accepted");
  });

  test("somebody else's message goes above what is still queued", () => {
    const timeline = withItems(fromPage(page([said(1), queued("mine")])), [said(2)]);
    expect(ids(timeline)).toEqual(["id-1", "id-2", "mine"]);
  });

  test("queued messages keep the order in which they were written", () => {
    const timeline = withItems(fromPage(page([])), [queued("c"), queued("a"), queued("b")]);
    expect(ids(timeline)).toEqual(["c", "a", "b"]);
  });

  test("what is newer than a stretch that does not reach the end is left out", () => {
    const old = fromPage(page(many(1, 10), { more_after: true }));
    expect(withItems(old, [said(500), queued("mine")])).toBe(old);
  });

  test("what is older than the stretch is left out, unless the stretch is the beginning", () => {
    const later = fromPage(page(many(50, 60), { more_before: true }));
    expect(withItems(later, [said(3)])).toBe(later);
    const whole = fromPage(page(many(50, 60)));
    expect(ids(withItems(whole, [said(3)]))[0]).toBe("id-3");
  });

  test("an edit of a message changes it where it stands", () => {
    const timeline = fromPage(page(many(1, 3), { more_after: true }));
    const changed = withItems(timeline, [said(2, "ana", "other words")]);
    expect(ids(changed)).toEqual(["id-1", "id-2", "id-3"]);
    expect(changed.items[1]?.body).toMatchObject({ text: "other words" });
  });

  test("a discarded item goes", () => {
    const timeline = withItems(fromPage(page([said(1)])), [queued("mine")]);
    expect(ids(withoutItem(timeline, "mine"))).toEqual(["id-1"]);
  });
});

describe("pages", () => {
  test("of a page that is read again, only what has changed is another object", () => {
    const timeline = fromPage(page(many(1, 3)));
    const again = fromPage(page([said(2), said(3, "ana", "other words"), said(4)]), timeline);
    expect(again.items[0]).toBe(timeline.items[1]);
    expect(again.items[1]?.body).toMatchObject({ text: "other words" });
    expect(ids(again)).toEqual(["id-2", "id-3", "id-4"]);
  });

  test("an older page goes above, and the newest items give way past the bound", () => {
    const timeline = before(
      fromPage(page(many(301, 300 + WINDOW_ITEMS), { more_before: true })),
      page(many(201, 300), { more_before: true }),
    );
    expect(timeline.items).toHaveLength(WINDOW_ITEMS);
    expect(timeline.items[0]?.seq).toBe(201);
    expect(timeline.moreAfter).toBe(true);
    expect(timeline.moreBefore).toBe(true);
  });

  test("a newer page goes below, and the oldest items give way past the bound", () => {
    const start = fromPage(page(many(1, WINDOW_ITEMS), { more_after: true }));
    const timeline = after(start, page(many(WINDOW_ITEMS + 1, WINDOW_ITEMS + 100)));
    expect(timeline.items).toHaveLength(WINDOW_ITEMS);
    expect(timeline.items.at(-1)?.seq).toBe(WINDOW_ITEMS + 100);
    expect(timeline.moreBefore).toBe(true);
    expect(timeline.moreAfter).toBe(false);
  });

  test("a hole before the page is remembered", () => {
    const timeline = fromPage(page(many(5, 6), { more_before: true, hole_before: true }));
    expect(timeline.holeBefore).toBe(true);
  });

  test("marks of a page and marks that come are kept by member", () => {
    const ana = { member: "ana", delivered: 3, read: 1 };
    const ben = { member: "ben", delivered: 2, read: 2 };
    const timeline = fromPage(page([], { marks: [ana] }));
    expect(withMarks(timeline.marks, [ben, { ...ana, read: 3 }])).toEqual({
      ana: { ...ana, read: 3 },
      ben,
    });
  });
});

test("whatever comes in whatever order, each item is there once, by seq, the queued last", () => {
  const item = fc.oneof(
    fc.integer({ min: 1, max: 60 }).map((seq) => said(seq)),
    fc.integer({ min: 1, max: 9 }).map((n) => queued(`q${n}`)),
  );
  fc.assert(
    fc.property(fc.array(fc.array(item, { maxLength: 12 }), { maxLength: 12 }), (batches) => {
      const timeline = batches.reduce<Timeline>(withItems, fromPage(page([])));
      const seqs = timeline.items.map(({ seq }) => seq ?? Infinity);
      expect(seqs).toEqual(seqs.toSorted((a, b) => (a === b ? 0 : a - b)));
      expect(new Set(ids(timeline)).size).toBe(timeline.items.length);
      expect(new Set(ids(timeline))).toEqual(new Set(batches.flat().map(({ id }) => id)));
    }),
  );
});
