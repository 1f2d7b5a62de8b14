//! What a node takes as content, and what it refuses: each field at and over its limit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use landline_protocol::limits::*;
use landline_protocol::{Code, Content, EventId, MemberId};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn parse(text: &str) -> Result<Content, Code> {
    let raw = RawValue::from_string(text.to_owned()).expect("JSON");
    Content::parse(&raw).map_err(|refusal| refusal.code)
}

fn accepts(json: &Value) {
    assert!(
        parse(&json.to_string()).is_ok(),
        "{json} is refused: {:?}",
        parse(&json.to_string())
    );
}

fn refuses(json: &Value, code: Code) {
    let short: String = json.to_string().chars().take(120).collect();
    assert_eq!(parse(&json.to_string()), Err(code), "{short}");
}

const ID: &str = "0193b5a0-0000-7000-8000-000000000001";

fn key(n: u8) -> String {
    MemberId::from_bytes([n; 32]).to_string()
}

#[test]
fn texts_and_names_at_their_limits() {
    accepts(&json!({"type": "message", "text": "a".repeat(TEXT_BYTES)}));
    refuses(
        &json!({"type": "message", "text": "a".repeat(TEXT_BYTES + 1)}),
        Code::TooLarge,
    );
    refuses(
        &json!({"type": "message", "text": "é".repeat(TEXT_BYTES / 2 + 1)}),
        Code::TooLarge,
    );
    refuses(
        &json!({"type": "message", "text": "   \n"}),
        Code::BadRequest,
    );
    refuses(
        &json!({"type": "message", "text": "\u{1}".repeat(TEXT_BYTES)}),
        Code::TooLarge,
    );
    let mentions = |n: usize| vec![key(1); n];
    accepts(&json!({"type": "message", "text": "a", "mentions": mentions(MENTIONS_PER_MESSAGE)}));
    refuses(
        &json!({"type": "message", "text": "a", "mentions": mentions(MENTIONS_PER_MESSAGE + 1)}),
        Code::TooLarge,
    );
    accepts(&json!({"type": "room_created", "kind": "public", "name": "ü".repeat(NAME_CHARS)}));
    accepts(
        &json!({"type": "room_created", "kind": "public", "name": format!("  {}  ", "ü".repeat(NAME_CHARS))}),
    );
    refuses(
        &json!({"type": "room_created", "kind": "public", "name": "ü".repeat(NAME_CHARS + 1)}),
        Code::TooLarge,
    );
    refuses(
        &json!({"type": "room_created", "kind": "public", "name": "  "}),
        Code::BadRequest,
    );
    refuses(
        &json!({"type": "room_created", "kind": "public", "name": "a\u{0}b"}),
        Code::BadRequest,
    );
    accepts(&json!({"type": "room_changed", "topic": "t".repeat(TOPIC_CHARS)}));
    accepts(&json!({"type": "room_changed", "topic": ""}));
    refuses(
        &json!({"type": "room_changed", "topic": "t".repeat(TOPIC_CHARS + 1)}),
        Code::TooLarge,
    );
    refuses(&json!({"type": "room_changed"}), Code::BadRequest);
    accepts(&json!({"type": "reaction", "target": ID, "emoji": "👩‍👩‍👧‍👦", "on": true}));
    refuses(
        &json!({"type": "reaction", "target": ID, "emoji": "x".repeat(EMOJI_BYTES + 1), "on": true}),
        Code::TooLarge,
    );
    refuses(
        &json!({"type": "reaction", "target": ID, "emoji": "", "on": true}),
        Code::BadRequest,
    );
    refuses(
        &json!({"type": "edit", "target": ID, "text": ""}),
        Code::BadRequest,
    );
}

#[test]
fn rooms_by_their_kind() {
    let members = |n: u8| (0..n).map(key).collect::<Vec<_>>();
    accepts(&json!({"type": "room_created", "kind": "direct", "members": members(2)}));
    accepts(&json!({"type": "room_created", "kind": "direct", "members": members(16)}));
    refuses(
        &json!({"type": "room_created", "kind": "direct", "members": members(1)}),
        Code::BadRequest,
    );
    refuses(
        &json!({"type": "room_created", "kind": "direct", "members": members(17)}),
        Code::BadRequest,
    );
    refuses(
        &json!({"type": "room_created", "kind": "direct", "name": "x", "members": members(2)}),
        Code::BadRequest,
    );
    refuses(
        &json!({"type": "room_created", "kind": "direct", "members": [key(1), key(1)]}),
        Code::BadRequest,
    );
    refuses(
        &json!({"type": "room_created", "kind": "secret", "name": "x"}),
        Code::BadRequest,
    );
}

