// The invented team: people, rooms and a real conversation, told up to a few minutes ago.

import type { Content } from "../gen/Content";
import type { Item } from "../gen/Item";
import type { MessageView } from "../gen/MessageView";
import type { NearbySpace } from "../gen/NearbySpace";
import type { PersonView } from "../gen/PersonView";
import type { RepliesView } from "../gen/RepliesView";
import type { RoomKind } from "../gen/RoomKind";
import type { RoomView } from "../gen/RoomView";
import type { SpaceView } from "../gen/SpaceView";
import conversation from "./conversation.json";

/** Which invented world to show: `?scene=…`. */
export type SceneName =
  "first" | "alone" | "new" | "studio" | "archived" | "offline" | "refused" | "large" | "files";

export interface FakeRoom {
  view: RoomView;
  /** The log's items in rising `seq`. */
  items: Item[];
  queued: Item[];
}

export interface FakeSpace {
  view: SpaceView;
  people: PersonView[];
  rooms: Map<string, FakeRoom>;
}

export const ME = memberId(0);
const MINUTE = 60_000;
/** Messages of the room in the scene `large`. */
const LARGE_MESSAGES = 100_000;

/** 43 characters that look like a key, the same for the same number. */
export function memberId(n: number): string {
  let mixed = (n + 1) * 2_654_435_761;
  let text = "";
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (let i = 0; i < 43; i += 1) {
    mixed = (mixed * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += letters[Math.floor(mixed / 33_554_432)] ?? "A";
  }
  return text;
}

/** A UUIDv7 that says its number. */
export function uuid(n: number): string {
  return `0199aa00-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** A hash that says its number. */
export function hashNumber(n: number): string {
  return n.toString(16).padStart(64, "0");
}

export function nearby(joined: boolean): NearbySpace[] {
  return [
    {
      space: uuid(1),
      name: "Studio",
      admission: "open",
      addresses: ["192.168.1.20:7717"],
      host: "Ana’s desk",
      joined,
    },
    {
      space: uuid(2),
      name: "Field office Nord",
      admission: "passcode",
      addresses: ["192.168.1.31:7717"],
      host: "office-box",
      joined: false,
    },
  ];
}

function people(now: number): PersonView[] {
  const states = ["online", "online", "away", "online", "dnd", "offline"] as const;
  const named = conversation.names.map((name, index): PersonView => {
    const state = states[index % states.length] ?? "online";
    return {
      member: memberId(index + 1),
      name,
      role: index === 0 ? "owner" : "member",
      here: true,
      state,
      text: state === "away" ? "back at two" : "",
      last_seen: state === "offline" ? now - 47 * MINUTE : now,
    };
  });
  const me: PersonView = {
    member: ME,
    name: "Mira Solberg",
    role: "member",
    here: true,
    state: "online",
    text: "",
    last_seen: now,
  };
  return [me, ...named];
}

export function message(
  id: string,
  seq: number | null,
  author: string,
  at: number,
  text: string,
  more: Partial<MessageView> = {},
): Item {
  return {
    id,
    seq,
    author,
    sent_at: at,
    accepted_at: seq === null ? null : at,
    body: {
      kind: "message",
      text,
      edited: false,
      deleted: false,
      pinned: false,
      reply_to: null,
      thread: null,
      mentions: [],
      files: [],
      imported_name: null,
      imported_at: null,
      reactions: [],
      replies: null,
      changes: [],
      ...more,
    },
    state: seq === null ? { state: "queued" } : { state: "accepted" },
  };
}

export function system(
  id: string,
  seq: number,
  author: string,
  at: number,
  content: Content,
): Item {
  return {
    id,
    seq,
    author,
    sent_at: at,
    accepted_at: at,
    body: { kind: "system", content },
    state: { state: "accepted" },
  };
}

export function room(
  n: number,
  kind: RoomKind,
  name: string,
  topic: string,
  items: Item[],
): FakeRoom {
  const last = items.at(-1);
  const view: RoomView = {
    room: uuid(n),
    kind,
    name,
    topic,
    archived: false,
    everyone: name === "general",
    open: true,
    creator: memberId(1),
    may: {
      write: true,
      pin: true,
      delete_others: false,
      invite: kind !== "direct" && name !== "general",
      change: kind !== "direct" && name !== "general",
      remove: kind !== "direct" && name !== "general",
      leave: kind !== "direct" && name !== "general",
    },
    unread_replies: 0,
    pins: 0,
    level: "everything",
    member_count: conversation.names.length + 1,
    members: [],
    head: last?.seq ?? 0,
    came: 1,
    read: last?.seq ?? 0,
    unread: 0,
    mentions: 0,
    first_unread: null,
    last_at: last?.accepted_at ?? null,
    draft: "",
    queued: 0,
  };
  return { view, items, queued: [] };
}

/** The sample, moved in time so that its last message was written five minutes ago. */
function told(now: number, base: number): Item[] {
  const lastAt = conversation.messages.at(-1)?.at ?? now;
  const shift = now - 5 * MINUTE - lastAt;
  const items: Item[] = [
    system(uuid(base), 1, memberId(1), (conversation.messages[0]?.at ?? 0) + shift - 9e6, {
      type: "room_created",
      kind: "public",
      name: "general",
      everyone: true,
    }),
  ];
  conversation.messages.forEach(({ author, at, text }, index) => {
    const seq = index + 2;
    items.push(message(uuid(base + seq), seq, memberId(author + 1), at + shift, text));
  });
  return dressed(items);
}

/** A few of what later hands will make: reactions, an edit, a deletion, a reply, people coming. */
function dressed(items: Item[]): Item[] {
  const at = (fromEnd: number, change: Partial<MessageView>) => {
    const item = items.at(-fromEnd);
    if (item?.body.kind === "message") item.body = { ...item.body, ...change };
  };
  const quoted = items.at(-9);
  at(2, {
    reactions: [
      { emoji: "👍", members: [memberId(2), memberId(3), ME] },
      { emoji: "🎉", members: [memberId(4)] },
    ],
  });
  at(4, { edited: true });
  at(7, { deleted: true, text: "" });
  if (quoted) at(3, { reply_to: quoted.id });
  return items;
}

function workshop(now: number): Item[] {
  const at = (minutes: number) => now - minutes * MINUTE;
  const by = (n: number) => memberId(n);
  return [
    system(uuid(0x20001), 1, by(2), at(190), {
      type: "room_created",
      kind: "public",
      name: "workshop",
    }),
    ...[3, 4, 5, 6, 7, 8].map((n, index) =>
      system(uuid(0x20010 + n), 2 + index, by(n), at(188 - n), { type: "joined" }),
    ),
    system(uuid(0x20020), 8, by(2), at(175), {
      type: "room_changed",
      topic: "Benches, keys and who has the big printer",
    }),
    message(
      uuid(0x20021),
      9,
      by(2),
      at(170),
      "Who took the **calibration kit**? It was on bench 2.",
    ),
    message(uuid(0x20022), 10, by(5), at(168), "Me, back in an hour. Sorry! 🙏"),
    message(
      uuid(0x20023),
      11,
      by(2),
      at(42),
      "@Mira Solberg can you check the numbers before we print?",
      {
        mentions: [ME],
      },
    ),
    message(
      uuid(0x20024),
      12,
      by(2),
      at(41),
      "This is what the rig reports:\n\n```python\ndef drift(samples: list[float]) -> float:\n    # mean of the last ten, in microvolts\n    return sum(samples[-10:]) / 10\n```\n\nSee <https://intra.example/rig/4> for the raw log.",
    ),
    message(uuid(0x20025), 13, by(7), at(12), "Looks right to me."),
    reply(14, 5, at(39), "Is that the mean of all ten, or without the first?"),
    reply(15, 2, at(36), "All ten. The first one is warm already."),
    reply(16, 5, at(9), "Then I would drop it, see #reading-list for the paper."),
  ];
}

