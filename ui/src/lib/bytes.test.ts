import { expect, test } from "vitest";
import { size } from "./bytes";

test("a size is told in words that people say", () => {
  expect(size(1)).toBe("1 byte");
  expect(size(2)).toBe("2 bytes");
  expect(size(1_400)).toBe("1.4 kB");
  expect(size(88_000_000)).toBe("88 MB");
});
