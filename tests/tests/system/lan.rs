//! Three computers on a switch, in network namespaces: real programs, real addresses, real mDNS.

use landline_tests::cli::Cli;
use landline_tests::deadline::eventually;
use landline_tests::logs;
use landline_tests::node::SPACE;
use landline_tests::switch::{Computer, Switch};

#[tokio::test]
async fn three_computers_find_each_other_and_lose_nothing_to_cut_cables_and_a_killed_host() {
    let folder = tempfile::tempdir().unwrap();
    let Some(switch) = switch(&["a", "b", "c"]) else {
        return;
    };
    let computers = [switch.computer(0), switch.computer(1), switch.computer(2)];
    let mut node = computers[0].node(&folder.path().join("node"), &[]);

    // At each computer somebody listens, and somebody writes.
    let mut ears: Vec<Cli> = Vec::new();
    let mut mouths: Vec<Cli> = Vec::new();
    for (computer, name) in computers.iter().zip(["ana", "ben", "cem"]) {
        ears.push(joined(computer, folder.path(), &format!("{name}-listens")).await);
        mouths.push(joined(computer, folder.path(), name).await);
    }
    let mut tails: Vec<_> = ears.iter().map(|ear| ear.tail("general")).collect();
    let mut said = Vec::new();
    for (mouth, text) in mouths.iter().zip(["from a", "from b", "from c"]) {
        assert_eq!(
            mouth.run(&["send", "general", text, "--wait"]).await["state"],
            "sent"
        );
        said.push(text);
    }
    for tail in &mut tails {
        tail.tells(&said).await;
    }

    computers[1].cut();
    let queued = mouths[1]
        .run(&["send", "general", "b without a cable"])
        .await;
    assert_eq!(queued["state"], "queued");
    mouths[2]
        .run(&["send", "general", "meanwhile from c", "--wait"])
        .await;
    said.push("meanwhile from c");
    for at in [0, 2] {
        tails[at].tells(&said).await;
    }
    computers[1].heal();
    tails[1].tells(&said).await;
    nothing_queued(&mouths[1]).await;
    said.push("b without a cable");
    for tail in &mut tails {
        tail.tells(&said).await;
    }

    node.kill();
    let three = ["the host is gone", "but I write on", "three times"];
    for text in three {
        assert_eq!(
            mouths[2].run(&["send", "general", text]).await["state"],
            "queued"
        );
    }
    let found = mouths[2].run(&["search", "\"from a\""]).await;
    assert_eq!(
        found["hits"].as_array().unwrap().len(),
        1,
        "history is searched without the host"
    );
    node.start_again();
    nothing_queued(&mouths[2]).await;
    said.extend(three);
    for tail in &mut tails {
        tail.tells(&said).await;
    }

    for tail in tails {
        tail.kill().await;
    }
    let stored = logs::events(&node.database());
    logs::assert_whole(&stored);
    assert_eq!(
        stored
            .iter()
            .filter_map(logs::Row::text)
            .collect::<Vec<_>>(),
        said
    );
    for cli in ears.iter().chain(&mouths) {
        eventually("the replica holds what the node holds", async || {
            cli.run(&["status"]).await;
            (cli.replica(node.space()) == stored).then_some(())
        })
        .await;
    }
    // Children end before their namespaces.
    drop(node);
    drop(switch);
}

#[tokio::test]
async fn a_space_that_moves_to_another_computer_is_found_there() {
    let folder = tempfile::tempdir().unwrap();
    let Some(switch) = switch(&["old", "new", "c"]) else {
        return;
    };
    let data = folder.path().join("node");
    let mut node = switch.computer(0).node(&data, &[]);
    let ana = joined(switch.computer(2), folder.path(), "ana").await;
    ana.run(&["send", "general", "at the old place", "--wait"])
        .await;

    node.stop();
    drop(node);
    let node = switch.computer(1).node(&data, &[]);
    let sent = ana
        .run(&["send", "general", "at the new place", "--wait"])
        .await;
    assert_eq!(sent["state"], "sent");
    let stored = logs::events(&node.database());
    let texts: Vec<_> = stored.iter().filter_map(logs::Row::text).collect();
    assert_eq!(texts, ["at the old place", "at the new place"]);
    let status = ana.run(&["status"]).await;
    let host = status["spaces"][0]["link"]["host"]
        .as_str()
        .unwrap_or_default();
    assert!(!host.contains(switch.computer(0).address()), "{host}");
    // Children end before their namespaces.
    drop(node);
    drop(switch);
}

#[tokio::test]
async fn a_copy_of_a_space_does_not_start_while_it_is_hosted_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let Some(switch) = switch(&["host", "copy"]) else {
        return;
    };
    let (data, copied) = (folder.path().join("node"), folder.path().join("copied"));
    let mut node = switch.computer(0).node(&data, &[]);
    node.stop();
    let cp = std::process::Command::new("cp")
        .arg("-a")
        .args([&data, &copied])
        .status();
    assert!(cp.unwrap().success());
    let mut copy = switch.computer(1).node(&copied, &[]);
    copy.stop();

    node.start_again();
    let why = eventually("the host is heard and answers", async || {
        let started = copy.try_start_again();
        if started.is_ok() {
            copy.stop();
        }
        started.err()
    })
    .await;
    assert!(
        why.contains("hosts this space already") && why.contains("--no-mdns"),
        "{why}"
    );
    // Children end before their namespaces.
    drop((node, copy));
    drop(switch);
}

/// `None`, with the reason printed, where namespaces are not permitted.
fn switch(computers: &[&str]) -> Option<Switch> {
    Switch::new(computers)
        .inspect_err(|why| println!("skipped: no network namespaces here: {why}"))
        .ok()
}

/// Somebody at this computer finds the space by mDNS and joins it by its name.
async fn joined(computer: &Computer, folder: &std::path::Path, name: &str) -> Cli {
    let person = computer.person(&folder.join(name));
    eventually(format!("{name} sees the space near"), async || {
        let spaces = person.run(&["spaces"]).await;
        let nearby = spaces["nearby"].as_array().unwrap();
        nearby.iter().find(|near| near["name"] == SPACE).map(drop)
    })
    .await;
    person.run(&["join", SPACE, "--name", name]).await;
    person
}

/// Runs commands until the outbox is empty: each connects, and sends what it can.
async fn nothing_queued(person: &Cli) {
    eventually("the outbox is empty", async || {
        let status = person.run(&["status"]).await;
        (status["spaces"][0]["queued"] == 0).then_some(())
    })
    .await;
}