/** What is said in the thread of the workshop. */
function reply(seq: number, by: number, at: number, text: string): Item {
  const thread = uuid(0x20024);
  return message(uuid(0x20024 + seq), seq, memberId(by), at, text, { thread });
}

/** What a room shows of a thread under its first message. */
export function repliesOf(items: readonly Item[], thread: string): RepliesView | null {
  const replies = items.filter(
    (item) => item.body.kind === "message" && item.body.thread === thread && !item.body.deleted,
  );
  const last = replies.at(-1);
  if (!last) return null;
  return {
    count: replies.length,
    last_at: last.accepted_at ?? last.sent_at,
    last: last.seq ?? 0,
    authors: [...new Set(replies.toReversed().map(({ author }) => author))]
      .slice(0, 3)
      .map((member) => ({ member, imported_name: null })),
    unread: 0,
  };
}

function direct(now: number): Item[] {
  return [
    message(uuid(0x30001), 2, memberId(1), now - 92 * MINUTE, "Are you still at the harbour?"),
    message(uuid(0x30002), 3, ME, now - 90 * MINUTE, "Yes, until four. The crane is late."),
    message(uuid(0x30003), 4, memberId(1), now - 30 * MINUTE, "Then let us talk tomorrow."),
  ];
}

function large(now: number): Item[] {
  const sample = conversation.messages;
  return Array.from({ length: LARGE_MESSAGES }, (_, index) => {
    const { author, text } = sample[index % sample.length] ?? { author: 0, text: "" };
    const at = now - (LARGE_MESSAGES - index) * 2 * MINUTE;
    return message(uuid(0x100000 + index), index + 1, memberId(author + 1), at, text);
  });
}

