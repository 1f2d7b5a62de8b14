//! Following.

use serde_json::json;

use crate::world::{Node, Person};

#[test]
fn tail_tells_each_new_message_at_once_and_once() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    ana.ok(&["send", "general", "old", "--wait"]);
    let tail = bo.tail(&["general"]);
    tail.link("connected");
    for text in ["one", "two", "three"] {
        ana.ok(&["send", "general", text, "--wait"]);
    }
    let first = tail.next();
    assert_eq!(
        (
            &first["event"],
            &first["text"],
            &first["author_name"],
            &first["room_title"],
            &first["type"]
        ),
        (
            &json!("new"),
            &json!("one"),
            &json!("Ana"),
            &json!("general"),
            &json!("message")
        )
    );
    assert_eq!(tail.texts(2), ["two", "three"]);
}

#[test]
fn tail_since_begins_after_that_message() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let first = ana.json(&["send", "general", "one", "--wait"]);
    ana.ok(&["send", "general", "two", "--wait"]);
    let tail = ana.tail(&["general", "--since", &first["seq"].to_string()]);
    assert_eq!(tail.texts(1), ["two"]);
    drop(tail);
    let tail = ana.tail(&["general", "--since", "0"]);
    assert_eq!(tail.texts(2), ["one", "two"]);
}

#[test]
fn tail_goes_on_when_the_host_comes_back() {
    let mut node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let tail = bo.tail(&[]);
    tail.link("connected");
    ana.ok(&["send", "general", "before", "--wait"]);
    assert_eq!(tail.texts(1), ["before"]);
    node.kill();
    tail.link("looking");
    ana.ok(&["send", "general", "while it was away"]);
    node.restart();
    ana.ok(&["send", "general", "after", "--wait"]);
    assert_eq!(tail.texts(2), ["while it was away", "after"]);
    tail.link("connected");
}

#[test]
fn tail_of_all_rooms_follows_those_that_come() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let tail = ana.tail(&[]);
    tail.link("connected");
    bo.ok(&["send", "general", "here", "--wait"]);
    let line = tail.next();
    assert_eq!(
        (&line["room_title"], &line["text"]),
        (&json!("general"), &json!("here"))
    );
}

#[test]
fn what_was_said_before_one_was_invited_is_not_told_as_new() {
    let node = Node::start(&["--append-rate", "0"]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: String = (0..30)
        .map(|n| format!("{{\"author\":\"Eve\",\"at\":{n},\"text\":\"!deploy {n}\"}}\n"))
        .collect();
    std::fs::write(file.path(), lines).unwrap();
    ana.ok(&["create", "plans", "--private"]);
    ana.ok(&["import", file.path().to_str().unwrap(), "--room", "plans"]);

    let tail = bo.tail(&[]);
    tail.link("connected");
    ana.ok(&["invite", "plans", "Bo"]);
    ana.ok(&["send", "plans", "from now on", "--wait"]);
    let first = tail.next();
    assert_eq!(
        (&first["event"], &first["content"]["type"]),
        (&json!("new"), &json!("invited"))
    );
    assert_eq!(tail.texts(1), ["from now on"]);
}

#[cfg(unix)]
#[test]
fn tail_ends_well_when_asked_to() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    for signal in ["TERM", "INT"] {
        let tail = ana.tail(&[]);
        tail.link("connected");
        let kill = format!("kill -{signal} {}", tail.pid());
        assert!(
            std::process::Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(tail.end(), (Vec::new(), Some(0)), "SIG{signal}");
        assert_eq!(ana.run(&["rooms"]).code, 0, "the folder is free again");
    }
}
