// One file of a message, as the views of it ask: where it is, how far it has come, how to get it.

import { untrack } from "svelte";
import { fetchFile } from "../../actions/files";
import type { App } from "../../app.svelte";
import type { FileOfMessage } from "../../backend/backend";
import { transferOf } from "../../store/select";

export class OfMessage {
  readonly #app: App;
  readonly #named: () => FileOfMessage;
  readonly named = $derived.by(() => this.#named());
  readonly url = $derived.by(() => this.#app.local.url(this.named));
  readonly transfer = $derived.by(() => transferOf(this.#app.state, this.named));
  readonly state = $derived.by(() => this.transfer?.state ?? null);
  /** From 0 to 1. */
  readonly part = $derived.by(() => {
    const { transfer } = this;
    if (transfer === null || transfer.bytes === 0) return 0;
    return Math.min(1, transfer.done / transfer.bytes);
  });
  /** The file that was asked for, so that none is fetched unasked a second time. */
  #asked: string | null = null;

  /**
   * For a component that is being made. `seen`: it has been in view, and so is looked for;
   * `unasked`: it may be fetched without anybody asking for it.
   */
  constructor(
    app: App,
    named: () => FileOfMessage,
    { seen, unasked }: { seen: () => boolean; unasked: () => boolean },
  ) {
    this.#app = app;
    this.#named = named;
    $effect(() => {
      const comes = this.state !== null && this.transfer?.way === "down";
      if (!seen() || this.url !== null || comes) return;
      const may = unasked();
      untrack(() => void this.#look(this.named, may));
    });
  }

  async #look(file: FileOfMessage, mayFetch: boolean): Promise<void> {
    const found = await this.#app.local.look(file);
    if (found === null && mayFetch && this.#asked !== file.blake3 && this.state === null)
      this.get();
  }

  /** Has it fetched, goes on with it, or tries again. */
  get(): void {
    this.#asked = this.named.blake3;
    void fetchFile(this.#app, this.named);
  }
}
