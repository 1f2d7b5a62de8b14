// What the invented core answers to each command.

import { Refused, type CommandName, type Reply, type Request } from "../backend";
import type { Item } from "../gen/Item";
import type { Page } from "../gen/Page";
import type { RoomRights } from "../gen/RoomRights";
import type { SearchHit } from "../gen/SearchHit";
import type { FakeBackend } from "./fake";
import {
  ME,
  memberId,
  message,
  room,
  studio,
  system,
  type FakeRoom,
  type FakeSpace,
} from "./scene";

export type Answers = { [K in CommandName]: (request: Request<K>) => Reply<K> };

const PASSCODE = "tide";
const NOTHING: RoomRights = {
  write: false,
  pin: false,
  delete_others: false,
  invite: false,
  change: false,
  remove: false,
  leave: false,
};

export function answers(fake: FakeBackend): Answers {
  const queuedItem = (spaceId: string, id: string): [FakeSpace, FakeRoom, Item] => {
    const space = fake.space(spaceId);
    for (const one of space.rooms.values()) {
      const item = one.queued.find((queued) => queued.id === id);
      if (item) return [space, one, item];
    }
    throw new Refused({ code: "not_found", message: "It has been sent already." });
  };
  return {
    set_name: ({ name }) => {
      fake.me = { ...fake.me, name };
      fake.emit({ event: "me", me: fake.me });
      return {};
    },
    set_settings: ({ settings }) => {
      if (settings.keywords.length > 32) {
        const message = "at most 32 words can be watched for";
        throw new Refused({ code: "bad_request", message });
      }
      const { last_space, last_room } = fake.settings;
      fake.set({ ...settings, last_space, last_room });
      return {};
    },
    join: ({ space, address, passcode }) => join(fake, space, address, passcode),
    host: ({ name }) => ({ space: fake.host(name) }),
    set_hosting: ({ space, on }) => {
      fake.setHosting(space, on);
      return {};
    },
    leave_space: ({ space }) => {
      fake.leave(space);
      return {};
    },
    connect_now: () => {
      fake.online();
      return {};
    },
    create_room: (request) => createRoom(fake, request),
    join_room: ({ space, room: id }) => {
      const made = room(parseInt(id.slice(-6), 16), "public", "field-notes", "What we saw", []);
      fake.space(space).rooms.set(id, made);
      fake.emit({ event: "room", space, room: made.view });
      return {};
    },
    leave_room: ({ space, room: id, forget }) => {
      const { view } = fake.room(space, id);
      view.open = false;
      view.may = NOTHING;
      fake.emit({ event: "room", space, room: view });
      if (forget) fake.forget(space, id);
      return {};
    },
    forget_room: ({ space, room: id }) => {
      fake.forget(space, id);
      return {};
    },
    change_room: ({ space, room: id, name, topic, archived }) => {
      const target = fake.room(space, id);
      const { view } = target;
      Object.assign(view, {
        name: name ?? view.name,
        topic: topic ?? view.topic,
        archived: archived ?? view.archived,
      });
      view.may = { ...view.may, write: !view.archived };
      return fake.tellSystem(space, target, {
        type: "room_changed",
        ...(name === null ? {} : { name }),
        ...(topic === null ? {} : { topic }),
        ...(archived === null ? {} : { archived }),
      });
    },
    invite: ({ space, room: id, member }) => {
      const target = fake.room(space, id);
      target.view.member_count += 1;
      return fake.tellSystem(space, target, { type: "invited", member });
    },
    remove: ({ space, room: id, member }) => {
      const target = fake.room(space, id);
      target.view.member_count -= 1;
      return fake.tellSystem(space, target, { type: "removed", member });
    },
    members: ({ space, room: id }) => {
      const { people } = fake.space(space);
      const { members, member_count } = fake.room(space, id).view;
      const all = people.map(({ member }) => member).slice(0, member_count);
      return { members: members.length > 0 ? members : all, complete: true };
    },
    set_level: ({ space, room: id, level }) => {
      const { view } = fake.room(space, id);
      view.level = level;
      fake.emit({ event: "room", space, room: view });
      return {};
    },
    browse_rooms: ({ query }) => {
      const rooms = [
        {
          room: "0199aa00-0000-7000-8000-000000000071",
          name: "field-notes",
          topic: "What we saw",
          member_count: 12,
        },
        {
          room: "0199aa00-0000-7000-8000-000000000072",
          name: "lunch",
          topic: "",
          member_count: 19,
        },
      ];
      return { rooms: rooms.filter(({ name }) => name.includes(query.toLowerCase())) };
    },
    post: ({ space, room: id, text, reply_to, thread, mentions, attachments }) => {
      const target = fake.room(space, id);
      const files = fake.files.take({ space, room: id, thread }, attachments);
      const more = { reply_to, thread, mentions, files };
      const item = message(fake.newId(), null, ME, Date.now(), text, more);
      const connected = fake.space(space).view.link.state === "connected";
      for (const { blake3, bytes } of files) {
        const up = { way: "up", state: connected ? "running" : "waiting", done: 0, bytes } as const;
        fake.files.begin({ id: fake.newId(), space, room: id, event: item.id, blake3, ...up });
      }
      fake.queue(fake.space(space), target, item);
      return { id: item.id };
    },
    edit: ({ space, room: id, id: item, text, mentions }) => {
      const target = fake.room(space, id);
      fake.change(space, target, item, (body) => ({ ...body, text, mentions, edited: true }));
      const waiting = target.queued.find((one) => one.id === item);
      if (waiting?.state.state === "failed") fake.retry(fake.space(space), target, waiting);
      return {};
    },
    delete: ({ space, room: id, id: item }) => {
      const target = fake.room(space, id);
      if (target.queued.some((one) => one.id === item)) {
        fake.discard(fake.space(space), target, item);
      } else {
        fake.change(space, target, item, (body) => ({
          ...body,
          text: "",
          deleted: true,
          pinned: false,
          reactions: [],
        }));
      }
      return {};
    },
    react: ({ space, room: id, id: item, emoji, on }) => {
      fake.change(space, fake.room(space, id), item, (body) => {
        const known = body.reactions.find((one) => one.emoji === emoji)?.members ?? [];
        const members = [...known.filter((one) => one !== ME), ...(on ? [ME] : [])];
        const others = body.reactions.filter((one) => one.emoji !== emoji);
        const mine = members.length > 0 ? [{ emoji, members }] : [];
        const at = body.reactions.findIndex((one) => one.emoji === emoji);
        const reactions = others.toSpliced(at < 0 ? others.length : at, 0, ...mine);
        return { ...body, reactions };
      });
      return {};
    },
    pin: ({ space, room: id, id: item, on }) => {
      const target = fake.room(space, id);
      fake.change(space, target, item, (body) => ({ ...body, pinned: on }));
      target.view.pins += on ? 1 : -1;
      fake.emit({ event: "room", space, room: target.view });
      return {};
    },
    pins: ({ space, room: id }) => ({
      items: fake
        .room(space, id)
        .items.filter((item) => item.body.kind === "message" && item.body.pinned),
    }),
    threads: ({ space, room: id }) => ({
      items: fake
        .room(space, id)
        .items.filter(
          ({ body }) => body.kind === "message" && body.replies !== null && body.replies.unread > 0,
        ),
    }),
    item: ({ space, id }) => {
      for (const { view, items, queued } of fake.space(space).rooms.values()) {
        const item = [...items, ...queued].find((one) => one.id === id);
        if (item) return { room: view.room, item };
      }
      return { room: null, item: null };
    },
    versions: ({ space, id }) => {
      for (const { items } of fake.space(space).rooms.values()) {
        const item = items.find((one) => one.id === id);
        if (item?.body.kind !== "message" || item.body.deleted) continue;
        const now = { text: item.body.text, at: item.sent_at + 60_000 };
        const first = { text: `${item.body.text.slice(0, 40)} (first)`, at: item.sent_at };
        return { versions: item.body.edited ? [first, now] : [now] };
      }
      return { versions: [] };
    },
    discard_queued: ({ space, id }) => {
      const [where, target, item] = queuedItem(space, id);
      fake.discard(where, target, item.id);
      return {};
    },
    retry_failed: ({ space, id }) => {
      fake.retry(...queuedItem(space, id));
      return {};
    },
    page: (request) => page(fake.room(request.space, request.room), request),
    read: ({ space, room: id, seq }) => {
      const { view, items } = fake.room(space, id);
      view.read = Math.max(view.read, seq);
      const rest = items.filter((item) => (item.seq ?? 0) > view.read && isAloud(item));
      view.unread = rest.length;
      view.first_unread = rest[0]?.seq ?? null;
      if (view.unread === 0) view.mentions = 0;
      fake.emit({ event: "room", space, room: view });
      return {};
    },
    read_thread: ({ space, room: id, thread }) => {
      const target = fake.room(space, id);
      fake.change(space, target, thread, (body) => ({
        ...body,
        replies: body.replies && { ...body.replies, unread: 0 },
      }));
      target.view.unread_replies = 0;
      fake.emit({ event: "room", space, room: target.view });
      return {};
    },
    mark_unread: ({ space, room: id, seq }) => {
      const { view, items } = fake.room(space, id);
      view.read = seq - 1;
      const rest = items.filter((item) => (item.seq ?? 0) >= seq && isAloud(item));
      view.unread = rest.length;
      view.first_unread = rest[0]?.seq ?? null;
      fake.emit({ event: "room", space, room: view });
      return {};
    },
    typing: () => ({}),
    set_presence: ({ state, text }) => {
      for (const { view, people } of fake.spaces.values()) {
        const me = people.find((person) => person.member === ME);
        if (me) Object.assign(me, { state, text });
        const changes = [{ member: ME, state, text, last_seen: Date.now() }];
        fake.emit({ event: "presence", space: view.space, changes });
      }
      return {};
    },
    save_draft: ({ space, room: id, thread, text }) => {
      const { view } = fake.room(space, id);
      if (thread !== null) {
        fake.emit({ event: "thread_draft", space, room: id, thread, text });
        return {};
      }
      view.draft = text;
      fake.emit({ event: "room", space, room: view });
      return {};
    },
    search: (request) => ({ hits: search(fake.space(request.space), request) }),
    look: ({ space, room: last_room }) => {
      if (last_room !== null) fake.set({ ...fake.settings, last_space: space, last_room });
      return {};
    },
    open_link: () => ({}),
    detach: ({ room: id, id: attachment }) => {
      fake.files.detach(id, attachment);
      return {};
    },
    fetch_file: ({ space, event, blake3 }) => {
      const { rooms, view } = fake.space(space);
      const items = [...rooms.values()].flatMap((one) => one.items);
      const body = items.find((one) => one.id === event)?.body;
      const file = body?.kind === "message" && body.files.find((one) => one.blake3 === blake3);
      if (!file) throw new Refused({ code: "not_found", message: "There is no such file." });
      const connected = view.link.state === "connected";
      return { transfer: fake.files.fetch({ space, event, blake3 }, "", file.bytes, connected) };
    },
    pause_transfer: ({ id }) => {
      fake.files.set(id, "paused");
      return {};
    },
    resume_transfer: ({ id }) => {
      fake.files.set(id, "running");
      return {};
    },
    cancel_transfer: ({ id }) => {
      fake.files.cancel(id);
      return {};
    },
  };
}

