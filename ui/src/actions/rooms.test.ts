import { expect, test } from "vitest";
import { App } from "../app.svelte";
import type { Backend } from "../backend/backend";
import type { RoomView } from "../backend/gen/RoomView";
import type { UiEvent } from "../backend/gen/UiEvent";
import { page, room, snapshot } from "../store/sample";
import { openSpace } from "./rooms";

/** In a space with these rooms, none of them open yet. */
function among(...rooms: RoomView[]): App {
  let on: (events: UiEvent[]) => void = () => undefined;
  const backend = {
    call: () => Promise.resolve(page([])),
    listen: (listener: typeof on) => {
      on = listener;
      return () => undefined;
    },
  } as Partial<Backend> as Backend;
  const app = new App(backend);
  app.start(
    () => undefined,
    () => undefined,
  );
  on([{ event: "snapshot", ...snapshot(rooms) }]);
  return app;
}

test("where the only room is the one for everyone, it is opened though it is archived", async () => {
  const app = among(room("general", { everyone: true, archived: true }));
  await openSpace(app, "studio");
  expect(app.state.place.room).toBe("general");
});

test("a room that is not archived comes before it", async () => {
  const app = among(room("general", { everyone: true, archived: true }), room("yard"));
  await openSpace(app, "studio");
  expect(app.state.place.room).toBe("yard");
});

test("a space without a room to open is opened once, and then nothing changes", async () => {
  const app = among(room("odd", { kind: "unknown" }));
  await openSpace(app, "studio");
  expect(app.state.place).toMatchObject({ space: "studio", room: null });
  const opened = app.state;
  await openSpace(app, "studio");
  expect(app.state).toBe(opened);
  app.change({ event: "adding", on: true });
  await openSpace(app, "studio");
  expect(app.state.place.adding).toBe(false);
});
