//! `reply`, `react`, `edit`, `delete`, `dm`, `members`, `invite` and `presence`.

use serde_json::{Value, json};

use crate::world::{Node, Person};

/// The line of a room's history with this id.
fn line(person: &Person, room: &str, id: &Value) -> Value {
    let history = person.json(&["history", room]);
    let mut lines = history["lines"].as_array().unwrap().iter();
    lines
        .find(|line| line["id"] == *id)
        .cloned()
        .unwrap_or_else(|| panic!("{id} is not in {room}"))
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

#[test]
fn a_message_is_answered_reacted_to_edited_and_deleted_by_its_id() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let said = ana.json(&["send", "general", "tea at fuor, @Bo", "--wait"]);

    let edited = ana.json(&["edit", id(&said), "tea at four, @Bo"]);
    let shape =
        json!({ "space": node.space, "room": said["room"], "id": said["id"], "state": "done" });
    assert_eq!(edited, shape);
    assert_eq!(bo.json(&["react", id(&said), "🍵"])["state"], "done");
    let answer = bo.json(&["reply", id(&said), "gladly", "--wait"]);
    let aside = bo.json(&["reply", id(&said), "bring biscuits", "--thread", "--wait"]);

    let shown = line(&ana, "general", &said["id"]);
    assert_eq!(
        (&shown["text"], &shown["edited"], &shown["replies"]),
        (&json!("tea at four, @Bo"), &json!(true), &json!(1))
    );
    assert_eq!(shown["reactions"][0]["emoji"], "🍵");
    assert_eq!(shown["mentions"].as_array().unwrap().len(), 1);
    assert_eq!(line(&ana, "general", &answer["id"])["reply_to"], said["id"]);
    assert_eq!(line(&ana, "general", &aside["id"])["thread"], said["id"]);

    bo.ok(&["react", id(&said), "🍵", "--off"]);
    assert_eq!(line(&ana, "general", &said["id"])["reactions"], json!([]));
    assert_eq!(ana.ok(&["delete", id(&said)]), "done\n");
    let gone = line(&bo, "general", &said["id"]);
    assert_eq!(
        (&gone["deleted"], &gone["text"]),
        (&json!(true), &json!(""))
    );
}

#[test]
fn what_is_anothers_or_not_there_is_refused_by_its_exit_code() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let said = ana.json(&["send", "general", "mine", "--wait"]);
    bo.texts("general");
    let (code, _) = bo.fails(4, &["edit", id(&said), "forged"]);
    assert_eq!(code, "not_allowed");
    bo.fails(4, &["delete", id(&said)]);
    bo.fails(2, &["react", "not-an-id", "👍"]);
    bo.fails(5, &["react", "0199aa00-0000-7000-8000-000000000001", "👍"]);
    bo.fails(4, &["react", id(&said), "two words"]);
    bo.fails(5, &["dm", "Nobody", "hello"]);
    assert_eq!(ana.texts("general"), ["mine"]);
}

#[test]
fn a_change_made_without_the_space_goes_out_with_the_next_command_that_reaches_it() {
    let mut node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let said = ana.json(&["send", "general", "frist", "--wait"]);
    bo.texts("general");
    node.kill();
    let edited = ana.json(&["edit", id(&said), "first"]);
    assert_eq!(edited["state"], "queued");
    assert_eq!(bo.json(&["react", id(&said), "👍"])["state"], "queued");
    // On this computer it reads so already.
    assert_eq!(line(&ana, "general", &said["id"])["text"], "first");
    node.restart();
    // A command gives what is queued some seconds: on a slow disk it takes several.
    crate::world::eventually("both changes have gone out", || {
        ana.ok(&["rooms"]);
        bo.ok(&["rooms"]);
        let shown = line(&ana, "general", &said["id"]);
        (&shown["text"], &shown["reactions"][0]["emoji"]) == (&json!("first"), &json!("👍"))
    });
}

#[test]
fn people_write_directly_and_it_is_one_room_from_both_sides() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let cleo = Person::joined(&node, "Cleo");
    let first = ana.json(&["dm", "bo", "between us", "--wait"]);
    let back = bo.json(&["dm", "@Ana", "yes", "--wait"]);
    assert_eq!(first["room"], back["room"]);
    assert_eq!(ana.texts("@Bo"), ["between us", "yes"]);
    let three = ana.json(&["dm", "Bo,Cleo", "all three", "--wait"]);
    assert_ne!(three["room"], first["room"]);
    assert_eq!(cleo.texts("@Ana, @Bo"), ["all three"]);
    cleo.fails(5, &["history", "@Ana"]);
}

#[test]
fn people_are_listed_and_brought_into_a_private_room() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    ana.ok(&["create", "plans", "--private"]);
    ana.ok(&["send", "plans", "before", "--wait"]);
    bo.fails(5, &["history", "plans"]);
    bo.fails(5, &["invite", "plans", "Bo"]);

    let names = |members: &Value| -> Vec<String> {
        let members = members["members"].as_array().unwrap().iter();
        members
            .map(|member| member["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&ana.json(&["members", "plans"])), ["Ana"]);
    let invited = ana.json(&["invite", "plans", "Bo"]);
    assert_eq!(invited["invited"][0]["state"], "done");
    let members = ana.json(&["members", "plans"]);
    assert_eq!(names(&members), ["Ana", "Bo"]);
    let me = &members["members"][0];
    let fields: Vec<&String> = me.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        ["last_seen", "me", "member", "name", "role", "state", "text"]
    );
    assert_eq!((&me["me"], &me["role"]), (&json!(true), &json!("owner")));
    assert_eq!(bo.texts("plans"), ["before"]);
    // Whoever is in already is not invited a second time.
    let again = ana.json(&["invite", "plans", "Bo"]);
    assert_eq!(again["invited"][0]["state"], "done");
    assert_eq!(names(&ana.json(&["members", "plans"])), ["Ana", "Bo"]);
    assert_eq!(names(&bo.json(&["members"])), ["Ana", "Bo"]);
}

#[test]
fn presence_is_held_as_long_as_the_command_runs() {
    let node = Node::start(&[]);
    let (ana, bo) = (Person::joined(&node, "Ana"), Person::joined(&node, "Bo"));
    let (running, said) = bo.runs(&["presence", "dnd", "--text", "deploying"]);
    assert_eq!(
        (&said["state"], &said["text"]),
        (&json!("dnd"), &json!("deploying"))
    );
    let bo_as_seen = || {
        let members = ana.json(&["members"]);
        members["members"][1].clone()
    };
    let seen = bo_as_seen();
    assert_eq!(
        (&seen["name"], &seen["state"], &seen["text"]),
        (&json!("Bo"), &json!("dnd"), &json!("deploying"))
    );
    drop(running);
    crate::world::eventually("he is gone", || bo_as_seen()["state"] == "offline");

    bo.ok(&["presence", "away", "--for", "1"]);
    bo.fails(2, &["presence", "sleeping"]);
}
