import { describe, expect, test } from "vitest";
import { queued, said } from "./sample";
import { isMessage, type MessageItem } from "./select";
import { begunWith, changed, isBegun, shown, type Act, type Written } from "./written";

function message(item: ReturnType<typeof said>): MessageItem {
  if (!isMessage(item)) throw new Error("no message");
  return item;
}

const older = message(said(1, "me", "Meet at fuor."));
const another = message(queued("another", "Another one."));
const asked = message(said(2, "ana", "Who has the kit?"));
const draft = { ...begunWith("By the way"), answering: asked };
const editing: Written = { ...draft, editing: { item: older, text: "Meet at four" } };
const nothing = begunWith("");

test.each<[string, Written, Act, Partial<Written>]>([
  ["a key writes the new message", draft, { act: "type", text: "By" }, { text: "By" }],
  [
    "a key while an older one is changed leaves the new one",
    editing,
    { act: "type", text: "Meet at four." },
    { text: "By the way", editing: { item: older, text: "Meet at four." } },
  ],
  [
    "an older one is taken as it reads",
    draft,
    { act: "edit", item: older },
    { text: "By the way", answering: asked, editing: { item: older, text: "Meet at fuor." } },
  ],
  [
    "the one that is being changed stays as it was written",
    editing,
    { act: "edit", item: older },
    { editing: { item: older, text: "Meet at four" } },
  ],
  [
    "another one takes its place",
    editing,
    { act: "edit", item: another },
    { editing: { item: another, text: "Another one." } },
  ],
  ["an edit that is left leaves the rest", editing, { act: "stop_editing" }, draft],
  ["an answer is to one message", nothing, { act: "answer", item: asked }, { answering: asked }],
  ["or to none", draft, { act: "answer", item: null }, { answering: null, text: "By the way" }],
  [
    "what comes stands below the new message, also during an edit",
    editing,
    { act: "add", text: "So am I." },
    { text: "By the way\nSo am I.", editing: editing.editing },
  ],
  [
    "what comes where nothing is, is all",
    nothing,
    { act: "add", text: "So am I." },
    { text: "So am I." },
  ],
  ["files go with a new message", draft, { act: "offer_files" }, { filesRefused: false }],
  ["and not with an older one", editing, { act: "offer_files" }, { filesRefused: true }],
  ["what is sent is gone, with what it answers", draft, { act: "send" }, nothing],
  ["an edit that is sent leaves the new message", editing, { act: "send" }, draft],
  [
    "what was not queued stands above what was written since",
    begunWith("later"),
    { act: "put_back", sent: draft },
    { text: "By the way\nlater", answering: asked },
  ],
  ["an edit that was not queued is one again", draft, { act: "put_back", sent: editing }, editing],
  [
    "or, while another is changed, a draft",
    { ...nothing, editing: { item: another, text: "Another" } },
    { act: "put_back", sent: editing },
    { text: "Meet at four", editing: { item: another, text: "Another" } },
  ],
])("%s", (_, before, act, after) => expect(changed(before, act)).toMatchObject(after));

describe("what waits for its files", () => {
  const waits = changed(draft, { act: "wait", on: true });
  test("does so while nothing is changed", () => expect(waits).toEqual({ ...draft, waits: true }));
  test.each<Act>([
    { act: "type", text: "By the way," },
    { act: "answer", item: null },
    { act: "edit", item: older },
    { act: "add", text: "So am I." },
    { act: "wait", on: false },
  ])("no longer after %j", (act) => expect(changed(waits, act).waits).toBe(false));
  test("still while more files come", () =>
    expect(changed(waits, { act: "offer_files" }).waits).toBe(true));
});

test("the box shows the edit, and something is begun even where it was emptied", () => {
  const emptied = changed({ ...nothing, editing: editing.editing }, { act: "type", text: "" });
  expect([shown(draft), shown(editing), shown(emptied)]).toEqual([
    "By the way",
    "Meet at four",
    "",
  ]);
  expect([draft, emptied, nothing].map(isBegun)).toEqual([true, true, false]);
});
