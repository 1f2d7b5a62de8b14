// node main.js URL: one half of the stock clients' conversation; python/main.py is the other.
//
// Prints one JSON object a line: `{"checked": …}` for what it has seen to be true, `{"phase": …}`
// where the test outside may act, and at last `{"done": true, "rooms": …}`. Ends with 0 if all held.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Client, directRoom, newKey, uuidv7 } from "./client.js";

const [url] = process.argv.slice(2);
const ME = "node";
const PEER = "python";
const CHATTER = 60;
const WAIT_MS = 60_000;

const say = (line) => console.log(JSON.stringify(line));
const checked = (what) => say({ checked: what });
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

function fail(error) {
  console.error(error);
  process.exit(1);
}
process.on("unhandledRejection", fail);
const patience = setTimeout(() => fail(new Error("the whole took too long")), 3 * WAIT_MS);

async function until(what, test) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = await test();
    if (found) return found;
    assert(Date.now() < deadline, `waited in vain until ${what}`);
    await pause(50);
  }
}

const refused = async (code, asked) => {
  await assert.rejects(asked, (error) => error.code === code || fail(new Error(`${code} expected: ${error}`)));
};

/** Listens from now on; resolves with the first push that passes. */
const heard = (client, push, test) =>
  new Promise((resolve) => {
    client.on(push, function listen(payload) {
      if (!test(payload)) return;
      client.off(push, listen);
      resolve(payload);
    });
  });

const message = (text, more = {}) => ({ type: "message", text, ...more });

async function strangersGetNothing() {
  const stranger = new Client(url, "stranger", { id: newKey().id, key: newKey().key });
  const asked = new Promise((resolve) =>
    stranger.on("welcome", ({ space }) => resolve(stranger.byAck("fetch", { room: space.id, limit: 1 }))),
  );
  const signature = new Promise((resolve) => stranger.on("trouble", resolve));
  assert.equal((await asked).error.code, "not_signed_in");
  checked("a request before sign_in is answered with not_signed_in");
  assert.equal((await signature).code, "bad_signature");
  checked("a signature by another key is answered with bad_signature");
  stranger.close();
}

async function appending(client, room) {
  const event = client.event(room, message("once, however often it is appended"));
  const first = await client.append(event);
  const again = await client.append(event);
  assert.deepEqual([again.id, again.seq, again.accepted_at], [event.id, first.seq, first.accepted_at]);
  checked("the same event again has the same seq");

  await refused("conflict", client.append({ ...event, content: message("something else") }));
  await refused("too_large", client.append(client.event(room, message("x".repeat(16 * 1024 + 1)))));
  await refused("bad_request", client.append(client.event(room, { type: "shout", text: "?" })));
  await refused("bad_request", client.append(client.event(room, message(7))));
  await refused("bad_request", client.append(client.event(room, message("?"), crypto.randomUUID())));
  await refused("not_found", client.append(client.event(uuidv7(), message("?"))));
  await refused("not_found", client.append(client.event(room, { type: "edit", target: uuidv7(), text: "?" })));
  await refused("bad_request", client.ask("append", { events: [] }));
  await refused("bad_request", client.ask("open_the_door", {}));
  await refused("bad_request", client.ask("invite_create", { uses: 1, expires_at: Date.now() + 60_000, role: "member" }));
  assert.equal((await fetch(`${url}/metrics`)).status, 404);
  checked("what is wrong is refused with its code");

  const two = [client.event(room, message("first of two")), client.event(room, message(8))];
  const three = [...two, client.event(room, message("last of three"))];
  const { results } = await client.ask("append", { events: three });
  assert.deepEqual(results.map((result) => result.error?.code), [undefined, "bad_request", undefined]);
  assert.equal(results[2].seq, results[0].seq + 1);
  checked("a bad event among good ones is refused alone and takes no seq");
  return first;
}

async function whatFollowsFromTheLog(client, room) {
  const { id } = await client.append(client.event(room, message("a qwertz hovercraft")));
  await client.append(client.event(room, { type: "edit", target: id, text: "a dvořák hovercraft" }));
  await client.append(client.event(room, { type: "reaction", target: id, emoji: "👍", on: true }));
  await client.append(client.event(room, { type: "pin", target: id, on: true }));
  await client.append(client.event(room, message("re", { reply_to: id, mentions: [client.id, "room"] })));
  const pins = await client.ask("pins", { room });
  assert.deepEqual(pins.events.map((event) => event.id), [id]);
  checked("a pinned message is among the pins");

  const found = await until("search finds the edit", async () => {
    const { hits } = await client.ask("search", { query: "hovercraft DVOR", room });
    return hits.length && hits;
  });
  assert.equal(found[0].id, id);
  assert.match(found[0].snippet, /\ue000.*\ue001/);
  assert.equal((await client.ask("search", { query: "qwertz", room })).hits.length, 0);
  checked("search finds an edited message by its new words only");

  const doomed = await client.append(client.event(room, message("a secret")));
  await client.append(client.event(room, { type: "delete", target: doomed.id }));
  await until("the content is dropped", async () => {
    const { events } = await client.ask("fetch", { room, after: doomed.seq - 1, limit: 1 });
    return isDeepStrictEqual(events[0].content, { type: "message", text: "" });
  });
  checked("a deleted message keeps its place and loses its content");
}

