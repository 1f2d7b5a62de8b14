// Writing: posting, the messages that are still queued, typing.

import type { App } from "../app.svelte";
import type { AttachmentId } from "../backend/gen/AttachmentId";
import type { EventId } from "../backend/gen/EventId";
import type { Mention } from "../backend/gen/Mention";
import type { RoomId } from "../backend/gen/RoomId";
import type { SpaceId } from "../backend/gen/SpaceId";
import { t } from "../i18n/t";
import { displayNames, type MessageItem } from "../store/select";
import type { Space } from "../store/state";
import { readNewest } from "./rooms";
import { setSettings } from "./spaces";

/** Bytes of text in a message; the protocol's limit. */
export const TEXT_BYTES = 16 * 1024;
/** Bytes of one unit of a JavaScript string, at most. */
const UNIT_BYTES = 3;
/** Mentions in one message; the protocol's limit. */
const MENTIONS = 50;
/** Emoji that are remembered as used last; the core's limit. */
const RECENT_EMOJI = 16;
/** Offered at a message. */
const QUICK_EMOJI = 3;
const USUAL_EMOJI = ["👍", "❤️", "😄"];
/** The word that mentions everybody in a room. */
export const ROOM_MENTION = "room";
/** Typing is told at most once in this time… */
const TYPING_EVERY_MS = 1_000;
/** …and ends this long after the last key. */
const TYPING_ENDS_MS = 4_000;

/** Puts it into the outbox and shows the end of the room. Answers whether it is there. */
export async function post(
  app: App,
  space: Space,
  room: RoomId,
  text: string,
  about: {
    replyTo?: EventId | null;
    thread?: EventId | null;
    attachments?: AttachmentId[];
  } = {},
): Promise<boolean> {
  const id = space.view.space;
  const mentions = mentionsIn(text, space);
  const { replyTo = null, thread = null, attachments = [] } = about;
  const posted = await app.inOrder(() =>
    app.tell("post", { space: id, room, text, reply_to: replyTo, thread, mentions, attachments }),
  );
  if (posted !== null && app.thread?.thread === thread) app.thread.toNewest();
  const moreAfter = thread === null && app.state.timelines[room]?.moreAfter === true;
  if (moreAfter) await readNewest(app, id, room);
  return posted !== null;
}

/** Changes one's own message. Answers whether the change is in the outbox. */
export async function edit(
  app: App,
  space: Space,
  room: RoomId,
  id: EventId,
  text: string,
): Promise<boolean> {
  const mentions = mentionsIn(text, space);
  const request = { space: space.view.space, room, id, text, mentions };
  return (await app.inOrder(() => app.tell("edit", request))) !== null;
}

export async function remove(app: App, space: SpaceId, room: RoomId, id: EventId): Promise<void> {
  await app.inOrder(() => app.tell("delete", { space, room, id }));
}

/** Puts an emoji of mine under a message, or takes it back. */
export async function react(
  app: App,
  space: Space,
  room: RoomId,
  item: MessageItem,
  emoji: string,
): Promise<void> {
  const mine = item.body.reactions.find((one) => one.emoji === emoji)?.members;
  const on = mine?.includes(space.view.me) !== true;
  const request = { space: space.view.space, room, id: item.id, emoji, on };
  await app.inOrder(() => app.tell("react", request));
  if (on) rememberEmoji(app, emoji);
}

function rememberEmoji(app: App, emoji: string): void {
  const { settings } = app.state;
  const recent_emoji = [emoji, ...settings.recent_emoji.filter((one) => one !== emoji)];
  if (settings.recent_emoji[0] === emoji) return;
  setSettings(app, { recent_emoji: recent_emoji.slice(0, RECENT_EMOJI) });
}

/** What is offered first: what one has used last, and what most people use. */
export function quickEmoji(app: App): string[] {
  return [...new Set([...app.state.settings.recent_emoji, ...USUAL_EMOJI])].slice(0, QUICK_EMOJI);
}

export async function pin(
  app: App,
  space: SpaceId,
  room: RoomId,
  item: MessageItem,
): Promise<void> {
  await app.inOrder(() => app.tell("pin", { space, room, id: item.id, on: !item.body.pinned }));
}

/** A change of mine that has failed is taken back. */
export async function dropChange(app: App, space: SpaceId, id: EventId): Promise<void> {
  await app.tell("discard_queued", { space, id });
}

/** Whom a text names: `@` and the name as it is shown, or `@room`. */
export function mentionsIn(text: string, space: Space): Mention[] {
  if (!text.includes("@")) return [];
  const names = [...displayNames(space.people)].sort((a, b) => b[1].length - a[1].length);
  let rest = text;
  const found: Mention[] = [];
  for (const [member, name] of [...names, [ROOM_MENTION, ROOM_MENTION] as const]) {
    const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`@${escaped}(?![\\p{L}\\p{N}_])`, "gu");
    // Whoever has the longer name is looked for first, and what was theirs is nobody else's.
    const without = rest.replace(pattern, " ");
    if (without !== rest) found.push(member);
    rest = without;
  }
  return found.slice(0, MENTIONS);
}

export async function retry(app: App, space: SpaceId, id: EventId): Promise<void> {
  await app.tell("retry_failed", { space, id });
}

export async function discard(app: App, space: SpaceId, id: EventId): Promise<void> {
  await app.tell("discard_queued", { space, id });
}

/** How many characters at the end of a text are over the limit; 0 where it fits. */
export function tooLong(text: string): number {
  if (text.length * UNIT_BYTES <= TEXT_BYTES) return 0;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(TEXT_BYTES));
  return Array.from(text.slice(read)).length;
}

/** Who hosts a space, for sentences such as "sent when Ana's desk is back". */
export function hostName(space: Space): string {
  return space.view.link.host ?? t("link.the_host");
}

/** Tells the room that I type: at most once a second, and that I stopped. */
export class TypingSignal {
  readonly #app: App;
  #told: { space: SpaceId; room: RoomId; at: number } | null = null;
  #end: ReturnType<typeof setTimeout> | undefined;

  constructor(app: App) {
    this.#app = app;
  }

  key(space: SpaceId, room: RoomId, now: number): void {
    if (this.#told !== null && this.#told.room !== room) this.stop();
    if (this.#told === null || now - this.#told.at >= TYPING_EVERY_MS) {
      this.#told = { space, room, at: now };
      this.#app.hint("typing", { space, room, on: true });
    }
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.stop(), TYPING_ENDS_MS);
  }

  stop(): void {
    clearTimeout(this.#end);
    if (this.#told === null) return;
    const { space, room } = this.#told;
    this.#told = null;
    this.#app.hint("typing", { space, room, on: false });
  }
}
