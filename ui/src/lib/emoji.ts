// Emoji by name. The list is large, so it comes only when somebody looks for one.

import type { Gemoji } from "gemoji";

export interface Emoji {
  emoji: string;
  /** As it is typed between two colons. */
  name: string;
  /** In words, for a screen reader. */
  about: string;
  category: string;
  /** All that it is found by, in lower case. */
  words: string;
}

/** What stands before a word, in names and in what they are found by. */
const WORD_EDGES = [" ", "_", "-"];

let all: Promise<readonly Emoji[]> | null = null;

export function allEmoji(): Promise<readonly Emoji[]> {
  all ??= import("gemoji").then(({ gemoji }) => gemoji.map(asEmoji));
  return all;
}

function asEmoji({ emoji, names, tags, description, category }: Gemoji): Emoji {
  const words = [...names, ...tags, description].join(" ").toLowerCase();
  return { emoji, name: names[0] ?? description, about: description, category, words };
}

/** Those found by a word, best first: whose name begins with it, then those that have it at all. */
export function findEmoji(among: readonly Emoji[], wanted: string, limit: number): Emoji[] {
  const word = wanted.trim().toLowerCase();
  if (word === "") return among.slice(0, limit);
  return ranked(
    among.filter(({ words }) => words.includes(word)),
    word,
    limit,
  );
}

/** Those that a word begun names: only where it begins one of theirs, or any text would find some. */
export function emojiBegun(among: readonly Emoji[], begun: string, limit: number): Emoji[] {
  const word = begun.toLowerCase();
  const begins = ({ words }: Emoji) => WORD_EDGES.some((edge) => ` ${words}`.includes(edge + word));
  return ranked(among.filter(begins), word, limit);
}

function ranked(found: readonly Emoji[], word: string, limit: number): Emoji[] {
  const rank = ({ name, words }: Emoji) =>
    name === word ? 0 : name.startsWith(word) ? 1 : words.split(/[\s_]/).includes(word) ? 2 : 3;
  return found
    .map((one) => ({ one, rank: rank(one) }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ one }) => one);
}
