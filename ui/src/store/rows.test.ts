import { describe, expect, test } from "vitest";
import type { Item } from "../backend/gen/Item";
import { system } from "../backend/fake/scene";
import { GROUP_MS, rowsOf, seqAbove, seqFrom, type Row } from "./rows";
import { MINUTE, START, queued, said } from "./sample";

const joined = (seq: number): Item =>
  system(`sys-${seq}`, seq, "ana", START + seq * MINUTE, { type: "joined" });
const at = (item: Item, time: number): Item => ({ ...item, accepted_at: time, sent_at: time });
const shape = (rows: Row[]) =>
  rows.map((row) =>
    row.kind === "message"
      ? `${row.head ? "head" : "message"} ${row.key}`
      : row.kind === "system"
        ? `system ${row.items.length}`
        : row.kind,
  );

describe("grouping", () => {
  test("messages of one author within five minutes stand together", () => {
    const rows = rowsOf([said(1), said(2), said(3, "ben"), said(4, "ben")], null);
    expect(shape(rows)).toEqual(["day", "head id-1", "message id-2", "head id-3", "message id-4"]);
  });

  test("a pause of five minutes begins a new group", () => {
    const late = at(said(2), START + MINUTE + GROUP_MS);
    expect(shape(rowsOf([said(1), late], null))).toEqual(["day", "head id-1", "head id-2"]);
  });

  test("a new day has its line and begins a new group", () => {
    const tomorrow = at(said(2), START + 24 * 60 * MINUTE);
    expect(shape(rowsOf([said(1), tomorrow], null))).toEqual([
      "day",
      "head id-1",
      "day",
      "head id-2",
    ]);
  });

  test("imported messages of two people by one importer are two groups", () => {
    const by = (seq: number, name: string): Item => {
      const item = said(seq);
      if (item.body.kind !== "message") return item;
      return {
        ...item,
        body: { ...item.body, imported_name: name, imported_at: START + seq * MINUTE },
      };
    };
    expect(shape(rowsOf([by(1, "Ida"), by(2, "Jo")], null))).toEqual([
      "day",
      "head id-1",
      "head id-2",
    ]);
  });
});

test("system events in a row are one row, and part a group", () => {
  const rows = rowsOf([said(1), joined(2), joined(3), said(4)], null);
  expect(shape(rows)).toEqual(["day", "head id-1", "system 2", "head id-4"]);
});

test("what of a later version can't be read has no row", () => {
  const later = system("x", 2, "ana", START + 2 * MINUTE, { type: "unknown" });
  expect(shape(rowsOf([said(1), later, said(3)], null))).toEqual([
    "day",
    "head id-1",
    "message id-3",
  ]);
});

describe("the unread line", () => {
  test("stands once before the first item from its seq on", () => {
    const rows = rowsOf([said(1), said(2), said(3)], { seq: 2, done: false });
    expect(shape(rows)).toEqual(["day", "head id-1", "unread", "head id-2", "message id-3"]);
  });

  test("stands before the next one where the message itself is not shown", () => {
    const rows = rowsOf([said(1), said(5)], { seq: 3, done: false });
    expect(shape(rows)).toEqual(["day", "head id-1", "unread", "head id-5"]);
  });
});

describe("how far one has read down to a row", () => {
  const rows = rowsOf([said(1), joined(2), said(3), queued("mine")], { seq: 3, done: false });

  test.each([
    ["id-1", 1],
    ["sys-2", 2],
    ["unread", 2],
    ["mine", 3],
    ["a row below all of them", 3],
  ])("%s: %d", (key, seq) => expect(seqAbove(rows, key)).toBe(seq));

  test("nothing where there is nothing above", () => {
    expect(seqAbove(rows, rows[0]?.key)).toBeNull();
  });
});

describe("where a room is read again that has changed as a whole", () => {
  const rows = rowsOf([said(1), joined(2), said(3), queued("mine")], { seq: 3, done: false });

  test.each([
    ["the head of the list", 1],
    [rows[0]?.key ?? "", 1],
    ["sys-2", 2],
    ["unread", 3],
    ["id-3", 3],
  ])("%s: %d", (key, seq) => expect(seqFrom(rows, key)).toBe(seq));

  test("at its end where only what waits stands there", () => {
    expect(seqFrom(rows, "mine")).toBeNull();
  });
});
