// What is written in each room and thread and not sent. From the first key on, what stands here
// counts: the core keeps the text for the next start, and what it tells of it is only an echo.
//
//   key → change → (soon) save → disk

import { SvelteMap } from "svelte/reactivity";
import type { Writing } from "../backend/backend";
import { placeOf } from "./select";
import { begunWith, changed, type Act, type Written } from "./written";

/** How long after a key a draft is kept, in milliseconds. */
const KEPT_AFTER_MS = 400;

interface Kept {
  to: Writing;
  /** As it is on disk, or on its way there; null: it could not be kept. */
  text: string | null;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Drafts {
  /** By the room, or the first message of the thread: those in which one has written. */
  readonly #written = new SvelteMap<string, Written>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on the screen follows from it
  readonly #kept = new Map<string, Kept>();
  readonly #told: (to: Writing) => string;
  readonly #save: (to: Writing, text: string) => Promise<boolean>;

  /** `told`: what the core knew at the start. `save` answers whether it is on disk. */
  constructor(
    told: (to: Writing) => string,
    save: (to: Writing, text: string) => Promise<boolean>,
  ) {
    this.#told = told;
    this.#save = save;
  }

  at(to: Writing): Written {
    return this.#written.get(placeOf(to)) ?? begunWith(this.#told(to));
  }

  change(to: Writing, act: Act): void {
    const place = placeOf(to);
    const before = this.at(to);
    const after = changed(before, act);
    const kept = this.#kept.get(place) ?? { to, text: before.text, timer: undefined };
    this.#kept.set(place, kept);
    this.#written.set(place, after);
    if (after.text === before.text) return;
    if (act.act === "send") {
      // Until it is queued, the disk has it as a draft.
      clearTimeout(kept.timer);
      kept.timer = undefined;
    } else {
      kept.timer ??= setTimeout(() => void this.keep(to), KEPT_AFTER_MS);
    }
  }

  /** Comes below what one has written there; where that is nothing, the core's draft has it. */
  add(to: Writing, text: string): void {
    if (this.#written.has(placeOf(to))) this.change(to, { act: "add", text });
  }

  /** Keeps it on disk now. */
  async keep(to: Writing): Promise<void> {
    const kept = this.#kept.get(placeOf(to));
    if (!kept) return;
    clearTimeout(kept.timer);
    kept.timer = undefined;
    const { text } = this.at(to);
    if (text === kept.text) return;
    kept.text = text;
    const saved = await this.#save(to, text);
    if (!saved && kept.text === text) kept.text = null;
  }

  /** The window closes. */
  keepAll(): void {
    for (const { to } of this.#kept.values()) void this.keep(to);
  }

  /** The room is gone from this computer, or all of its space. */
  forget(gone: (to: Writing) => boolean): void {
    for (const [place, { to, timer }] of this.#kept) {
      if (!gone(to)) continue;
      clearTimeout(timer);
      this.#kept.delete(place);
      this.#written.delete(place);
    }
  }
}
