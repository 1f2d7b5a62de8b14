// Sending what is written in a room or a thread, wherever the person is by now.

import type { App } from "../app.svelte";
import type { Writing } from "../backend/backend";
import type { AttachmentView } from "../backend/gen/AttachmentView";
import { placeOf } from "../store/select";
import { shown } from "../store/written";
import { edit, post, tooLong } from "./messages";

/** What goes with the next message of this place. */
export function attached(app: App, to: Writing): AttachmentView[] {
  const all = app.state.attachments[placeOf(to)] ?? [];
  return all.filter(({ id }) => !app.adding.isSent(id));
}

/** When what stands in the box can go: now, once its files are here, or as it stands never. */
export function goes(app: App, to: Writing): "now" | "later" | "never" {
  const written = app.drafts.at(to);
  const text = shown(written);
  if (tooLong(text) > 0) return "never";
  const { editing } = written;
  if (!editing && app.adding.isAdding(placeOf(to))) return "later";
  // Files may go without a text; those of an older message stay as they are.
  const files = editing ? editing.item.body.files : attached(app, to);
  const refused = !editing && attached(app, to).some(({ words }) => words !== undefined);
  return (text.trim() === "" && files.length === 0) || refused ? "never" : "now";
}

/** Puts it into the outbox, or lets it wait for its files. */
export async function send(app: App, to: Writing): Promise<void> {
  const space = app.state.spaces[to.space];
  if (!space) return;
  const when = goes(app, to);
  app.drafts.change(to, { act: "wait", on: when === "later" });
  if (when !== "now") return;
  const written = app.drafts.at(to);
  const { editing, answering } = written;
  const text = shown(written).trim();
  const attachments = editing ? [] : attached(app, to).map(({ id }) => id);
  app.drafts.change(to, { act: "send" });
  if (!editing) {
    app.adding.clearProblems(placeOf(to));
    if (to.thread === null && app.state.place.room === to.room) app.timeline?.toNewest();
  }
  app.adding.send(attachments);
  const about = { replyTo: answering?.id ?? null, thread: to.thread, attachments };
  const done = editing
    ? await edit(app, space, to.room, editing.item.id, text)
    : await post(app, space, to.room, text, about);
  app.adding.sent(attachments, done);
  if (!done) app.drafts.change(to, { act: "put_back", sent: written });
  await app.drafts.keep(to);
}

/** What waited for its files goes once they are here. */
export async function sendWaiting(app: App, to: Writing): Promise<void> {
  if (!app.drafts.at(to).waits || app.adding.isAdding(placeOf(to))) return;
  await send(app, to);
}
