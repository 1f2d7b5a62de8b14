import { expect, test } from "vitest";
import type { LinkView } from "../backend/gen/LinkView";
import { space } from "../store/sample";
import { linkWords } from "./link";

const NOW = new Date(2026, 10, 20, 10, 50).getTime();
const connected: LinkView = space().link;
const refused = (code: "banned" | "bad_signature" | "internal"): Partial<LinkView> => ({
  state: "refused",
  problem: { code, message: "out of order" },
});

test.each<[string, Partial<LinkView>, RegExp]>([
  ["connected", {}, /^Connected to Studio, hosted on Ana’s desk$/],
  ["an unknown host", { host: null }, /^Connected to Studio$/],
  ["catching up", { catching_up: 1234 }, /^Catching up: 1,234 to go$/],
  ["connecting", { state: "connecting" }, /^Connecting to Studio…$/],
  ["looking", { state: "looking" }, /^Looking for Studio…$/],
  [
    "looking since",
    { state: "looking", last_connected: new Date(2026, 10, 20, 10, 42).getTime() },
    /^Looking for Studio… last seen 10:42/,
  ],
  ["banned", refused("banned"), /banned/],
  ["another key", refused("bad_signature"), /key of Studio has changed/],
  ["anything else, in the node's words", refused("internal"), /out of order/],
])("%s", (_, change, words) => {
  expect(linkWords(space({ link: { ...connected, ...change } }), NOW)).toMatch(words);
});

test("the host's own desktop says so", () => {
  expect(linkWords(space({ hosted_here: true }), NOW)).toMatch(/hosted on this computer$/);
});
