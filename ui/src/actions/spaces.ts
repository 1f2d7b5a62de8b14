// Joining, hosting and leaving spaces; who I am in them.

import type { App } from "../app.svelte";
import { asRefused } from "../backend/backend";
import type { Admission } from "../backend/gen/Admission";
import type { NearbySpace } from "../backend/gen/NearbySpace";
import type { PresenceState } from "../backend/gen/PresenceState";
import type { Refusal } from "../backend/gen/Refusal";
import type { Settings } from "../backend/gen/Settings";
import type { SpaceId } from "../backend/gen/SpaceId";
import type { JoinTarget } from "../store/state";
import { openSpace } from "./rooms";

/** Text sizes that the setting goes through, in percent. */
const TEXT_SIZE = { step: 10, min: 80, max: 200, usual: 100 };

/** Joins and opens. Answers why not, where that belongs beside what was typed. */
export async function join(
  app: App,
  target: JoinTarget,
  passcode: string | null,
): Promise<Refusal | null> {
  const { space, address } = target;
  try {
    const answer = await app.ask("join", { space, address, passcode });
    app.change({ event: "dialog", dialog: null });
    await openSpace(app, answer.space);
    return null;
  } catch (error) {
    const refused = asRefused(error);
    if (refused.code !== "wrong_passcode") return refused.refusal;
    const wrong = passcode !== null;
    app.change({ event: "dialog", dialog: { kind: "passcode", join: target, wrong } });
    return null;
  }
}

/** Joins a space seen nearby; one that asks for a passcode is not tried without. */
export async function joinNearby(app: App, nearby: NearbySpace): Promise<Refusal | null> {
  const target = { name: nearby.name, space: nearby.space, address: null };
  if (nearby.admission === "passcode") {
    app.change({ event: "dialog", dialog: { kind: "passcode", join: target, wrong: false } });
    return null;
  }
  return await join(app, target, null);
}

export async function host(
  app: App,
  name: string,
  admission: Admission,
  passcode: string | null,
): Promise<Refusal | null> {
  try {
    const answer = await app.ask("host", { name, admission, passcode });
    app.change({ event: "dialog", dialog: null });
    await openSpace(app, answer.space);
    return null;
  } catch (error) {
    return asRefused(error).refusal;
  }
}

/** Hosts a space again that was left, which joins it, and opens it. */
export async function hostAgain(app: App, space: SpaceId): Promise<Refusal | null> {
  try {
    await app.ask("set_hosting", { space, on: true });
    await openSpace(app, space);
    return null;
  } catch (error) {
    return asRefused(error).refusal;
  }
}

export async function leaveSpace(app: App, space: SpaceId): Promise<void> {
  const left = await app.tell("leave_space", { space });
  const next = app.state.order.find((other) => other !== space);
  if (left && next !== undefined) await openSpace(app, next);
}

export async function setName(app: App, name: string): Promise<boolean> {
  const trimmed = name.trim();
  if (trimmed === "") return false;
  if (trimmed === app.state.me?.name) return true;
  return (await app.tell("set_name", { name: trimmed })) !== null;
}

/** `text`: what others read beside one's name; it stays until it is changed. */
export function setPresence(app: App, state: PresenceState, text: string): void {
  void app.tell("set_presence", { state, text: text.trim() });
}

/** Nothing disturbs for so long, in minutes; null: from now on it may again. */
export function setQuiet(app: App, minutes: number | null): void {
  setSettings(app, { quiet_until: minutes === null ? null : Date.now() + minutes * 60_000 });
}

/** Minutes until eight o'clock tomorrow. */
export function minutesUntilMorning(now: Date): number {
  const morning = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8);
  return Math.round((morning.getTime() - now.getTime()) / 60_000);
}

/** Shown at once; told one after the other, each with what the ones before have left. */
export function setSettings(app: App, change: Partial<Settings>): void {
  app.change({ event: "set", change });
  void app.inOrder(async () => {
    const settings = { ...app.state.settingsTold, ...change };
    const kept = (await app.tell("set_settings", { settings })) !== null;
    app.change({ event: "set_done", change, kept });
  }, "settings");
}

export function stepTextSize(app: App, step: 1 | 0 | -1): void {
  const { usual, min, max } = TEXT_SIZE;
  const size = step === 0 ? usual : app.state.settings.text_size + step * TEXT_SIZE.step;
  setSettings(app, { text_size: Math.min(max, Math.max(min, size)) });
}
