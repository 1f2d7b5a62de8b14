"""A Landline client on the stock `python-socketio`, written from docs/protocol.md alone.

What it owns: a key, an outbox of events that the node has not answered yet, and the log of each
room it is in. The flow: `welcome` -> sign in -> fetch what is after the last seq -> append the
outbox again. The same after every interruption.

python-socketio runs each handler on a thread of its own, so two packets can be handled in either
order. That does no harm: events are taken by their seq, and what is missing is fetched.
"""

import base64
import hashlib
import json
import os
import queue
import threading
import time
import uuid

import socketio
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

ANSWER_WITHIN_S = 10
FETCH_EVENTS = 500
APPEND_EVENTS = 64
RETRY_CODES = ("too_many_requests", "unavailable", "internal")
PUSHES = ("room_opened", "room_closed", "presence", "typing", "marks", "goodbye")


class Refused(Exception):
    def __init__(self, event, error):
        super().__init__(f"{event}: {error['code']}: {error['message']}")
        self.code = error["code"]
        self.retry_after = error.get("retry_after_ms", 500) / 1000


class Client:
    """`member` may be another than one's key says, to see what the node says to that."""

    def __init__(self, url, name, member=None, on_welcome=None):
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.id = member or member_id(self.key)
        self.logs = {}  # room -> events; the one at n has seq n + 1
        self.outbox = []
        self.signed_in = threading.Event()
        self.answer = None  # the last answer to `sign_in`
        self.connections = 0
        self.troubles = queue.Queue()
        self.pushes = []  # everything that is not `events`, as (name, payload)
        self._before_sign_in = on_welcome
        self._pushed = {}
        self._replies = {}
        self._asked = 0
        self._lock = threading.RLock()
        self._to_flush = threading.Event()
        self.socket = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.5)
        self.socket.on("welcome", self._welcomed)
        self.socket.on("disconnect", self._disconnected)
        self.socket.on("reply", self._replied)
        self.socket.on("events", self._events)
        self.socket.on("heads", self._heads)
        for push in PUSHES:
            self.socket.on(push, lambda payload, push=push: self.pushes.append((push, payload)))
        threading.Thread(target=self._flush, daemon=True).start()
        self.socket.connect(url, transports=["websocket"])

    def close(self):
        self.socket.disconnect()

    # Requests

    def ask(self, event, payload):
        """A request, answered by `rid` and by acknowledgement in turn."""
        with self._lock:
            self._asked += 1
            by_rid = self._asked % 2
        answer = self.by_rid(event, payload) if by_rid else self.by_ack(event, payload)
        if "error" in answer:
            raise Refused(event, answer["error"])
        return answer["ok"]

    def by_ack(self, event, payload):
        return self.socket.call(event, payload, timeout=ANSWER_WITHIN_S)

    def by_rid(self, event, payload):
        rid = str(uuid7())
        waiting = self._replies[rid] = queue.Queue(1)
        try:
            self.socket.emit(event, {**payload, "rid": rid})
            return waiting.get(timeout=ANSWER_WITHIN_S)
        finally:
            del self._replies[rid]

    def event(self, room, content, id=None):
        """An event of one's own, signed."""
        event = {
            "id": id or str(uuid7()),
            "room": room,
            "sent_at": int(time.time() * 1000),
            "content": content,
        }
        signature = self.key.sign(signed_text(self.space, self.id, event))
        return {**event, "sig": base64url(signature)}

    def append(self, event):
        """Appends at once, and gives back the result of the one event."""
        result = self.ask("append", {"events": [event]})["results"][0]
        if "error" in result:
            raise Refused("append", result["error"])
        return result

    def post(self, room, content):
        """Leaves an event in the outbox, to be appended whenever the node is there."""
        with self._lock:
            self.outbox.append(self.event(room, content))
        self._to_flush.set()

    # Logs

    def follow(self, room):
        with self._lock:
            self.logs.setdefault(room, [])
        self._catch_up(room)

    def head(self, room):
        return len(self.logs[room])

    def _events(self, payload):
        room, events = payload["room"], payload["events"]
        seqs = [event["seq"] for event in events]
        with self._lock:
            if room not in self.logs:
                return
            pushed = self._pushed.setdefault(room, set())
            if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
                self.troubles.put(f"a hole within a packet: {seqs}")
            if pushed.intersection(seqs):
                self.troubles.put(f"pushed twice: {seqs}")
            pushed.update(seqs)
            self._take(room, events)
            missing = seqs[-1] > self.head(room)
        if missing:
            self._catch_up(room)

    def _heads(self, payload):
        for of in payload["rooms"]:
            if of["room"] in self.logs and of["head"] > self.head(of["room"]):
                self._catch_up(of["room"])

    def _catch_up(self, room):
        """Fetches until nothing is missing. Several at once do no harm: each takes what fits."""
        connection = self.connections
        try:
            while True:
                page = self.ask("fetch", {"room": room, "after": self.head(room), "limit": FETCH_EVENTS})
                with self._lock:
                    self._take(room, page["events"])
                    if self.head(room) >= page["head"]:
                        return
        except Exception as error:
            self._failed(connection, error)

    def _failed(self, connection, error):
        """What is not answered since the link was lost begins anew with the next `welcome`."""
        is_there = connection == self.connections and self.socket.connected
        if is_there or isinstance(error, Refused):
            self.troubles.put(error)

    def _take(self, room, events):
        log = self.logs[room]
        for event in events:
            if event["seq"] == len(log) + 1:
                self._verify(event)
                log.append(event)
                if event["content"]["type"] == "delete":
                    drop(log, event["content"]["target"])
            elif event["seq"] <= len(log) and log[event["seq"] - 1]["id"] != event["id"]:
                self.troubles.put(f"two events have seq {event['seq']}")

    def _verify(self, event):
        if "sig" not in event or is_dropped(event["content"]):
            return
        key = Ed25519PublicKey.from_public_bytes(from_base64url(event["author"]))
        try:
            key.verify(from_base64url(event["sig"]), signed_text(self.space, event["author"], event))
        except InvalidSignature:
            self.troubles.put(f"the signature of seq {event['seq']} is not its author's")

    # The link

    def _welcomed(self, welcome):
        self.space = welcome["space"]["id"]
        self.connections += 1
        connection = self.connections
        with self._lock:
            self._pushed.clear()
        try:
            if self._before_sign_in:
                self._before_sign_in(self, welcome)
            text = f"landline-sign-in-v1\n-\n{welcome['space']['id']}\n{welcome['nonce']}"
            self.answer = self.ask(
                "sign_in",
                {
                    "protocol": 1,
                    "client": {"name": "stock-python", "version": "1"},
                    "public_key": self.id,
                    "name": self.name,
                    "signature": base64url(self.key.sign(text.encode())),
                },
            )
        except Exception as error:
            self._failed(connection, error)
            return
        for room in list(self.logs):
            self._catch_up(room)
        self.signed_in.set()
        self._to_flush.set()

    def _disconnected(self, *_):
        self.signed_in.clear()

    def _replied(self, reply):
        waiting = self._replies.get(reply["rid"])
        if waiting:
            waiting.put(reply)

    def _flush(self):
        """One append in flight; what is not answered stays in the outbox, so that nothing is lost."""
        while True:
            self._to_flush.wait()
            self._to_flush.clear()
            while self.signed_in.is_set() and self.outbox:
                try:
                    appended = self.ask("append", {"events": self.outbox[:APPEND_EVENTS]})
                except Refused as refused:
                    time.sleep(refused.retry_after)
                    continue
                except Exception:
                    time.sleep(0.2)
                    continue
                for result in appended["results"]:
                    error = result.get("error")
                    if error and error["code"] in RETRY_CODES:
                        time.sleep(error.get("retry_after_ms", 500) / 1000)
                    elif error:
                        self.troubles.put(Refused("append", error))
                    else:
                        with self._lock:
                            self.outbox = [e for e in self.outbox if e["id"] != result["id"]]


