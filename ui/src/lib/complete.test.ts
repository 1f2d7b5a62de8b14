import { describe, expect, test } from "vitest";
import { reduce } from "../store/reduce";
import { ME, person, room, snapshot } from "../store/sample";
import { EMPTY, type Space } from "../store/state";
import { mentionsIn } from "../actions/messages";
import { completions, begunAt } from "./complete";

const people = [
  person(ME, { name: "Mira" }),
  person("ana", { name: "Ana Lind" }),
  person("anton", { name: "Anton", state: "away" }),
  person("ben", { name: "Ben Ana" }),
  person("short", { name: "Ana" }),
];
const space = reduce(EMPTY, {
  event: "snapshot",
  ...snapshot([room("workshop"), room("left", { open: false })], people),
}).spaces["studio"] as Space;

test.each([
  ["@an", 3, { sign: "@", word: "an" }],
  ["hello @ana l", 12, { sign: "@", word: "ana l" }],
  ["(@b", 3, { sign: "@", word: "b" }],
  ["@", 1, { sign: "@", word: "" }],
  ["see #work", 9, { sign: "#", word: "work" }],
  ["tea :cof", 8, { sign: ":", word: "cof" }],
  ["at :a", 5, null],
  ["thanks :-D", 10, null],
  ["oh :_(", 5, null],
  ["yes :+1", 7, { sign: ":", word: "+1" }],
  ["10:30", 5, null],
  ["mail@example", 12, null],
  ["@ana and", 2, { sign: "@", word: "a" }],
  ["@ ana", 5, null],
  ["no", 2, null],
])("%j with the caret at %d has begun %j", (text, caret, begun) =>
  expect(begunAt(text, caret)).toEqual(begun),
);

describe("offered", () => {
  const names = async (sign: "@" | "#" | ":", word: string) =>
    (await completions(space, { sign, word })).map(({ name }) => name);

  test("those whose name, or a part of it, begins so; never oneself", async () => {
    expect(await names("@", "an")).toEqual(["Ana", "Ana Lind", "Ben Ana", "Anton"]);
    expect(await names("@", "mira")).toEqual([]);
  });

  test("the room", async () => expect(await names("@", "ro")).toEqual(["room"]));

  test("rooms that one is in", async () => {
    expect(await names("#", "w")).toEqual(["workshop"]);
    expect(await names("#", "left")).toEqual([]);
  });

  test("emoji by what they are called", async () => {
    const found = await completions(space, { sign: ":", word: "tada" });
    expect(found[0]?.inserted).toBe("🎉 ");
  });

  test("emoji only where a word of theirs begins so", async () => {
    expect(await names(":", "ada")).toEqual([]);
    expect(await names(":", "upside_d")).toEqual([":upside_down_face:"]);
    expect(await names(":", "down_f")).toContain(":upside_down_face:");
  });
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
