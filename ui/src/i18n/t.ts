// Words on the screen: `t(key, values)`. A key that is missing, or a value that a text asks for
// and does not get, is an error of the type checker.

import { en } from "./en";

type Plural = { readonly one: string; readonly other: string };
type Dictionary = typeof en;
export type Key = keyof Dictionary;

type Names<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type NamesOf<M> = M extends Plural ? Names<M["one"]> | Names<M["other"]> | "count" : Names<M>;
type Values<K extends Key> = {
  [Name in NamesOf<Dictionary[K]>]: Name extends "count" ? number : string;
};
type Rest<K extends Key> = [NamesOf<Dictionary[K]>] extends [never] ? [] : [values: Values<K>];

/** The language of the words, with the region that the system prefers for times and numbers. */
export const locale = navigator.languages.find((tag) => /^en\b/i.test(tag)) ?? "en";

const plural = new Intl.PluralRules(locale);
const number = new Intl.NumberFormat(locale);

export function t<K extends Key>(key: K, ...rest: Rest<K>): string {
  const message: string | Plural = en[key];
  const values: Readonly<Record<string, string | number>> = rest[0] ?? {};
  const text =
    typeof message === "string"
      ? message
      : plural.select(Number(values["count"])) === "one"
        ? message.one
        : message.other;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === "number" ? number.format(value) : (value ?? "");
  });
}

export function formatNumber(value: number): string {
  return number.format(value);
}

/** Unread messages of a room that the core counts (its `UNREAD_COUNTED`): so many, or more. */
const COUNTED = 10_000;

/** How many are unread, in figures: "12", "10,000+". */
export function unreadFigure(count: number): string {
  return count < COUNTED ? formatNumber(count) : `${formatNumber(COUNTED)}+`;
}

/** How many are unread, in words: "12 unread", "10,000 or more unread". */
export function unreadWords(count: number): string {
  return count < COUNTED ? t("room.unread", { count }) : t("room.unread_many", { count: COUNTED });
}

/** As `unreadWords`, for who reads older ones: "12 new messages". */
export function newWords(count: number): string {
  return count < COUNTED
    ? t("timeline.newest_count", { count })
    : t("timeline.newest_many", { count: COUNTED });
}

/** "Ana", "Ana and Ben", "Ana, Ben and 3 others": at most three names. */
export function namesInWords(names: readonly string[], more = 0): string {
  const [first, second, third] = names;
  const others = Math.max(0, names.length - 3) + more;
  if (first === undefined) return "";
  if (second === undefined) {
    return others > 0 ? t("and.more", { names: first, count: others }) : first;
  }
  if (third === undefined) {
    return others > 0
      ? t("and.more", { names: `${first}, ${second}`, count: others })
      : t("and.two", { first, second });
  }
  return others > 0
    ? t("and.more", { names: `${first}, ${second}, ${third}`, count: others })
    : t("and.two", { first: `${first}, ${second}`, second: third });
}

const RIGHT_TO_LEFT = /^(ar|fa|he|ur|yi|ps|dv)\b/i;

/** Tells the page its language and direction. */
export function applyLanguage(root: HTMLElement): void {
  root.lang = locale;
  root.dir = RIGHT_TO_LEFT.test(locale) ? "rtl" : "ltr";
}
