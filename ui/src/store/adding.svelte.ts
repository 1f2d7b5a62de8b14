// Files that are being added to what is written, and those that could not be: the core knows of a
// file once it has all of it.

import { SvelteMap } from "svelte/reactivity";
import type { AttachmentId } from "../backend/gen/AttachmentId";

/** A file on its way into a draft. */
export interface Added {
  key: number;
  name: string;
  bytes: number;
  /** How much of it is here, from 0 to 1. */
  part: number;
  /** Why it is not added, in words; null while it is under way. */
  problem: string | null;
  stop: () => void;
}

/** Refusals that are shown beside each other in one place. */
const PROBLEMS_SHOWN = 5;

/** By the room, or the first message of the thread, that one writes in. */
export class Adding {
  readonly #lists = new SvelteMap<string, readonly Added[]>();
  /** Attachments that go with a message which is just being queued. */
  readonly #sent = new SvelteMap<AttachmentId, true>();
  #next = 0;

  at(place: string): readonly Added[] {
    return this.#lists.get(place) ?? [];
  }

  add(place: string, name: string, bytes: number, stop: () => void): number {
    this.#next += 1;
    const added = { key: this.#next, name, bytes, part: 0, problem: null, stop };
    this.#lists.set(place, [...this.at(place), added]);
    return added.key;
  }

  change(place: string, key: number, change: Partial<Added>): void {
    const changed = this.at(place).map((one) => (one.key === key ? { ...one, ...change } : one));
    const problems = changed.filter((one) => one.problem !== null);
    const tooMany = problems.slice(0, Math.max(0, problems.length - PROBLEMS_SHOWN));
    this.#lists.set(
      place,
      changed.filter((one) => !tooMany.includes(one)),
    );
  }

  remove(place: string, key: number): void {
    this.#lists.set(
      place,
      this.at(place).filter((one) => one.key !== key),
    );
  }

  /** Whether files of this place are still on their way. */
  isAdding(place: string): boolean {
    return this.at(place).some(({ problem }) => problem === null);
  }

  /** What could not be added is no longer told. */
  clearProblems(place: string): void {
    this.#lists.set(
      place,
      this.at(place).filter((one) => one.problem === null),
    );
  }

  isSent(id: AttachmentId): boolean {
    return this.#sent.has(id);
  }

  /** They leave the composer at once, before the core has told so. */
  send(ids: readonly AttachmentId[]): void {
    for (const id of ids) this.#sent.set(id, true);
  }

  /** They were queued, or were not and come back. */
  sent(ids: readonly AttachmentId[], done: boolean): void {
    // Those that were queued are never told of again.
    if (!done) for (const id of ids) this.#sent.delete(id);
  }
}
