// The files of the invented world: which are on this computer, which are on their way, and what is
// attached to what is written.

import { Refused, type FileOfMessage, type Writing } from "../backend";
import type { AttachmentView } from "../gen/AttachmentView";
import type { File as MessageFile } from "../gen/File";
import type { TransferState } from "../gen/TransferState";
import type { TransferView } from "../gen/TransferView";
import type { UiEvent } from "../gen/UiEvent";
import { measured } from "./media";
import { hashNumber, uuid } from "./scene";

/** How long each step of a file on its way takes, and of adding one, in milliseconds; how many there are. */
const STEP_MS = 60;
const ADD_STEP_MS = 15;
const STEPS = 8;

interface Attached extends Writing {
  view: AttachmentView;
  blob: Blob;
}

/** A file of the world: how its bytes are made, and whether they are here. */
export interface FakeFile {
  make: () => Promise<Blob>;
  here: boolean;
  url?: string;
}

export class FakeFiles {
  readonly known = new Map<string, FakeFile>();
  readonly #emit: (event: UiEvent) => void;
  readonly #attached: Attached[] = [];
  #transfers: TransferView[] = [];
  /** Names of what was saved, for tests. */
  readonly saved: string[] = [];
  /** False: what is being added stays on its way. */
  adds = true;
  /** Why the next file can't be attached. */
  refusal: string | null = null;
  /** Why nothing can be saved. */
  saveRefusal: string | null = null;
  /** False: nothing moves; tests look at it as it is. */
  moves = true;
  #next = 0xa00000;

  constructor(emit: (event: UiEvent) => void) {
    this.#emit = emit;
  }

  save(name: string): Promise<void> {
    const message = this.saveRefusal;
    if (message !== null) return Promise.reject(new Refused({ code: "internal", message }));
    this.saved.push(name);
    return Promise.resolve();
  }

  async attach(
    to: Writing,
    file: File,
    progress: (part: number) => void,
    stop: AbortSignal,
  ): Promise<AttachmentView> {
    for (let step = 1; step <= STEPS;) {
      await new Promise((passed) => setTimeout(passed, ADD_STEP_MS));
      stop.throwIfAborted();
      if (!this.adds && step > 1) continue;
      if (step > 1 && this.refusal !== null) {
        const message = this.refusal;
        this.refusal = null;
        throw new Refused({ code: "too_large", message });
      }
      progress(step / STEPS);
      step += 1;
    }
    const view: AttachmentView = {
      id: this.#id(),
      name: file.name,
      type: file.type,
      bytes: file.size,
      ...(file.type.startsWith("image/") ? await measured(file) : {}),
    };
    this.#attached.push({ ...to, view, blob: file });
    // The answer and the events come by ways of their own: the answer may be first.
    setTimeout(() => this.tellAttached(to), STEP_MS);
    return view;
  }

  attachedUrl(id: string): string {
    const attached = this.#attached.find(({ view }) => view.id === id);
    return attached ? URL.createObjectURL(attached.blob) : "";
  }

  detach(room: string, id: string): void {
    const at = this.#attached.findIndex(({ view }) => view.id === id);
    const [gone] = this.#attached.splice(at, at < 0 ? 0 : 1);
    if (gone?.room === room) this.tellAttached(gone);
  }

  /** They leave the draft and become files of a message. */
  take(to: Writing, ids: readonly string[]): MessageFile[] {
    const taken = ids.flatMap((id) => this.#attached.filter(({ view }) => view.id === id));
    const files = taken.map(({ view, blob }) => {
      const { name, type, bytes, width, height, preview } = view;
      const shape = width && height && preview ? { width, height, preview } : {};
      const blake3 = hashNumber((this.#next += 1));
      this.known.set(blake3, { make: () => Promise.resolve(blob), here: true });
      return { name, type, bytes, ...shape, blake3 };
    });
    for (const one of taken) this.#attached.splice(this.#attached.indexOf(one), 1);
    if (taken.length > 0) this.tellAttached(to);
    return files;
  }

  tellAttached({ space, room, thread }: Writing): void {
    const attachments = this.#attached
      .filter((one) => one.room === room && one.thread === thread)
      .map(({ view }) => view);
    this.#emit({ event: "attachments", space, room, thread, attachments });
  }

  async local({ blake3 }: FileOfMessage): Promise<string | null> {
    const file = this.known.get(blake3);
    if (!file?.here) return null;
    file.url ??= URL.createObjectURL(await file.make());
    return file.url;
  }

  fetch(asked: FileOfMessage, room: string, bytes: number, connected: boolean): TransferView {
    const { event, blake3 } = asked;
    const known = this.#transfers.find((one) => one.event === event && one.blake3 === blake3);
    if (known) this.set(known.id, "running");
    if (known) return known;
    const here = this.known.get(blake3)?.here === true;
    const state = here ? "done" : connected && this.moves ? "running" : "waiting";
    const { space } = asked;
    const way = "down";
    const begun = {
      id: this.#id(),
      space,
      room,
      event,
      blake3,
      way,
      state,
      done: 0,
      bytes,
    } as const;
    if (!here) this.begin(begun);
    if (state === "running") this.#move(begun.id);
    return begun;
  }

  begin(transfer: TransferView): void {
    this.#transfers = [...this.#transfers, transfer];
    const { space } = transfer;
    this.#emit({ event: "transfers", space, transfers: [transfer], gone: [] });
  }

  set(id: string, state: TransferState, words?: string): void {
    const one = this.#change(id, { state, ...(words === undefined ? {} : { words }) });
    if (one?.state === "running" && this.moves) this.#move(id);
  }

  cancel(id: string): void {
    this.#drop(id, (one) => this.#emit({ event: "transfers", ...one, transfers: [], gone: [id] }));
  }

  #finish(id: string): void {
    this.#drop(id, ({ space, transfer }) => {
      const transfers = [{ ...transfer, state: "done", done: transfer.bytes } as const];
      this.#emit({ event: "transfers", space, transfers, gone: [] });
    });
  }

  #drop(id: string, tell: (gone: { space: string; transfer: TransferView }) => void): void {
    const transfer = this.#transfers.find((one) => one.id === id);
    this.#transfers = this.#transfers.filter((one) => one.id !== id);
    if (transfer) tell({ space: transfer.space, transfer });
  }

  /** Its message is on the node. */
  settle(space: string, event: string): void {
    const settled = this.#transfers.filter((one) => one.space === space && one.event === event);
    for (const { id } of settled) this.#finish(id);
  }

  /** For a snapshot. */
  transfers(space: string): TransferView[] {
    return this.#transfers.filter((one) => one.space === space);
  }

  #move(id: string): void {
    setTimeout(() => {
      const one = this.#transfers.find((other) => other.id === id);
      if (one?.state !== "running") return;
      const done = Math.min(one.bytes, one.done + Math.ceil(one.bytes / STEPS));
      if (done < one.bytes || one.way === "up") {
        this.#change(id, { done });
        if (done < one.bytes) this.#move(id);
        return;
      }
      const file = this.known.get(one.blake3);
      if (file) file.here = true;
      this.#finish(id);
    }, STEP_MS);
  }

  #change(id: string, change: Partial<TransferView>): TransferView | undefined {
    this.#transfers = this.#transfers.map((one) => (one.id === id ? { ...one, ...change } : one));
    const changed = this.#transfers.find((one) => one.id === id);
    if (!changed) return undefined;
    this.#emit({ event: "transfers", space: changed.space, transfers: [changed], gone: [] });
    return changed;
  }

  #id(): string {
    this.#next += 1;
    return uuid(this.#next);
  }
}
