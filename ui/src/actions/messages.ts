// Writing: posting, the messages that are still queued, typing.

import type { App } from "../app.svelte";
import type { EventId } from "../backend/gen/EventId";
import type { Mention } from "../backend/gen/Mention";
import type { RoomId } from "../backend/gen/RoomId";
import type { SpaceId } from "../backend/gen/SpaceId";
import { t } from "../i18n/t";
import { displayNames } from "../store/select";
import type { Space } from "../store/state";
import { readNewest } from "./rooms";

/** Bytes of text in a message; the protocol's limit. */
export const TEXT_BYTES = 16 * 1024;
/** Mentions in one message; the protocol's limit. */
const MENTIONS = 50;
/** The word that mentions everybody in a room. */
export const ROOM_MENTION = "room";
/** Typing is told at most once in this time… */
const TYPING_EVERY_MS = 1_000;
/** …and ends this long after the last key. */
const TYPING_ENDS_MS = 4_000;

/** Puts it into the outbox and shows the end of the room. Answers whether it is there. */
export async function post(app: App, space: Space, room: RoomId, text: string): Promise<boolean> {
  const id = space.view.space;
  const mentions = mentionsIn(text, space);
  const posted = await app.inOrder(() =>
    app.tell("post", { space: id, room, text, reply_to: null, thread: null, mentions }),
  );
  if (app.state.timelines[room]?.moreAfter === true) await readNewest(app, id, room);
  return posted !== null;
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

export async function editQueued(
  app: App,
  space: SpaceId,
  id: EventId,
  text: string,
): Promise<boolean> {
  return (await app.tell("edit_queued", { space, id, text })) !== null;
}

/** How much of a text is over the limit, in bytes; 0 where it fits. */
export function tooLong(text: string): number {
  return Math.max(0, new TextEncoder().encode(text).length - TEXT_BYTES);
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
