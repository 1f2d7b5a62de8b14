// What `@`, `#` and `:` in the composer offer: people of the space and the room, rooms, emoji.

import { ROOM_MENTION } from "../actions/messages";
import { t } from "../i18n/t";
import { displayNames, peopleOf, roomsByName } from "../store/select";
import type { Space } from "../store/state";
import { allEmoji, emojiBegun } from "./emoji";

/** What has been begun before the caret. */
export interface Begun {
  sign: "@" | "#" | ":";
  /** What stands between the sign and the caret. */
  word: string;
}

export interface Completion {
  key: string;
  /** What takes the place of the sign and what was begun. */
  inserted: string;
  /** Shown. */
  name: string;
  /** Said beside it. */
  about: string;
  /** What stands before it: a person's picture, a sign, or the emoji itself. */
  picture: { member: string } | { sign: "room" | "everyone" } | { emoji: string };
}

/** Completions that are offered at once. */
const OFFERED = 6;
/** A name is looked for in this many characters behind its sign. */
const NAME_CHARS = 64;
/** Emoji are offered after this many letters: `:` and a word ends many sentences. */
const EMOJI_LETTERS = 2;
/** What may be begun of an emoji's name. No sign at its start: `:-D` and `:_(` are meant as they stand. */
const EMOJI_BEGUN = /(?:^|[\s([{]):([a-z0-9+][a-z0-9_+-]*)$/iu;

export function begunAt(text: string, caret: number): Begun | null {
  const before = text.slice(Math.max(0, caret - NAME_CHARS - 1), caret);
  const emoji = EMOJI_BEGUN.exec(before)?.[1];
  if (emoji !== undefined && emoji.length >= EMOJI_LETTERS) return { sign: ":", word: emoji };
  const match = /(?:^|[\s([{])([@#])([^\n@#]*)$/u.exec(before);
  const [, sign, word] = match ?? [];
  if ((sign !== "@" && sign !== "#") || word === undefined || word.startsWith(" ")) return null;
  return { sign, word };
}

export async function completions(space: Space, begun: Begun): Promise<Completion[]> {
  switch (begun.sign) {
    case "@":
      return people(space, begun.word);
    case "#":
      return rooms(space, begun.word);
    case ":": {
      const found = emojiBegun(await allEmoji(), begun.word, OFFERED);
      return found.map(({ emoji, name }) => ({
        key: name,
        inserted: `${emoji} `,
        name: `:${name}:`,
        about: "",
        picture: { emoji },
      }));
    }
  }
}

function people(space: Space, word: string): Completion[] {
  const wanted = word.toLocaleLowerCase();
  const names = displayNames(space.people);
  const found: Completion[] = peopleOf(space)
    .filter((person) => person.member !== space.view.me)
    .map((person) => ({ person, name: names.get(person.member) ?? person.name }))
    .filter(({ name }) => begins(name, wanted))
    .map(({ person, name }) => ({
      key: person.member,
      inserted: `@${name} `,
      name,
      about: t(`presence.${person.state}`),
      picture: { member: person.member },
    }));
  if (ROOM_MENTION.startsWith(wanted)) {
    found.push({
      key: ROOM_MENTION,
      inserted: `@${ROOM_MENTION} `,
      name: ROOM_MENTION,
      about: t("composer.everyone"),
      picture: { sign: "everyone" },
    });
  }
  return found.slice(0, OFFERED);
}

function rooms(space: Space, word: string): Completion[] {
  const wanted = word.toLocaleLowerCase();
  return [...roomsByName(space).values()]
    .filter((room) => room.open && begins(room.name, wanted))
    .sort((a, b) => a.name.localeCompare(b.name))
    .slice(0, OFFERED)
    .map((room) => ({
      key: room.room,
      inserted: `#${room.name} `,
      name: room.name,
      about: room.topic,
      picture: { sign: "room" },
    }));
}

/** The name, or a later word of it, begins so. */
function begins(name: string, wanted: string): boolean {
  const lower = name.toLocaleLowerCase();
  return lower.startsWith(wanted) || lower.includes(` ${wanted}`);
}
