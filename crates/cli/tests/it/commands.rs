//! What the commands do while all is well, and the shape of what they say.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::world::{Node, Person};

/// The names of an object's fields, in order.
fn fields(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn one_who_joins_by_address_is_in_the_space_and_its_general_room() {
    let node = Node::start(&[]);
    let ana = Person::new();
    let joined = ana.json(&["join", &node.address, "--name", "Ana"]);
    assert_eq!(fields(&joined), ["me", "name", "role", "space"]);
    assert_eq!(
        (&joined["name"], &joined["role"], &joined["space"]),
        (&json!("Lab"), &json!("owner"), &json!(node.space))
    );

    let rooms = ana.json(&["rooms"]);
    assert_eq!(fields(&rooms), ["joinable", "rooms", "space", "up_to_date"]);
    assert_eq!(rooms["up_to_date"], true);
    assert_eq!(rooms["rooms"].as_array().unwrap().len(), 1);
    let general = &rooms["rooms"][0];
    assert_eq!(
        fields(general),
        [
            "archived",
            "head",
            "kind",
            "member_count",
            "members",
            "mentions",
            "name",
            "open",
            "queued",
            "read",
            "room",
            "title",
            "topic",
            "unread"
        ]
    );
    assert_eq!(
        (&general["name"], &general["kind"], &general["open"]),
        (&json!("general"), &json!("public"), &json!(true))
    );

    let status = ana.json(&["status"]);
    assert_eq!(fields(&status), ["data_dir", "me", "spaces", "version"]);
    assert_eq!(
        status["me"],
        json!({ "member": joined["me"], "name": "Ana" })
    );
    let lab = &status["spaces"][0];
    assert_eq!(
        fields(lab),
        ["link", "name", "queued", "role", "rooms", "space"]
    );
    assert_eq!(
        (&lab["link"]["state"], &lab["queued"]),
        (&json!("connected"), &json!(0))
    );
    assert_eq!(
        fields(&lab["rooms"][0]),
        ["head", "kind", "queued", "read", "room", "title", "unread"]
    );

    let spaces = ana.json(&["spaces"]);
    assert_eq!(fields(&spaces), ["nearby", "problem", "spaces"]);
    assert_eq!(
        fields(&spaces["spaces"][0]),
        ["admission", "link", "name", "queued", "role", "space"]
    );
}

#[test]
fn what_one_sends_the_other_reads_and_finds() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));

    let sent = ana.json(&["send", "general", "the kettle is *hot*", "--wait"]);
    assert_eq!(fields(&sent), ["id", "room", "seq", "space", "state"]);
    assert_eq!(sent["state"], "sent");
    assert_eq!(ana.ok(&["send", "#general", "and the tea too"]), "sent\n");

    let history = bo.json(&["history", "general"]);
    assert_eq!(
        fields(&history),
        ["lines", "more", "room", "space", "up_to_date"]
    );
    let line = history["lines"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["id"] == sent["id"])
        .unwrap();
    assert_eq!(
        (
            &line["author_name"],
            &line["text"],
            &line["state"],
            &line["seq"],
            &line["type"]
        ),
        (
            &json!("Ana"),
            &json!("the kettle is *hot*"),
            &json!("accepted"),
            &sent["seq"],
            &json!("message")
        )
    );
    assert_eq!(
        bo.texts("general"),
        ["the kettle is *hot*", "and the tea too"]
    );
    assert!(
        bo.ok(&["history", "general", "--limit", "1"])
            .ends_with("Ana: and the tea too\n")
    );

    let found = bo.json(&["search", "kettle"]);
    assert_eq!(fields(&found), ["complete", "hits", "query", "space"]);
    assert_eq!(
        (found["hits"].as_array().unwrap().len(), &found["complete"]),
        (1, &json!(true))
    );
    assert_eq!(found["hits"][0]["id"], sent["id"]);
    assert_eq!(found["hits"][0]["room_title"], "general");
    assert_eq!(
        found["hits"][0]["snippet"],
        "the \u{E000}kettle\u{E001} is *hot*"
    );
    assert_eq!(bo.json(&["search", "coffee"])["hits"], json!([]));
}

