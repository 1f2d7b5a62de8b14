//! Each message as it stands on the wire. A change of a snapshot is a change of the protocol,
//! and outside programs are written against it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use landline_protocol::down::*;
use landline_protocol::up::*;
use landline_protocol::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const SPACE: &str = "0193b5a0-0000-7000-8000-000000000001";
const ROOM: &str = "0193b5a0-0000-7000-8000-000000000002";
const ID: &str = "0193b5a0-0000-7000-8000-000000000003";

fn me() -> MemberId {
    MemberId::from_bytes([1; 32])
}

/// Decodes, encodes, and the result is what went in: nothing lost, nothing renamed.
fn round_trip<T: Serialize + DeserializeOwned>(json: Value) {
    let text = json.to_string();
    let value: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(serde_json::to_value(&value).expect("JSON"), json);
    // A client gets a parsed value from its Socket.IO library, not text.
    let value: T = serde_json::from_value(json.clone()).expect("JSON");
    assert_eq!(serde_json::to_value(&value).expect("JSON"), json);
}

fn event() -> Value {
    json!({
        "seq": 42, "id": ID, "room": ROOM, "author": me(), "sent_at": 1, "accepted_at": 2,
        "content": {"type": "message", "text": "hello"}, "sig": "x".repeat(86),
    })
}

fn room() -> Value {
    json!({
        "id": ROOM, "kind": "public", "name": "general", "topic": "", "archived": false,
        "everyone": true, "member_count": 3, "first": 1, "head": 42, "head_id": ID, "epoch": 0,
        "read": 40, "delivered": 42,
    })
}

#[test]
fn requests() {
    round_trip::<SignIn>(json!({
        "protocol": 1, "client": {"name": "bot", "version": "1"}, "public_key": me(),
        "name": "Ana", "signature": "s", "passcode": "tulip",
    }));
    round_trip::<MyRooms>(json!({"after": ROOM, "limit": 200}));
    round_trip::<Append>(json!({"events": [
        {"id": ID, "room": ROOM, "sent_at": 1, "content": {"type": "joined"}},
    ]}));
    round_trip::<Fetch>(json!({"room": ROOM, "limit": 500, "after": 7}));
    round_trip::<Fetch>(json!({"room": ROOM, "limit": 500, "before": 7}));
    round_trip::<Fetch>(json!({"room": ROOM, "limit": 500}));
    round_trip::<Rooms>(json!({"query": "kit", "after": ROOM, "limit": 5}));
    round_trip::<Members>(json!({"room": ROOM, "query": "a", "after": me(), "limit": 5}));
    round_trip::<Pins>(json!({"room": ROOM}));
    round_trip::<Pins>(json!({"room": ROOM, "before": 7}));
    round_trip::<Mark>(json!({"room": ROOM, "delivered": 4, "read": 3}));
    round_trip::<Marks>(json!({"room": ROOM}));
    round_trip::<Typing>(json!({"room": ROOM, "on": true}));
    round_trip::<Presence>(json!({"state": "away", "text": "lunch"}));
    round_trip::<Watch>(json!({"members": [me()]}));
    round_trip::<Search>(
        json!({"query": "q", "room": ROOM, "author": me(), "before": 9, "after_hit": ID, "limit": 5}),
    );
    round_trip::<PasscodeSet>(json!({"passcode": ""}));
}

#[test]
fn answers() {
    round_trip::<SignedIn>(json!({
        "me": {"id": me(), "name": "Ana", "role": "owner"}, "session": "token",
        "space": {"id": SPACE, "name": "Studio", "admission": "open"}, "rooms": [room()],
        "more": false, "directory_head": 3, "server_time": 5,
    }));
    round_trip::<RoomsPage>(json!({"rooms": [room()], "more": true}));
    round_trip::<Appended>(json!({"results": [
        {"id": ID, "seq": 1, "accepted_at": 2},
        {"id": ID, "error": {"code": "unavailable", "message": "busy", "retry_after_ms": 1200}},
    ]}));
    round_trip::<Fetched>(
        json!({"events": [event()], "first": 1, "head": 42, "head_id": ID, "epoch": 0}),
    );
    round_trip::<MembersPage>(json!({
        "members": [{"id": me(), "name": "Ana", "role": "guest", "state": "offline", "last_seen": null}],
        "more": false,
    }));
    round_trip::<EventsPage>(json!({"events": [event()], "more": true}));
    round_trip::<MarksPage>(json!({"changes": [{"member": me(), "delivered": 4, "read": 2}]}));
    round_trip::<Watched>(json!({"presence": [
        {"member": me(), "state": "dnd", "text": "", "last_seen": 8},
    ]}));
    let mut hit = event();
    hit["snippet"] = json!("\u{e000}hello\u{e001}");
    round_trip::<Found>(json!({"hits": [hit], "more": true}));
    round_trip::<Reply<EventsPage>>(
        json!({"rid": "r1", "ok": {"events": [event()], "more": false}}),
    );
    round_trip::<Reply<EventsPage>>(
        json!({"rid": "r1", "error": {"code": "banned", "message": "no"}}),
    );
    round_trip::<Answer<EventsPage>>(json!({"ok": {"events": [], "more": false}}));
    round_trip::<Answer<EventsPage>>(json!({"error": {"code": "not_found", "message": "no"}}));
}

