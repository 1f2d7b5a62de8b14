//! What was said, taken from one space into another: by a program that is killed on the way, and
//! by a client that had been away.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use landline_client::export::{ExportFormat, ExportTo};
use landline_protocol::{EventId, RoomId, RoomKind};
use landline_tests::cli::Cli;
use landline_tests::conversation::{self, Line};
use landline_tests::deadline::{LONG, within};
use landline_tests::proxy::{Proxy, Weather};
use landline_tests::raw::Raw;
use landline_tests::{Lan, logs};
use serde_json::{Value, json};
use uuid::Uuid;

const MESSAGES: usize = 3_000;
/// When the import is killed: some are in, most are not.
const KILLED_AFTER: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_goes_on_and_what_came_in_goes_out_and_in_again() {
    let lan = Lan::start();
    let mut lines = conversation::read(&conversation::file(&lan.folder("")));
    lines.truncate(MESSAGES);
    let file = lan.folder("conversation.jsonl");
    conversation::write(&file, &lines);
    let proxy = Proxy::start(lan.node.address()).await.unwrap();
    let importer = joined(&lan, proxy.address()).await;
    let ben = lan.person("ben").await;

    // So slow that the kill comes long before the end.
    proxy.set(Weather::Delay(Duration::from_millis(200)));
    let mut killed = importer.spawn(&["import", file.to_str().unwrap()]);
    let some = || logs::events(&lan.node.database()).len() > KILLED_AFTER;
    within(LONG, "some are in", async || some().then_some(())).await;
    killed.kill().await.unwrap();
    assert!(logs::events(&lan.node.database()).len() < MESSAGES);
    proxy.set(Weather::Fair);
    // Ben is away for the rest.
    ben.cut();
    let done = importer.run(&["import", file.to_str().unwrap()]).await;
    assert_eq!(done["refused"], 0);
    assert_eq!(
        done["imported"].as_u64().unwrap() + done["already"].as_u64().unwrap(),
        MESSAGES as u64
    );
    assert!(done["already"].as_u64().unwrap() >= KILLED_AFTER as u64 - 100);

    ben.heal();
    ben.connected().await;
    let room = done["room"].as_str().unwrap().parse().unwrap();
    ben.join_room(room).await;
    let all = logs::room_events(&lan.node.database(), room).len();
    let here = || {
        let mut held = ben.replica();
        held.retain(|row| row.room == *room.as_bytes());
        held.len()
    };
    within(LONG, "all of it is here", async || {
        (here() == all).then_some(())
    })
    .await;
    let taken = lan.folder("taken.jsonl");
    let to = ExportTo {
        space: ben.space(),
        rooms: vec![room],
        path: taken.clone(),
        format: ExportFormat::Jsonl,
        replace: false,
    };
    let exported = ben.client().export(to.clone(), |_| {}).await.unwrap();
    assert_eq!(exported.messages, MESSAGES as u64);
    assert!(exported.complete);
    assert_said(&lines, &taken);
    let again = ben.client().export(to, |_| {}).await.unwrap_err();
    assert_eq!(again.code, landline_protocol::Code::Conflict);

    let other = Lan::start();
    let far = joined(&other, other.node.address()).await;
    let done = far.run(&["import", taken.to_str().unwrap()]).await;
    assert_eq!(done["imported"], MESSAGES);
    let far_taken = other.folder("far.jsonl");
    far.run(&["export", "new-members", "--to", far_taken.to_str().unwrap()])
        .await;
    assert_said(&lines, &far_taken);
}