def drop(log, target):
    """What a `delete` leaves of a message and of its edits."""
    for event in log:
        content = event["content"]
        if content["type"] == "message" and event["id"] == target:
            thread = {"thread": content["thread"]} if "thread" in content else {}
            event["content"] = {"type": "message", "text": "", **thread}
        elif content["type"] == "edit" and content["target"] == target:
            event["content"] = {"type": "edit", "target": target, "text": ""}


def is_dropped(content):
    """A deleted message or edit keeps its signature, but no longer what was signed."""
    return content["type"] in ("message", "edit") and not content["text"] and "files" not in content


def signed_text(space, author, event):
    # RFC 8785 for what Landline's content can hold: integers, strings, booleans, lists, objects.
    content = json.dumps(event["content"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(content.encode()).hexdigest()
    fields = (space, event["room"], event["id"], author, str(event["sent_at"]), digest)
    return "\n".join(("landline-event-v1", *fields)).encode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def member_id(key):
    return base64url(key.public_key().public_bytes_raw())


def uuid7():
    bits = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10))
    bits = bits & ~(0xF << 76) | 7 << 76
    bits = bits & ~(0x3 << 62) | 2 << 62
    return uuid.UUID(int=bits)


def direct_room(space, members):
    """The room that these people have in this space."""
    return str(uuid.uuid5(uuid.UUID(space), ",".join(sorted(members))))
