import { describe, expect, test } from "vitest";
import { reduce } from "../store/reduce";
import { ME, person, snapshot } from "../store/sample";
import { EMPTY, type Space } from "../store/state";
import { mentionsIn } from "../actions/messages";
import { completions, mentionAt } from "./complete";

const people = [
  person(ME, { name: "Mira" }),
  person("ana", { name: "Ana Lind" }),
  person("anton", { name: "Anton", state: "away" }),
  person("ben", { name: "Ben Ana" }),
  person("short", { name: "Ana" }),
];
const space = reduce(EMPTY, { event: "snapshot", ...snapshot([], people) }).spaces[
  "studio"
] as Space;

test.each([
  ["@an", 3, "an"],
  ["hello @ana l", 12, "ana l"],
  ["(@b", 3, "b"],
  ["@", 1, ""],
  ["mail@example", 12, null],
  ["@ana and", 2, "a"],
  ["@ ana", 5, null],
  ["no", 2, null],
])("%j with the caret at %d has begun %j", (text, caret, begun) =>
  expect(mentionAt(text, caret)).toBe(begun),
);

describe("offered", () => {
  const names = (begun: string) => completions(space, begun).map(({ name }) => name);

  test("those whose name, or a part of it, begins so; never oneself", () => {
    expect(names("an")).toEqual(["Ana", "Ana Lind", "Ben Ana", "Anton"]);
    expect(names("mira")).toEqual([]);
  });

  test("the room", () => expect(names("ro")).toEqual(["room"]));
});

describe("whom a text mentions", () => {
  test.each([
    ["@Ana Lind look", ["ana"]],
    ["@Ana look", ["short"]],
    ["@Ana Lind and @Ana", ["ana", "short"]],
    ["@room stop", ["room"]],
    ["@Anastasia", []],
    ["Ana Lind", []],
  ])("%j", (text, members) => expect(mentionsIn(text, space)).toEqual(members));
});
