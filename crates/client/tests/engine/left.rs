//! Leaving a space, and coming again: nothing of the earlier stay is left, and nothing of the new
//! one is lost.

use std::fs;
use std::path::{Path, PathBuf};

use landline_client::command::SpaceNamed;
use landline_client::link::memory::MemoryDial;
use tokio::runtime::{Builder, Runtime};

use crate::node::Node;
use crate::screen::{Screen, eventually};

/// As many as take a disk a good while to delete.
const MANY: usize = 20_000;

/// What is in the folder of the spaces.
fn folders(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("spaces")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Ben has written something that the node has not got.
async fn with_something_queued(dial: &MemoryDial, node: &Node) -> Screen {
    let mut ben = Screen::join(dial, node.space()).await;
    node.manners(|manners| manners.down = true);
    node.cut();
    ben.post(node.general(), "before").await;
    ben
}

#[tokio::test]
async fn who_comes_again_while_much_is_deleted_keeps_what_is_written_from_then_on() {
    let (node, dial) = Node::start(10);
    let (space, general) = (node.space(), node.general());
    let mut ben = with_something_queued(&dial, &node).await;
    let old = ben.replica().with_file_name("files").join("old");
    fs::create_dir_all(&old).unwrap();
    for n in 0..MANY {
        fs::write(old.join(n.to_string()), b"").unwrap();
    }
    let leave = SpaceNamed { space };
    ben.client.leave_space(leave).await.unwrap();
    node.manners(|manners| manners.down = false);
    ben.try_join(None).await.unwrap();
    ben.until_connected().await;
    node.manners(|manners| manners.down = true);
    node.cut();
    let waits = ben.post(general, "after").await;
    let data = ben.data.clone();
    eventually("what was before is deleted", || {
        let gone = |folder: &PathBuf| !folder.join("files/old").exists();
        folders(&data).iter().all(gone)
    })
    .await;
    let mut ben = ben.restart(&dial).await;
    assert_eq!(ben.notices(), "");
    let page = ben.page(general, None, 10).await;
    assert_eq!(page.items.last().unwrap().id, waits);
    node.manners(|manners| manners.down = false);
    ben.until_accepted(waits).await;
    let texts = node.texts(general);
    assert!(texts.contains(&"after".to_owned()));
    assert!(!texts.contains(&"before".to_owned()), "that was deleted");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The program ends between the answer and the end of the engine, and is started again.
#[test]
fn a_crash_just_after_leaving_leaves_nothing_that_comes_back() {
    let before = runtime();
    let folder = before.block_on(async {
        let (node, dial) = Node::start(10);
        let mut ben = with_something_queued(&dial, &node).await;
        let folder = ben.keep_folder();
        let leave = SpaceNamed {
            space: node.space(),
        };
        ben.client.leave_space(leave).await.unwrap();
        folder
    });
    before.shutdown_background();

    runtime().block_on(async {
        let (node, dial) = Node::start(10);
        let mut ben = Screen::start_at(&dial, node.space(), folder.path()).await;
        assert!(ben.snapshot().spaces.is_empty());
        eventually("its folder is gone", || folders(folder.path()).is_empty()).await;
        ben.try_join(None).await.unwrap();
        ben.until_connected().await;
        let said = ben.post(node.general(), "after").await;
        ben.until_accepted(said).await;
        assert!(!node.texts(node.general()).contains(&"before".to_owned()));
    });
}

/// A folder whose space is not in the list may hold what waits to be sent: it is not one that was
/// left.
#[tokio::test]
async fn nothing_is_taken_away_where_the_list_of_spaces_can_not_be_read() {
    let (node, dial) = Node::start(10);
    let ben = with_something_queued(&dial, &node).await;
    let mut ben = ben
        .restart_after(&dial, |data| {
            let c = rusqlite::Connection::open(data.join("landline.db")).unwrap();
            let list = "UPDATE setting SET value = '7' WHERE key = 'spaces'";
            assert_eq!(c.execute(list, []).unwrap(), 1);
        })
        .await;
    assert!(ben.snapshot().spaces.is_empty());
    node.manners(|manners| manners.down = false);
    ben.try_join(None).await.unwrap();
    ben.until_connected().await;
    ben.until("sent", |ben| {
        ben.space_view().is_some_and(|view| view.queued == 0)
    })
    .await;
    assert!(node.texts(node.general()).contains(&"before".to_owned()));
}