function join(
  fake: FakeBackend,
  space: string | null,
  address: string | null,
  passcode: string | null,
): Reply<"join"> {
  const found = fake.nearby.find((one) => one.space === space);
  if (!found && address !== "192.168.1.20:7717") {
    throw new Refused({ code: "unavailable", message: `Nothing answers at ${address ?? "?"}.` });
  }
  if (found?.admission === "passcode" && passcode !== PASSCODE) {
    throw new Refused({ code: "wrong_passcode", message: "the passcode is wrong" });
  }
  const made = studio(Date.now(), "studio");
  fake.add(
    found ? { ...made, view: { ...made.view, space: found.space, name: found.name } } : made,
  );
  return { space: found?.space ?? made.view.space };
}

function createRoom(fake: FakeBackend, request: Request<"create_room">): Reply<"create_room"> {
  const { space, kind, name, topic, members } = request;
  const where = fake.space(space);
  if ([...where.rooms.values()].some(({ view }) => name !== "" && view.name === name)) {
    throw new Refused({ code: "conflict", message: `you are in a room called ${name} already` });
  }
  const id = fake.newId();
  const created = system(fake.newId(), 1, ME, Date.now(), { type: "room_created", kind, name });
  const made = room(parseInt(id.slice(-6), 16), kind, name, topic, [created]);
  made.view.member_count = members.length + 1;
  made.view.creator = ME;
  if (kind === "direct") made.view.members = [ME, ...members];
  where.rooms.set(made.view.room, made);
  fake.emit({ event: "room", space, room: made.view });
  return { room: made.view.room };
}

