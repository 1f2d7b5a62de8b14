import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../app.svelte";
import { Refused, type Backend } from "../backend/backend";
import type { UiEvent } from "../backend/gen/UiEvent";
import { room, snapshot } from "./sample";

const to = { space: "studio", room: "general", thread: null };
const inThread = { ...to, thread: "kiln" };
const general = room("general", { draft: "from before" });

let saved: unknown[] = [];
let refusal: Refused | null = null;
let tell: (...events: UiEvent[]) => void;
let app: App;

beforeEach(() => {
  vi.useFakeTimers();
  saved = [];
  refusal = null;
  app = new App({
    call: (name, request) => {
      if (name === "save_draft" && "text" in request) saved.push(request.text);
      return refusal ? Promise.reject(refusal) : Promise.resolve({});
    },
    listen: (listener) => {
      tell = (...events) => listener(events);
      return () => undefined;
    },
  } as Partial<Backend> as Backend);
  app.start(
    () => undefined,
    () => undefined,
  );
  tell({ event: "snapshot", ...snapshot([general]) });
});
afterEach(() => vi.useRealTimers());

const type = (text: string, where = to) => app.drafts.change(where, { act: "type", text });
const text = (where: { space: string; room: string; thread: string | null } = to) =>
  app.drafts.at(where).text;
const later = () => vi.advanceTimersByTimeAsync(500);

test("what the core has kept is there until one writes", async () => {
  expect(text()).toBe("from before");
  tell({ event: "room", space: "studio", room: { ...general, draft: "told anew" } });
  expect(text()).toBe("told anew");
  type("told anew, and more");
  expect(text()).toBe("told anew, and more");
  await later();
  expect(saved).toEqual(["told anew, and more"]);
});

test("what is written is not replaced by what the core tells of before", async () => {
  type("newer");
  tell({ event: "room", space: "studio", room: general });
  expect(text()).toBe("newer");
  tell({ event: "snapshot", ...snapshot([general]) });
  expect(text()).toBe("newer");
  app.drafts.change(inThread, { act: "type", text: "in the thread" });
  tell({ event: "thread_draft", ...inThread, text: "in" });
  expect(text(inThread)).toBe("in the thread");
  await later();
  tell({ event: "room", space: "studio", room: general });
  expect(text()).toBe("newer");
});

test("it is kept soon after a key, at once when the window closes, and not twice", async () => {
  type("a");
  type("ab");
  expect(saved).toEqual([]);
  await later();
  type("abc");
  app.drafts.keepAll();
  expect(saved).toEqual(["ab", "abc"]);
  await later();
  app.drafts.keepAll();
  expect(saved).toEqual(["ab", "abc"]);
});

test("what could not be kept stays, is told once, and tried again", async () => {
  refusal = new Refused({ code: "too_large", message: "the draft is too long to be kept" });
  type("a long log");
  await later();
  tell({ event: "room", space: "studio", room: general });
  expect(text()).toBe("a long log");
  type("a longer log");
  await later();
  expect(app.state.notices.map((notice) => notice.refusal.message)).toEqual([
    "the draft is too long to be kept",
  ]);
  refusal = null;
  app.drafts.keepAll();
  expect(saved).toEqual(["a long log", "a longer log", "a longer log"]);
});

test("until it is queued, what is sent is a draft on disk", async () => {
  type("on its way");
  await later();
  app.drafts.change(to, { act: "send" });
  await later();
  expect(text()).toBe("");
  expect(saved).toEqual(["on its way"]);
  await app.drafts.keep(to);
  expect(saved).toEqual(["on its way", ""]);
});

test("a reply that could not be sent comes below what one has written, once", () => {
  const refused = { code: "too_large", message: "archived" } as const;
  const unsent = { event: "unsent", ...to, text: "So am I.", refusal: refused } as const;
  tell({ ...unsent, draft: "from before\nSo am I." });
  expect(text()).toBe("from before\nSo am I.");
  type("Well.");
  tell({ ...unsent, draft: "from before\nSo am I.\nSo am I." });
  expect(text()).toBe("Well.\nSo am I.");
});

test("it goes with its room", async () => {
  type("a");
  type("b", { ...to, room: "other" });
  tell({ event: "room_gone", space: "studio", room: "general" });
  await later();
  expect(saved).toEqual(["b"]);
  expect(text()).toBe("");
  tell({ event: "space_gone", space: "studio" });
  expect(text({ ...to, room: "other" })).toBe("");
});
