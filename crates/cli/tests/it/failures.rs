//! What goes wrong, in words and exit codes.

use std::net::TcpListener;
use std::process::Command;

use crate::world::{CLI, Node, Person};

#[test]
fn a_wrong_command_line_is_2() {
    let ana = Person::new();
    for args in [
        &["send"] as &[&str],
        &["no-such-command"],
        &["history", "general", "--limit", "0"],
        &["tail", "--since", "1"],
    ] {
        let (code, _) = ana.fails(2, args);
        assert_eq!(code, "usage");
    }
    let (_, words) = ana.fails(2, &["join", "127.0.0.1:1"]);
    assert!(words.contains("--name"), "{words}");
    let (_, words) = ana.fails(2, &["send"]);
    assert!(words.ends_with("not provided: <ROOM>, <TEXT>"), "{words}");
}

#[test]
fn a_text_that_is_too_long_or_no_text_is_refused_as_what_it_is() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let send = ["send", "general", "-"];
    let (code, words) = ana.fails_with(4, &send, "会".repeat(20_000).as_bytes());
    assert_eq!(code, "too_large");
    assert!(words.contains("43 kB too long"), "{words}");
    let (code, words) = ana.fails_with(4, &send, &[b'x'; 100_000]);
    assert_eq!(code, "too_large");
    assert!(words.contains("83 kB too long"), "{words}");
    let (code, words) = ana.fails_with(2, &send, b"caf\xe9");
    assert_eq!(code, "usage");
    assert!(words.contains("UTF-8"), "{words}");
    assert_eq!(ana.texts("general"), Vec::<String>::new());
}

#[test]
fn a_host_that_can_not_be_reached_is_3() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, _) = Person::new().fails(3, &["join", &free.to_string(), "--name", "Ana"]);
    assert_eq!(code, "offline");
}

#[test]
fn a_host_that_never_answers_is_3_after_the_time_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let (code, words) =
        Person::new().fails(3, &["join", &address, "--name", "Ana", "--timeout", "1"]);
    assert_eq!(code, "offline");
    assert!(words.contains("1 s"), "{words}");
}

#[test]
fn a_refusal_is_4_with_the_code_of_the_protocol() {
    let node = Node::start(&["--admission", "passcode:sesame"]);
    let ana = Person::new();
    let (code, _) = ana.fails(4, &["join", &node.address, "--name", "Ana"]);
    assert_eq!(code, "wrong_passcode");
    let (code, _) = ana.fails(
        4,
        &["join", &node.address, "--name", "Ana", "--passcode", "open"],
    );
    assert_eq!(code, "wrong_passcode");
    ana.ok(&[
        "join",
        &node.address,
        "--name",
        "Ana",
        "--passcode",
        "sesame",
    ]);
    let (code, _) = ana.fails(4, &["send", "general", &"x".repeat(16 * 1024 + 1)]);
    assert_eq!(code, "too_large");
    let (code, _) = ana.fails(4, &["create", "General"]);
    assert_eq!(code, "conflict");
    let (code, _) = ana.fails(4, &["send", "general", "   "]);
    assert_eq!(code, "bad_request");
    assert_eq!(
        ana.json(&["status"])["spaces"][0]["queued"],
        0,
        "what was refused is not kept"
    );
}

#[test]
fn what_is_not_there_is_5() {
    let ana = Person::new();
    let (code, words) = ana.fails(5, &["rooms"]);
    assert_eq!(code, "not_found");
    assert!(words.contains("landline-cli join"), "{words}");
    let node = Node::start(&[]);
    ana.ok(&["join", &node.address, "--name", "Ana"]);
    for args in [
        &["history", "nowhere"] as &[&str],
        &["send", "nowhere", "hi"],
        &["tail", "nowhere"],
        &["join-room", "nowhere"],
        &["rooms", "--space", "Nowhere"],
        &["import", "no-such-file.jsonl"],
        &["join", "No such space", "--timeout", "1"],
        &["join", "no-such-space.invalid"],
    ] {
        let (code, _) = ana.fails(5, args);
        assert_eq!(code, "not_found", "{args:?}");
    }
}

#[test]
fn a_data_folder_in_use_is_6() {
    let node = Node::start(&[]);
    let ana = Person::joined(&node, "Ana");
    let _tail = ana.tail(&[]);
    _tail.link("connected");
    let (code, words) = ana.fails(6, &["send", "general", "hi"]);
    assert_eq!(code, "in_use");
    assert!(words.contains("running already"), "{words}");
}

#[test]
fn for_people_an_error_is_one_line_of_words() {
    let done = Person::new().run(&["rooms"]);
    assert_eq!(done.code, 5);
    assert!(done.out.is_empty());
    assert!(
        done.err
            .starts_with("landline-cli: no space was joined here yet"),
        "{}",
        done.err
    );
    assert_eq!(done.err.lines().count(), 1);
}

#[test]
fn help_names_the_exit_codes() {
    let help = Person::new().ok(&["--help"]);
    for code in 0..=6 {
        assert!(help.contains(&format!("\n  {code}  ")), "{code}: {help}");
    }
}

#[test]
fn a_full_disk_of_ones_own_is_said_as_what_it_is() {
    let node = Node::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=4m none {data} && echo mounted && cd {data} \
         && {CLI} --data ana --no-mdns join {address} --name Ana >joined \
         && {{ head -c 8000000 /dev/zero >filler 2>/dev/null; \
         {CLI} --data ana --no-mdns --json history general; }}",
        data = folder.path().display(),
        address = node.address,
    );
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .output();
    let Some(ended) = ended.ok().filter(|ended| ended.stdout == b"mounted\n") else {
        println!("skipped: no mount namespaces here");
        return;
    };
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    let error: serde_json::Value = serde_json::from_str(&said).expect(&said);
    assert_eq!(error["error"]["code"], "failed");
    let words = error["error"]["message"].as_str().unwrap();
    assert!(words.ends_with("the disk is full"), "{words}");
}
