// What the invented core answers to each command.

import { Refused, type CommandName, type Reply, type Request } from "../backend";
import type { Item } from "../gen/Item";
import type { Page } from "../gen/Page";
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
      fake.settings = settings;
      fake.emit({ event: "settings", settings });
      return {};
    },
    join: ({ space, address, passcode }) => join(fake, space, address, passcode),
    host: ({ name }) => ({ space: fake.host(name) }),
    set_hosting: ({ on }) => {
      if (!on) fake.emit({ event: "hosting", hosting: null });
      return {};
    },
    leave_space: ({ space }) => {
      fake.spaces.delete(space);
      fake.emit({ event: "space_gone", space });
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
    leave_room: ({ space, room: id }) => {
      const { view } = fake.room(space, id);
      view.open = false;
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
    post: ({ space, room: id, text, reply_to, mentions }) => {
      const target = fake.room(space, id);
      const item = message(fake.newId(), null, ME, Date.now(), text, { reply_to, mentions });
      fake.queue(fake.space(space), target, item);
      return { id: item.id };
    },
    edit_queued: ({ space, id, text }) => {
      const [where, target, item] = queuedItem(space, id);
      fake.edit(where, target, item, text);
      if (item.state.state === "failed") fake.retry(where, target, item);
      return {};
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
      const rest = items.filter((item) => (item.seq ?? 0) > view.read && item.author !== ME);
      view.unread = rest.length;
      view.first_unread = rest[0]?.seq ?? null;
      if (view.unread === 0) view.mentions = 0;
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
    save_draft: ({ space, room: id, text }) => {
      const { view } = fake.room(space, id);
      view.draft = text;
      fake.emit({ event: "room", space, room: view });
      return {};
    },
    search: (request) => ({ hits: search(fake.space(request.space), request) }),
    look: () => ({}),
    open_link: () => ({}),
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
    throw new Refused({ code: "conflict", message: `There is a room called ${name} already.` });
  }
  const id = fake.newId();
  const created = system(fake.newId(), 1, ME, Date.now(), { type: "room_created", kind, name });
  const made = room(parseInt(id.slice(-6), 16), kind, name, topic, [created]);
  made.view.member_count = members.length + 1;
  if (kind === "direct") made.view.members = [ME, ...members];
  where.rooms.set(made.view.room, made);
  fake.emit({ event: "room", space, room: made.view });
  return { room: made.view.room };
}

function page(from: FakeRoom, request: Request<"page">): Page {
  const { items, queued } = from;
  const { before, after, around, limit } = request;
  let start = Math.max(0, items.length - limit);
  if (before !== null) start = Math.max(0, firstFrom(items, before) - limit);
  if (after !== null) start = firstFrom(items, after + 1);
  if (around !== null) start = Math.max(0, firstFrom(items, around) - Math.floor(limit / 2));
  const end = before === null ? start + limit : firstFrom(items, before);
  const last = end >= items.length;
  return structuredClone({
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
