//! Uploads that are given up: by whoever sends, or because the node does not take the file.

use std::fs;
use std::time::Duration;

use landline_client::command::{QueuedNamed, TransferNamed};
use landline_client::ui::{ItemState, TransferState, TransferWay};
use landline_protocol::{Code, Refusal};
use landline_tests::deadline::eventually;
use landline_tests::proxy::Weather;
use landline_tests::{Lan, logs};

use super::{accepted, has_begun, hash, is, kept, noise, sees_files, two};

#[tokio::test]
async fn an_upload_that_is_cancelled_comes_off_its_message_and_the_last_one_discards_it() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    ana.cut();
    ana.disconnected().await;
    let (one, two) = (noise(1000, "one"), noise(2000, "two"));
    let mut ids = Vec::new();
    for bytes in [&one, &two] {
        ids.push(ana.attaches(general, "a.bin", bytes).await.unwrap().id);
    }
    let words = ana.posts_files(general, "with words", &ids).await.unwrap();
    let lone = ana
        .sends_file(general, "b.bin", &noise(3000, "three"))
        .await;
    let cancel = async |bytes: u64| {
        let id = ana
            .sees("the upload", |space| {
                let mut all = space.transfers.values();
                all.find(|one| one.bytes == bytes).map(|one| one.id)
            })
            .await;
        let space = ana.space();
        ana.client()
            .cancel_transfer(TransferNamed { space, id })
            .await
            .unwrap();
        ana.sees("no upload", |space| {
            (!space.transfers.contains_key(&id)).then_some(())
        })
        .await;
    };
    cancel(1000).await;
    cancel(3000).await;
    ana.sees("discarded", |space| {
        let items = space.items.get(&general)?;
        (!items.iter().any(|item| item.id == lone)).then_some(())
    })
    .await;
    ana.heal();
    ana.all_sent().await;
    ben.reads_texts(general, &["with words"]).await;
    let view = sees_files(&ben, words, 1).await;
    assert_eq!(view.files[0].blake3, hash(&two).to_string());
}

#[tokio::test]
async fn what_waits_behind_an_upload_goes_out_when_it_is_cancelled_or_its_message_taken_back() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    let space = ana.space();
    ana.proxy().set(Weather::Delay(Duration::from_millis(10)));
    let bytes = noise(30_000_000, "given up");
    ana.sends_file(general, "large.bin", &bytes).await;
    ana.write(general, "behind the first").await;
    let id = is(&ana, TransferWay::Up, TransferState::Running).await.id;
    let cancel = TransferNamed { space, id };
    ana.client().cancel_transfer(cancel).await.unwrap();
    ben.reads_texts(general, &["behind the first"]).await;

    let event = ana.sends_file(general, "large.bin", &bytes).await;
    ana.write(general, "behind the second").await;
    is(&ana, TransferWay::Up, TransferState::Running).await;
    ana.deletes(general, event).await.unwrap();
    ben.reads_texts(general, &["behind the first", "behind the second"])
        .await;
}

#[tokio::test]
async fn a_file_that_the_node_never_takes_fails_its_message_in_words_and_nothing_else() {
    let none = [
        "--append-rate",
        "0",
        "--request-rate",
        "0",
        "--join-rate",
        "0",
    ];
    let lan = Lan::with(&[&none[..], &["--file-quota", "1"]].concat());
    let (ana, ben, general) = two(&lan).await;
    let event = ana
        .sends_file(general, "large.bin", &noise(1_100_000, "quota"))
        .await;
    ana.write(general, "behind it").await;
    let refusal: Refusal = ana
        .sees("failed", |space| {
            let items = space.items.get(&general)?;
            let item = items.iter().find(|item| item.id == event)?;
            match &item.state {
                ItemState::Failed { refusal } => Some(refusal.clone()),
                ItemState::Queued | ItemState::Sending | ItemState::Accepted => None,
            }
        })
        .await;
    assert_eq!(refusal.code, Code::TooLarge);
    assert!(refusal.message.contains("1 MB"), "{refusal}");
    let failed = is(&ana, TransferWay::Up, TransferState::Failed).await;
    assert_eq!(failed.words, Some(refusal.message));
    ben.reads_texts(general, &["behind it"]).await;
    let discard = QueuedNamed {
        space: ana.space(),
        id: event,
    };
    ana.client().discard_queued(discard).await.unwrap();
    ana.all_sent().await;
}

