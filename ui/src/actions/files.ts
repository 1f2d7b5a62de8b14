// Files: adding them to what is written, fetching, saving, and what one may do to those on the way.

import type { App } from "../app.svelte";
import { asRefused, type FileOfMessage, type Writing } from "../backend/backend";
import type { TransferView } from "../backend/gen/TransferView";
import { t } from "../i18n/t";
import { FILES_MAX } from "../lib/files";
import { placeOf } from "../store/select";
import { attached, sendWaiting } from "./writing";

/** Adds files to what is being written, one after the other, so that they keep their order. */
export async function attach(app: App, to: Writing, files: readonly File[]): Promise<void> {
  const place = placeOf(to);
  app.adding.clearProblems(place);
  const room = FILES_MAX - attached(app, to).length - app.adding.at(place).length;
  const fitting = files.slice(0, Math.max(0, room));
  if (fitting.length < files.length) {
    const key = app.adding.add(place, "", 0, () => undefined);
    refuse(app, to, key, t("files.too_many", { count: FILES_MAX }));
  }
  const begun = fitting.map((file) => {
    const stop = new AbortController();
    const key = app.adding.add(place, file.name, file.size, () => stop.abort());
    return { file, key, stop };
  });
  for (const { file, key, stop } of begun) await attachOne(app, to, file, key, stop.signal);
  await sendWaiting(app, to);
}

async function attachOne(
  app: App,
  to: Writing,
  file: File,
  key: number,
  stop: AbortSignal,
): Promise<void> {
  const place = placeOf(to);
  try {
    stop.throwIfAborted();
    const progress = (part: number) => app.adding.change(place, key, { part });
    const attachment = await app.backend.attach(to, file, progress, stop);
    // First: once nothing is being added any more, what waits for it is sent.
    app.change({ event: "attached", to, attachment });
    app.adding.remove(place, key);
  } catch (error) {
    if (stop.aborted) app.adding.remove(place, key);
    else refuse(app, to, key, asRefused(error).message);
  }
}

/** Says why it is not added. A message that waits does not go without it: that is for the person. */
function refuse(app: App, to: Writing, key: number, problem: string): void {
  app.adding.change(placeOf(to), key, { problem });
  app.drafts.change(to, { act: "wait", on: false });
}

/** A folder was dropped, or something else that can't be read. */
export function refuseFolder(app: App, to: Writing, name: string): void {
  const key = app.adding.add(placeOf(to), name, 0, () => undefined);
  refuse(app, to, key, t("files.folder"));
}

export async function detach(app: App, to: Writing, id: string): Promise<void> {
  const { space, room } = to;
  await app.tell("detach", { space, room, id });
}

/** Has the core fetch it, as soon as there is a link; goes on with what was paused or has failed. */
export async function fetchFile(app: App, file: FileOfMessage): Promise<void> {
  const { space, event, blake3 } = file;
  const answer = await app.tell("fetch_file", { space, event, blake3 });
  if (answer?.transfer.state === "done") await app.local.look(file);
}

export function pause(app: App, { space, id }: TransferView): void {
  void app.tell("pause_transfer", { space, id });
}

/** Goes on, or tries again. */
export function resume(app: App, { space, id }: TransferView): void {
  void app.tell("resume_transfer", { space, id });
}

export function cancel(app: App, { space, id }: TransferView): void {
  void app.tell("cancel_transfer", { space, id });
}

/** Asks the person where to, and saves it there. Answers whether it was saved. */
export async function save(app: App, file: FileOfMessage, name: string): Promise<boolean> {
  try {
    return await app.backend.save(file, name);
  } catch (error) {
    app.notice(error);
    return false;
  }
}
