// A Landline client on the stock `socket.io-client` and Node's own crypto, written from
// docs/protocol.md alone.
//
// What it owns: a key, an outbox of events that the node has not answered yet, and the log of each
// room it is in. The flow: `welcome` -> sign in -> fetch what is after the last seq -> append the
// outbox again. The same after every interruption.
import crypto from "node:crypto";
import { EventEmitter } from "node:events";
import { io } from "socket.io-client";

const ANSWER_WITHIN_MS = 10_000;
const FETCH_EVENTS = 500;
const APPEND_EVENTS = 64;
const RETRY_CODES = ["too_many_requests", "unavailable", "internal"];

export class Refused extends Error {
  constructor(event, error) {
    super(`${event}: ${error.code}: ${error.message}`);
    this.code = error.code;
    this.retryAfterMs = error.retry_after_ms ?? 500;
  }
}

export class Client extends EventEmitter {
  /** Rooms followed: id -> { events, pushed }; `events[n]` has seq n + 1. */
  logs = new Map();
  outbox = [];
  signedIn = null;
  connections = 0;
  #replies = new Map();
  #asked = 0;

  /** `key` may be another's than `id`, to see what the node says to that. */
  constructor(url, name, { id, key } = newKey()) {
    super();
    this.name = name;
    this.id = id;
    this.key = key;
    this.socket = io(url, {
      transports: ["websocket"],
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
    });
    this.socket.on("welcome", (welcome) => this.#welcomed(welcome));
    this.socket.on("disconnect", () => {
      this.signedIn = null;
      for (const answered of this.#replies.values()) answered();
    });
    this.socket.on("reply", ({ rid, ...answer }) => this.#replies.get(rid)?.(answer));
    this.socket.on("events", ({ room, events }) => this.#pushed(room, events));
    this.socket.on("heads", ({ rooms }) => {
      for (const { room, head } of rooms) if (head > this.head(room)) this.#catchUp(room);
    });
    for (const push of ["room_opened", "room_closed", "presence", "typing", "marks", "goodbye"])
      this.socket.on(push, (payload) => this.emit(push, payload));
  }

  close() {
    this.socket.disconnect();
  }

  /** A request, answered by acknowledgement and by `rid` in turn. */
  async ask(event, payload) {
    this.#asked += 1;
    const answer = this.#asked % 2 ? await this.byAck(event, payload) : await this.byRid(event, payload);
    if (answer.error) throw new Refused(event, answer.error);
    return answer.ok;
  }

  byAck(event, payload) {
    return this.socket.timeout(ANSWER_WITHIN_MS).emitWithAck(event, payload);
  }

  byRid(event, payload) {
    const rid = uuidv7();
    return new Promise((resolve, reject) => {
      const answered = (answer) => {
        clearTimeout(timer);
        this.#replies.delete(rid);
        if (answer) resolve(answer);
        else reject(new Error(`${event}: no answer`));
      };
      const timer = setTimeout(answered, ANSWER_WITHIN_MS);
      this.#replies.set(rid, answered);
      this.socket.emit(event, { ...payload, rid });
    });
  }

  /** An event of one's own, signed. */
  event(room, content, id = uuidv7(), sent_at = Date.now()) {
    const text = signedText(this.space, { room, id, author: this.id, sent_at, content });
    const sig = crypto.sign(null, Buffer.from(text), this.key).toString("base64url");
    return { id, room, sent_at, content, sig };
  }

  /** Appends at once, and gives back the result of the one event. */
  async append(event) {
    const { results } = await this.ask("append", { events: [event] });
    if (results[0].error) throw new Refused("append", results[0].error);
    return results[0];
  }

  /** Leaves an event in the outbox, to be appended whenever the node is there. */
  post(room, content) {
    this.outbox.push(this.event(room, content));
    this.#flush();
  }

  follow(room) {
    if (!this.logs.has(room)) this.logs.set(room, { events: [], pushed: new Set(), fetching: null });
    return this.#catchUp(room);
  }

  log(room) {
    return this.logs.get(room)?.events ?? [];
  }

  head(room) {
    return this.log(room).length;
  }

  async #welcomed(welcome) {
    this.welcome = welcome;
    this.space = welcome.space.id;
    const connection = ++this.connections;
    for (const log of this.logs.values()) log.pushed.clear();
    const signed = `landline-sign-in-v1\n-\n${welcome.space.id}\n${welcome.nonce}`;
    try {
      this.emit("welcome", welcome);
      this.signedIn = await this.ask("sign_in", {
        protocol: 1,
        client: { name: "stock-node", version: "1" },
        public_key: this.id,
        name: this.name,
        signature: crypto.sign(null, Buffer.from(signed), this.key).toString("base64url"),
      });
      for (const room of this.logs.keys()) await this.#catchUp(room);
      this.emit("signed_in", this.signedIn);
      this.#flush();
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  /** What is not answered since the link was lost begins anew with the next `welcome`. */
  #failed(connection, error) {
    const isThere = connection === this.connections && this.socket.connected;
    if (isThere || error instanceof Refused) this.emit("trouble", error);
  }

  /** One append in flight; what is not answered stays in the outbox, so that nothing is lost. */
  async #flush() {
    if (this.flushing || !this.signedIn) return;
    this.flushing = true;
    let pause = 0;
    while (this.signedIn && this.outbox.length) {
      if (pause) await new Promise((go) => setTimeout(go, pause));
      pause = 0;
      try {
        const { results } = await this.ask("append", { events: this.outbox.slice(0, APPEND_EVENTS) });
        for (const { id, error } of results) {
          if (error && RETRY_CODES.includes(error.code)) pause = error.retry_after_ms ?? 500;
          else if (error) this.emit("trouble", new Refused("append", error));
          else this.outbox = this.outbox.filter((event) => event.id !== id);
        }
      } catch (error) {
        pause = error.retryAfterMs ?? 200;
      }
    }
    this.flushing = false;
  }

  #pushed(room, events) {
    const log = this.logs.get(room);
    if (!log) return;
    for (const [at, event] of events.entries()) {
      if (log.pushed.has(event.seq)) this.emit("trouble", new Error(`seq ${event.seq} was pushed twice`));
      if (at && event.seq !== events[at - 1].seq + 1)
        this.emit("trouble", new Error(`a hole before ${event.seq} within a packet`));
      log.pushed.add(event.seq);
    }
    this.#take(room, events);
    if (events.at(-1).seq > this.head(room)) this.#catchUp(room);
  }

  /** Fetches until nothing is missing; one fetch a room at a time. */
  #catchUp(room) {
    const log = this.logs.get(room);
    if (!log) return;
    const connection = this.connections;
    log.fetching ??= (async () => {
      for (;;) {
        const after = this.head(room);
        const page = await this.ask("fetch", { room, after, limit: FETCH_EVENTS });
        this.#take(room, page.events);
        if (this.head(room) >= page.head) break;
      }
    })()
      .catch((error) => this.#failed(connection, error))
      .finally(() => (log.fetching = null));
    return log.fetching;
  }

  #take(room, events) {
    const log = this.log(room);
    for (const event of events) {
      if (event.seq === log.length + 1) {
        if (event.sig) this.#verify(event);
        log.push(event);
        if (event.content.type === "delete") drop(log, event.content.target);
      } else if (event.seq <= log.length && log[event.seq - 1].id !== event.id) {
        this.emit("trouble", new Error(`two events have seq ${event.seq}`));
      }
    }
  }

  #verify(event) {
    const key = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: event.author }, format: "jwk" });
    const text = Buffer.from(signedText(this.space, event));
    if (!isDropped(event.content) && !crypto.verify(null, text, key, Buffer.from(event.sig, "base64url")))
      this.emit("trouble", new Error(`the signature of seq ${event.seq} is not its author's`));
  }
}

