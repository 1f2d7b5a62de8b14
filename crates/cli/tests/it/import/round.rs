//! From one space into another by a file: what was said reads the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Node, Person};

/// A message as it reads in the end, without ids.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    room: String,
    name: String,
    at: i64,
    texts: Vec<String>,
    /// Places of messages in the list of all.
    thread: Option<usize>,
    reply_to: Option<usize>,
    mentions: Value,
    reactions: BTreeSet<String>,
    pinned: bool,
}

/// What an export says, in its order.
fn said(file: &Path) -> Vec<Said> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut said: Vec<Said> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut reactions: BTreeMap<(usize, String), BTreeSet<String>> = BTreeMap::new();
    let mut room = String::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["line"] == "room" {
            room = line["name"].as_str().unwrap().to_owned();
        }
        let content = &line["content"];
        let place = |id: &Value| id.as_str().and_then(|id| places.get(id).copied());
        let target = place(&content["target"]);
        match content["type"].as_str() {
            Some("message") if content["text"] != "" => {
                let imported = &content["imported"];
                let (name, at) = if imported.is_null() {
                    (&line["name"], &line["accepted_at"])
                } else {
                    (&imported["name"], &imported["at"])
                };
                said.push(Said {
                    room: room.clone(),
                    name: name.as_str().unwrap().to_owned(),
                    at: at.as_i64().unwrap(),
                    texts: vec![content["text"].as_str().unwrap().to_owned()],
                    thread: place(&content["thread"]),
                    reply_to: place(&content["reply_to"]),
                    mentions: content["mentions"].clone(),
                    reactions: BTreeSet::new(),
                    pinned: false,
                });
                places.insert(line["id"].as_str().unwrap().to_owned(), said.len() - 1);
            }
            Some("edit") => {
                if let Some(target) = target {
                    let text = content["text"].as_str().unwrap().to_owned();
                    said[target].texts.push(text);
                }
            }
            Some("reaction") => {
                if let Some(target) = target {
                    let emoji = content["emoji"].as_str().unwrap().to_owned();
                    let who = reactions.entry((target, emoji)).or_default();
                    let author = line["author"].as_str().unwrap().to_owned();
                    if content["on"] == true {
                        who.insert(author);
                    } else {
                        who.remove(&author);
                    }
                }
            }
            Some("pin") => {
                if let Some(target) = target {
                    said[target].pinned = content["on"] == true;
                }
            }
            _ => {}
        }
    }
    for ((target, emoji), who) in reactions {
        if !who.is_empty() {
            said[target].reactions.insert(emoji);
        }
    }
    said
}

