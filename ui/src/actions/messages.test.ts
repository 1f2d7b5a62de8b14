import { expect, test } from "vitest";
import { TEXT_BYTES, tooLong } from "./messages";

test.each([
  ["nothing", "", 0],
  ["what just fits", "x".repeat(TEXT_BYTES), 0],
  ["one more", "x".repeat(TEXT_BYTES + 1), 1],
  ["two letters of two bytes", "é".repeat(TEXT_BYTES / 2 + 2), 2],
  ["Japanese, of which three bytes each", "あ".repeat(6_000), 6_000 - 5_461],
  ["emoji, one of which would be cut in two", `x${"🎉".repeat(TEXT_BYTES / 4)}`, 1],
])("%s is over the limit by its characters", (_, text, over) => expect(tooLong(text)).toBe(over));
