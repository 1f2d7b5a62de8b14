import { expect, test } from "vitest";
import { allEmoji, findEmoji } from "./emoji";

test("an emoji is found by its name, by a word, and best first", async () => {
  const all = await allEmoji();
  expect(findEmoji(all, "tada", 3)[0]?.emoji).toBe("🎉");
  expect(findEmoji(all, "thumbsup", 3).map(({ emoji }) => emoji)).toContain("👍");
  expect(findEmoji(all, "heart", 1)[0]?.emoji).toBe("❤️");
  expect(findEmoji(all, "coffee", 5).some(({ emoji }) => emoji === "☕")).toBe(true);
  expect(findEmoji(all, "no such thing", 5)).toEqual([]);
});