fn id_of(person: &Person, room: &str, text: &str) -> String {
    let history = person.json(&["history", room]);
    let lines = history["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["text"] == text).unwrap();
    line["id"].as_str().unwrap().to_owned()
}

/// Two people who have done in a space all that can be done in a room.
fn busy_space(node: &Node) -> (Person, Person) {
    let (ana, bo) = (Person::joined(node, "Ana"), Person::joined(node, "Bo"));
    let say = |who: &Person, text: &str| drop(who.ok(&["send", "general", text, "--wait"]));
    say(&ana, "the first");
    say(&bo, "gone **soon**");
    say(&ana, "@Bo and @room: look");
    let first = id_of(&ana, "general", "the first");
    let gone = id_of(&ana, "general", "gone **soon**");
    let called = id_of(&ana, "general", "@Bo and @room: look");
    bo.ok(&["reply", &first, "in its thread", "--thread", "--wait"]);
    bo.ok(&["reply", &called, "an answer", "--wait"]);
    ana.ok(&["reply", &gone, "to what goes", "--wait"]);
    ana.ok(&["reply", &gone, "under what goes", "--thread", "--wait"]);
    bo.ok(&["reply", &gone, "and once more", "--thread", "--wait"]);
    ana.ok(&["edit", &first, "the very first"]);
    ana.ok(&["react", &called, "👍"]);
    bo.ok(&["react", &called, "👍"]);
    bo.ok(&["react", &called, "🫖"]);
    bo.ok(&["react", &called, "🫖", "--off"]);
    ana.ok(&["react", &first, "会"]);
    bo.ok(&["delete", &gone]);
    ana.ok(&["create", "den", "--private", "--topic", "Only us"]);
    ana.ok(&["send", "den", "hidden\nwell", "--wait"]);
    (ana, bo)
}

fn export(person: &Person, folder: &TempDir, name: &str) -> std::path::PathBuf {
    let file = folder.path().join(name);
    person.ok(&["export", "--to", file.to_str().unwrap()]);
    file
}

#[test]
fn an_export_brought_into_another_space_reads_the_same() {
    let folder = TempDir::new().unwrap();
    let node = Node::start(&[]);
    let (ana, _bo) = busy_space(&node);
    let first = export(&ana, &folder, "first.jsonl");

    // Stricter than the default: what is imported does not count, nor what became of it.
    let other = Node::start(&["--append-rate", "1"]);
    let eve = Person::joined(&other, "Eve");
    let path = first.to_str().unwrap();
    let done = eve.json(&["import", path]);
    assert_eq!((&done["refused"], &done["alone"]), (&json!(0), &json!(0)));
    assert_eq!(
        (&done["imported"], &done["changes"]),
        (&json!(8), &json!(3))
    );
    let left_out: BTreeMap<&str, u64> = done["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| {
            (
                left["reason"].as_str().unwrap(),
                left["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(left_out["deleted"], 1);
    assert_eq!(left_out["reactor"], 3);
    assert!(left_out["room_change"] >= 2);
    assert!(!left_out.contains_key("cut_short"));

    let second = export(&eve, &folder, "second.jsonl");
    let (before, after) = (said(&first), said(&second));
    // Of the thread whose first message is gone, the next one is the first.
    let mut expected = before.clone();
    let under = expected
        .iter()
        .position(|said| said.texts[0] == "under what goes");
    let once_more = expected
        .iter()
        .position(|said| said.texts[0] == "and once more");
    expected[once_more.unwrap()].thread = under;
    assert_eq!(after, expected);
    assert_eq!(after.len(), 8);
    let rooms = eve.json(&["rooms"]);
    let den = rooms["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .find(|room| room["name"] == "den");
    assert_eq!(
        (&den.unwrap()["kind"], &den.unwrap()["topic"]),
        (&json!("private"), &json!("Only us"))
    );

    let again = eve.json(&["import", path]);
    assert_eq!(
        (
            &again["imported"],
            &again["already"],
            &again["changes"],
            &again["refused"]
        ),
        (&json!(0), &json!(8), &json!(0), &json!(0))
    );
    assert_eq!(said(&export(&eve, &folder, "again.jsonl")), after);

    // What came in so goes out and in again as it is.
    let third = Node::start(&[]);
    let kim = Person::joined(&third, "Kim");
    kim.ok(&["import", second.to_str().unwrap()]);
    assert_eq!(said(&export(&kim, &folder, "third.jsonl")), after);
}

#[test]
fn the_files_of_an_export_come_along_where_they_are_whole() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let (notes, plan) = (path("my notes.txt"), path("plan.exe"));
    std::fs::write(&notes, "two kilos of clay").unwrap();
    std::fs::write(&plan, [7; 300_000]).unwrap();
    ana.ok(&[
        "upload", "general", &notes, &plan, "--text", "look", "--wait",
    ]);
    ana.ok(&["upload", "general", &notes, "--wait"]);
    let file = export(&ana, &folder, "talk.jsonl");
    let mut beside: Vec<_> = std::fs::read_dir(path("talk.jsonl_files"))
        .unwrap()
        .collect();
    assert_eq!(beside.len(), 2);
    let refused = ana.fails(4, &["export", "--to", &path("talk.jsonl")]);
    assert!(refused.1.contains("is there already"), "{refused:?}");

    let bring = |to: &Person| to.run(&["import", file.to_str().unwrap(), "--json"]);
    let report = |out: &str| serde_json::from_str::<Value>(out).unwrap();
    let other = Node::start(&[]);
    let (eve, kim) = (Person::joined(&other, "Eve"), Person::joined(&other, "Kim"));
    let done = bring(&eve);
    assert_eq!(done.code, 0, "{done:?}");
    let done = report(&done.out);
    assert_eq!((&done["imported"], &done["files"]), (&json!(2), &json!(3)));
    let got = path("got");
    kim.ok(&["download", "general", "latest", "--to", &got]);
    let first = id_of(&kim, "general", "look");
    kim.ok(&["download", "general", &first, "--to", &got]);
    let read = |name: &str| std::fs::read(Path::new(&got).join(name)).unwrap();
    assert_eq!(read("my notes.txt"), b"two kilos of clay");
    assert_eq!(read("plan.exe"), [7; 300_000]);
    let again = report(&bring(&eve).out);
    assert_eq!(
        (&again["imported"], &again["already"], &again["files"]),
        (&json!(0), &json!(2), &json!(0))
    );

    // One is gone, and one is another than it was.
    beside.sort_by_key(|one| one.as_ref().unwrap().metadata().unwrap().len());
    std::fs::remove_file(beside[0].as_ref().unwrap().path()).unwrap();
    std::fs::write(beside[1].as_ref().unwrap().path(), [8; 300_000]).unwrap();
    let third = Node::start(&[]);
    let max = Person::joined(&third, "Max");
    let done = report(&bring(&max).out);
    assert_eq!((&done["imported"], &done["files"]), (&json!(2), &json!(0)));
    assert_eq!(
        max.texts("general"),
        ["look\n\n📎 my notes.txt\n\n📎 plan.exe", "📎 my notes.txt"]
    );

    // What the space does not take is said, and the message stands without it.
    let whole = export(&ana, &folder, "again.jsonl");
    let small = Node::start(&["--file-quota", "0"]);
    let joe = Person::joined(&small, "Joe");
    let done = joe.run(&["import", whole.to_str().unwrap(), "--json"]);
    assert_eq!(done.code, 4, "{done:?}");
    let done = report(&done.out);
    assert_eq!(
        (&done["imported"], &done["refused"]),
        (&json!(2), &json!(3))
    );
    let words = done["refusals"][0]["message"].as_str().unwrap();
    assert!(
        words.contains("my notes.txt can't be brought along"),
        "{words}"
    );
}

#[test]
fn what_was_private_is_not_put_where_all_can_read_it() {
    let folder = TempDir::new().unwrap();
    let node = Node::start(&[]);
    let (ana, _bo) = busy_space(&node);
    let file = export(&ana, &folder, "first.jsonl");
    let other = Node::start(&[]);
    let eve = Person::joined(&other, "Eve");
    eve.ok(&["create", "den"]);
    let done = eve.run(&["import", file.to_str().unwrap(), "--json"]);
    assert_eq!(done.code, 4, "{done:?}");
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(refused_rooms(&report), [("den", "conflict", 1)]);
    let words = report["refused_rooms"][0]["message"].as_str().unwrap();
    assert!(words.contains("den was private"), "{words}");
    assert_eq!(eve.texts("den"), [""; 0]);
    let done = eve.json(&["import", file.to_str().unwrap(), "--room", "all"]);
    assert_eq!(done["imported"], 8);
}

#[test]
fn an_export_that_is_cut_or_spoilt_is_brought_in_as_far_as_it_goes() {
    let folder = TempDir::new().unwrap();
    let node = Node::start(&[]);
    let (ana, _bo) = busy_space(&node);
    let whole = std::fs::read_to_string(export(&ana, &folder, "whole.jsonl")).unwrap();
    let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    lines.pop();
    let bad = lines
        .iter()
        .position(|line| line.contains("the first"))
        .unwrap();
    lines[bad] = format!(
        "{{\"line\":\"event\",\"text\":\"{}\"}}",
        "x".repeat(300_000)
    );
    lines.insert(2, "no line".into());
    let cut = folder.path().join("cut.jsonl");
    std::fs::write(&cut, lines.join("\n")).unwrap();

    let other = Node::start(&[]);
    let eve = Person::joined(&other, "Eve");
    let done = eve.run(&["import", cut.to_str().unwrap(), "--json"]);
    assert_eq!(done.code, 4, "{done:?}");
    let report: Value = serde_json::from_str(&done.out).unwrap();
    // Its thread stands by itself, and what became of it is about nothing.
    assert_eq!(
        (&report["imported"], &report["alone"], &report["refused"]),
        (&json!(7), &json!(1), &json!(4)),
        "{report}"
    );
    let left_out = report["left_out"].as_array().unwrap();
    assert!(left_out.iter().any(|left| left["reason"] == "cut_short"));
    let (code, words) = {
        let newer = folder.path().join("newer.jsonl");
        std::fs::write(&newer, whole.replacen("\"format\":1", "\"format\":9", 1)).unwrap();
        eve.fails(4, &["import", newer.to_str().unwrap()])
    };
    assert_eq!(code, "bad_request");
    assert!(words.contains("update Landline"), "{words}");
}

/// The name, code and messages of each.
fn refused_rooms(report: &Value) -> Vec<(&str, &str, u64)> {
    let rooms = report["refused_rooms"].as_array().unwrap().iter();
    rooms
        .map(|room| {
            (
                room["name"].as_str().unwrap(),
                room["code"].as_str().unwrap(),
                room["messages"].as_u64().unwrap(),
            )
        })
        .collect()
}

/// The lines of an export from its line of this room on to the next room.
fn lines_of<'l>(lines: &[&'l str], room: &str) -> Vec<&'l str> {
    let is_room = |line: &str| line.contains("\"line\":\"room\"");
    let named = format!("\"name\":\"{room}\"");
    let at = lines
        .iter()
        .position(|line| is_room(line) && line.contains(&named))
        .unwrap();
    let ends = |line: &str| is_room(line) || line.contains("\"line\":\"end\"");
    let rest = lines[at + 1..].iter().position(|line| ends(line)).unwrap();
    lines[at..=at + rest].to_vec()
}

#[test]
fn a_room_that_is_refused_does_not_keep_out_those_after_it() {
    let folder = TempDir::new().unwrap();
    let node = Node::start(&[]);
    let (ana, _bo) = busy_space(&node);
    let whole = std::fs::read_to_string(export(&ana, &folder, "whole.jsonl")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    // What is refused comes first; what has a name too long for a room here, last.
    let (den, general) = (lines_of(&lines, "den"), lines_of(&lines, "general"));
    let people = "@A person with a long name, ".repeat(5);
    let direct = den
        .join("\n")
        .replacen("\"den\"", &format!("{people:?}"), 1);
    let text = [
        lines[0],
        &den.join("\n"),
        &general.join("\n"),
        &direct,
        lines[lines.len() - 1],
    ]
    .join("\n");
    let file = folder.path().join("sorted.jsonl");
    std::fs::write(&file, text).unwrap();

    let other = Node::start(&[]);
    let eve = Person::joined(&other, "Eve");
    eve.ok(&["create", "den"]);
    let run = || {
        let done = eve.run(&["import", file.to_str().unwrap(), "--json"]);
        assert_eq!(done.code, 4, "{done:?}");
        serde_json::from_str::<Value>(&done.out).unwrap()
    };
    let report = run();
    assert_eq!(refused_rooms(&report), [("den", "conflict", 1)]);
    assert_eq!(
        (&report["imported"], &report["refused"]),
        (&json!(8), &json!(0)),
        "{report}"
    );
    let names = |report: &Value| -> Vec<String> {
        let rooms = report["rooms"].as_array().unwrap().iter();
        rooms
            .map(|room| room["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let into = names(&report);
    assert_eq!((into.len(), into[0].as_str()), (2, "general"));
    assert!(into[1].starts_with("@A person with a long name, "));
    assert!(into[1].chars().count() <= 64, "{}", into[1]);
    assert_eq!(eve.texts(&into[1]), ["hidden\nwell"]);

    let again = run();
    assert_eq!(names(&again), into);
    assert_eq!(
        (&again["imported"], &again["already"]),
        (&json!(0), &json!(8))
    );
}
