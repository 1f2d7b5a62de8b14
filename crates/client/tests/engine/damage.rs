//! Damaged databases of a client: told, set aside, and nothing written here is lost.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use landline_client::command::{SaveDraft, SpaceNamed};
use landline_client::ui::{ItemState, LinkState};

use crate::node::Node;
use crate::screen::{Screen, replica, text};

/// Bytes of a page of SQLite's.
const PAGE: u64 = 4096;

/// Writes rubbish over a page in the midst of the leaves of a table or index.
fn damage(database: &Path, of: &str) {
    let c = rusqlite::Connection::open(database).unwrap();
    let page: u32 = c
        .query_row(
            "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf'
             ORDER BY path LIMIT 1 OFFSET
                (SELECT count(*) / 2 FROM dbstat WHERE name = ?1 AND pagetype = 'leaf')",
            [of],
            |row| row.get(0),
        )
        .unwrap();
    c.close().unwrap();
    let mut file = fs::File::options().write(true).open(database).unwrap();
    file.seek(SeekFrom::Start(u64::from(page - 1) * PAGE))
        .unwrap();
    file.write_all(&[0x5A; PAGE as usize]).unwrap();
}

/// Ben, who has read 300 messages, and then wrote one and began another while the node was away.
async fn ben_offline() -> (Node, landline_client::link::memory::MemoryDial, Screen) {
    let (node, dial) = Node::start(300);
    let mut ben = Screen::join(&dial, node.space()).await;
    let general = node.general();
    assert_eq!(ben.history(general).await.len(), 301);
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.until("offline", |ben| ben.link() == Some(LinkState::Looking))
        .await;
    ben.post(general, "waits").await;
    let draft = SaveDraft {
        space: node.space(),
        room: general,
        thread: None,
        text: "half a sen".into(),
    };
    ben.client.save_draft(draft).await.unwrap();
    (node, dial, ben)
}

#[tokio::test]
async fn a_replica_whose_log_is_damaged_is_set_aside_and_filled_anew() {
    let (node, dial, ben) = ben_offline().await;
    let (space, general) = (node.space(), node.general());
    let mut ben = ben
        .restart_after(&dial, |data| damage(&replica(data, space), "event"))
        .await;
    // After a clean end it is found a moment after the windows are there.
    ben.until_told("was damaged. It is fetched anew from the host")
        .await;
    ben.until("the outbox is there", |ben| {
        ben.space_view().is_some_and(|view| view.queued == 1)
            && ben.link() == Some(LinkState::Looking)
    })
    .await;
    let aside = ben.replica().with_file_name("replica.db.damaged-1");
    assert!(ben.notices().contains(&aside.display().to_string()));
    assert!(aside.join("replica.db").exists());
    ben.until("the draft is there", |ben| {
        ben.room(general)
            .is_some_and(|room| room.draft == "half a sen")
    })
    .await;
    node.manners(|manners| manners.down = false);
    let again = SpaceNamed { space };
    ben.client.connect_now(again).await.unwrap();
    ben.until_connected().await;
    ben.until("sent", |ben| {
        ben.space_view().is_some_and(|view| view.queued == 0)
    })
    .await;
    let history = ben.history(general).await;
    assert_eq!(history.len(), 302);
    assert_eq!(text(&history[301]), "waits");
    assert_eq!(node.texts(general).len(), 301, "sent once");
}

#[tokio::test]
async fn where_the_log_is_whole_all_is_there_without_the_node() {
    for of in ["message", "message_fts_data"] {
        let (node, dial, ben) = ben_offline().await;
        let (space, general) = (node.space(), node.general());
        let mut ben = ben
            .restart_after(&dial, |data| damage(&replica(data, space), of))
            .await;
        ben.until_told("put right, and nothing of it is lost").await;
        ben.until("in use again", |ben| ben.link() == Some(LinkState::Looking))
            .await;
        let history = ben.history(general).await;
        assert_eq!(history.len(), 302, "{of}");
        assert_eq!(history[301].state, ItemState::Queued);
    }
}

/// Of what is no database any more nothing can be read; the client starts all the same.
#[tokio::test]
async fn a_replica_that_can_not_even_be_opened_does_not_stop_the_start() {
    let (node, dial, ben) = ben_offline().await;
    let (space, general) = (node.space(), node.general());
    node.manners(|manners| manners.down = false);
    let mut ben = ben
        .restart_after(&dial, |data| {
            fs::write(replica(data, space), [7; 60_000]).unwrap();
        })
        .await;
    assert!(ben.space_view().is_some(), "the space is shown at once");
    ben.until_told("Some of what was written here").await;
    ben.until_connected().await;
    assert_eq!(ben.history(general).await.len(), 301);
    assert!(
        ben.replica()
            .with_file_name("replica.db.damaged-1")
            .exists()
    );
}

#[tokio::test]
async fn a_replica_that_is_gone_is_told_and_filled_anew() {
    let (node, dial) = Node::start(20);
    let ben = Screen::join(&dial, node.space()).await;
    let space = node.space();
    let mut ben = ben
        .restart_after(&dial, |data| fs::remove_file(replica(data, space)).unwrap())
        .await;
    ben.until_told("is gone").await;
    ben.until_connected().await;
    assert_eq!(ben.history(node.general()).await.len(), 21);
}

/// One of another version is left alone; that space is shown with the reason, and Connect tries
/// again.
#[tokio::test]
async fn a_replica_of_a_newer_version_is_not_touched_and_the_space_says_why() {
    let (node, dial) = Node::start(20);
    let ben = Screen::join(&dial, node.space()).await;
    let space = node.space();
    let version = |data: &Path, version: i64| {
        let c = rusqlite::Connection::open(replica(data, space)).unwrap();
        c.pragma_update(None, "user_version", version).unwrap();
    };
    let known: i64 = rusqlite::Connection::open(ben.replica())
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let mut ben = ben.restart_after(&dial, |data| version(data, 9_999)).await;
    let view = ben.space_view().unwrap().clone();
    assert_eq!(view.link.state, LinkState::Refused);
    let problem = view.link.problem.unwrap().message;
    assert!(problem.contains("update Landline"), "{problem}");
    let refused = ben.client.connect_now(SpaceNamed { space }).await;
    assert!(refused.unwrap_err().message.contains("update Landline"));

    let data = ben.replica();
    let data = data.ancestors().nth(3).unwrap();
    version(data, known);
    ben.client.connect_now(SpaceNamed { space }).await.unwrap();
    ben.until_connected().await;
    assert_eq!(ben.history(node.general()).await.len(), 21);
}

#[tokio::test]
async fn a_damaged_file_of_settings_and_spaces_is_made_anew_from_the_spaces() {
    let (node, dial) = Node::start(20);
    let ben = Screen::join(&dial, node.space()).await;
    let mut ben = ben
        .restart_after(&dial, |data| {
            fs::write(data.join("landline.db"), [7; 60_000]).unwrap();
        })
        .await;
    ben.until_told("your settings and spaces was damaged").await;
    assert_eq!(ben.snapshot().me.name.as_deref(), Some("Ben"));
    assert_eq!(ben.space_view().unwrap().name, "Studio");
    assert_eq!(ben.history(node.general()).await.len(), 21);
}