function page(from: FakeRoom, request: Request<"page">): Page {
  const { before, after, around, limit, part } = request;
  const thread = typeof part === "string" ? null : part.thread;
  const held = (item: Item) => {
    const said = item.body.kind === "message" ? item.body.thread : null;
    return part === "all" || said === thread;
  };
  const [items, queued] = [from.items.filter(held), from.queued.filter(held)];
  let start = Math.max(0, items.length - limit);
  if (before !== null) start = Math.max(0, firstFrom(items, before) - limit);
  if (after !== null) start = firstFrom(items, after + 1);
  if (around !== null) start = Math.max(0, firstFrom(items, around) - Math.floor(limit / 2));
  const end = before === null ? start + limit : firstFrom(items, before);
  const last = end >= items.length;
  return structuredClone({
    head: [...from.items, ...from.queued].find(({ id }) => id === thread) ?? null,
    items: [...items.slice(start, end), ...(last && before === null ? queued : [])],
    more_before: start > 0,
    more_after: !last,
    hole_before: false,
    marks: [1, 2, 3].map((n) => ({
      member: memberId(n),
      delivered: Math.max(0, from.view.head - 1),
      read: Math.max(0, from.view.head - n * 3),
    })),
  });
}

/** Somebody else's, and not said in a thread. */
function isAloud(item: Item): boolean {
  return item.author !== ME && !(item.body.kind === "message" && item.body.thread !== null);
}

/** The index of the first item with this seq or a later one. */
function firstFrom(items: readonly Item[], seq: number): number {
  const index = items.findIndex((item) => (item.seq ?? Infinity) >= seq);
  return index < 0 ? items.length : index;
}

function search(space: FakeSpace, { query, room: only, limit }: Request<"search">): SearchHit[] {
  const words = query.toLowerCase().replaceAll('"', "").trim();
  if (words === "") return [];
  const hits: SearchHit[] = [];
  for (const { view, items } of space.rooms.values()) {
    if (only !== null && view.room !== only) continue;
    for (const item of items) {
      if (item.body.kind !== "message") continue;
      const { text } = item.body;
      const at = text.toLowerCase().indexOf(words);
      if (at < 0) continue;
      const end = at + words.length;
      const hit = `${text.slice(Math.max(0, at - 40), at)}\uE000${text.slice(at, end)}\uE001`;
      hits.push({ room: view.room, item, snippet: hit + text.slice(end, end + 80) });
    }
  }
  return hits.sort((a, b) => b.item.sent_at - a.item.sent_at).slice(0, limit);
}
