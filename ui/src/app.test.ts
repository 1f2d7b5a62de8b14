import { expect, test } from "vitest";
import { readAgain } from "./actions/rooms";
import { App } from "./app.svelte";
import { Refused, type Backend } from "./backend/backend";
import type { Page } from "./backend/gen/Page";
import type { UiEvent } from "./backend/gen/UiEvent";
import { page, queued, room, said, snapshot } from "./store/sample";

const REQUEST = {
  space: "studio",
  room: "general",
  part: "main" as const,
  before: null,
  after: null,
  around: null,
  limit: 100,
};

/** A backend whose answers wait until the test gives them. */
function held() {
  const waiting: { answer: (page: Page) => void; refuse: (error: Refused) => void }[] = [];
  let on: (events: UiEvent[]) => void = () => undefined;
  const backend = {
    call: () =>
      new Promise((answer, refuse) => {
        waiting.push({ answer, refuse });
      }),
    listen: (listener) => {
      on = listener;
      return () => undefined;
    },
  } as Partial<Backend> as Backend;
  const app = new App(backend);
  app.start(
    () => undefined,
    () => undefined,
  );
  on([{ event: "snapshot", ...snapshot([room("general")]) }]);
  return { app, waiting, tell: (...events: UiEvent[]) => on(events) };
}

const items = (app: App) => app.state.timelines["general"]?.items.map(({ id }) => id);

test("what comes while a page is being read is not lost when the page arrives", async () => {
  const { app, waiting, tell } = held();
  const read = app.read(REQUEST, "newest");
  tell({ event: "items", space: "studio", room: "general", items: [said(2)] });
  tell({ event: "item_gone", space: "studio", room: "general", id: "gone" });
  waiting[0]?.answer(page([said(1), queued("gone")]));
  await read;
  expect(items(app)).toEqual(["id-1", "id-2"]);
});

test("what is told once is not told again when a page arrives", async () => {
  const { app, waiting, tell } = held();
  const read = app.read(REQUEST, "newest");
  const about = { space: "studio", room: "general" };
  const refusal = { code: "muted" as const, message: "You are muted." };
  tell({ event: "unsent", ...about, thread: null, text: "hello", draft: "hello", refusal });
  waiting[0]?.answer(page([said(1)]));
  await read;
  expect(app.state.notices).toHaveLength(1);
});

test("what is gone while a page of it is being read stays gone", async () => {
  const { app, waiting, tell } = held();
  const read = app.read(REQUEST, "newest");
  tell({ event: "room_gone", space: "studio", room: "general" });
  waiting[0]?.answer(page([said(1)]));
  await read;
  expect(items(app)).toBeUndefined();
});

test("of two readings of a room only the later counts", async () => {
  const { app, waiting } = held();
  const first = app.read(REQUEST, "newest");
  const second = app.read(REQUEST, "newest");
  waiting[1]?.answer(page([said(9)]));
  waiting[0]?.answer(page([said(1)]));
  expect(await first).toBe(false);
  expect(await second).toBe(true);
  expect(items(app)).toEqual(["id-9"]);
});

test("a room that changes faster than it is read again is shown all the same", async () => {
  const { app, waiting, tell } = held();
  const opened = app.read(REQUEST, "newest");
  waiting[0]?.answer(page([said(1)]));
  await opened;
  tell({ event: "reload", space: "studio", room: "general" });
  const again = readAgain(app, "studio", "general", null);
  tell({ event: "reload", space: "studio", room: "general" });
  await readAgain(app, "studio", "general", null);
  expect(waiting).toHaveLength(2);
  waiting[1]?.answer(page([said(200)]));
  await again;
  expect(items(app)).toEqual(["id-200"]);
  expect(app.state.timelines["general"]?.stale).toBe(true);
});

test("a refused reading is told and can be tried again", async () => {
  const { app, waiting } = held();
  const read = app.read(REQUEST, "newest");
  waiting[0]?.refuse(new Refused({ code: "internal", message: "the disk does not answer" }));
  expect(await read).toBe(false);
  expect(app.state.notices[0]?.refusal.message).toBe("the disk does not answer");
  expect(app.isReading("general")).toBe(false);
});

test("what is written first is queued first, and a failure does not stop the next", async () => {
  const { app } = held();
  const order: string[] = [];
  const slow = app.inOrder(async () => {
    await new Promise((done) => setTimeout(done, 5));
    order.push("slow");
    throw new Error("refused");
  });
  const quick = app.inOrder(() => {
    order.push("quick");
    return Promise.resolve();
  });
  await expect(slow).rejects.toThrow("refused");
  await quick;
  expect(order).toEqual(["slow", "quick"]);
});
