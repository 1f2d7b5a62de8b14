// A whole invented space behind the same door as the real core. For `vite dev`, for Playwright and
// for looking at things; it keeps nothing and knows no rule that a view may rely on.

import {
  Refused,
  type Backend,
  type CommandName,
  type FileOfMessage,
  type Reply,
  type Request,
  type RoomsToExport,
  type Writing,
} from "../backend";
import type { Content } from "../gen/Content";
import type { Exported } from "../gen/Exported";
import type { HostingView } from "../gen/HostingView";
import type { ImportProgress } from "../gen/ImportProgress";
import type { Item } from "../gen/Item";
import type { MarkChange } from "../gen/MarkChange";
import type { MessageView } from "../gen/MessageView";
import type { MeView } from "../gen/MeView";
import type { NearbySpace } from "../gen/NearbySpace";
import type { Refusal } from "../gen/Refusal";
import type { Settings } from "../gen/Settings";
import type { UiEvent } from "../gen/UiEvent";
import { EMPTY } from "../../store/state";
import { answers, type Answers } from "./answers";
import { FakeFiles } from "./files";
import { FakeImports } from "./imports";
import { harbour } from "./harbour";
import {
  ME,
  memberId,
  message,
  nearby,
  repliesOf,
  room,
  spaceView,
  studio,
  system,
  uuid,
  type FakeRoom,
  type FakeSpace,
  type SceneName,
} from "./scene";

/** How long the invented network takes for each step of a message, in milliseconds. */
const STEP_MS = 250;

export class FakeBackend implements Backend {
  readonly spaces = new Map<string, FakeSpace>();
  /** Every command that was called, for tests. */
  readonly calls: { name: CommandName; request: unknown }[] = [];
  me: MeView;
  settings: Settings = EMPTY.settings;
  nearby: NearbySpace[];
  hosting: HostingView[] = [];
  readonly files = new FakeFiles((event) => this.emit(event));
  readonly imports = new FakeImports();
  /** Spaces that were left, as their hosts have them. */
  readonly #left = new Map<string, FakeSpace>();
  readonly #listeners = new Set<(events: UiEvent[]) => void>();
  readonly #answers: Answers;
  #pending: UiEvent[] = [];
  #refusal: Refusal | null = null;
  #next = 0x900000;

  constructor(scene: SceneName) {
    const fresh = scene === "first" || scene === "alone";
    this.me = {
      member: ME,
      name: fresh ? null : "Mira Solberg",
      suggested_name: "Mira Solberg",
      version: "0.1.0",
      data_dir: "/home/mira/.local/share/landline",
      platform: "linux",
    };
    this.nearby = scene === "alone" || scene === "new" ? [] : nearby(!fresh);
    if (!fresh && scene !== "new") {
      const space = studio(Date.now(), scene);
      this.spaces.set(space.view.space, space);
      if (scene === "files") this.#showFiles();
      if (scene === "offline") this.offline();
      if (scene === "refused") this.refused();
    }
    this.#answers = answers(this);
    if (scene === "new") this.host("Studio");
  }

  async call<K extends CommandName>(name: K, request: Request<K>): Promise<Reply<K>> {
    this.calls.push({ name, request });
    await new Promise((answered) => setTimeout(answered, 4));
    return this.#answers[name](request);
  }

  attach(to: Writing, file: File, progress: (part: number) => void, stop: AbortSignal) {
    return this.files.attach(to, file, progress, stop);
  }

  attached(_space: string, id: string): string {
    return this.files.attachedUrl(id);
  }

  local(file: FileOfMessage): Promise<string | null> {
    return this.files.local(file);
  }

  async save(_file: FileOfMessage, name: string): Promise<boolean> {
    await this.files.save(name);
    return true;
  }

