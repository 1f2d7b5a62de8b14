//! Bringing in messages from elsewhere.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::world::{Node, Person};

mod round;
mod slack;

/// The beginning of a real conversation in a public team chat: 2,000 messages.
fn export() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conversation.jsonl.gz")
}

fn messages_of(export: &Path) -> Vec<Value> {
    let mut lines = String::new();
    MultiGzDecoder::new(std::fs::File::open(export).unwrap())
        .read_to_string(&mut lines)
        .unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn written(lines: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    file
}

fn import(person: &Person, file: &Path, options: &[&str]) -> Value {
    person.json(&[&["import", file.to_str().unwrap()], options].concat())
}

/// The messages of a room, oldest first.
fn messages_in(person: &Person, room: &str) -> Vec<Value> {
    let history = person.json(&["history", room, "--limit", "5000"]);
    let lines = history["lines"].as_array().unwrap().iter();
    lines
        .filter(|line| line["type"] == "message")
        .cloned()
        .collect()
}

#[test]
fn a_real_conversation_comes_in_whole_and_again_adds_nothing() {
    // Stricter than the default: what is imported does not count.
    let node = Node::start(&["--append-rate", "1"]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let done = import(&ana, &export(), &[]);
    assert_eq!(
        (
            &done["lines"],
            &done["imported"],
            &done["already"],
            &done["refused"],
            &done["name"]
        ),
        (
            &json!(2000),
            &json!(2000),
            &json!(0),
            &json!(0),
            &json!("new-members")
        )
    );
    let again = import(&ana, &export(), &[]);
    assert_eq!(
        (&again["imported"], &again["already"], &again["refused"]),
        (&json!(0), &json!(2000), &json!(0))
    );
    assert_eq!(again["room"], done["room"]);

    bo.ok(&["join-room", "new-members"]);
    let (here, there) = (
        messages_in(&ana, "new-members"),
        messages_in(&bo, "new-members"),
    );
    assert_eq!(here, there);
    let expected = messages_of(&export());
    assert_eq!(here.len(), expected.len());
    let mut heads: HashMap<&str, &Value> = HashMap::new();
    for (message, line) in here.iter().zip(&expected) {
        assert_eq!(message["text"], line["text"]);
        assert_eq!(
            message["imported"],
            json!({ "name": line["author"], "at": line["at"] })
        );
        match heads.get(line["topic"].as_str().unwrap()) {
            Some(head) => assert_eq!(&message["thread"], *head),
            None => {
                assert_eq!(message["thread"], Value::Null);
                heads.insert(line["topic"].as_str().unwrap(), &message["id"]);
            }
        }
    }
}

#[test]
fn an_import_that_was_cut_off_goes_on_where_it_stopped() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let messages = messages_of(&export());
    let half: String = messages
        .iter()
        .take(700)
        .fold(String::new(), |mut lines, message| {
            writeln!(lines, "{message}").unwrap();
            lines
        });
    assert_eq!(import(&ana, written(&half).path(), &[])["imported"], 700);
    let whole = import(&ana, &export(), &[]);
    assert_eq!(
        (&whole["imported"], &whole["already"]),
        (&json!(1300), &json!(700))
    );
    let texts: Vec<Value> = messages_in(&ana, "new-members")
        .iter()
        .map(|message| message["text"].clone())
        .collect();
    let expected: Vec<Value> = messages
        .iter()
        .map(|message| message["text"].clone())
        .collect();
    assert_eq!(texts, expected);
}

#[test]
fn bad_lines_are_reported_by_number_and_stop_nothing() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let long = "x".repeat(16 * 1024 + 1);
    let file = written(&format!(
        "{{\"room\":\"old\",\"author\":\"Eve\",\"at\":1,\"text\":\"one\"}}\n\
         no json\n\
         {{\"room\":\"old\",\"author\":\"Eve\",\"at\":2,\"text\":\"{long}\"}}\n\
         \n\
         {{\"room\":\"old\",\"author\":\"\",\"at\":3,\"text\":\"nobody\"}}\n\
         {{\"room\":\"another\",\"author\":\"Eve\",\"at\":4,\"text\":\"elsewhere\"}}\n\
         {{\"room\":\"old\",\"author\":\"Eve\",\"at\":5,\"text\":\"two\"}}\n"
    ));
    let done = ana.run(&["import", file.path().to_str().unwrap(), "--json"]);
    assert_eq!(done.code, 4, "{done:?}");
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        (&report["imported"], &report["refused"], &report["lines"]),
        (&json!(2), &json!(4), &json!(6))
    );
    let refused = report["refusals"].as_array().unwrap().iter();
    let refused: Vec<_> = refused
        .map(|line| {
            (
                line["line"].as_u64().unwrap(),
                line["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        refused,
        [
            (2, "bad_request"),
            (3, "too_large"),
            (5, "bad_request"),
            (6, "bad_request")
        ]
    );
    assert_eq!(ana.texts("old"), ["one", "two"]);
}

#[test]
fn with_room_everything_goes_into_that_room() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let file = written(
        "{\"room\":\"a\",\"author\":\"Eve\",\"at\":1,\"text\":\"one\"}\n{\"room\":\"b\",\"author\":\"Eve\",\"at\":2,\"text\":\"two\"}\n",
    );
    assert_eq!(import(&ana, file.path(), &["--room", "all"])["imported"], 2);
    assert_eq!(ana.texts("all"), ["one", "two"]);
    assert!(ana.ok(&["history", "all"]).contains("Eve: one"));
}

#[test]
fn only_owner_and_admins_may_import() {
    let node = Node::start(&[]);
    let (_ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let file = written("{\"room\":\"old\",\"author\":\"Eve\",\"at\":1,\"text\":\"one\"}\n");
    let (code, _) = bo.fails(4, &["import", file.path().to_str().unwrap()]);
    assert_eq!(code, "not_allowed");
    bo.fails(5, &["history", "old"]);
}

#[test]
fn a_file_without_a_message_makes_no_room() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    for lines in ["", "\n\n", "one\ntwo\n"] {
        ana.fails(
            4,
            &[
                "import",
                written(lines).path().to_str().unwrap(),
                "--room",
                "old",
            ],
        );
    }
    ana.fails(5, &["history", "old"]);
}