async function pages(client, room) {
  const whole = [];
  for (let after = 0; ; ) {
    const page = await client.ask("fetch", { room, after, limit: 3 });
    whole.push(...page.events);
    if (whole.length === page.head) {
      assert.equal(page.head_id, whole.at(-1).id);
      break;
    }
    after = page.events.at(-1).seq;
  }
  assert.deepEqual(whole.map((event) => event.seq), whole.map((_, at) => at + 1));
  const before = await client.ask("fetch", { room, before: 5, limit: 3 });
  assert.deepEqual(before.events.map((event) => event.seq), [2, 3, 4]);
  const newest = await client.ask("fetch", { room, limit: 2 });
  assert.equal(newest.events.at(-1).seq, newest.head);
  await refused("too_large", client.ask("fetch", { room, limit: 501 }));
  checked("pages of a log join to the whole log");
}

/** What is not in the log, listened to before the other can have said it. */
function listen(client, room) {
  const others = (member) => member !== client.id;
  return [
    heard(client, "typing", (now) => now.room === room && now.members.some(others)),
    heard(client, "marks", (now) => now.room === room && now.changes.some(({ member, read }) => others(member) && read >= 1)),
  ];
}

async function signsOfLife(client, room, peer, listening) {
  const busy = ({ member, state, text }) => member === peer && state === "dnd" && text === `${PEER} is busy`;
  const changed = heard(client, "presence", ({ changes }) => changes.some(busy));
  await client.ask("presence", { state: "dnd", text: `${ME} is busy` });
  await client.ask("typing", { room, on: true });
  await client.ask("mark", { room, delivered: 1, read: 1 });
  const { presence } = await client.ask("watch", { members: [peer] });
  assert.equal(presence.length, 1);
  await (presence.some(busy) ? undefined : changed);
  await Promise.all(listening);
  const { changes } = await client.ask("marks", { room });
  for (const member of [client.id, peer]) assert.equal(changes.find((change) => change.member === member).read, 1);
  checked("presence, typing and marks of the other arrive");
}

async function main() {
  await strangersGetNothing();

  const client = new Client(url, ME);
  client.on("trouble", fail);
  const { me, rooms, space } = await new Promise((resolve) => client.once("signed_in", resolve));
  assert.deepEqual([me.id, me.name], [client.id, ME]);
  const general = rooms.find(({ name }) => name === "general");
  assert(general.everyone && general.kind === "public" && general.first === 1);
  checked("signed in, and in general");
  const listening = listen(client, general.id);
  await client.follow(space.id);
  await client.follow(general.id);

  const own = uuidv7();
  const opened = heard(client, "room_opened", ({ room }) => room.id === own);
  const created = await client.append(client.event(own, { type: "room_created", kind: "public", name: `room of ${ME}`, topic: "stock" }));
  assert.equal(created.seq, 1);
  assert.equal((await opened).room.topic, "stock");
  await refused("conflict", client.append(client.event(own, { type: "room_created", kind: "public", name: "again" })));
  await client.follow(own);
  checked("a room is created by its first event");

  await appending(client, own);
  await whatFollowsFromTheLog(client, own);
  await pages(client, own);

  const theirs = await until(`${PEER} has made a room`, async () => {
    const { rooms } = await client.ask("rooms", { query: `room of ${PEER}` });
    return rooms[0];
  });
  await refused("not_allowed", client.ask("fetch", { room: theirs.id, limit: 1 }));
  await client.append(client.event(theirs.id, { type: "joined" }));
  await client.follow(theirs.id);
  checked("the other's public room is found, joined and read from its beginning");

  const { members } = await client.ask("members", { query: PEER });
  const peer = members.find(({ name }) => name === PEER).id;
  await signsOfLife(client, general.id, peer, listening);

  const direct = directRoom(space.id, [client.id, peer]);
  const creation = { type: "room_created", kind: "direct", name: "", members: [client.id, peer] };
  await client.append(client.event(direct, creation)).catch((error) => assert.equal(error.code, "conflict"));
  await client.follow(direct);
  client.post(direct, message(`${ME} in private`));
  await until("both have written in the direct room", () => client.head(direct) >= 3);
  assert.deepEqual(client.log(direct).slice(1).map(({ content }) => content.text).sort(), [`${ME} in private`, `${PEER} in private`]);
  checked("both sides made the same direct room");

  // From here on the node is killed and started again; nothing may be lost, doubled or reordered.
  say({ phase: "chatter" });
  for (let n = 1; n <= CHATTER; n += 1) {
    client.post([general.id, own, theirs.id][n % 3], message(`${ME} ${n}`));
    await pause(60);
  }
  const shared = [general.id, own, theirs.id];
  const written = (author) => shared.flatMap((room) => client.log(room).filter((event) => event.author === author && /^(node|python) \d+$/.test(event.content.text)));
  await until("all of both has arrived", () => [client.id, peer].every((author) => written(author).length >= CHATTER));
  for (const [author, name] of [[client.id, ME], [peer, PEER]])
    for (const [at, room] of shared.entries()) {
      const texts = written(author).filter((event) => event.room === room).map(({ content }) => Number(content.text.split(" ")[1]));
      assert.equal(texts.length, CHATTER / 3, `${name} in room ${at}`);
      assert.deepEqual(texts, [...texts].sort((a, b) => a - b), `${name} in room ${at}: out of order`);
    }
  assert.equal(client.outbox.length, 0);
  checked(`each message of both arrived once and in order over ${client.connections} connections`);

  say({ phase: "arrived" });
  await new Promise((resolve) => process.stdin.once("data", resolve));
  for (const room of client.logs.keys()) await client.follow(room);
  const logs = Object.fromEntries([...client.logs].map(([room, { events }]) => [room, events]));
  say({ done: true, me: client.id, connections: client.connections, rooms: logs });
  client.close();
  clearTimeout(patience);
  process.stdin.destroy();
}

main().catch(fail);
