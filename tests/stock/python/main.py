"""python main.py URL: one half of the stock clients' conversation; node/main.js is the other.

Prints one JSON object a line: `{"checked": …}` for what it has seen to be true, `{"phase": …}`
where the test outside may act, and at last `{"done": true, "rooms": …}`. Ends with 0 if all held.
"""

import base64
import json
import os
import queue
import re
import sys
import threading
import time
import traceback
from http.client import HTTPConnection
from urllib.parse import urlsplit

from client import Client, Ed25519PrivateKey, Refused, direct_room, member_id, uuid7

ME = "python"
PEER = "node"
CHATTER = 60
WAIT_S = 60


def say(**line):
    print(json.dumps(line), flush=True)


def checked(what):
    say(checked=what)


def until(what, test, client):
    deadline = time.monotonic() + WAIT_S
    while True:
        no_trouble(client)
        found = test()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def no_trouble(client):
    if not client.troubles.empty():
        raise AssertionError(client.troubles.get())


def refused(code, ask, *args):
    try:
        ask(*args)
    except Refused as refusal:
        assert refusal.code == code, f"{code} expected: {refusal}"
    else:
        raise AssertionError(f"{code} expected of {args}")


def message(text, **more):
    return {"type": "message", "text": text, **more}


def strangers_get_nothing(url):
    early = queue.Queue(1)

    def before_sign_in(client, welcome):
        early.put(client.by_rid("fetch", {"room": welcome["space"]["id"], "limit": 1}))

    another = member_id(Ed25519PrivateKey.generate())
    stranger = Client(url, "stranger", member=another, on_welcome=before_sign_in)
    assert early.get(timeout=WAIT_S)["error"]["code"] == "not_signed_in"
    checked("a request before sign_in is answered with not_signed_in")
    assert stranger.troubles.get(timeout=WAIT_S).code == "bad_signature"
    checked("a signature by another key is answered with bad_signature")
    stranger.close()


def appending(client, room):
    event = client.event(room, message("once, however often it is appended"))
    first = client.append(event)
    assert client.append(event) == first
    checked("the same event again has the same seq")

    refused("conflict", client.append, {**event, "content": message("something else")})
    refused("too_large", client.append, client.event(room, message("é" * 8193)))
    refused("bad_request", client.append, client.event(room, {"type": "message", "text": None}))
    refused("bad_request", client.append, client.event(room, message("?"), id="not an id"))
    refused("not_found", client.append, client.event(str(uuid7()), message("?")))
    refused("bad_request", client.ask, "append", {})
    refused("bad_request", client.ask, "append", {"events": "all of them"})
    refused("bad_request", client.ask, "no_such_thing", {})
    refused("bad_request", client.ask, "invite_list", {})
    checked("what is wrong is refused with its code")


def search(client, room):
    client.append(client.event(room, message("naïve Übergrößen in the café")))
    hits = until(
        "search finds it", lambda: client.ask("search", {"query": '"in the cafe" uber', "limit": 9, "room": room})["hits"], client
    )
    assert [hit["content"]["text"] for hit in hits] == ["naïve Übergrößen in the café"]
    assert client.ask("search", {"query": 'AND ( * "unclosed', "room": room})["hits"] == []
    checked("search finds words and phrases without regard to accents, and takes any text")

    events = [client.event(room, message(f"wholesale {n}")) for n in range(40)]
    client.ask("append", {"events": events})
    found, after = [], {}
    while True:
        page = client.ask("search", {"query": "wholesale", "room": room, "limit": 7, **after})
        found += [hit["id"] for hit in page["hits"]]
        if not page["more"]:
            break
        after = {"after_hit": found[-1]}
    assert found == [event["id"] for event in reversed(events)]
    checked("pages of a search join to all hits, also of one moment")


def files(url, client, room):
    """tus by plain HTTP: broken off, resumed, named, and read back in parts."""
    token = client.answer["session"]

    def http(method, path, headers={}, body=None, token=token):
        connection = HTTPConnection(urlsplit(url).netloc, timeout=WAIT_S)
        more = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0", **headers}
        connection.request(method, path, body, more)
        answer = connection.getresponse()
        found = answer.status, answer.headers, answer.read()
        connection.close()
        return found

    def piece(path, offset, body):
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return http("PATCH", path, kind, body)

    status, headers, _ = http("OPTIONS", "/files")
    assert (status, headers["Tus-Version"]) == (204, "1.0.0")
    assert {"creation", "expiration"} <= set(headers["Tus-Extension"].split(","))
    whole = os.urandom(300_000)
    name = base64.b64encode("kettle.bin".encode()).decode()
    metadata = {"Upload-Length": str(len(whole)), "Upload-Metadata": f"name {name}"}
    status, headers, _ = http("POST", "/files", metadata)
    assert status == 201 and headers["Upload-Expires"]
    path = urlsplit(headers["Location"]).path
    status, headers, _ = piece(path, 0, whole[:100_000])
    assert (status, headers["Upload-Offset"], headers["Landline-Blake3"]) == (204, "100000", None)
    status, _, body = piece(path, 7, b"elsewhere")
    assert (status, json.loads(body)["error"]["code"]) == (409, "conflict")
    status, headers, _ = http("HEAD", path)
    assert (status, headers["Upload-Offset"], headers["Upload-Length"]) == (200, "100000", "300000")
    status, headers, _ = piece(path, 100_000, whole[100_000:])
    blake3 = headers["Landline-Blake3"]
    assert status == 204 and re.fullmatch("[0-9a-f]{64}", blake3)
    checked("a file is uploaded in pieces, and goes on where it was")

    file = {"blake3": blake3, "name": "kettle.bin", "type": "application/zip", "bytes": len(whole)}
    client.append(client.event(room, message("", files=[file])))
    refused("not_found", client.append, client.event(room, message("", files=[{**file, "blake3": "0" * 64}])))
    status, headers, body = http("GET", f"/files/{blake3}")
    assert (status, body) == (200, whole)
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, headers, body = http("GET", f"/files/{blake3}", {"Range": "bytes=1000-1999"})
    assert (status, body, headers["Content-Range"]) == (206, whole[1000:2000], "bytes 1000-1999/300000")
    assert http("GET", f"/files/{blake3}", token="nobody's")[0] == 401
    checked("a message names it, and its bytes are served whole and in part, to members only")


