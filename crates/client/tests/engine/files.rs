//! Files on a client's disk, and those who wait for one, while nothing can be fetched.

use std::path::{Path, PathBuf};

use futures_util::poll;
use landline_client::link::memory::MemoryDial;
use landline_protocol::{Code, File, FileHash, Message};
use tokio::io::AsyncWriteExt as _;

use crate::node::Node;
use crate::screen::{Screen, eventually};

/// As many as a message may name.
const MOST: usize = 10;
/// More than may wait for files at a time.
const MANY: usize = 300;

fn kept(ben: &Screen) -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    let space = ben.data.join("spaces").join(ben.space.to_string());
    below(&space.join("files"), &mut found);
    found
}

async fn ben() -> (Node, MemoryDial, Screen) {
    let (node, dial) = Node::start(0);
    let ben = Screen::join(&dial, node.space()).await;
    (node, dial, ben)
}

#[tokio::test]
async fn a_file_that_a_draft_does_not_take_leaves_no_bytes() {
    let (node, _dial, ben) = ben().await;
    let attach = |bytes: String| {
        let (client, space, room) = (ben.client.clone(), ben.space, node.general());
        async move {
            let name = "notes.txt".to_owned();
            client
                .attach(space, room, None, name, None, bytes.as_bytes())
                .await
        }
    };
    let mut attached = Vec::new();
    for n in 0..MOST {
        attached.push(attach(format!("notes {n}")).await.unwrap().id);
    }
    let before = kept(&ben);
    assert_eq!(before.len(), MOST);

    let refused = attach("one more".into()).await.unwrap_err();
    assert_eq!(refused.code, Code::TooLarge);
    assert_eq!(kept(&ben), before);

    attach("notes 0".into()).await.unwrap_err();
    assert_eq!(kept(&ben), before, "the draft needs these bytes");
    for id in attached {
        assert!(ben.client.attached_file(ben.space, id).await.is_some());
    }
}

#[tokio::test]
async fn attaching_that_is_given_up_leaves_no_bytes() {
    let (node, _dial, ben) = ben().await;
    let (mut bytes, reader) = tokio::io::duplex(64);
    bytes.write_all(b"the beginning").await.unwrap();
    let name = "notes.txt".to_owned();
    let attaching = ben
        .client
        .attach(ben.space, node.general(), None, name, None, reader);
    tokio::select! {
        _ = attaching => panic!("there is more to come"),
        () = eventually("it comes", || !kept(&ben).is_empty()) => {}
    }
    eventually("it is gone", || kept(&ben).is_empty()).await;
}

#[tokio::test]
async fn whoever_waits_for_a_file_is_told_that_its_message_is_gone_and_those_who_left_do_not_count()
{
    let (node, _dial, mut ben) = ben().await;
    let hash = FileHash::from_bytes([7; 32]);
    let event = node.say_so(Message {
        files: vec![File {
            blake3: hash.to_string(),
            name: "notes.txt".into(),
            media_type: "text/plain".into(),
            bytes: 100,
            width: None,
            height: None,
            preview: None,
        }],
        ..Message::default()
    });
    ben.until("the message", |ben| ben.items.contains_key(&event))
        .await;
    let save = || {
        let (client, space, to) = (ben.client.clone(), ben.space, ben.data.join("copy.txt"));
        async move { client.save_file(space, event, hash, to).await }
    };
    for _ in 0..MANY {
        let mut waiting = Box::pin(save());
        assert!(poll!(&mut waiting).is_pending());
        // Answered after what was asked before.
        let here = ben.client.local_file(ben.space, event, hash).await;
        assert!(here.is_none());
    }
    let waiting = tokio::spawn(save());
    let here = ben.client.local_file(ben.space, event, hash).await;
    assert!(here.is_none());
    node.delete(event);
    eventually("an answer", || waiting.is_finished()).await;
    let refused = waiting.await.unwrap().unwrap_err();
    assert_eq!(refused.code, Code::NotFound, "{}", refused.message);
}
