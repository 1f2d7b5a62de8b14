const letters = new Intl.Segmenter();

/**
 * One or two letters for a name, of its first and its last word: `AL` for "Ada Lovelace". What
 * stands in brackets to tell two people of one name apart is no word of the name.
 */
export function initials(name: string): string {
  const all = name.trim().split(/[\s_-]+/u);
  const named = all.filter((word) => !/^\p{Punctuation}/u.test(word));
  const words = named.length > 0 ? named : all;
  const last = words.length > 1 ? firstLetter(words.at(-1) ?? "") : "";
  return ((firstLetter(words[0] ?? "") || "?") + last).toLocaleUpperCase();
}

/** What a reader takes for one letter: an emoji of several signs is one. */
function firstLetter(word: string): string {
  for (const { segment } of letters.segment(word)) return segment;
  return "";
}