  async saveExport({ space, rooms }: RoomsToExport, name: string): Promise<Exported | null> {
    await this.files.save(name);
    const all = [...this.space(space).rooms.values()];
    const chosen = all.filter(({ view }) => rooms.length === 0 || rooms.includes(view.room));
    const messages = chosen.reduce((sum, { items }) => sum + items.length, 0);
    return { rooms: chosen.length, messages, bytes: messages * 400, complete: true };
  }

  chooseImport() {
    return this.imports.choose();
  }

  startImport(space: string, into: string | null, progress: (progress: ImportProgress) => void) {
    return this.imports.start(space, into, progress);
  }

  cancelImport(space: string): Promise<void> {
    return this.imports.cancel(space);
  }

  #showFiles(): void {
    const { view, rooms } = this.#first;
    const general = this.#named("general");
    Object.assign(general, harbour(this.files, view.space, general.view.room, Date.now()));
    const last = general.items.at(-1);
    const head = last?.seq ?? 0;
    const read = {
      head,
      read: head,
      unread: 0,
      first_unread: null,
      last_at: last?.sent_at ?? null,
    };
    Object.assign(general.view, read, { queued: 1, pins: 1 });
    view.queued = 1;
    rooms.set(general.view.room, general);
  }

  listen(on: (events: UiEvent[]) => void): () => void {
    this.#listeners.add(on);
    const spaces = [...this.spaces.values()].map(({ view, rooms, people }) => ({
      space: view,
      rooms: [...rooms.values()].map((one) => one.view),
      people,
      attachments: [],
      thread_drafts: [],
      transfers: this.files.transfers(view.space),
    }));
    const snapshot: UiEvent = {
      event: "snapshot",
      me: this.me,
      settings: this.settings,
      nearby: this.nearby,
      hosting: this.hosting,
      spaces,
      discovery_problem: null,
    };
    queueMicrotask(() => on([structuredClone(snapshot)]));
    return () => this.#listeners.delete(on);
  }

  /** To every listener, in batches as the shell does. */
  emit(...events: UiEvent[]): void {
    if (this.#pending.length === 0) queueMicrotask(() => this.#flush());
    this.#pending.push(...structuredClone(events));
  }

  #flush(): void {
    const events = this.#pending;
    this.#pending = [];
    for (const on of this.#listeners) on(events);
  }

  set(settings: Settings): void {
    this.settings = settings;
    this.emit({ event: "settings", settings });
  }

  space(id: string): FakeSpace {
    const space = this.spaces.get(id);
    if (!space) throw new Refused({ code: "not_found", message: "There is no such space." });
    return space;
  }

  room(space: string, id: string): FakeRoom {
    const found = this.space(space).rooms.get(id);
    if (!found) throw new Refused({ code: "not_found", message: "There is no such room." });
    return found;
  }

  newId(): string {
    this.#next += 1;
    return uuid(this.#next);
  }

  // What tests and the console do to the invented world: `landline.receive("general", "hello")`.

  get #first(): FakeSpace {
    const [space] = this.spaces.values();
    if (!space) throw new Error("no space in this scene");
    return space;
  }

  #named(name: string): FakeRoom {
    const found = [...this.#first.rooms.values()].find(({ view }) => view.name === name);
    if (!found) throw new Error(`no room ${name}`);
    return found;
  }

  /** Somebody writes. */
  receive(roomName: string, text: string, person = 2, thread: string | null = null): void {
    const target = this.#named(roomName);
    const mentions = text.includes("@Mira Solberg") ? [ME] : [];
    const { head } = target.view;
    const more = { mentions, thread };
    const item = message(this.newId(), head + 1, memberId(person), Date.now(), text, more);
    this.accept(this.#first, target, item);
    if (thread !== null) return;
    target.view.unread += 1;
    target.view.mentions += mentions.length;
    target.view.first_unread ??= item.seq;
    this.emit({ event: "room", space: this.#first.view.space, room: target.view });
  }

  typing(roomName: string, ...persons: number[]): void {
    const members = persons.map(memberId);
    const { room: id } = this.#named(roomName).view;
    this.emit({ event: "typing", space: this.#first.view.space, room: id, members, more: 0 });
  }

  offline(): void {
    const { view } = this.#first;
    view.link = {
      ...view.link,
      state: "looking",
      last_connected: Date.now() - 9 * 60_000,
      next_try: Date.now() + 12_000,
    };
    this.emit({ event: "space", space: view });
  }

  online(): void {
    const space = this.#first;
    space.view.link = { ...space.view.link, state: "connected", next_try: null, problem: null };
    this.emit({ event: "space", space: space.view });
    for (const one of space.rooms.values()) {
      for (const item of one.queued) {
        if (item.state.state !== "failed") this.#sendLater(space, one, item.id);
      }
    }
  }

  refused(): void {
    const { view } = this.#first;
    const problem: Refusal = { code: "bad_signature", message: "the node shows another key" };
    view.link = { ...view.link, state: "refused", problem };
    this.emit({ event: "space", space: view });
  }

  /** I become an admin. */
  promote(): void {
    const { view } = this.#first;
    view.role = "admin";
    this.emit({ event: "space", space: view });
  }

  /** The next message that is sent is refused for good. */
  refuseNext(text: string): void {
    this.#refusal = { code: "muted", message: text };
  }

  host(name: string): string {
    this.#noneIsOn();
    const space: FakeSpace = {
      view: { ...spaceView(this.newId(), name, "this computer"), hosted_here: true, role: "owner" },
      people: [
        {
          member: ME,
          name: this.me.name ?? "Mira Solberg",
          role: "owner",
          here: true,
          state: "online",
          text: "",
          last_seen: Date.now(),
        },
      ],
      rooms: new Map(),
    };
    const created = system(this.newId(), 1, ME, Date.now(), {
      type: "room_created",
      kind: "public",
      name: "general",
      everyone: true,
    });
    const general = room(0x9001 + this.hosting.length, "public", "general", "", [created]);
    general.view.member_count = 1;
    space.rooms.set(general.view.room, general);
    const { space: id } = space.view;
    const hosting = { space: id, name, on: false, addresses: [], connected: 0 };
    this.hosting = [...this.hosting, { ...hosting, admission: "open" }];
    this.add(space);
    this.setHosting(id, true);
    return id;
  }

  setHosting(id: string, on: boolean): void {
    const known = this.hosting.find(({ space }) => space === id);
    if (!known) throw new Refused({ code: "not_found", message: "it was not hosted here" });
    if (on && !known.on) this.#noneIsOn();
    const running = { addresses: on ? ["192.168.1.20:7717"] : [], connected: on ? 1 : 0 };
    const now = { ...known, on, ...running };
    this.hosting = this.hosting.map((one) => (one === known ? now : one));
    const left = this.#left.get(id);
    if (on && left) {
      this.#left.delete(id);
      this.add(left);
    }
    const view = this.spaces.get(id)?.view;
    if (view) {
      view.hosted_here = on;
      this.emit({ event: "space", space: view });
    }
    this.emit({ event: "hosting", hosting: this.hosting });
  }

  #noneIsOn(): void {
    const on = this.hosting.find((one) => one.on);
    if (!on) return;
    const message = `this computer hosts ${on.name}: stop that first`;
    throw new Refused({ code: "conflict", message });
  }

  leave(id: string): void {
    if (this.hosting.some(({ space, on }) => space === id && on)) {
      throw new Refused({ code: "conflict", message: "This computer hosts it." });
    }
    this.#left.set(id, this.space(id));
    this.spaces.delete(id);
    this.emit({ event: "space_gone", space: id });
  }

  add(space: FakeSpace): void {
    this.spaces.set(space.view.space, space);
    const { view, people, rooms } = space;
    this.emit({ event: "space", space: view }, { event: "people", space: view.space, people });
    for (const one of rooms.values()) {
      this.emit({ event: "room", space: view.space, room: one.view });
    }
  }

  queue(space: FakeSpace, target: FakeRoom, item: Item): void {
    target.queued.push(item);
    this.#show(space, target, item);
    this.#count(space, target);
    if (space.view.link.state === "connected") this.#sendLater(space, target, item.id);
  }

  retry(space: FakeSpace, target: FakeRoom, item: Item): void {
    item.state = { state: "queued" };
    this.#show(space, target, item);
    if (space.view.link.state === "connected") this.#sendLater(space, target, item.id);
  }

  #sendLater(space: FakeSpace, target: FakeRoom, id: string): void {
    setTimeout(() => {
      const item = target.queued.find((one) => one.id === id);
      if (!item || space.view.link.state !== "connected") return;
      if (this.#refusal) {
        item.state = { state: "failed", refusal: this.#refusal };
        this.#refusal = null;
        this.#show(space, target, item);
        return;
      }
      target.queued = target.queued.filter((one) => one.id !== id);
      this.accept(space, target, {
        ...item,
        seq: target.view.head + 1,
        accepted_at: Date.now(),
        state: { state: "accepted" },
      });
      this.#count(space, target);
      this.#reachLater(space, target);
    }, STEP_MS);
  }

  /** An event enters the room's log. */
  accept(space: FakeSpace, target: FakeRoom, item: Item): void {
    target.items.push(item);
    this.files.settle(space.view.space, item.id);
    target.view.head = item.seq ?? target.view.head;
    target.view.last_at = item.accepted_at;
    this.#show(space, target, item);
    const thread = item.body.kind === "message" ? item.body.thread : null;
    if (thread === null) return;
    this.change(space.view.space, target, thread, (body) => ({
      ...body,
      replies: repliesOf(target.items, thread),
    }));
  }

  /** The others get it, then one reads it. */
  #reachLater(space: FakeSpace, target: FakeRoom): void {
    const { room: id, head } = target.view;
    const mark = (read: number): MarkChange => ({ member: memberId(1), delivered: head, read });
    const tell = (change: MarkChange) =>
      this.emit({ event: "marks", space: space.view.space, room: id, changes: [change] });
    if (space.people.length < 2) return;
    setTimeout(() => tell(mark(0)), STEP_MS);
    setTimeout(() => tell(mark(head)), STEP_MS * 6);
  }

  #show(space: FakeSpace, target: FakeRoom, item: Item): void {
    const { room: id } = target.view;
    this.emit({ event: "items", space: space.view.space, room: id, items: [item] });
  }

  #count(space: FakeSpace, target: FakeRoom): void {
    target.view.queued = target.queued.length;
    space.view.queued = [...space.rooms.values()].reduce((sum, one) => sum + one.queued.length, 0);
    this.emit(
      { event: "room", space: space.view.space, room: target.view },
      { event: "space", space: space.view },
    );
  }

  discard(space: FakeSpace, target: FakeRoom, id: string): void {
    target.queued = target.queued.filter((one) => one.id !== id);
    this.emit({ event: "item_gone", space: space.view.space, room: target.view.room, id });
    this.#count(space, target);
  }

  /** A message reads otherwise from now on. */
  change(
    space: string,
    target: FakeRoom,
    id: string,
    change: (body: MessageView & { kind: "message" }) => MessageView & { kind: "message" },
  ): void {
    const item = [...target.items, ...target.queued].find((one) => one.id === id);
    if (item?.body.kind !== "message") return;
    item.body = change(item.body);
    this.#show(this.space(space), target, item);
  }

  /** Something has happened in a room. */
  tellSystem(space: string, target: FakeRoom, content: Content): { id: string } {
    const item = system(this.newId(), target.view.head + 1, ME, Date.now(), content);
    this.accept(this.space(space), target, item);
    this.emit({ event: "room", space, room: target.view });
    return { id: item.id };
  }

  forget(space: string, id: string): void {
    this.space(space).rooms.delete(id);
    this.emit({ event: "room_gone", space, room: id });
  }
}