/// The row of a file as it was left where a kill came between its failure and that of its message.
#[tokio::test]
async fn an_upload_that_failed_without_its_message_does_not_stop_the_room_after_the_next_start() {
    let lan = Lan::start();
    let (mut ana, ben, general) = two(&lan).await;
    ana.cut();
    ana.disconnected().await;
    let bytes = noise(1000, "stranded");
    let event = ana.sends_file(general, "a.bin", &bytes).await;
    ana.write(general, "behind it").await;
    ana.client().stop().await;
    let replica = logs::replica(&lan.folder("ana"), ana.space());
    let c = rusqlite::Connection::open(replica).unwrap();
    let fail = "UPDATE transfer SET state = 'failed', words = 'the disk was full'";
    assert_eq!(c.execute(fail, []).unwrap(), 1);
    drop(c);
    ana.start_again().await;
    ana.heal();
    ben.reads_texts(general, &["", "behind it"]).await;
    sees_files(&ben, event, 1).await;
    assert_eq!(ben.reads_file(event, hash(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_file_that_this_disk_has_damaged_can_be_sent_once_it_is_attached_again() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    ana.cut();
    ana.disconnected().await;
    let bytes = noise(1000, "damaged here");
    let event = ana.sends_file(general, "a.bin", &bytes).await;
    let files = lan
        .folder("ana")
        .join(format!("spaces/{}/files", ana.space()));
    let [path] = &kept(&files)[..] else {
        panic!("one file");
    };
    let mut damaged = bytes.clone();
    damaged[500] ^= 1;
    fs::write(path, &damaged).unwrap();
    ana.heal();
    let failed = is(&ana, TransferWay::Up, TransferState::Failed).await;
    assert!(failed.words.unwrap().contains("attach it again"));
    ana.attaches(general, "a.bin", &bytes).await.unwrap();
    let again = TransferNamed {
        space: ana.space(),
        id: failed.id,
    };
    ana.client().resume_transfer(again).await.unwrap();
    accepted(&ana, event).await;
    sees_files(&ben, event, 1).await;
    assert_eq!(ben.reads_file(event, hash(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn what_the_node_has_of_an_upload_that_is_given_up_is_gone_at_once() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    let uploads = lan.node.data().join("files/uploads");
    let nothing_left = async || {
        eventually("nothing of it is left", async || {
            (fs::read_dir(&uploads).unwrap().count() == 0).then_some(())
        })
        .await;
    };
    ana.proxy().set(Weather::Delay(Duration::from_millis(10)));
    let bytes = noise(30_000_000, "given up");
    ana.sends_file(general, "large.bin", &bytes).await;
    has_begun(&lan.node, bytes.len() as u64).await;
    let id = is(&ana, TransferWay::Up, TransferState::Running).await.id;
    let space = ana.space();
    let cancel = TransferNamed { space, id };
    ana.client().cancel_transfer(cancel).await.unwrap();
    nothing_left().await;

    let id = ana.sends_file(general, "large.bin", &bytes).await;
    has_begun(&lan.node, bytes.len() as u64).await;
    let discard = QueuedNamed { space, id };
    ana.client().discard_queued(discard).await.unwrap();
    nothing_left().await;
    ana.proxy().set(Weather::Fair);
    ana.write(general, "without it").await;
    ben.reads_texts(general, &["without it"]).await;
}
