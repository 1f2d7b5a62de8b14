// What the views hold: the state, the backend, and the one way in which the first changes.
//
//   view → action → backend.call … backend events → reduce → state → view

import { createContext } from "svelte";
import {
  asRefused,
  type Backend,
  type CommandName,
  type Reply,
  type Request,
  type Writing,
} from "./backend/backend";
import type { EventId } from "./backend/gen/EventId";
import type { RoomId } from "./backend/gen/RoomId";
import type { TransferView } from "./backend/gen/TransferView";
import type { UiEvent } from "./backend/gen/UiEvent";
import { Adding } from "./store/adding.svelte";
import { Drafts } from "./store/drafts.svelte";
import { LocalFiles } from "./store/local.svelte";
import { draftOf, type MessageItem } from "./store/select";
import { reduce } from "./store/reduce";
import { EMPTY, type State, type WindowEvent } from "./store/state";

/** What the rest of the window may ask of the timeline that is on the screen. */
export interface TimelinePane {
  toNewest(): void;
}

/** The same of the thread in the drawer. */
export interface ThreadPane extends TimelinePane {
  /** The message that began it. */
  readonly thread: EventId;
}

/** What the rest of the window may ask of the composer that is on the screen. */
export interface ComposerPane {
  focus(): void;
  /** Takes one's own message into the composer. */
  edit(item: MessageItem): void;
  /** The next message answers this one. */
  reply(item: MessageItem): void;
  /** They go with the next message. */
  attach(files: readonly File[], folders: readonly string[]): void;
}

export class App {
  timeline: TimelinePane | null = null;
  thread: ThreadPane | null = null;
  composer: ComposerPane | null = null;
  /** That of the thread in the drawer. */
  threadComposer: ComposerPane | null = null;
  /** Files on their way into what is being written. */
  readonly adding = new Adding();
  /** What is written and not sent. */
  readonly drafts: Drafts;
  readonly local: LocalFiles;
  readonly backend: Backend;
  #state = $state.raw<State>(EMPTY);
  #now = $state(Date.now());
  /** Pages being read, with what was told of their rooms meanwhile. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on the screen follows from it
  readonly #reading = new Map<string, { room: RoomId; meanwhile: UiEvent[] }>();
  /** What is on its way to the core in an order: the last of each line. */
  readonly #lines: Record<"outbox" | "settings", Promise<unknown>> = {
    outbox: Promise.resolve(),
    settings: Promise.resolve(),
  };

  constructor(backend: Backend) {
    this.backend = backend;
    this.local = new LocalFiles(backend);
    this.drafts = new Drafts(
      (to) => draftOf(this.state, to),
      (to, text) => this.#saveDraft(to, text),
    );
  }

  get state(): State {
    return this.#state;
  }

  /**
   * For what is called after the day, and for whether quiet has ended: moved at midnight, when quiet
   * ends and when one comes back to the window. Milliseconds since 1970.
   */
  get now(): number {
    return this.#now;
  }

  moveNow(): void {
    this.#now = Date.now();
  }

  /** Listens until the answer is called. `onOpen`: somebody clicked a notification or a link. */
  start(onOpen: (event: Extract<UiEvent, { event: "open" }>) => void, onReady: () => void) {
    return this.backend.listen((events) => {
      const wasReady = this.#state.ready;
      this.#take(events);
      for (const event of events) {
        if (event.event === "open") onOpen(event);
        if (event.event === "unsent") this.drafts.add(event, event.text);
      }
      if (!wasReady && this.#state.ready) onReady();
    });
  }

  /** It is tried again with every change: why it could not be kept is said once. */
  async #saveDraft({ space, room, thread }: Writing, text: string): Promise<boolean> {
    try {
      await this.backend.call("save_draft", { space, room, thread, text });
      return true;
    } catch (error) {
      const { message } = asRefused(error).refusal;
      const isShown = this.state.notices.some(({ refusal }) => refusal.message === message);
      if (!isShown) this.notice(error);
      return false;
    }
  }

  change(event: WindowEvent): void {
    this.#state = reduce(this.#state, event);
  }

  /** Asks the core; a refusal goes to the caller. */
  ask<K extends CommandName>(name: K, request: Request<K>): Promise<Reply<K>> {
    return this.backend.call(name, request);
  }

  /** Tells the core; a refusal is shown as a notice. */
  async tell<K extends CommandName>(name: K, request: Request<K>): Promise<Reply<K> | null> {
    try {
      return await this.backend.call(name, request);
    } catch (error) {
      this.notice(error);
      return null;
    }
  }

  notice(error: unknown): void {
    const { refusal } = asRefused(error);
    this.#state = reduce(this.#state, { event: "notice", refusal });
  }

  /** Tells the core what needs no answer and is not worth a notice: it is told again soon. */
  hint<K extends CommandName>(name: K, request: Request<K>): void {
    this.backend.call(name, request).catch(() => undefined);
  }

  /** One after the other: what was written first is queued first. */
  inOrder<T>(write: () => Promise<T>, line: "outbox" | "settings" = "outbox"): Promise<T> {
    const written = this.#lines[line].then(write);
    this.#lines[line] = written.catch(() => undefined);
    return written;
  }

  /**
   * Reads a page into the state. What happens to timelines of its room and overtakes the answer is
   * applied again after it, or what came between the reading and the answer would be lost.
   */
  async read(
    request: Request<"page">,
    where: Extract<WindowEvent, { event: "page" }>["where"],
  ): Promise<boolean> {
    const { room, part } = request;
    const thread = typeof part === "string" ? null : part.thread;
    const key = thread ?? room;
    const reading = { room, meanwhile: [] as UiEvent[] };
    this.#reading.set(key, reading);
    try {
      const page = await this.backend.call("page", request);
      if (this.#reading.get(key) !== reading) return false;
      this.#reading.delete(key);
      this.change({ event: "page", room, thread, page, where });
      this.#take(reading.meanwhile);
      return true;
    } catch (error) {
      if (this.#reading.get(key) === reading) {
        this.#reading.delete(key);
        this.notice(error);
      }
      return false;
    }
  }

  /** `key`: the room, or the thread by its first message. */
  isReading(key: string): boolean {
    return this.#reading.has(key);
  }

  #lookForArrived(transfers: readonly TransferView[]): void {
    for (const { way, state, space, event, blake3 } of transfers) {
      if (way === "down" && state === "done") void this.local.look({ space, event, blake3 });
    }
  }

  #take(events: readonly UiEvent[]): void {
    let state = this.#state;
    for (const event of events) {
      if (isOfTimeline(event)) {
        for (const { room, meanwhile } of this.#reading.values()) {
          if (room === event.room) meanwhile.push(event);
        }
      }
      if (event.event === "space_gone") this.drafts.forget(({ space }) => space === event.space);
      if (event.event === "room_gone") this.drafts.forget(({ room }) => room === event.room);
      if (event.event === "transfers") this.#lookForArrived(event.transfers);
      state = reduce(state, event);
    }
    this.#state = state;
  }
}

/** What changes the timelines of a room, and so what a page says. Applied twice it changes nothing. */
function isOfTimeline(event: UiEvent): event is UiEvent & { room: RoomId } {
  switch (event.event) {
    case "items":
    case "item_gone":
    case "marks":
    case "reload":
    case "room_gone":
      return true;
    default:
      return false;
  }
}

export const [useApp, provideApp] = createContext<App>();