#[test]
fn what_json_allows_and_a_log_must_not() {
    let refused = [
        r#"{"type":"message","text":"a","text":"b"}"#,
        r#"{"type":"message","text":"a","x":{"k":1,"\u006b":2}}"#,
        r#"{"type":"message","text":"a","x":1.5}"#,
        r#"{"type":"message","text":"a","x":1e3}"#,
        r#"{"type":"message","text":"a","x":99999999999999999999}"#,
        r#"{"type":"message","text":"a","x":[[[[[[[[1]]]]]]]]}"#,
        r#"{"type":"message","text":"\ud800"}"#,
        r#"{"type":"dance"}"#,
        r#"{"text":"a"}"#,
        r#"{"type":"message"}"#,
        r#"{"type":"message","text":5}"#,
        r#"{"type":"message","text":null}"#,
        r#"{"type":"delete","target":"0193B5A0-0000-7000-8000-000000000001"}"#,
        r#"{"type":"delete","target":"{0193b5a0-0000-7000-8000-000000000001}"}"#,
        r#"{"type":"invited","member":"short"}"#,
        r#"{"type":"message","text":"a","mentions":["everybody"]}"#,
        r#"[]"#,
        r#""message""#,
        r#"null"#,
        r#"7"#,
    ];
    for text in refused {
        assert_eq!(parse(text), Err(Code::BadRequest), "{text}");
    }
    // Levels count from the content itself.
    assert!(parse(r#"{"type":"message","text":"a","x":[[[[[[[1]]]]]]]}"#).is_ok());
    assert!(
        parse(r#"{"type":"message","text":"a","unknown":-3}"#).is_ok(),
        "unknown fields are ignored"
    );
    let wide = format!(
        r#"{{"type":"message","text":"a","x":"{}"}}"#,
        "y".repeat(CONTENT_BYTES)
    );
    assert_eq!(parse(&wide), Err(Code::TooLarge));
    let deep = format!("{}1{}", "[".repeat(9_000), "]".repeat(9_000));
    let Ok(raw) = RawValue::from_string(deep) else {
        return;
    };
    assert_eq!(
        Content::parse(&raw).map_err(|refusal| refusal.code),
        Err(Code::BadRequest)
    );
}

#[test]
fn a_client_reads_on_where_it_does_not_understand() {
    let read = |text: &str| Content::read(&RawValue::from_string(text.to_owned()).expect("JSON"));
    assert_eq!(read(r#"{"type":"dance","steps":3}"#), Content::Unknown);
    assert_eq!(read(r#"{"type":"message"}"#), Content::Unknown);
    assert_eq!(read("17"), Content::Unknown);
    assert_eq!(
        read(r#"{"type":"joined","later":"field"}"#),
        Content::Joined
    );
}

fn content() -> impl Strategy<Value = Content> {
    let target = any::<u128>().prop_map(|n| EventId::from_uuid(uuid::Uuid::from_u128(n)));
    let member = any::<[u8; 32]>().prop_map(MemberId::from_bytes);
    prop_oneof![
        ("\\PC{1,80}", proptest::option::of(target.clone())).prop_map(|(text, reply_to)| {
            Content::Message(landline_protocol::Message {
                text,
                reply_to,
                ..Default::default()
            })
        }),
        (target.clone(), "\\PC{1,80}").prop_map(|(target, text)| {
            Content::Edit(landline_protocol::Edit {
                target,
                text,
                mentions: vec![],
            })
        }),
        (target.clone(), any::<bool>())
            .prop_map(|(target, on)| Content::Pin(landline_protocol::Pin { target, on })),
        target.prop_map(|target| Content::Delete(landline_protocol::Delete { target })),
        member.prop_map(|member| Content::Invited(landline_protocol::Invited {
            member,
            reason: None
        })),
        Just(Content::Joined),
        Just(Content::Left),
    ]
}

proptest! {
    #[test]
    fn content_survives_the_wire(content in content()) {
        let raw = content.to_raw().expect("JSON");
        prop_assert_eq!(Content::read(&raw), content);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(raw) = serde_json::from_slice::<Box<RawValue>>(&bytes) {
            let _ = Content::parse(&raw);
            let _ = Content::read(&raw);
        }
    }

    #[test]
    fn whatever_is_accepted_is_understood(text in "\\{\"type\":\"(message|edit|pin|left)\",\"[a-z]{1,4}\":(1|\"x\"|\\[\\]|\\{\\})\\}") {
        let raw = RawValue::from_string(text).expect("JSON");
        if Content::parse(&raw).is_ok() {
            prop_assert_ne!(Content::read(&raw), Content::Unknown);
        }
    }
}