/** What a `delete` leaves of a message and of its edits. */
function drop(log, target) {
  for (const event of log) {
    const { type, thread } = event.content;
    if (type === "message" && event.id === target) event.content = { type, text: "", ...(thread && { thread }) };
    if (type === "edit" && event.content.target === target) event.content = { type, target, text: "" };
  }
}

/** A deleted message or edit keeps its signature, but no longer what was signed. */
const isDropped = ({ type, text, files }) => ["message", "edit"].includes(type) && !text && !files;

export function newKey() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("ed25519");
  return { key: privateKey, id: publicKey.export({ format: "jwk" }).x };
}

function signedText(space, { room, id, author, sent_at, content }) {
  const hash = crypto.createHash("sha256").update(canonical(content)).digest("hex");
  return ["landline-event-v1", space, room, id, author, sent_at, hash].join("\n");
}

/** RFC 8785 for what Landline's content can hold: integers, strings, booleans, lists, objects. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

export function uuidv7() {
  const bytes = crypto.randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  return hyphenated(bytes, 0x70);
}

/** The room that these people have in this space: UUIDv5 of the space and its sorted members. */
export function directRoom(space, members) {
  const name = [...members].sort().join(",");
  const of = Buffer.concat([Buffer.from(space.replaceAll("-", ""), "hex"), Buffer.from(name)]);
  return hyphenated(crypto.createHash("sha1").update(of).digest().subarray(0, 16), 0x50);
}

function hyphenated(bytes, version) {
  bytes[6] = (bytes[6] & 0x0f) | version;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
