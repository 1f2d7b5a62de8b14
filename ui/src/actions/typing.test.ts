import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../app.svelte";
import type { Backend } from "../backend/backend";
import { TypingSignal } from "./messages";

let told: [string, boolean][] = [];
const backend = {
  call: (name, request) => {
    if (name === "typing" && "on" in request && "room" in request) {
      told.push([request.room, request.on]);
    }
    return Promise.reject(new Error("not asked for"));
  },
  listen: () => () => undefined,
} as Partial<Backend> as Backend;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
});
afterEach(() => vi.useRealTimers());

test("typing is told at most once a second, and that it ended", () => {
  const typing = new TypingSignal(new App(backend));
  for (let at = 0; at < 3_000; at += 100) {
    typing.key("studio", "general", at);
    vi.advanceTimersByTime(100);
  }
  expect(told).toEqual([
    ["general", true],
    ["general", true],
    ["general", true],
  ]);
  vi.advanceTimersByTime(4_000);
  expect(told.at(-1)).toEqual(["general", false]);
  expect(told).toHaveLength(4);
});

test("sending ends it at once, and another room is another typing", () => {
  const typing = new TypingSignal(new App(backend));
  typing.key("studio", "general", 0);
  typing.stop();
  typing.stop();
  typing.key("studio", "general", 10);
  typing.key("studio", "other", 20);
  expect(told).toEqual([
    ["general", true],
    ["general", false],
    ["general", true],
    ["general", false],
    ["other", true],
  ]);
});
