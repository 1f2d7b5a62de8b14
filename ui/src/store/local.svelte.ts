// Which files of messages are on this computer, as far as it was asked, and where the window
// reads them.

import { SvelteMap } from "svelte/reactivity";
import type { Backend, FileOfMessage } from "../backend/backend";

/** Addresses that are remembered; the oldest gives way and is asked for again. */
const REMEMBERED = 2_000;

export class LocalFiles {
  readonly #backend: Backend;
  readonly #urls = new SvelteMap<string, string>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on the screen follows from it
  readonly #asked = new Map<string, Promise<string | null>>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Null where it is not here, or nobody has looked yet. */
  url(file: FileOfMessage): string | null {
    return this.#urls.get(keyOf(file)) ?? null;
  }

  /** Looks whether it is here. */
  look(file: FileOfMessage): Promise<string | null> {
    const key = keyOf(file);
    const known = this.#urls.get(key);
    if (known !== undefined) return Promise.resolve(known);
    const asked = this.#asked.get(key);
    if (asked) return asked;
    const asking = this.#ask(key, file);
    this.#asked.set(key, asking);
    return asking;
  }

  async #ask(key: string, file: FileOfMessage): Promise<string | null> {
    try {
      const url = await this.#backend.local(file);
      if (url !== null) this.#remember(key, url);
      return url;
    } catch {
      return null;
    } finally {
      this.#asked.delete(key);
    }
  }

  #remember(key: string, url: string): void {
    this.#urls.set(key, url);
    const oldest = this.#urls.keys().next();
    if (this.#urls.size > REMEMBERED && !oldest.done) this.#urls.delete(oldest.value);
  }
}

function keyOf({ space, event, blake3 }: FileOfMessage): string {
  return `${space} ${event} ${blake3}`;
}