def signs_of_life(client, room, peer):
    def heard(push, test):
        return any(test(payload) for name, payload in client.pushes if name == push)

    def busy(change):
        return change["member"] == peer and change["state"] == "dnd" and change["text"] == f"{PEER} is busy"

    client.ask("presence", {"state": "dnd", "text": f"{ME} is busy"})
    client.ask("typing", {"room": room, "on": True})
    client.ask("mark", {"room": room, "delivered": 1, "read": 1})
    present = client.ask("watch", {"members": [peer]})["presence"]
    assert [of["member"] for of in present] == [peer]
    until(
        "the other is busy",
        lambda: any(map(busy, present)) or heard("presence", lambda now: any(map(busy, now["changes"]))),
        client,
    )
    until(
        "the other types",
        lambda: heard("typing", lambda now: now["room"] == room and peer in now["members"]),
        client,
    )
    until(
        "the other has read",
        lambda: heard(
            "marks",
            lambda now: now["room"] == room and any(of["member"] == peer and of["read"] >= 1 for of in now["changes"]),
        ),
        client,
    )
    checked("presence, typing and marks of the other arrive")


def converse(url):
    strangers_get_nothing(url)

    client = Client(url, ME)
    until("signed in", client.signed_in.is_set, client)
    answer = client.answer
    assert (answer["me"]["id"], answer["me"]["name"]) == (client.id, ME)
    general = next(room["id"] for room in answer["rooms"] if room["name"] == "general")
    client.follow(answer["space"]["id"])
    client.follow(general)
    checked("signed in, and in general")

    own = str(uuid7())
    creation = {"type": "room_created", "kind": "public", "name": f"room of {ME}"}
    assert client.append(client.event(own, creation))["seq"] == 1
    client.follow(own)
    until(
        "the room is opened",
        lambda: any(push == "room_opened" and of["room"]["id"] == own for push, of in client.pushes),
        client,
    )
    assert own in [room["id"] for room in client.ask("my_rooms", {"limit": 200})["rooms"]]
    checked("a room is created by its first event")

    appending(client, own)
    search(client, own)
    files(url, client, own)

    theirs = until(
        f"{PEER} has made a room", lambda: client.ask("rooms", {"query": f"room of {PEER}"})["rooms"], client
    )[0]["id"]
    client.append(client.event(theirs, {"type": "joined"}))
    client.follow(theirs)
    checked("the other's public room is found, joined and read from its beginning")

    peer = next(of["id"] for of in client.ask("members", {"room": theirs})["members"] if of["name"] == PEER)
    signs_of_life(client, general, peer)

    direct = direct_room(answer["space"]["id"], [client.id, peer])
    creation = {"type": "room_created", "kind": "direct", "name": "", "members": [client.id, peer]}
    try:
        client.append(client.event(direct, creation))
    except Refused as refusal:
        assert refusal.code == "conflict", refusal
    client.follow(direct)
    client.post(direct, message(f"{ME} in private"))
    until("both have written in the direct room", lambda: client.head(direct) >= 3, client)
    checked("both sides made the same direct room")

    # From here on the node is killed and started again; nothing may be lost, doubled or reordered.
    say(phase="chatter")
    shared = [general, own, theirs]
    for n in range(1, CHATTER + 1):
        client.post(shared[n % 3], message(f"{ME} {n}"))
        time.sleep(0.06)

    def written(author, room):
        texts = (event["content"].get("text", "") for event in list(client.logs[room]) if event["author"] == author)
        return [int(text.split()[1]) for text in texts if re.fullmatch(r"(node|python) \d+", text)]

    def all_of(author):
        return sum(len(written(author, room)) for room in shared) >= CHATTER

    until("all of both has arrived", lambda: all_of(client.id) and all_of(peer) and not client.outbox, client)
    for author in (client.id, peer):
        for room in shared:
            numbers = written(author, room)
            assert len(numbers) == CHATTER / 3 and numbers == sorted(set(numbers)), numbers
    checked(f"each message of both arrived once and in order over {client.connections} connections")

    say(phase="arrived")
    sys.stdin.readline()
    for room in list(client.logs):
        client.follow(room)
    no_trouble(client)
    say(done=True, me=client.id, connections=client.connections, rooms=client.logs)
    client.close()


def main():
    # A thread that hangs must not keep the test waiting.
    threading.Timer(3 * WAIT_S, lambda: os._exit(2)).start()
    try:
        converse(sys.argv[1])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


main()
