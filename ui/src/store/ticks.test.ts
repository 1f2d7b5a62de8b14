import { expect, test } from "vitest";
import type { MarkChange } from "../backend/gen/MarkChange";
import { ME, queued, said } from "./sample";
import { MARKS_MEMBERS, reachOf } from "./ticks";

const mark = (member: string, delivered: number, read: number): MarkChange => ({
  member,
  delivered,
  read,
});
const marks = (...all: MarkChange[]) => Object.fromEntries(all.map((one) => [one.member, one]));
const mine = said(5, ME);

test.each([
  ["nobody has it yet", marks(mark("ana", 4, 4)), "node"],
  ["somebody has it", marks(mark("ana", 5, 4)), "delivered"],
  ["somebody read it", marks(mark("ana", 5, 4), mark("ben", 6, 5)), "read"],
  ["read counts as delivered where only that is told", marks(mark("ana", 0, 5)), "read"],
  ["my own marks say nothing", marks(mark(ME, 9, 9)), "node"],
] as const)("%s", (_, known, ticks) => {
  expect(reachOf(mine, known, ME, 3).ticks).toBe(ticks);
});

test("a queued message is never more than queued", () => {
  expect(reachOf(queued("q"), marks(mark("ana", 99, 99)), ME, 3).ticks).toBe("queued");
});

test("in a room where not everybody's marks are told, the node is all that is said", () => {
  const known = marks(mark("ana", 9, 9));
  expect(reachOf(mine, known, ME, MARKS_MEMBERS).ticks).toBe("read");
  expect(reachOf(mine, known, ME, MARKS_MEMBERS + 1).ticks).toBe("node");
});
