//! A workspace of Slack, packed as Slack packs it, with what people really wrote in it.

use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{export, messages_of};
use crate::world::{Node, Person};

/// Parts of a ZIP file, in order.
type Parts = Vec<(String, String)>;

fn packed(parts: &Parts) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn written(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("slack.zip");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// `1512085950.000216`, as Slack names a message of this second.
fn ts(second: i64, n: usize) -> String {
    format!("{second}.{n:06}")
}

fn post(user: &str, ts: &str, text: &str) -> Value {
    json!({ "type": "message", "user": user, "ts": ts, "text": text })
}

fn lists() -> Parts {
    let users = json!([
        { "id": "U1", "name": "ana", "real_name": "Ana Lind", "profile": { "display_name": "Ana" } },
        { "id": "U2", "name": "ben", "real_name": "Ben Ode", "profile": { "display_name": "" } },
    ]);
    let channels = json!([
        { "id": "C1", "name": "general", "is_archived": false, "members": ["U1", "U2"],
          "topic": { "value": "All &amp; <@U1>" }, "purpose": { "value": "" },
          "pins": [{ "id": ts(1_512_085_950, 2), "type": "C", "user": "U1" }] },
        { "id": "C2", "name": "old-stuff", "is_archived": true,
          "topic": { "value": "" }, "purpose": { "value": "What was" } },
        { "id": "C3", "name": "empty" },
    ]);
    let dms = json!([{ "id": "D1", "members": ["U1", "U2"] }]);
    let groups = json!([{ "id": "G1", "name": "leads", "members": ["U1"] }]);
    vec![
        ("users.json".into(), users.to_string()),
        ("channels.json".into(), channels.to_string()),
        ("dms.json".into(), dms.to_string()),
        ("groups.json".into(), groups.to_string()),
        ("integration_logs.json".into(), "[]".into()),
        ("D1/2017-12-01.json".into(), "[]".into()),
        ("leads/2017-12-01.json".into(), "[]".into()),
    ]
}

/// Two days of `general`, the second one first; one of a channel that was archived, with real talk.
fn workspace() -> Parts {
    let at = 1_512_085_950;
    let mut head = post(
        "U1",
        &ts(at, 2),
        "*Tea* at <#C1|general>? <@U2> :tea: <https://a.example/x_y|here>",
    );
    head["thread_ts"] = json!(ts(at, 2));
    head["reactions"] = json!([
        { "name": "+1::skin-tone-3", "users": ["U2"], "count": 1 },
        { "name": "ourparrot", "users": ["U1", "U2"], "count": 2 },
    ]);
    head["edited"] = json!({ "user": "U1", "ts": ts(at + 5, 0) });
    let mut joined = post("U2", &ts(at, 1), "<@U2> has joined the channel");
    joined["subtype"] = json!("channel_join");
    let mut reply = post(
        "U2",
        &ts(at + 90_000, 7),
        "yes ```let a = b &amp;&amp; c;```",
    );
    reply["thread_ts"] = json!(ts(at, 2));
    let mut upload = post("U9", &ts(at + 90_001, 0), "");
    upload["subtype"] = json!("file_share");
    upload["user_profile"] = json!({ "display_name": "Visitor" });
    upload["files"] =
        json!([{ "id": "F1", "name": "plan.pdf", "url_private": "https://a.example" }]);
    let bot = json!({
        "type": "message", "subtype": "bot_message", "username": "Deploy", "ts": ts(at + 90_002, 0),
        "text": "", "attachments": [{ "title": "Build 7", "title_link": "https://b.example", "text": "*ok*" }],
    });
    let gone =
        json!({ "type": "message", "subtype": "tombstone", "ts": ts(at + 90_003, 0), "text": "" });
    let odd = json!({ "type": "message", "subtype": "sh_room_created", "ts": ts(at + 90_004, 0) });
    let absurd = post("U1", "99999999999999", "never");
    let mut parts = lists();
    let second = json!([reply, upload, bot, gone, odd, absurd]).to_string();
    parts.push(("general/2017-12-02.json".into(), second));
    parts.push((
        "general/2017-12-01.json".into(),
        json!([head, joined]).to_string(),
    ));
    let talk = messages_of(&export());
    let talk: Vec<Value> = talk
        .iter()
        .take(300)
        .enumerate()
        .map(|(n, line)| {
            let text = line["text"].as_str().unwrap();
            let text = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            let user = if n % 2 == 0 { "U1" } else { "U2" };
            post(user, &ts(line["at"].as_i64().unwrap() / 1_000, n), &text)
        })
        .collect();
    parts.push(("old-stuff/2018-03-01.json".into(), json!(talk).to_string()));
    parts.push(("readme.txt".into(), "hello".into()));
    parts.push(("../../evil/2017-12-01.json".into(), "[]".into()));
    parts
}

fn messages_in(person: &Person, room: &str) -> Vec<Value> {
    let history = person.json(&["history", room, "--limit", "5000"]);
    let lines = history["lines"].as_array().unwrap().iter();
    lines
        .filter(|line| line["type"] == "message")
        .cloned()
        .collect()
}

fn left_out<'r>(report: &'r Value, reason: &str) -> (u64, Vec<&'r str>) {
    let each = report["left_out"].as_array().unwrap();
    let Some(found) = each.iter().find(|left| left["reason"] == reason) else {
        return (0, Vec::new());
    };
    let names = found["names"].as_array().unwrap().iter();
    (
        found["count"].as_u64().unwrap(),
        names.map(|name| name.as_str().unwrap()).collect(),
    )
}

