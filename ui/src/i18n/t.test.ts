import { describe, expect, test } from "vitest";
import { en } from "./en";
import { namesInWords, t } from "./t";

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
