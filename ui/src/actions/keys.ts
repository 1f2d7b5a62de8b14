// Keys that work everywhere in the window. Those of one place are with that place.

import type { App } from "../app.svelte";
import { composing } from "../lib/keyboard";
import { markRead, stepRoom } from "./rooms";
import { stepTextSize } from "./spaces";

/** In the order in which F6 goes around. */
const REGIONS = ["rail", "sidebar", "timeline", "composer", "drawer"];

export function onKey(app: App, event: KeyboardEvent): void {
  if (event.defaultPrevented || composing(event) || app.state.order.length === 0) return;
  const ctrl = event.ctrlKey || event.metaKey;
  const done = ctrl ? onCtrl(app, event) : event.altKey ? onAlt(app, event) : onPlain(app, event);
  if (done) event.preventDefault();
}

function onCtrl(app: App, event: KeyboardEvent): boolean {
  switch (event.key.toLowerCase()) {
    case "k":
      app.change({ event: "dialog", dialog: { kind: "palette" } });
      return true;
    case "/":
      app.change({ event: "dialog", dialog: { kind: "shortcuts" } });
      return true;
    case "f":
      app.change({ event: "drawer", drawer: { kind: "search", everywhere: event.shiftKey } });
      return true;
    case "+":
    case "=":
      stepTextSize(app, 1);
      return true;
    case "-":
      stepTextSize(app, -1);
      return true;
    case "0":
      stepTextSize(app, 0);
      return true;
    default:
      return false;
  }
}

function onAlt(app: App, event: KeyboardEvent): boolean {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return false;
  void stepRoom(app, event.key === "ArrowDown" ? 1 : -1, event.shiftKey);
  return true;
}

function onPlain(app: App, event: KeyboardEvent): boolean {
  if (app.state.dialog !== null) return false;
  switch (event.key) {
    case "F6":
      goAround(event.shiftKey ? -1 : 1);
      return true;
    case "Escape":
      onEscape(app);
      return true;
    case "End":
      if (isTyping(event.target)) return false;
      app.timeline?.toNewest();
      return true;
    default:
      // Beginning to type anywhere is beginning to write.
      if (event.key.length === 1 && event.key !== " " && !isTyping(event.target)) {
        app.composer?.focus();
      }
      return false;
  }
}

/** Closes what is open; where nothing is, the room is read to its end. */
function onEscape(app: App): void {
  const { drawer, place } = app.state;
  if (drawer !== null) {
    app.change({ event: "drawer", drawer: null });
    app.composer?.focus();
  } else if (place.adding) {
    app.change({ event: "adding", on: false });
  } else if (place.list && place.space !== null) {
    app.change({ event: "opened", space: place.space, room: place.room });
  } else {
    markRead(app);
    app.timeline?.toNewest();
  }
}

function goAround(step: 1 | -1): void {
  const regions = REGIONS.flatMap((name) =>
    Array.from(document.querySelectorAll<HTMLElement>(`[data-region="${name}"]`)),
  ).filter((region) => region.checkVisibility());
  const from = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions.at((from + step + regions.length) % regions.length);
  const first = next?.querySelector<HTMLElement>(
    "textarea, input:not([hidden]), [aria-current], [tabindex='0'], button",
  );
  first?.focus();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, textarea, select, [role='listbox'] *");
}