#[test]
fn a_workspace_of_slack_comes_in_and_again_adds_nothing() {
    let folder = TempDir::new().unwrap();
    let zip = written(&folder, &packed(&workspace()));
    let node = Node::start(&["--append-rate", "1"]);
    let ana = Person::joined(&node, "Ana");
    let run = || {
        let done = ana.run(&["import", zip.to_str().unwrap(), "--json"]);
        // One message has a time that is none.
        assert_eq!(done.code, 4, "{done:?}");
        serde_json::from_str::<Value>(&done.out).unwrap()
    };
    let report = run();
    assert_eq!(
        (
            &report["imported"],
            &report["already"],
            &report["refused"],
            &report["changes"]
        ),
        (&json!(304), &json!(0), &json!(1), &json!(4)),
        "{report}"
    );
    assert!(
        report["refusals"][0]["message"]
            .as_str()
            .unwrap()
            .contains("99999999999999")
    );
    let rooms = report["rooms"].as_array().unwrap();
    let names: Vec<_> = rooms
        .iter()
        .map(|room| room["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["general", "old-stuff"]);
    assert_eq!(
        left_out(&report, "private_room"),
        (2, vec!["leads", "@Ana, @Ben Ode"])
    );
    assert_eq!(left_out(&report, "file"), (1, vec!["plan.pdf"]));
    assert_eq!(left_out(&report, "archived"), (1, vec!["old-stuff"]));
    assert_eq!(left_out(&report, "unknown"), (1, vec!["sh_room_created"]));
    assert_eq!(left_out(&report, "stray").0, 2);
    assert_eq!(left_out(&report, "room_change").0, 1);
    assert_eq!(left_out(&report, "deleted").0, 1);
    assert_eq!(left_out(&report, "reactor").0, 3);

    let general = messages_in(&ana, "general");
    let shown: Vec<_> = general
        .iter()
        .map(|line| {
            (
                line["imported"]["name"].as_str().unwrap(),
                line["text"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "Ana",
                "**Tea** at #general? @Ben Ode 🍵 [here](https://a.example/x_y)"
            ),
            ("Ben Ode", "yes \n```\nlet a = b && c;\n```"),
            ("Visitor", "📎 plan.pdf"),
            ("Deploy", "[Build 7](<https://b.example>)\n**ok**"),
        ]
    );
    let head = &general[0];
    assert_eq!(head["imported"]["at"], 1_512_085_950_000_i64);
    assert_eq!(
        (&head["edited"], &head["pinned"]),
        (&json!(true), &json!(true))
    );
    let emoji = head["reactions"].as_array().unwrap().iter();
    let emoji: Vec<_> = emoji.map(|one| one["emoji"].as_str().unwrap()).collect();
    assert_eq!(emoji, ["👍🏼", ":ourparrot:"]);
    assert_eq!(general[1]["thread"], head["id"]);
    assert_eq!(general[2]["thread"], Value::Null);

    let old = messages_in(&ana, "old-stuff");
    assert_eq!(old.len(), 300);
    let talk = messages_of(&export());
    let exact = old
        .iter()
        .zip(&talk)
        .filter(|(line, said)| line["text"] == said["text"].as_str().unwrap().trim_end());
    assert!(
        exact.count() > 200,
        "what has no marks of Slack's reads as it was"
    );

    let again = run();
    assert_eq!(
        (&again["imported"], &again["already"], &again["changes"]),
        (&json!(0), &json!(304), &json!(0))
    );
    assert_eq!(messages_in(&ana, "general"), general);
}

#[test]
fn a_workspace_that_was_packed_again_in_a_folder_is_known_too() {
    let folder = TempDir::new().unwrap();
    let parts = workspace();
    let parts = parts
        .into_iter()
        .map(|(name, text)| (format!("Our Slack/{name}"), text));
    let zip = written(&folder, &packed(&parts.collect()));
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let done = ana.run(&["import", zip.to_str().unwrap(), "--room", "slack", "--json"]);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(report["imported"], 304, "{done:?}");
    assert_eq!(messages_in(&ana, "slack").len(), 304);
}

#[test]
fn a_bad_zip_file_is_refused_in_words_and_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let whole = packed(&workspace());
    let mut without = workspace();
    without.retain(|(name, _)| name != "channels.json");
    let mut spoilt = workspace();
    spoilt[0].1 = "[{".into();
    for (bytes, words) in [
        (whole[..whole.len() / 2].to_vec(), "damaged"),
        (b"PK\x03\x04 and nothing more".to_vec(), "damaged"),
        (packed(&without), "no channels.json"),
        (packed(&spoilt), "users.json"),
    ] {
        let zip = written(&folder, &bytes);
        let (code, said) = ana.fails(4, &["import", zip.to_str().unwrap()]);
        assert_eq!(code, "bad_request");
        assert!(said.contains(words), "{said}");
    }
    let rooms = ana.json(&["rooms"]);
    assert_eq!(rooms["rooms"].as_array().unwrap().len(), 1);
}

#[test]
fn a_day_that_is_spoilt_or_far_too_large_does_not_keep_out_the_others() {
    let folder = TempDir::new().unwrap();
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let mut parts = lists();
    let day = |n: usize| {
        json!([post(
            "U1",
            &ts(1_512_085_950 + n as i64, 0),
            &format!("day {n}")
        )])
    };
    parts.push(("general/2017-12-01.json".into(), day(1).to_string()));
    parts.push(("general/2017-12-02.json".into(), "[{\"type\":".into()));
    // It packs a thousand to one.
    let bomb = format!("[\"{}\"]", " ".repeat(80 * 1024 * 1024));
    parts.push(("general/2017-12-03.json".into(), bomb));
    parts.push(("general/2017-12-04.json".into(), day(4).to_string()));
    // A few bytes each, and hundreds when they are read.
    let many = format!("[{}{{}}]", "{},".repeat(200_000));
    parts.push(("general/2017-12-06.json".into(), many));
    let mut attached = post("U1", &ts(1_512_085_970, 0), "with far too much");
    attached["attachments"] = json!(vec![json!({}); 2_000]);
    parts.push((
        "general/2017-12-07.json".into(),
        json!([attached]).to_string(),
    ));
    let mixed = json!([7, { "ts": [] }, post("U1", &ts(1_512_085_960, 0), "among the odd")]);
    parts.push(("general/2017-12-05.json".into(), mixed.to_string()));
    let bytes = packed(&parts);
    assert!(bytes.len() < 1024 * 1024);
    let zip = written(&folder, &bytes);
    let done = ana.run(&["import", zip.to_str().unwrap(), "--json"]);
    assert_eq!(done.code, 4, "{done:?}");
    let report: Value = serde_json::from_str(&done.out).unwrap();
    // The last one: what `channels.json` says was pinned is not there.
    assert_eq!(
        (&report["imported"], &report["refused"]),
        (&json!(3), &json!(7)),
        "{report}"
    );
    assert_eq!(ana.texts("general"), ["day 1", "day 4", "among the odd"]);
}

#[test]
fn only_owner_and_admins_may_import_a_workspace() {
    let folder = TempDir::new().unwrap();
    let zip = written(&folder, &packed(&workspace()));
    let node = Node::start(&[]);
    let (_ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let (code, _) = bo.fails(4, &["import", zip.to_str().unwrap()]);
    assert_eq!(code, "not_allowed");
}