#[test]
fn pushes() {
    let limits = serde_json::to_value(Limits::default()).expect("JSON");
    round_trip::<Welcome>(json!({
        "protocol": {"min": 1, "max": 1}, "features": [],
        "node": {"id": me(), "fingerprint": null, "version": "0.1.0", "epoch": 0},
        "space": {"id": SPACE, "name": "Studio", "admission": "passcode"},
        "nonce": "n", "server_time": 5, "limits": limits,
    }));
    round_trip::<Events>(json!({"room": ROOM, "events": [event()]}));
    round_trip::<Heads>(json!({"rooms": [{"room": ROOM, "head": 4, "epoch": 1}]}));
    round_trip::<RoomOpened>(json!({"room": room()}));
    round_trip::<RoomClosed>(json!({"room": ROOM, "reason": "removed"}));
    round_trip::<PresenceChanges>(json!({"changes": []}));
    round_trip::<TypingNow>(json!({"room": ROOM, "members": [me()], "more": 2}));
    round_trip::<MarkChanges>(json!({"room": ROOM, "changes": []}));
    round_trip::<Goodbye>(
        json!({"reason": "moved", "retry_after_ms": 9, "addresses": ["10.0.0.2:7717"]}),
    );
}

#[test]
fn every_content_type() {
    let contents = [
        json!({"type": "message", "text": "a", "reply_to": ID, "thread": ID, "mentions": [me(), "room"],
               "files": [{"blake3": "b", "name": "a.png", "type": "image/png", "bytes": 3, "width": 1, "height": 2, "preview": "p"}],
               "imported": {"name": "Bo", "at": 1}}),
        json!({"type": "edit", "target": ID, "text": "b"}),
        json!({"type": "delete", "target": ID}),
        json!({"type": "reaction", "target": ID, "emoji": "👍", "on": true}),
        json!({"type": "pin", "target": ID, "on": false}),
        json!({"type": "room_created", "kind": "private", "name": "plans", "topic": "t", "members": [me()]}),
        json!({"type": "room_created", "kind": "public", "name": "general", "everyone": true}),
        json!({"type": "room_changed", "name": "n", "topic": "t", "archived": true}),
        json!({"type": "joined"}),
        json!({"type": "left"}),
        json!({"type": "invited", "member": me()}),
        json!({"type": "removed", "member": me(), "reason": "r"}),
        json!({"type": "space_created", "name": "Studio"}),
        json!({"type": "admitted", "member": me(), "name": "Ana", "role": "admin", "invite": "i"}),
        json!({"type": "profile", "name": "Ana", "about": "a", "avatar": "h"}),
        json!({"type": "role", "member": me(), "role": "guest"}),
        json!({"type": "muted", "member": me(), "until": 5}),
        json!({"type": "banned", "member": me(), "on": true}),
        json!({"type": "settings", "name": "n", "admission": "invite", "max_file_bytes": 5}),
    ];
    for content in contents {
        let kind = content["type"].as_str().expect("a type").to_owned();
        let parsed: Content = serde_json::from_value(content.clone()).expect("content");
        assert_eq!(parsed.type_name(), kind);
        round_trip::<Content>(content);
    }
}

#[test]
fn words_of_a_later_version_have_a_safe_reading() {
    let refusal: Refusal =
        serde_json::from_value(json!({"code": "on_fire", "message": "run"})).expect("JSON");
    assert_eq!(refusal.code, Code::Unknown);
    assert!(refusal.code.may_be_tried_again(), "as internal");
    let me: Me =
        serde_json::from_value(json!({"id": me(), "name": "A", "role": "emperor"})).expect("JSON");
    assert_eq!(me.role.rank(), Role::Guest.rank());
    assert!(
        Role::parse("unknown").is_none(),
        "nobody can ask for the fallback"
    );
}
