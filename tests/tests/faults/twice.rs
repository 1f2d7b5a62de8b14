//! One person twice: a data folder that was copied to another computer.

use std::fs;
use std::path::Path;

use landline_client::command::Post;
use landline_client::ui::LinkState;
use landline_protocol::RoomId;
use landline_tests::deadline::eventually;
use landline_tests::person::client;
use landline_tests::{Lan, logs};

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Both work, as two devices of one person: each has what the other wrote, and what waited in the
/// outbox of both goes out once.
#[tokio::test]
async fn a_copied_data_folder_is_a_second_device_of_the_same_person() {
    let lan = Lan::start();
    let mut ana = lan.person("ana").await;
    let ben = lan.person("ben").await;
    let general = ana.room("general").await;
    ana.write(general, "before").await;
    ana.all_sent().await;
    ana.cut();
    for n in 0..20 {
        ana.write(general, &format!("queued {n}")).await;
    }
    ana.client().stop().await;
    let second = lan.folder("ana's other computer");
    copy_folder(&lan.folder("ana"), &second);
    ana.heal();
    ana.start_again().await;
    let other = client("ana", &second).await;
    assert_eq!(other.me(), ana.me());
    let mut screen = other.listen().await;
    ana.connected().await;
    ana.all_sent().await;
    let write = async |room: RoomId, text: String| {
        let post = Post {
            space: ana.space(),
            room,
            text,
            reply_to: None,
            thread: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
        };
        other.post(post).await.unwrap();
    };
    for n in 0..20 {
        ana.write(general, &format!("here {n}")).await;
        write(general, format!("there {n}")).await;
    }
    ana.all_sent().await;
    let database = logs::replica(&second, ana.space());
    eventually("the other has sent all", async || {
        (logs::outbox(&database) == 0).then_some(())
    })
    .await;
    let rows = logs::events(&lan.node.database());
    logs::assert_whole(&rows);
    let texts: Vec<_> = rows.iter().filter_map(logs::Row::text).collect();
    let mut sorted = texts.clone();
    sorted.sort();
    let mut expected = vec!["before".to_owned()];
    for kind in ["queued", "here", "there"] {
        expected.extend((0..20).map(|n| format!("{kind} {n}")));
    }
    expected.sort();
    assert_eq!(sorted, expected, "each once");
    ana.holds(&rows).await;
    ben.reads_texts(general, &texts).await;
    eventually("the other has all", async || {
        (logs::events(&database) == rows).then_some(())
    })
    .await;
    // Neither has pushed the other out.
    let mut told = Vec::new();
    while let Ok(batch) = screen.try_recv() {
        told.extend(batch);
    }
    assert!(ana.now().connected());
    let losses = told.iter().filter(|event| {
        matches!(event, landline_client::ui::UiEvent::Space { space }
            if space.link.state == LinkState::Looking && space.link.problem.is_some())
    });
    assert_eq!(losses.count(), 0, "the other kept its link");
    other.stop().await;
}
