import { expect, test } from "vitest";
import { initials } from "./initials";

test.each([
  ["Ada Lovelace", "AL"],
  ["ben", "B"],
  ["Ana María de la Cruz", "AC"],
  ["build-bot", "BB"],
  ["Ben Okafor (KhMX)", "BO"],
  ["Ben (KhMX)", "B"],
  ["👩‍🚀 Eve", "👩‍🚀E"],
  ["", "?"],
  ["(-:", "(:"],
])("the initials of %j are %j", (name, expected) => {
  expect(initials(name)).toBe(expected);
});
