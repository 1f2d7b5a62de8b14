import { expect, test } from "vitest";
import { App } from "../app.svelte";
import { Refused, type Backend } from "../backend/backend";
import type { Settings } from "../backend/gen/Settings";
import type { UiEvent } from "../backend/gen/UiEvent";
import { snapshot } from "../store/sample";
import { setSettings, stepTextSize } from "./spaces";

/** A core that answers when the test lets it. */
function held() {
  let on: (events: UiEvent[]) => void = () => undefined;
  const asked: { settings: Settings; answer: () => void; refuse: () => void }[] = [];
  const app = new App({
    call: (_, request) =>
      new Promise((answer, refuse) => {
        const { settings } = request as { settings: Settings };
        asked.push({
          settings,
          answer: () => answer({}),
          refuse: () => refuse(new Refused({ code: "too_large", message: "too many words" })),
        });
      }),
    listen: (listener) => {
      on = listener;
      return () => undefined;
    },
  } as Partial<Backend> as Backend);
  app.start(
    () => undefined,
    () => undefined,
  );
  on([{ event: "snapshot", ...snapshot([]) }]);
  return { app, asked, tell: (event: UiEvent) => on([event]) };
}

/** Until what was answered has gone through. */
const through = () => new Promise((done) => setTimeout(done));

test("two changes in one breath are both kept, and shown at once", async () => {
  const { app, asked, tell } = held();
  setSettings(app, { theme: "dark" });
  setSettings(app, { density: "compact" });
  stepTextSize(app, 1);
  stepTextSize(app, 1);
  expect(app.state.settings).toMatchObject({ theme: "dark", density: "compact", text_size: 120 });
  await through();
  expect(asked).toHaveLength(1);
  // What the core tells of the first does not undo the others.
  tell({ event: "settings", settings: asked[0]?.settings ?? app.state.settings });
  expect(app.state.settings).toMatchObject({ theme: "dark", density: "compact", text_size: 120 });
  for (let told = 0; told < 4; told += 1) {
    asked[told]?.answer();
    await through();
  }
  expect(asked.at(-1)?.settings).toMatchObject({
    theme: "dark",
    density: "compact",
    text_size: 120,
  });
  expect(app.state.settings).toEqual(asked.at(-1)?.settings);
});

test("one that is refused is as it was, and the others are kept", async () => {
  const { app, asked } = held();
  setSettings(app, { keywords: ["a", "b"] });
  setSettings(app, { theme: "dark" });
  await through();
  asked[0]?.refuse();
  await through();
  expect(app.state.settings).toMatchObject({ keywords: [], theme: "dark" });
  expect(asked[1]?.settings).toMatchObject({ keywords: [], theme: "dark" });
  asked[1]?.answer();
  await through();
  expect(app.state.settings).toMatchObject({ keywords: [], theme: "dark" });
  expect(app.state.notices).toHaveLength(1);
});
