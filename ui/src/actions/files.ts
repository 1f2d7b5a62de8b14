// Files: adding them to what is written, fetching, saving, and what one may do to those on the way.

import type { App } from "../app.svelte";
import { asRefused, type FileOfMessage, type Writing } from "../backend/backend";
import type { AttachmentView } from "../backend/gen/AttachmentView";
import type { TransferView } from "../backend/gen/TransferView";
import { t } from "../i18n/t";
import { FILES_MAX } from "../lib/files";
import type { Waiting } from "../store/adding.svelte";
import { placeOf } from "../store/select";
import { post, saveDraft } from "./messages";

/** Adds files to what is being written, one after the other, so that they keep their order. */
export async function attach(app: App, to: Writing, files: readonly File[]): Promise<void> {
  const place = placeOf(to);
  app.adding.clearProblems(place);
  const room = FILES_MAX - attached(app, to).length - app.adding.at(place).length;
  const fitting = files.slice(0, Math.max(0, room));
  if (fitting.length < files.length) {
    const key = app.adding.add(place, "", 0, () => undefined);
    refuse(app, place, key, t("files.too_many", { count: FILES_MAX }));
  }
  const begun = fitting.map((file) => {
    const stop = new AbortController();
    const key = app.adding.add(place, file.name, file.size, () => stop.abort());
    return { file, key, stop };
  });
  for (const { file, key, stop } of begun) await attachOne(app, to, file, key, stop.signal);
  await sendWaiting(app, to);
}

/** What waited for its files goes once they are here, wherever the person is by now. */
async function sendWaiting(app: App, to: Writing): Promise<void> {
  const place = placeOf(to);
  const message = app.adding.waiting(place);
  if (message === null || app.adding.isAdding(place)) return;
  app.adding.wait(place, null);
  const composer = [app.composer, app.threadComposer].find((pane) => pane?.place() === place);
  if (composer) composer.send();
  else await sendFromElsewhere(app, to, message);
}

async function sendFromElsewhere(app: App, to: Writing, message: Waiting): Promise<void> {
  const space = app.state.spaces[to.space];
  const attachments = attached(app, to).map(({ id }) => id);
  // With nothing left to send, what was written stays as a draft.
  if (!space || (message.text.trim() === "" && attachments.length === 0)) return;
  app.adding.send(attachments);
  const about = { replyTo: message.answering?.id ?? null, thread: to.thread, attachments };
  const done = await post(app, space, to.room, message.text.trim(), about);
  app.adding.sent(attachments, done);
  if (done) saveDraft(app, to, "");
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
    else refuse(app, place, key, asRefused(error).message);
  }
}

/** Says why it is not added. A message that waits does not go without it: that is for the person. */
function refuse(app: App, place: string, key: number, problem: string): void {
  app.adding.change(place, key, { problem });
  app.adding.wait(place, null);
}

/** A folder was dropped, or something else that can't be read. */
export function refuseFolder(app: App, to: Writing, name: string): void {
  const place = placeOf(to);
  const key = app.adding.add(place, name, 0, () => undefined);
  refuse(app, place, key, t("files.folder"));
}

/** What goes with the next message of this place. */
export function attached(app: App, to: Writing): AttachmentView[] {
  const all = app.state.attachments[placeOf(to)] ?? [];
  return all.filter(({ id }) => !app.adding.isSent(id));
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
