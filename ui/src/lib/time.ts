// Times in words, in the person's zone and manner.

import { locale, t } from "../i18n/t";

const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const withYear = new Intl.DateTimeFormat(locale, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});
const short = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const shortWithYear = new Intl.DateTimeFormat(locale, {
  day: "numeric",
  month: "short",
  year: "numeric",
});
const whole = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });

/** "10:42" */
export function clockTime(at: number): string {
  return clock.format(at);
}

/** With the date, for a title: nothing left to guess. */
export function wholeTime(at: number): string {
  return whole.format(at);
}

/** "Today", "Yesterday", "Monday 3 March", with the year where it is another one. */
export function dayName(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  return sameYear(at, now) ? weekday.format(at) : withYear.format(at);
}

/** Short and clear from now: "10:42" today, else "3 Mar", else "3 Mar 2024". */
export function briefTime(at: number, now: number): string {
  if (daysBetween(at, now) === 0) return clock.format(at);
  return sameYear(at, now) ? short.format(at) : shortWithYear.format(at);
}

/** "1:05", "1:02:03": how far a sound has come. */
export function playTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  const two = (value: number) => value.toString().padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** When the day of this moment ends, in the person's zone. */
export function nextMidnight(now: number): number {
  return new Date(now).setHours(24, 0, 0, 0);
}

/** Midnights between two moments, in the person's zone. */
function daysBetween(at: number, now: number): number {
  const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / 86_400_000);
}

function sameYear(at: number, now: number): boolean {
  return new Date(at).getFullYear() === new Date(now).getFullYear();
}
