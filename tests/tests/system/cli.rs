//! The outbox of a process that is killed, and of one that is not let in; what becomes of many.

use landline_protocol::limits::{APPEND_EVENTS, ROOMS_PER_MEMBER};
use landline_protocol::{MemberId, RoomId};
use landline_tests::cli::Cli;
use landline_tests::deadline::{LONG, eventually, soon};
use landline_tests::raw::Raw;
use landline_tests::{Lan, logs};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_message_written_by_a_process_that_is_killed_goes_out_once() {
    let mut lan = Lan::start();
    let ana = lan.person("ana").await;
    let general = ana.room("general").await;
    let ben = Cli::new(&lan.folder("ben"));
    ben.run(&["join", &lan.node.address().to_string(), "--name", "ben"])
        .await;
    lan.node.kill();

    let mut waiting = ben.spawn(&["send", "general", "last words", "--wait", "--timeout", "60"]);
    eventually("the message is in ben's outbox", async || {
        (logs::outbox(&logs::replica(&lan.folder("ben"), lan.node.space())) == 1).then_some(())
    })
    .await;
    waiting.kill().await.unwrap();
    assert_eq!(
        ben.run(&["status"]).await["spaces"][0]["queued"],
        1,
        "it is still there"
    );
    lan.node.start_again();

    eventually("it has gone out", async || {
        (ben.run(&["status"]).await["spaces"][0]["queued"] == 0).then_some(())
    })
    .await;
    ana.reads_texts(general, &["last words"]).await;
    ben.run(&["send", "general", "and more", "--wait"]).await;
    ana.reads_texts(general, &["last words", "and more"]).await;
    logs::assert_whole(&logs::events(&lan.node.database()));
}

#[tokio::test]
async fn a_sender_that_is_killed_at_any_moment_has_sent_once_or_not_at_all() {
    let mut dice = landline_tests::Dice::new("killed senders");
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let general = ana.room("general").await;
    let ben = Cli::new(&lan.folder("ben"));
    ben.run(&["join", &lan.node.address().to_string(), "--name", "ben"])
        .await;

    for n in 1..=8 {
        let mut sending = ben.spawn(&["send", "general", &format!("try {n}"), "--wait"]);
        tokio::time::sleep(dice.millis(5..250)).await;
        // It may have ended by itself.
        let _ = sending.start_kill();
        soon("the sender ends", sending.wait()).await.unwrap();
    }
    ben.run(&["send", "general", "the end", "--wait"]).await;

    ana.sees("the end", |space| {
        let items = space.items.get(&general)?;
        items
            .iter()
            .filter_map(landline_tests::person::text)
            .find(|text| text == "the end")
    })
    .await;
    let texts = ana.texts(general).await;
    let numbers: Vec<u32> = texts
        .iter()
        .filter_map(|text| text.strip_prefix("try ")?.parse().ok())
        .collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "once each and in order: {texts:?}"
    );
    assert_eq!(
        texts.last().unwrap(),
        "the end",
        "what was left in the outbox went first"
    );
}

