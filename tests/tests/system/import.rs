//! Sixty thousand messages: brought in from a file, and then had by somebody else, all of them.

use std::collections::HashMap;
use std::path::Path;

use landline_client::command::SearchFor;
use landline_protocol::{EventId, RoomId};
use landline_tests::cli::Cli;
use landline_tests::conversation::{self, Line};
use landline_tests::deadline::{LONG, within};
use landline_tests::logs::{self, Row};
use landline_tests::raw::Raw;
use landline_tests::{Lan, Person};
use serde_json::{Value, json};
use uuid::Uuid;

const AGAIN: usize = 700;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_thousand_messages_are_imported_and_had_by_a_second_client() {
    let lan = Lan::start();
    let file = conversation::file(&lan.folder(""));
    let lines = conversation::read(&file);
    assert_eq!(lines.len(), conversation::MESSAGES);

    let (importer, room) = import(&lan, &file).await;
    let stored = logs::room_events(&lan.node.database(), room);
    assert_whole_conversation(&lines, &stored);

    let ben = lan.person("ben").await;
    ben.join_room(room).await;
    let all = || logs::room_events(&lan.node.database(), room);
    let arrived = within(LONG, "the whole room in ben's replica", async || {
        let held = of_room(&ben, room);
        (held.len() > lines.len() && held.len() == all().len()).then_some(held)
    });
    let held = arrived.await;
    assert!(
        held == all(),
        "the replica holds, row by row, what the node holds"
    );
    assert_whole_conversation(&lines, &held);

    assert_node_and_replica_find_the_same(&lan, &ben, room).await;

    let found = importer
        .run(&[
            "search",
            "\"stream is great for onboarding\"",
            "--limit",
            "5",
        ])
        .await;
    let real = lines[0].text.contains("stream is great for onboarding");
    assert_eq!(found["hits"].as_array().unwrap().len(), usize::from(real));
}

#[tokio::test]
async fn an_import_run_twice_adds_nothing_twice() {
    let lan = Lan::start();
    let file = conversation::file(&lan.folder(""));
    let mut lines = conversation::read(&file);
    lines.truncate(AGAIN);
    let short = lan.folder("short.jsonl");
    conversation::write(&short, &lines);

    let (importer, room) = import(&lan, &short).await;
    let first = logs::room_events(&lan.node.database(), room);
    assert_whole_conversation(&lines, &first);
    importer.run(&["import", short.to_str().unwrap()]).await;
    assert_eq!(logs::room_events(&lan.node.database(), room), first);
}

/// By the first member of the space, who is its owner; the room it went to.
async fn import(lan: &Lan, file: &Path) -> (Cli, RoomId) {
    let importer = Cli::new(&lan.folder("importer"));
    let address = lan.node.address().to_string();
    importer
        .run(&["join", &address, "--name", "importer"])
        .await;
    importer.run(&["import", file.to_str().unwrap()]).await;
    let rooms = importer.run(&["rooms"]).await;
    let rooms: Vec<&Value> = rooms["rooms"].as_array().unwrap().iter().collect();
    let room = rooms.iter().find(|room| room["title"] == "new-members");
    let room = room.unwrap_or_else(|| panic!("the conversation's room is among {rooms:?}"));
    (importer, room["room"].as_str().unwrap().parse().unwrap())
}

/// A client without a replica has the node search, and is told what the others find by themselves.
async fn assert_node_and_replica_find_the_same(lan: &Lan, ben: &Person, room: RoomId) {
    let (mut raw, me) = Raw::sign_in(lan.node.address(), 7).await;
    let joined = json!({
        "id": EventId::from_uuid(Uuid::now_v7()), "room": room, "sent_at": me.server_time,
        "content": { "type": "joined" },
    });
    let answer = raw.ask("append", json!({ "events": [joined] })).await;
    assert!(answer["results"][0]["error"].is_null(), "{answer}");
    for (query, narrowed) in [
        ("the", json!({})),
        ("mathlib tactic", json!({})),
        ("\"thank you\"", json!({ "room": room })),
        ("induc", json!({})),
        ("ompac", json!({})),
        ("ubsingleto", json!({})),
        ("zyzzyva", json!({})),
        ("函数", json!({})),
        ("の", json!({})),
        ("прив", json!({})),
        ("has:code lemma", json!({})),
        ("has:link", json!({ "limit": 100 })),
        ("has:file", json!({})),
        ("in:new-members from:importer group", json!({ "limit": 7 })),
        ("from:nobody group", json!({})),
        ("before:2001-01-01 group", json!({})),
        ("on:today on:yesterday", json!({})),
    ] {
        let limit = narrowed["limit"].as_u64().unwrap_or(100);
        let mut asked = narrowed.clone();
        asked["query"] = query.into();
        let there = raw.ask("search", asked).await;
        let there: Vec<(String, String)> = there["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| {
                let word = |name: &str| hit[name].as_str().unwrap().to_owned();
                (word("id"), word("snippet"))
            })
            .collect();
        let search = SearchFor {
            space: ben.space(),
            query: query.into(),
            room: narrowed["room"].as_str().map(|room| room.parse().unwrap()),
            within: true,
            limit: limit.try_into().unwrap(),
        };
        let here = ben.client().search(search).await.unwrap().hits;
        let here: Vec<(String, String)> = here
            .into_iter()
            .map(|hit| (hit.item.id.to_string(), hit.snippet))
            .collect();
        assert_eq!(there, here, "{query}");
        println!("{query}: {} hits", here.len());
    }
}

fn of_room(person: &Person, room: RoomId) -> Vec<Row> {
    let mut held = person.replica();
    held.retain(|row| row.room == room.as_bytes());
    held
}

/// Counts, order, texts, writers and times; and that a topic's lines hang together as a thread.
fn assert_whole_conversation(lines: &[Line], rows: &[Row]) {
    logs::assert_whole(rows);
    let messages: Vec<&Row> = rows.iter().filter(|row| row.kind == "message").collect();
    assert_eq!(messages.len(), lines.len());
    let mut threads: HashMap<&str, String> = HashMap::new();
    for (line, row) in lines.iter().zip(messages) {
        let content = &row.content;
        assert_eq!(content["text"], line.text.as_str());
        assert_eq!(content["imported"]["name"], line.author.as_str());
        assert_eq!(content["imported"]["at"], line.at);
        let id = uuid::Uuid::from_slice(&row.id).unwrap().to_string();
        match threads.get(line.topic.as_str()) {
            Some(first) => assert_eq!(content["thread"], first.as_str(), "of topic {}", line.topic),
            None => drop(threads.insert(&line.topic, id)),
        }
    }
}
