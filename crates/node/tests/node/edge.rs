//! The socket edge: whatever comes, a clear code, nothing stored, nobody else disturbed.

use serde_json::{Value, json};

use crate::client::{Client, event, message, to_answer};
use crate::place::Place;

/// A JSON text nested this deep.
fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Raw payloads (JSON without the `rid`) of a member, with the code each gets.
fn bad_requests(room: &str) -> Vec<(&'static str, String, &'static str)> {
    let long = |chars: usize| "x".repeat(chars);
    let mut table: Vec<(&'static str, String, &'static str)> = vec![
        // Shape.
        ("append", r#"{}"#.into(), "bad_request"),
        ("append", r#"{"events":{}}"#.into(), "bad_request"),
        ("append", r#"{"events":[]}"#.into(), "bad_request"),
        ("append", r#"{"events":[1]}"#.into(), "bad_request"),
        ("append", r#"{"events":null}"#.into(), "bad_request"),
        (
            "append",
            r#"{"events":[],"events":[]}"#.into(),
            "bad_request",
        ),
        (
            "append",
            json!({ "events": vec![event(room, message("x")); 65] }).to_string(),
            "too_large",
        ),
        ("fetch", r#"{}"#.into(), "bad_request"),
        ("fetch", json!({ "room": room }).to_string(), "bad_request"),
        (
            "fetch",
            json!({ "room": room, "limit": 0 }).to_string(),
            "bad_request",
        ),
        (
            "fetch",
            json!({ "room": room, "limit": 501 }).to_string(),
            "too_large",
        ),
        (
            "fetch",
            json!({ "room": room, "limit": -1 }).to_string(),
            "bad_request",
        ),
        (
            "fetch",
            json!({ "room": room, "limit": 1.5 }).to_string(),
            "bad_request",
        ),
        (
            "fetch",
            json!({ "room": room, "limit": "1" }).to_string(),
            "bad_request",
        ),
        (
            "fetch",
            json!({ "room": room, "limit": 1, "after": 1, "before": 2 }).to_string(),
            "bad_request",
        ),
        (
            "fetch",
            json!({ "room": room.to_uppercase(), "limit": 1 }).to_string(),
            "bad_request",
        ),
        (
            "fetch",
            json!({ "room": "../../etc", "limit": 1 }).to_string(),
            "bad_request",
        ),
        (
            "fetch",
            json!({ "room": id(), "limit": 1 }).to_string(),
            "not_found",
        ),
        ("my_rooms", r#"{"limit":201}"#.into(), "too_large"),
        ("my_rooms", r#"{"limit":0}"#.into(), "bad_request"),
        ("my_rooms", r#"{"after":"x"}"#.into(), "bad_request"),
        ("rooms", r#"{"limit":201}"#.into(), "too_large"),
        (
            "rooms",
            json!({ "query": long(501) }).to_string(),
            "too_large",
        ),
        ("rooms", r#"{"query":5}"#.into(), "bad_request"),
        ("members", r#"{"limit":501}"#.into(), "too_large"),
        ("members", r#"{"room":7}"#.into(), "bad_request"),
        ("members", r#"{"after":"short"}"#.into(), "bad_request"),
        ("members", json!({ "room": id() }).to_string(), "not_found"),
        ("pins", r#"{}"#.into(), "bad_request"),
        ("pins", json!({ "room": id() }).to_string(), "not_found"),
        ("mark", json!({ "room": room }).to_string(), "bad_request"),
        (
            "mark",
            json!({ "room": room, "read": -1 }).to_string(),
            "bad_request",
        ),
        (
            "mark",
            json!({ "room": id(), "read": 1 }).to_string(),
            "not_found",
        ),
        ("marks", json!({ "room": id() }).to_string(), "not_found"),
        ("marks", r#"{"room":null}"#.into(), "bad_request"),
        ("typing", json!({ "room": room }).to_string(), "bad_request"),
        (
            "typing",
            json!({ "room": room, "on": 1 }).to_string(),
            "bad_request",
        ),
        (
            "typing",
            json!({ "room": id(), "on": true }).to_string(),
            "not_found",
        ),
        ("presence", r#"{"state":"offline"}"#.into(), "bad_request"),
        ("presence", r#"{"state":"dancing"}"#.into(), "bad_request"),
        (
            "presence",
            json!({ "state": "away", "text": long(251) }).to_string(),
            "too_large",
        ),
        (
            "presence",
            json!({ "state": "away", "text": "a\u{0}b" }).to_string(),
            "bad_request",
        ),
        ("watch", r#"{"members":"all"}"#.into(), "bad_request"),
        ("watch", r#"{"members":["x"]}"#.into(), "bad_request"),
        ("search", r#"{}"#.into(), "bad_request"),
        (
            "search",
            json!({ "query": long(501) }).to_string(),
            "too_large",
        ),
        ("search", r#"{"query":"x","limit":101}"#.into(), "too_large"),
        (
            "search",
            json!({ "query": "x", "room": id() }).to_string(),
            "not_found",
        ),
        ("passcode_set", r#"{}"#.into(), "bad_request"),
        (
            "passcode_set",
            json!({ "passcode": long(129) }).to_string(),
            "too_large",
        ),
        ("sign_in", r#"{}"#.into(), "bad_request"),
        ("invite_list", r#"{}"#.into(), "bad_request"),
        ("no_such_event", r#"{}"#.into(), "bad_request"),
        ("", r#"{}"#.into(), "bad_request"),
        ("__proto__", r#"{}"#.into(), "bad_request"),
    ];
    let many: Vec<String> = (0..501)
        .map(|_| crate::client::key("x"))
        .map(|key| {
            landline_protocol::MemberId::from_bytes(key.verifying_key().to_bytes()).to_string()
        })
        .collect();
    table.push(("watch", json!({ "members": many }).to_string(), "too_large"));
    table.push((
        "fetch",
        format!(r#"{{"room":"{room}","limit":{}}}"#, nested(5000)),
        "bad_request",
    ));
    table.push((
        "presence",
        format!(r#"{{"state":"away","text":{}}}"#, nested(5000)),
        "bad_request",
    ));
    table
}

/// Events that are no good, as raw JSON, with the code each gets.
fn bad_events(room: &str) -> Vec<(String, &'static str)> {
    let put = |content: &str| {
        let id = id();
        format!(r#"{{"id":"{id}","room":"{room}","sent_at":1,"content":{content}}}"#)
    };
    let text = |chars: usize| put(&message(&"x".repeat(chars)).to_string());
    let mut table = vec![
        (put("{}"), "bad_request"),
        (put("[]"), "bad_request"),
        (put("null"), "bad_request"),
        (put(r#""message""#), "bad_request"),
        (put(r#"{"type":"message"}"#), "bad_request"),
        (put(r#"{"type":"message","text":5}"#), "bad_request"),
        (put(r#"{"type":"message","text":""}"#), "bad_request"),
        (
            put(r#"{"type":"message","text":"a","text":"b"}"#),
            "bad_request",
        ),
        (
            put(r#"{"type":"message","type":"edit","text":"a"}"#),
            "bad_request",
        ),
        (
            put(r#"{"type":"message","text":"a","x":1.5}"#),
            "bad_request",
        ),
        (
            put(r#"{"type":"message","text":"a","x":1e400}"#),
            "bad_request",
        ),
        (
            put(&format!(
                r#"{{"type":"message","text":"a","x":{}}}"#,
                nested(8)
            )),
            "bad_request",
        ),
        (
            put(&format!(
                r#"{{"type":"message","text":"a","x":{}}}"#,
                nested(10_000)
            )),
            "bad_request",
        ),
        (put(r#"{"type":"dance"}"#), "bad_request"),
        (put(r#"{"type":"unknown"}"#), "bad_request"),
        (
            put(r#"{"type":"message","text":"a","mentions":["nobody"]}"#),
            "bad_request",
        ),
        (
            put(r#"{"type":"reaction","target":"x","emoji":"a","on":true}"#),
            "bad_request",
        ),
        (text(16 * 1024 + 1), "too_large"),
        (
            put(&json!({ "type": "message", "text": "a", "x": "y".repeat(33 * 1024) }).to_string()),
            "too_large",
        ),
        (
            put(
                &json!({ "type": "message", "text": "a", "mentions": vec!["room"; 51] })
                    .to_string(),
            ),
            "too_large",
        ),
        (
            put(&json!({ "type": "room_changed", "name": "x".repeat(65) }).to_string()),
            "too_large",
        ),
        (
            put(&json!({ "type": "room_changed", "name": "a\nb" }).to_string()),
            "bad_request",
        ),
        (
            put(&json!({ "type": "room_changed", "topic": "x".repeat(251) }).to_string()),
            "too_large",
        ),
        (put(r#"{"type":"room_changed"}"#), "bad_request"),
        (
            put(&json!({ "type": "edit", "target": id(), "text": "a" }).to_string()),
            "not_found",
        ),
        (
            put(&json!({ "type": "delete", "target": id() }).to_string()),
            "not_found",
        ),
        (
            put(&json!({ "type": "message", "text": "a", "reply_to": id() }).to_string()),
            "not_found",
        ),
        (
            put(&json!({ "type": "message", "text": "a", "thread": id() }).to_string()),
            "not_found",
        ),
        (
            put(
                &json!({ "type": "reaction", "target": id(), "emoji": "x".repeat(65), "on": true })
                    .to_string(),
            ),
            "too_large",
        ),
        (
            put(r#"{"type":"space_created","name":"mine"}"#),
            "not_allowed",
        ),
        (
            put(
                r#"{"type":"admitted","member":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","name":"x","role":"owner"}"#,
            ),
            "not_allowed",
        ),
        (put(r#"{"type":"left"}"#), "not_allowed"),
        (
            put(&json!({ "type": "message", "text": "a", "files": [
            { "blake3": "0".repeat(64), "name": "f", "type": "text/plain", "bytes": 1 }] })
            .to_string()),
            "not_found",
        ),
    ];
    let mut v4 = event(room, message("v4"));
    v4["id"] = json!("9b2d7f66-5b1e-4a1c-9f63-0a2c5f6f1d11");
    table.push((v4.to_string(), "bad_request"));
    for sent_at in [-1_i64, 1 << 53] {
        let mut late = event(room, message("late"));
        late["sent_at"] = json!(sent_at);
        table.push((late.to_string(), "bad_request"));
    }
    for sig in ["", "short", &"!".repeat(86)] {
        let mut signed = event(room, message("signed"));
        signed["sig"] = json!(sig);
        table.push((signed.to_string(), "bad_request"));
    }
    let mut elsewhere = event(room, message("elsewhere"));
    elsewhere["room"] = json!(id());
    table.push((elsewhere.to_string(), "not_found"));
    table
}

#[tokio::test]
async fn bad_input_is_refused_by_its_code_and_changes_nothing() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let mut ben = Client::enter(place.address(), "ben").await;
    let general = ann.general().await;
    ann.pushes().await;
    ben.pushes().await;

    for (at, (name, payload, code)) in bad_requests(&general).into_iter().enumerate() {
        let rid = format!("bad{at}");
        let payload = format!(r#"{{"rid":"{rid}",{}"#, &payload[1..]).replace(",}", "}");
        ann.raw(&format!(r#"42["{name}",{payload}]"#)).await;
        let reply = ann.reply(&rid).await;
        let shown: String = payload.chars().take(200).collect();
        assert_eq!(reply["error"]["code"], code, "{name} {shown}: {reply}");
        assert_ne!(reply["error"]["message"], "", "{name} {shown}");
    }
    for (at, (event, code)) in bad_events(&general).into_iter().enumerate() {
        let rid = format!("event{at}");
        ann.raw(&format!(
            r#"42["append",{{"rid":"{rid}","events":[{event}]}}]"#
        ))
        .await;
        let reply = ann.reply(&rid).await;
        let shown: String = event.chars().take(300).collect();
        assert_eq!(
            reply["ok"]["results"][0]["error"]["code"], code,
            "{shown}: {reply}"
        );
    }
    assert_eq!(ann.log(&general).await.len(), 1, "nothing was stored");
    assert_eq!(ben.pushes().await, [], "nobody else noticed");
    // The connection stayed, and works.
    ann.say(&general, "still here").await;
}

#[tokio::test]
async fn what_is_not_one_object_is_refused_in_words() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    for (ack, arguments) in [
        (1, r#"["fetch"]"#),
        (2, r#"["fetch",1]"#),
        (3, r#"["fetch",null]"#),
        (4, r#"["fetch","{}"]"#),
        (5, r#"["fetch",[{}]]"#),
        (6, r#"["fetch",{},{}]"#),
        (7, r#"["fetch",{"rid":5}]"#),
    ] {
        ann.raw(&format!("42{ack}{arguments}")).await;
        let answer = to_answer(ann.reply(&format!("ack{ack}")).await);
        assert_eq!(answer, Err("bad_request".into()), "{arguments}");
    }
    let rid = "r".repeat(65);
    ann.raw(&format!(r#"4299["my_rooms",{{"rid":"{rid}"}}]"#))
        .await;
    assert_eq!(
        to_answer(ann.reply("ack99").await),
        Err("bad_request".into())
    );
}

#[tokio::test]
async fn an_answer_comes_as_acknowledgement_and_as_reply() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    ann.raw(r#"427["my_rooms",{"rid":"both"}]"#).await;
    let (ack, reply) = (ann.reply("ack7").await, ann.reply("both").await);
    assert_eq!(ack["ok"], reply["ok"]);
    assert_eq!(ack["ok"]["rooms"][0]["name"], "general");
    // Neither asked for: it is done all the same, and answered with silence.
    let general = ann.general().await;
    ann.raw(&format!(
        r#"42["append",{{"events":[{}]}}]"#,
        event(&general, message("quiet"))
    ))
    .await;
    ann.push_where("events", |push| push["room"] == json!(general))
        .await;
}

#[tokio::test]
async fn nothing_is_for_those_who_have_not_signed_in() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    ann.pushes().await;
    let mut eve = Client::connect(place.address(), "eve").await;
    let requests: Vec<(&str, Value)> = vec![
        (
            "append",
            json!({ "events": [event(&general, message("in")) ] }),
        ),
        ("my_rooms", json!({})),
        ("fetch", json!({ "room": general, "limit": 1 })),
        ("rooms", json!({})),
        ("members", json!({})),
        ("pins", json!({ "room": general })),
        ("mark", json!({ "room": general, "read": 1 })),
        ("marks", json!({ "room": general })),
        ("typing", json!({ "room": general, "on": true })),
        ("presence", json!({ "state": "away" })),
        ("watch", json!({ "members": [ann.id()] })),
        ("search", json!({ "query": "x" })),
        ("passcode_set", json!({ "passcode": "x" })),
        ("no_such_event", json!({})),
    ];
    for (name, payload) in requests {
        assert_eq!(
            eve.ask(name, payload).await,
            Err("not_signed_in".into()),
            "{name}"
        );
    }
    assert_eq!(ann.pushes().await, []);
    assert_eq!(ann.log(&general).await.len(), 1);
    // It hears nothing either.
    ann.say(&general, "private").await;
    let mut heard = eve.pushes().await;
    // Her time to sign in may be over by now.
    heard.retain(|(name, _)| name != "goodbye");
    assert_eq!(heard, []);
}

#[tokio::test]
async fn who_does_not_sign_in_in_time_is_told_and_closed() {
    let place = Place::new().await;
    let mut eve = Client::connect(place.address(), "eve").await;
    let goodbye = eve.push("goodbye").await;
    assert_eq!(goodbye["reason"], "protocol_error");
    assert!(eve.is_closed().await);
}

#[tokio::test]
async fn who_leaves_the_namespace_leaves_the_door_too() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    ann.raw("41").await;
    assert!(ann.is_closed().await);
    let mut eve = Client::connect(place.address(), "eve").await;
    eve.raw("41").await;
    assert!(eve.is_closed().await);
}

#[tokio::test]
async fn too_big_or_not_socket_io_closes_the_connection_and_no_other() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;

    let mut big = Client::enter(place.address(), "big").await;
    let text = "x".repeat(256 * 1024);
    big.raw(&format!(
        r#"42["append",{{"events":[{}]}}]"#,
        event(&general, message(&text))
    ))
    .await;
    assert!(big.is_closed().await);

    let mut binary = Client::enter(place.address(), "binary").await;
    binary.raw_binary(b"\x00\x01").await;
    assert!(binary.is_closed().await);

    for garbage in [
        "zzz",
        "42nonsense",
        r#"42["fetch",{}"#,
        r#"42["fetch",{]"#,
        r#"42[{},"fetch"]"#,
        r#"451-["append",{"_placeholder":true,"num":0}]"#,
        "9",
    ] {
        let mut eve = Client::enter(place.address(), "eve").await;
        eve.raw(garbage).await;
        assert!(eve.is_closed().await, "{garbage}");
    }
    ann.say(&general, "undisturbed").await;
    assert_eq!(ann.log(&general).await.len(), 2);
}

#[tokio::test]
async fn a_packet_at_its_limit_is_taken() {
    let place = Place::new().await;
    let mut ann = Client::enter(place.address(), "ann").await;
    let general = ann.general().await;
    let text = "x".repeat(16 * 1024);
    let events: Vec<Value> = (0..15).map(|_| event(&general, message(&text))).collect();
    let results = ann.append(json!(events)).await.unwrap();
    assert!(
        results.iter().all(|result| result["seq"].is_u64()),
        "{results:?}"
    );
    // One packet of the node holds at most 1 MiB: a log of big messages is paged.
    for _ in 0..5 {
        let events: Vec<Value> = (0..15).map(|_| event(&general, message(&text))).collect();
        ann.append(json!(events)).await.unwrap();
    }
    let page = ann.fetch(&general, 0).await.unwrap();
    assert!(page["events"].as_array().unwrap().len() < 91);
    assert!(page.to_string().len() <= 1024 * 1024);
    assert_eq!(ann.log(&general).await.len(), 91);
}

#[tokio::test]
async fn health_tells_of_the_space() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let place = Place::new().await;
    let ann = Client::enter(place.address(), "ann").await;
    let mut http = tokio::net::TcpStream::connect(place.address())
        .await
        .unwrap();
    http.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["ok"], true);
    assert_eq!(body["space"], json!(ann.space()));
    assert_eq!(body["connections"], 1);
}