export function spaceView(id: string, name: string, host: string): SpaceView {
  return {
    space: id,
    name,
    admission: "open",
    me: ME,
    role: "member",
    link: {
      state: "connected",
      host,
      last_connected: null,
      next_try: null,
      catching_up: null,
      problem: null,
    },
    queued: 0,
    hosted_here: false,
  };
}

export function studio(now: number, scene: SceneName): FakeSpace {
  const general = room(
    0x11,
    "public",
    "general",
    "What everybody should know",
    scene === "large" ? large(now) : told(now, 0x10000),
  );
  const unreadFrom = general.items.length - 14;
  unread(general, scene === "studio" ? unreadFrom : general.items.length);
  const bench = room(
    0x12,
    "public",
    "workshop",
    "Benches, keys and who has the big printer",
    workshop(now),
  );
  unread(bench, 10);
  bench.view.mentions = 1;
  for (const item of bench.items) {
    if (item.body.kind !== "message") continue;
    item.body.replies = repliesOf(bench.items, item.id);
    if (item.body.replies) Object.assign(item.body.replies, { unread: 1 });
  }
  bench.view.unread_replies = 1;
  const pinned = bench.items.find(({ seq }) => seq === 9);
  if (pinned?.body.kind === "message") pinned.body.pinned = true;
  bench.view.pins = 1;
  const quiet = room(0x13, "public", "reading-list", "", [
    system(uuid(0x40001), 1, memberId(3), now - 5e8, {
      type: "room_created",
      kind: "public",
      name: "reading-list",
    }),
  ]);
  const closed = room(0x14, "private", "budget-2027", "", [
    message(uuid(0x50001), 2, memberId(1), now - 3e8, "First numbers are in the shared folder."),
  ]);
  closed.view.member_count = 4;
  const ana = room(0x15, "direct", "", "", direct(now));
  ana.view.members = [ME, memberId(1)];
  ana.view.member_count = 2;
  unread(ana, 2);
  ana.view.draft = "Tomorrow at nine?";
  if (scene === "archived") Object.assign(general.view, { archived: true });
  // Somebody new is in no room but the one for everyone.
  const rooms = scene === "archived" ? [general] : [general, bench, quiet, closed, ana];
  return {
    view: spaceView(uuid(1), "Studio", "Ana’s desk"),
    people: people(now),
    rooms: new Map(rooms.map((one) => [one.view.room, one])),
  };
}

/** Everything after the item at `index` is unread. */
function unread(one: FakeRoom, index: number): void {
  const rest = one.items
    .slice(index)
    .filter((item) => item.author !== ME && !(item.body.kind === "message" && item.body.thread));
  one.view.read = one.items.at(index - 1)?.seq ?? 0;
  one.view.unread = rest.length;
  one.view.first_unread = rest[0]?.seq ?? null;
}