#[tokio::test]
async fn what_a_space_does_not_let_in_is_refused_and_does_not_go_out_later() {
    let lan = Lan::start();
    let (_, signed_in) = Raw::sign_in(lan.node.address(), 1).await;
    // Signs in each time: nobody answers pings for them while ben's programs run.
    let owner = async || Raw::sign_in(lan.node.address(), 1).await.0;
    let directory = lan.node.space().directory();
    let general = signed_in.rooms[0].id;
    let ben = Cli::new(&lan.folder("ben"));
    let address = lan.node.address().to_string();
    let me: MemberId = word(&ben.run(&["join", &address, "--name", "ben"]).await["me"]);
    let said = ben.run(&["send", "general", "before", "--wait"]).await;
    let id = said["id"].as_str().unwrap();
    let file = lan.folder("notes.txt");
    std::fs::write(&file, "a file").unwrap();

    let ban = |on| json!({ "type": "banned", "member": me, "on": on });
    append(&mut owner().await, directory, vec![ban(true)]).await;
    for args in [
        &["send", "general", "again and again"] as &[&str],
        &["send", "general", "again and again", "--wait"],
        &["reply", id, "again and again"],
        &["upload", "general", file.to_str().unwrap()],
        &["edit", id, "after"],
        &["react", id, "👍"],
        &["delete", id],
        &["dm", "raw 1", "let me in"],
    ] {
        let output = ben.try_run(LONG, args).await;
        let told: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), &told["error"]["code"]),
            (Some(4), &json!("banned")),
            "{args:?}: {output:?}"
        );
        let queued = logs::outbox(&logs::replica(&lan.folder("ben"), lan.node.space()));
        assert_eq!(queued, 0, "{args:?}");
    }

    append(&mut owner().await, directory, vec![ban(false)]).await;
    ben.run(&["send", "general", "let in again", "--wait"])
        .await;
    let page = owner()
        .await
        .ask("fetch", json!({ "room": general, "limit": 500 }))
        .await;
    let contents = page["events"].as_array().unwrap().iter();
    let texts: Vec<&str> = contents
        .filter_map(|event| event["content"]["text"].as_str())
        .collect();
    assert_eq!(texts, ["before", "let in again"]);
}

#[tokio::test]
async fn of_many_who_are_invited_each_is_told_what_became_of_it() {
    let lan = Lan::start();
    let address = lan.node.address().to_string();
    let (ana, ben) = (Cli::new(&lan.folder("ana")), Cli::new(&lan.folder("ben")));
    ana.run(&["join", &address, "--name", "ana"]).await;
    ben.run(&["join", &address, "--name", "ben"]).await;
    // One who can't come into any more rooms.
    let (mut busy, _) = Raw::sign_in(lan.node.address(), 3).await;
    for _ in 0..ROOMS_PER_MEMBER.div_ceil(APPEND_EVENTS) {
        let rooms = (0..APPEND_EVENTS).map(|_| room_created()).collect();
        append_all(&mut busy, rooms).await;
    }

    ana.run(&["create", "plans", "--private"]).await;
    let args = ["invite", "plans", "raw 3", "ben"];
    let output = ana.try_run(LONG, &args).await;
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [refused, invited] = told["invited"].as_array().unwrap().as_slice() else {
        panic!("one for each: {told}");
    };
    assert_eq!(
        (&refused["name"], &refused["state"]),
        (&json!("raw 3"), &json!("refused"))
    );
    assert!(refused["error"]["message"].is_string(), "{refused}");
    assert_eq!(
        (&invited["name"], &invited["state"], &invited["error"]),
        (&json!("ben"), &json!("done"), &json!(null))
    );
    ben.run(&["history", "plans"]).await;
    // Of one alone it is an error, as of any command.
    let output = ana.try_run(LONG, &["invite", "plans", "raw 3"]).await;
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(told["error"]["code"], refused["error"]["code"]);
}

fn word<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// A new public room, as an event.
fn room_created() -> Value {
    let content = json!({ "type": "room_created", "kind": "public", "name": "one of many" });
    event(RoomId::from_uuid(Uuid::now_v7()), content)
}

fn event(room: RoomId, content: Value) -> Value {
    let sent_at: u64 = 1_763_640_000_000;
    json!({ "id": Uuid::now_v7(), "room": room, "sent_at": sent_at, "content": content })
}

/// Appends to one room; all must be accepted.
async fn append(raw: &mut Raw, room: RoomId, contents: Vec<Value>) {
    let events = contents.into_iter().map(|content| event(room, content));
    for result in append_all(raw, events.collect()).await {
        assert!(result["seq"].is_u64(), "{result}");
    }
}

async fn append_all(raw: &mut Raw, events: Vec<Value>) -> Vec<Value> {
    let answer = raw.ask("append", json!({ "events": events })).await;
    word(&answer["results"])
}
