//! Signatures: what is signed is written down once, here, as programs in other languages must do it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use ed25519_dalek::SigningKey;
use landline_protocol::*;
use serde_json::value::RawValue;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

#[test]
fn the_text_of_an_event_is_over_its_canonical_content() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let author = MemberId::from_bytes(key.verifying_key().to_bytes());
    let of = EventSignature {
        space: "0193b5a0-0000-7000-8000-000000000001".parse().expect("id"),
        room: "0193b5a0-0000-7000-8000-000000000002".parse().expect("id"),
        id: "0193b5a0-0000-7000-8000-000000000003".parse().expect("id"),
        author: &author,
        sent_at: 1_763_640_000_000,
    };
    let content = raw(r#"{ "type": "message", "text": "h\u00e9llo" }"#);
    // sha256 of {"text":"héllo","type":"message"}
    insta::assert_snapshot!(event_text(&of, &content).expect("JSON"), @r"
    landline-event-v1
    0193b5a0-0000-7000-8000-000000000001
    0193b5a0-0000-7000-8000-000000000002
    0193b5a0-0000-7000-8000-000000000003
    6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw
    1763640000000
    c32e5fa2ca99d7d828e693a3ad6ef84403272d01fcedb018deb90214e111ed02
    ");
    let same = raw(r#"{"text":"héllo","type":"message"}"#);
    assert_eq!(event_text(&of, &content).ok(), event_text(&of, &same).ok());
    let sig = sign_event(&key, &of, &content).expect("JSON");
    assert_eq!(sig.len(), 86);
    assert!(verify_event(&of, &same, &sig));
    assert!(!verify_event(
        &of,
        &raw(r#"{"text":"hello","type":"message"}"#),
        &sig
    ));
    assert!(!verify_event(
        &EventSignature { sent_at: 0, ..of },
        &same,
        &sig
    ));
    assert!(!verify_event(&of, &same, ""));
    assert!(!verify_event(&of, &same, &"A".repeat(86)));
}

#[test]
fn sign_in_is_over_what_was_seen() {
    let space = "0193b5a0-0000-7000-8000-000000000001".parse().expect("id");
    assert_eq!(
        sign_in_text(None, space, "bm9uY2U"),
        "landline-sign-in-v1\n-\n0193b5a0-0000-7000-8000-000000000001\nbm9uY2U"
    );
    assert_ne!(
        sign_in_text(Some("x"), space, "n"),
        sign_in_text(None, space, "n")
    );
}

#[test]
fn ids_have_one_spelling() {
    let id = "0193b5a0-0000-7000-8000-00000000000a";
    assert_eq!(id.parse::<EventId>().expect("id").to_string(), id);
    for wrong in [
        "0193B5A0-0000-7000-8000-00000000000A",
        "0193b5a00000700080000000000000a",
        "0193b5a000007000800000000000000a",
        "{0193b5a0-0000-7000-8000-00000000000a}",
        "urn:uuid:0193b5a0-0000-7000-8000-00000000000a",
        "",
    ] {
        assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
    }
    let key = MemberId::from_bytes([255; 32]).to_string();
    assert_eq!(key.len(), 43);
    assert_eq!(key.parse::<MemberId>().expect("key").to_string(), key);
    for wrong in [
        "",
        "_",
        &key[1..],
        &format!("{key}="),
        &format!("{key}A"),
        &"/".repeat(43),
    ] {
        assert!(wrong.parse::<MemberId>().is_err(), "{wrong}");
    }
}

#[test]
fn a_direct_room_has_one_id_from_all_sides() {
    let space = "0193b5a0-0000-7000-8000-000000000001".parse().expect("id");
    let (a, b) = (
        MemberId::from_bytes([1; 32]),
        MemberId::from_bytes([200; 32]),
    );
    let id = direct_room_id(space, &[a, b]);
    assert_eq!(id, direct_room_id(space, &[b, a]));
    assert_ne!(id, direct_room_id(space, &[a]));
    // Python: uuid.uuid5(space, ",".join(sorted(members)))
    insta::assert_snapshot!(id, @"abe9c3be-3634-5e2e-86e6-cd8f017911ec");
}
