//! The outbox of a process that is killed.

use landline_tests::cli::Cli;
use landline_tests::deadline::{eventually, soon};
use landline_tests::{Lan, logs};

#[tokio::test]
async fn a_message_written_by_a_process_that_is_killed_goes_out_once() {
    let mut lan = Lan::start();
    let ana = lan.person("ana").await;
    let general = ana.room("general").await;
    let ben = Cli::new(&lan.folder("ben"));
    ben.run(&["join", &lan.node.address().to_string(), "--name", "ben"])
        .await;
    lan.node.kill();

    let mut waiting = ben.spawn(&["send", "general", "last words", "--wait", "--timeout", "60"]);
    eventually("the message is in ben's outbox", async || {
        (logs::outbox(&logs::replica(&lan.folder("ben"), lan.node.space())) == 1).then_some(())
    })
    .await;
    waiting.kill().await.unwrap();
    assert_eq!(
        ben.run(&["status"]).await["spaces"][0]["queued"],
        1,
        "it is still there"
    );
    lan.node.start_again();

    eventually("it has gone out", async || {
        (ben.run(&["status"]).await["spaces"][0]["queued"] == 0).then_some(())
    })
    .await;
    ana.reads_texts(general, &["last words"]).await;
    ben.run(&["send", "general", "and more", "--wait"]).await;
    ana.reads_texts(general, &["last words", "and more"]).await;
    logs::assert_whole(&logs::events(&lan.node.database()));
}

#[tokio::test]
async fn a_sender_that_is_killed_at_any_moment_has_sent_once_or_not_at_all() {
    let mut dice = landline_tests::Dice::new("killed senders");
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let general = ana.room("general").await;
    let ben = Cli::new(&lan.folder("ben"));
    ben.run(&["join", &lan.node.address().to_string(), "--name", "ben"])
        .await;

    for n in 1..=8 {
        let mut sending = ben.spawn(&["send", "general", &format!("try {n}"), "--wait"]);
        tokio::time::sleep(dice.millis(5..250)).await;
        // It may have ended by itself.
        let _ = sending.start_kill();
        soon("the sender ends", sending.wait()).await.unwrap();
    }
    ben.run(&["send", "general", "the end", "--wait"]).await;

    ana.sees("the end", |space| {
        let items = space.items.get(&general)?;
        items
            .iter()
            .filter_map(landline_tests::person::text)
            .find(|text| text == "the end")
    })
    .await;
    let texts = ana.texts(general).await;
    let numbers: Vec<u32> = texts
        .iter()
        .filter_map(|text| text.strip_prefix("try ")?.parse().ok())
        .collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "once each and in order: {texts:?}"
    );
    assert_eq!(
        texts.last().unwrap(),
        "the end",
        "what was left in the outbox went first"
    );
}
