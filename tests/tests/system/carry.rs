//! What was said, taken from one space into another: by a program that is killed on the way, and
//! by a client that had been away.

use std::path::Path;

use landline_client::export::{ExportFormat, ExportTo};
use landline_tests::cli::Cli;
use landline_tests::conversation::{self, Line};
use landline_tests::deadline::{LONG, within};
use landline_tests::{Lan, logs};
use serde_json::Value;

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
    let importer = joined(&lan).await;
    let ben = lan.person("ben").await;

    let mut killed = importer.spawn(&["import", file.to_str().unwrap()]);
    let some = || logs::events(&lan.node.database()).len() > KILLED_AFTER;
    within(LONG, "some are in", async || some().then_some(())).await;
    killed.kill().await.unwrap();
    assert!(logs::events(&lan.node.database()).len() < MESSAGES);
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
    let far = joined(&other).await;
    let done = far.run(&["import", taken.to_str().unwrap()]).await;
    assert_eq!(done["imported"], MESSAGES);
    let far_taken = other.folder("far.jsonl");
    far.run(&["export", "new-members", "--to", far_taken.to_str().unwrap()])
        .await;
    assert_said(&lines, &far_taken);
}

async fn joined(lan: &Lan) -> Cli {
    let person = Cli::new(&lan.folder("importer"));
    let address = lan.node.address().to_string();
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