#[test]
fn a_room_that_one_creates_another_joins_by_its_name() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let created = ana.json(&["create", "Tea break", "--topic", "When and where"]);
    assert_eq!(fields(&created), ["name", "room", "space", "state"]);
    assert_eq!(created["state"], "created");
    ana.ok(&["create", "secret", "--private"]);
    ana.ok(&["send", "Tea break", "at four", "--wait"]);

    let joinable = &bo.json(&["rooms", "--all"])["joinable"];
    let room = json!({ "room": created["room"], "name": "Tea break", "topic": "When and where", "member_count": 1 });
    assert_eq!(*joinable, json!([room]));
    bo.fails(5, &["send", "Tea break", "me too"]);
    bo.fails(5, &["join-room", "secret"]);

    assert_eq!(bo.json(&["join-room", "tea BREAK"])["state"], "joined");
    assert_eq!(bo.json(&["join-room", "Tea break"])["state"], "already");
    bo.ok(&[
        "send",
        created["room"].as_str().unwrap(),
        "me too",
        "--wait",
    ]);
    assert_eq!(ana.texts("Tea break"), ["at four", "me too"]);
    assert_eq!(bo.json(&["rooms", "--all"])["joinable"], json!([]));
}

#[test]
fn a_long_history_is_read_in_pages_without_a_gap() {
    let node = Node::start(&["--append-rate", "0"]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::new());
    let lines: String = (0..450)
        .map(|n| format!("{{\"author\":\"Eve\",\"at\":{n},\"text\":\"number {n}\"}}\n"))
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    ana.ok(&["import", file.path().to_str().unwrap(), "--room", "numbers"]);
    bo.ok(&["join", &node.address, "--name", "Bo"]);
    bo.ok(&["join-room", "numbers"]);
    let expected: Vec<String> = (0..450).map(|n| format!("number {n}")).collect();
    assert_eq!(bo.texts("numbers"), expected);

    let history = bo.json(&["history", "numbers", "--limit", "250"]);
    let lines = history["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &history["more"]), (250, &json!(true)));
    let before = lines[0]["seq"].to_string();
    let earlier = bo.json(&["history", "numbers", "--limit", "10", "--before", &before]);
    let last = earlier["lines"].as_array().unwrap().last().unwrap()["seq"]
        .as_u64()
        .unwrap();
    assert_eq!(last + 1, lines[0]["seq"].as_u64().unwrap());
}

#[test]
fn a_message_may_come_from_standard_input_in_many_lines() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let mut child = ana
        .command(&["send", "general", "-", "--wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all("one\n\n    two\n".as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(ana.texts("general"), ["one\n\n    two"]);
}

#[test]
fn escape_sequences_in_a_message_do_not_reach_the_terminal() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    ana.ok(&["send", "general", "a\u{1b}]0;owned\u{7}b", "--wait"]);
    let shown = ana.ok(&["history", "general"]);
    assert!(
        shown.contains("owned") && !shown.contains(['\u{1b}', '\u{7}']),
        "{shown:?}"
    );
    assert_eq!(
        ana.texts("general"),
        ["a\u{1b}]0;owned\u{7}b"],
        "scripts get the text as it is"
    );
}

#[test]
fn one_of_several_spaces_is_named_with_space() {
    let (lab, ward) = (Node::start(&[]), Node::start(&[]));
    let ana = Person::joined(&lab, "Ana");
    ana.ok(&["join", &ward.address]);
    let (code, words) = ana.fails(2, &["send", "general", "hi"]);
    assert_eq!(code, "usage");
    assert!(words.contains("--space"), "{words}");
    ana.ok(&["send", "general", "hi", "--wait", "--space", &ward.space]);
    assert_eq!(
        ana.json(&["history", "general", "--space", &ward.space])["space"],
        ward.space
    );
    assert_eq!(Person::joined(&ward, "Bo").texts("general"), ["hi"]);
    assert_eq!(
        Person::joined(&lab, "Bo").texts("general"),
        Vec::<String>::new()
    );
}
