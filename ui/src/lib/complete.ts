// What `@` in the composer offers: people of the space, and the room.

import { ROOM_MENTION } from "../actions/messages";
import { t } from "../i18n/t";
import { displayNames, peopleOf } from "../store/select";
import type { Space } from "../store/state";

export interface Completion {
  /** What is put behind the `@`. */
  name: string;
  /** Said beside it. */
  about: string;
  /** Whose picture; null for the room. */
  member: string | null;
}

/** Completions that are offered at once. */
const OFFERED = 6;
/** A name is looked for in this many characters behind an `@`. */
const NAME_CHARS = 64;

/** What stands between the last `@` and the caret, or null where no name has been begun. */
export function mentionAt(text: string, caret: number): string | null {
  const begun = text.slice(Math.max(0, caret - NAME_CHARS - 1), caret);
  const match = /(?:^|[\s([{])@([^\n@]*)$/u.exec(begun);
  const name = match?.[1];
  return name === undefined || name.startsWith(" ") ? null : name;
}

export function completions(space: Space, begun: string): Completion[] {
  const wanted = begun.toLocaleLowerCase();
  const names = displayNames(space.people);
  const found: Completion[] = peopleOf(space)
    .filter((person) => person.member !== space.view.me)
    .map((person) => ({
      name: names.get(person.member) ?? person.name,
      about: t(`presence.${person.state}`),
      member: person.member,
    }))
    .filter(({ name }) => {
      const lower = name.toLocaleLowerCase();
      return lower.startsWith(wanted) || lower.includes(` ${wanted}`);
    });
  if (ROOM_MENTION.startsWith(wanted)) {
    found.push({ name: ROOM_MENTION, about: t("composer.everyone"), member: null });
  }
  return found.slice(0, OFFERED);
}
