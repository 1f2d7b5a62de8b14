// What one writes in one place and has not sent: a new message and, while an older one is being
// changed, that one beside it. Pure: `changed(written, act)`.

import type { MessageItem } from "./select";

export interface Written {
  /** Of the new message. */
  text: string;
  /** What the new message answers. */
  answering: MessageItem | null;
  /** An older message of one's own, and how it is to read; the new one waits meanwhile. */
  editing: { item: MessageItem; text: string } | null;
  /** Sent already: it goes as soon as its files are here. */
  waits: boolean;
  /** Files came while an older message was changed, which keeps those it has. */
  filesRefused: boolean;
}

export type Act =
  | { act: "type"; text: string }
  | { act: "answer"; item: MessageItem | null }
  | { act: "edit"; item: MessageItem }
  | { act: "stop_editing" }
  /** Comes below the new message. */
  | { act: "add"; text: string }
  | { act: "offer_files" }
  | { act: "wait"; on: boolean }
  /** What stands in the box goes. */
  | { act: "send" }
  /** What went could not be queued. */
  | { act: "put_back"; sent: Written };

/** With no more than what the core has kept of it. */
export function begunWith(draft: string): Written {
  return { text: draft, answering: null, editing: null, waits: false, filesRefused: false };
}

/** What stands in the box. */
export function shown({ text, editing }: Written): string {
  return editing?.text ?? text;
}

/** Something is begun there. */
export function isBegun({ text, editing }: Written): boolean {
  return text !== "" || editing !== null;
}

/** Whatever is changed of a message that waits, it is no longer the one that was sent. */
export function changed(before: Written, act: Act): Written {
  const written = { ...before, waits: false };
  switch (act.act) {
    case "type":
      return before.editing
        ? { ...written, editing: { ...before.editing, text: act.text } }
        : { ...written, text: act.text };
    case "answer":
      return { ...written, answering: act.item };
    case "edit":
      return before.editing?.item.id === act.item.id
        ? written
        : { ...written, editing: { item: act.item, text: act.item.body.text } };
    case "stop_editing":
      return { ...written, editing: null, filesRefused: false };
    case "add":
      return { ...written, text: below(before.text, act.text) };
    case "offer_files":
      return { ...before, filesRefused: before.editing !== null };
    case "wait":
      return { ...before, waits: act.on };
    case "send":
      return before.editing
        ? { ...written, editing: null, filesRefused: false }
        : { ...written, text: "", answering: null };
    case "put_back":
      return putBack(written, act.sent);
  }
}

/** It stands above what was written since. */
function putBack(since: Written, { text, answering, editing }: Written): Written {
  if (editing === null) {
    return { ...since, text: below(text, since.text), answering: since.answering ?? answering };
  }
  return since.editing === null
    ? { ...since, editing }
    : { ...since, text: below(editing.text, since.text) };
}

function below(above: string, text: string): string {
  return above === "" || text === "" ? above + text : `${above}\n${text}`;
}