/// Two people of one name have both left the space: what was said to each is exported under that
/// name, and brought in as two rooms.
#[tokio::test]
async fn direct_rooms_with_people_who_left_keep_their_names_and_stay_apart() {
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let directory = lan.node.space().directory();
    let texts = ["to the first", "to the second"];
    for (seed, text) in (1..).zip(texts) {
        let (mut ben, me) = Raw::sign_in(lan.node.address(), seed).await;
        append(
            &mut ben,
            directory,
            json!({ "type": "profile", "name": "Ben" }),
        )
        .await;
        let room = ana.create_room(RoomKind::Direct, "", &[me.me.id]).await;
        ana.write(room, text).await;
        ana.all_sent().await;
        append(&mut ben, directory, json!({ "type": "left" })).await;
    }
    within(LONG, "both have left", async || {
        let left = ana.replica().into_iter().filter(|row| row.kind == "left");
        (left.count() == texts.len()).then_some(())
    })
    .await;
    let taken = lan.folder("taken.jsonl");
    let to = ExportTo {
        space: ana.space(),
        rooms: Vec::new(),
        path: taken.clone(),
        format: ExportFormat::Jsonl,
        replace: false,
    };
    ana.client().export(to, |_| {}).await.unwrap();
    let direct = rooms_of(&taken)
        .into_iter()
        .filter(|(name, _)| name != "general");
    let direct: Vec<_> = direct.collect();
    assert!(direct.iter().all(|(name, _)| name == "Ben"), "{direct:?}");

    let other = Lan::start();
    let far = joined(&other, other.node.address()).await;
    for run in 0..2 {
        let done = far.run(&["import", taken.to_str().unwrap()]).await;
        assert_eq!(done["refused"], 0, "{done}");
        let far_taken = other.folder(&format!("far-{run}.jsonl"));
        far.run(&["export", "--to", far_taken.to_str().unwrap()])
            .await;
        let mut rooms = rooms_of(&far_taken);
        rooms.retain(|(name, _)| name.starts_with("Ben"));
        assert_ne!(rooms[0].0, rooms[1].0);
        let mut said: Vec<_> = rooms.into_iter().map(|(_, said)| said).collect();
        said.sort();
        assert_eq!(said, texts.map(|text| vec![text.to_owned()]));
    }
}

async fn append(raw: &mut Raw, room: RoomId, content: Value) {
    let event = json!({
        "id": EventId::from_uuid(Uuid::now_v7()), "room": room, "sent_at": 1, "content": content,
    });
    let answer = raw.ask("append", json!({ "events": [event] })).await;
    assert!(answer["results"][0]["error"].is_null(), "{answer}");
}

/// The rooms in an export: each name, and the texts that were said there.
fn rooms_of(export: &Path) -> Vec<(String, Vec<String>)> {
    let mut rooms: Vec<(String, Vec<String>)> = Vec::new();
    for line in std::fs::read_to_string(export).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        if line["line"] == "room" {
            rooms.push((text(&line["name"]), Vec::new()));
        } else if line["content"]["type"] == "message" {
            let said = &mut rooms.last_mut().unwrap().1;
            said.push(text(&line["content"]["text"]));
        }
    }
    rooms
}

async fn joined(lan: &Lan, node: SocketAddr) -> Cli {
    let person = Cli::new(&lan.folder("importer"));
    let address = node.to_string();
    person.run(&["join", &address, "--name", "importer"]).await;
    person
}

/// An export holds these messages, no more, no fewer, in this order, in the same threads.
fn assert_said(lines: &[Line], export: &Path) {
    let text = std::fs::read_to_string(export).unwrap();
    let said: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["content"]["type"] == "message")
        .collect();
    assert_eq!(said.len(), lines.len());
    let mut heads = std::collections::HashMap::new();
    for (said, line) in said.iter().zip(lines) {
        let content = &said["content"];
        assert_eq!(content["text"], line.text.as_str());
        assert_eq!(content["imported"]["name"], line.author.as_str());
        assert_eq!(content["imported"]["at"], line.at);
        match heads.get(line.topic.as_str()) {
            Some(head) => assert_eq!(&&content["thread"], head),
            None => drop(heads.insert(line.topic.as_str(), &said["id"])),
        }
    }
}
