import { expect, test } from "vitest";
import { uuid } from "../backend/fake/scene";
import { messageLink, parseMessageLink } from "./message-link";

const address = { space: uuid(1), room: uuid(2), item: uuid(3) };

test("a link names a message, there and back", () => {
  expect(parseMessageLink(messageLink(address))).toEqual(address);
});

test.each([
  "https://example.com/message?space=1",
  "landline://join?space=1",
  "landline://message?space=1&room=2&item=3",
  `landline://message?space=${uuid(1)}&room=${uuid(2)}`,
  `landline://message?space=${uuid(1)}&room=${uuid(2)}&item=javascript:alert(1)`,
])("%s is none", (url) => expect(parseMessageLink(url)).toBeNull());
