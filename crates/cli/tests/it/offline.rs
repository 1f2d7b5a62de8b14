//! Writing while the host is away.

use serde_json::json;

use crate::world::{Node, Person, eventually};

#[test]
fn what_is_written_while_the_host_is_away_is_queued_and_arrives_once_and_in_order() {
    let mut node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    ana.ok(&["send", "general", "before", "--wait"]);
    node.kill();

    let queued = ana.json(&["send", "general", "first"]);
    assert_eq!(
        (&queued["state"], &queued["seq"]),
        (&json!("queued"), &json!(null))
    );
    assert!(ana.ok(&["send", "general", "second"]).starts_with("queued"));
    assert_eq!(ana.json(&["create", "later"])["state"], "queued");
    assert!(
        ana.ok(&["send", "later", "in a room that is not there yet"])
            .starts_with("queued")
    );
    let status = ana.json(&["status"]);
    assert_ne!(status["spaces"][0]["link"]["state"], "connected");
    assert_eq!(status["spaces"][0]["queued"], 4);
    assert_eq!(ana.texts("general"), ["before", "first", "second"]);
    assert_eq!(ana.json(&["search", "before"])["hits"][0]["text"], "before");

    node.restart();
    assert_eq!(
        ana.json(&["send", "general", "third", "--wait"])["state"],
        "sent"
    );
    // A command gives what is queued some seconds: on a slow disk it takes several.
    eventually("connected, and nothing queued", || {
        let space = &ana.json(&["status"])["spaces"][0];
        (&space["link"]["state"], &space["queued"]) == (&json!("connected"), &json!(0))
    });
    let all = ["before", "first", "second", "third"];
    assert_eq!(ana.texts("general"), all);
    assert_eq!(bo.texts("general"), all);
    bo.ok(&["join-room", "later"]);
    assert_eq!(bo.texts("later"), ["in a room that is not there yet"]);
}

#[test]
fn send_with_wait_says_that_the_host_is_away_and_keeps_the_message() {
    let mut node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    node.kill();
    let (code, _) = ana.fails(3, &["send", "general", "once", "--wait", "--timeout", "1"]);
    assert_eq!(code, "offline");
    node.restart();
    eventually("any command that reaches the host delivers", || {
        ana.json(&["status"])["spaces"][0]["queued"] == 0
    });
    assert_eq!(Person::joined(&node, "Bo").texts("general"), ["once"]);
}

#[test]
fn send_with_wait_returns_when_the_host_comes_back() {
    let mut node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    node.kill();
    let sending = ana
        .command(&["send", "general", "patience", "--wait", "--timeout", "60"])
        .spawn()
        .unwrap();
    node.restart();
    assert!(sending.wait_with_output().unwrap().status.success());
    assert_eq!(ana.texts("general"), ["patience"]);
}

#[test]
fn what_needs_the_host_is_refused_while_it_is_away() {
    let mut node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    node.kill();
    for args in [&["rooms", "--all"] as &[&str], &["join-room", "other"]] {
        let (code, _) = ana.fails(3, args);
        assert_eq!(code, "offline", "{args:?}");
    }
    assert_eq!(ana.json(&["rooms"])["up_to_date"], false);
}
