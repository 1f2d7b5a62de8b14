import { describe, expect, test } from "vitest";
import { en } from "./en";
import { namesInWords, newWords, t, unreadFigure, unreadWords } from "./t";

test("values are filled in, counts follow the plural rules", () => {
  expect(t("typing.one", { name: "Ana" })).toBe("Ana is typing…");
  expect(t("room.people", { count: 1 })).toBe("1 person");
  expect(t("room.people", { count: 1200 })).toBe("1,200 people");
});

test("a value with braces in it stays as it is", () => {
  expect(t("system.joined", { who: "{name}" })).toBe("{name} joined");
});

test.each([
  [[], 0, ""],
  [["Ana"], 0, "Ana"],
  [["Ana"], 1, "Ana and 1 other"],
  [["Ana", "Ben"], 0, "Ana and Ben"],
  [["Ana", "Ben", "Jo"], 0, "Ana, Ben and Jo"],
  [["Ana", "Ben", "Jo", "Kai", "Lea"], 0, "Ana, Ben, Jo and 2 others"],
  [["Ana", "Ben"], 3, "Ana, Ben and 3 others"],
])("%j and %d more: %s", (names, more, words) => expect(namesInWords(names, more)).toBe(words));

test("so many unread messages that they are no longer counted are said to be more", () => {
  expect([unreadFigure(9_999), unreadWords(1), newWords(2)]).toEqual([
    "9,999",
    "1 unread",
    "2 new messages",
  ]);
  expect([unreadFigure(10_000), unreadWords(10_000), newWords(10_000)]).toEqual([
    "10,000+",
    "10,000 or more unread",
    "10,000 or more new messages",
  ]);
});

describe("every text", () => {
  const texts = Object.entries(en).flatMap(([key, text]) =>
    typeof text === "string"
      ? [[key, text] as const]
      : Object.values(text).map((form: string) => [key, form] as const),
  );
  test.each(texts)("%s is closed and without stray spaces", (_, text) => {
    expect(text).toBe(text.trim());
    expect(text.replace(/\{\w+\}/g, "")).not.toMatch(/[{}]/);
  });
});
