// The interface on the invented space: `npm run dev`, and Playwright. `?scene=…&dir=rtl`.

import { FakeBackend } from "./backend/fake/fake";
import type { SceneName } from "./backend/fake/scene";
import { mountApp } from "./mount";

declare global {
  interface Window {
    /** The invented world, for tests and the console. */
    landline: FakeBackend;
  }
}

const asked = new URLSearchParams(location.search);
const scene = (asked.get("scene") ?? "studio") as SceneName;
window.landline = new FakeBackend(scene);
// As the desktop shell has it.
Object.freeze(Object.prototype);
mountApp(window.landline);
if (asked.get("dir") === "rtl") document.documentElement.dir = "rtl";
