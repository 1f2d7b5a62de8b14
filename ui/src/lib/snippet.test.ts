import { expect, test } from "vitest";
import { marked } from "./snippet";

test.each([
  ["plain", [["plain", false]]],
  [
    "a \uE000hit\uE001 b",
    [
      ["a ", false],
      ["hit", true],
      [" b", false],
    ],
  ],
  ["\uE000hit\uE001", [["hit", true]]],
  [
    "\uE000a\uE001\uE000b\uE001",
    [
      ["a", true],
      ["b", true],
    ],
  ],
  [
    "open \uE000end",
    [
      ["open ", false],
      ["end", false],
    ],
  ],
  ["", []],
] as [string, [string, boolean][]][])("%j", (snippet, parts) => {
  expect(marked(snippet)).toEqual(parts.map(([text, hit]) => ({ text, hit })));
});
