//! A damaged database: found, put right or refused in words, never silently emptied.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use landline_node::{Node, NodeConfig, NodeError, Restored};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::client::{Client, DEADLINE, event, message};
use crate::place::config;

/// Bytes of a page of SQLite's.
const PAGE: u64 = 4096;

async fn start(config: NodeConfig) -> Result<Node, NodeError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Node::start(config, listener, std::future::pending()).await
}

/// A space with `count` messages, and its node stopped; what the log of `general` holds.
async fn space(dir: &Path, count: usize, change: impl FnOnce(&mut NodeConfig)) -> Vec<Value> {
    let mut config = config(dir);
    change(&mut config);
    let copies = config.copy_every.is_some_and(|every| every < DEADLINE);
    let node = start(config).await.unwrap();
    let mut client = Client::enter(node.address(), "ann").await;
    let general = client.general().await;
    write(&mut client, &general, count).await;
    let log = client.log(&general).await;
    if copies {
        until_copied(dir, log.len()).await;
    }
    node.stop().await.unwrap();
    log
}

async fn write(client: &mut Client, room: &str, count: usize) {
    for n in 0..count.div_ceil(50) {
        let events: Vec<Value> = (n * 50..count.min((n + 1) * 50))
            .map(|n| event(room, message(&format!("message {n}"))))
            .collect();
        client.append(json!(events)).await.unwrap();
    }
}

/// Waits for a copy that holds so many events of `general`.
async fn until_copied(dir: &Path, events: usize) {
    let until = Instant::now() + DEADLINE;
    let copy = dir.join("copies/1.sqlite");
    loop {
        if copy.exists() {
            let c = rusqlite::Connection::open(&copy).unwrap();
            let newest = "SELECT max(n) FROM (SELECT count(*) AS n FROM event GROUP BY room)";
            let held: i64 = c.query_row(newest, [], |row| row.get(0)).unwrap_or(0);
            if usize::try_from(held).unwrap() >= events {
                return;
            }
        }
        assert!(Instant::now() < until, "no copy was made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

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

/// What a node that was killed leaves behind: its next start looks the database over.
fn as_after_a_kill(database: &Path) {
    fs::write(database.with_file_name("node.sqlite-wal"), b"").unwrap();
}

fn copies(config: &mut NodeConfig) {
    config.copy_every = Some(Duration::from_millis(300));
}

fn restored(node: &Node) -> Restored {
    let restored = node.restored().expect("it was damaged").clone();
    let aside = restored.aside.join("node.sqlite");
    assert!(aside.exists(), "{} is kept", aside.display());
    assert!(
        restored
            .to_string()
            .contains(&restored.aside.display().to_string())
    );
    restored
}

#[tokio::test]
async fn where_the_log_is_whole_nothing_is_lost() {
    for of in ["message", "message_fts_data"] {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("node.sqlite");
        let before = space(dir.path(), 300, |_| {}).await;
        damage(&database, of);
        as_after_a_kill(&database);
        let node = start(config(dir.path())).await.unwrap();
        assert_eq!(restored(&node).copied_at, None);
        let mut client = Client::enter(node.address(), "ann").await;
        assert_eq!(client.welcome["node"]["epoch"], 1, "{of}");
        let general = client.general().await;
        assert_eq!(client.log(&general).await, before, "{of}");
        let found = client
            .ask("search", json!({ "query": "\"message 277\"" }))
            .await;
        assert_eq!(found.unwrap()["hits"].as_array().unwrap().len(), 1, "{of}");
        node.stop().await.unwrap();
        let node = start(config(dir.path())).await.unwrap();
        assert_eq!(node.restored(), None);
    }
}

#[tokio::test]
async fn a_damaged_log_is_put_back_from_the_newest_good_copy_by_a_higher_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("node.sqlite");
    let copied = space(dir.path(), 200, copies).await;

    let node = start(config(dir.path())).await.unwrap();
    let mut client = Client::enter(node.address(), "ann").await;
    let general = client.general().await;
    let lost: Vec<Value> = (0..30)
        .map(|n| event(&general, message(&format!("since {n}"))))
        .collect();
    client.append(json!(lost)).await.unwrap();
    node.stop().await.unwrap();
    damage(&database, "event");
    as_after_a_kill(&database);
    let damaged = fs::read(&database).unwrap();

    let node = start(config(dir.path())).await.unwrap();
    let restored = restored(&node);
    assert!(restored.copied_at.is_some() && restored.minutes_ago == Some(0));
    assert_eq!(
        fs::read(restored.aside.join("node.sqlite")).unwrap(),
        damaged
    );
    let mut client = Client::enter(node.address(), "ann").await;
    assert_eq!(client.welcome["node"]["epoch"], 2);
    assert_eq!(client.log(&general).await, copied);
    let again = client.append(json!(lost)).await.unwrap();
    assert_eq!(again[29]["seq"], copied.len() + 30);
    node.stop().await.unwrap();

    let node = start(config(dir.path())).await.unwrap();
    let client = Client::enter(node.address(), "ann").await;
    assert_eq!(client.welcome["node"]["epoch"], 2, "raised once");
}

#[tokio::test]
async fn a_copy_that_is_damaged_too_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let older = space(dir.path(), 100, copies).await;
    let newer = space(dir.path(), 100, copies).await;
    assert!(older.len() < newer.len());
    let mut names: Vec<_> = fs::read_dir(dir.path().join("copies"))
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["1.sqlite", "2.sqlite"], "two are kept, and no more");
    fs::write(dir.path().join("copies/1.sqlite"), [1; 50_000]).unwrap();
    fs::write(dir.path().join("node.sqlite"), [1; 50_000]).unwrap();
    let node = start(config(dir.path())).await.unwrap();
    let mut client = Client::enter(node.address(), "ann").await;
    let general = client.general().await;
    let log = client.log(&general).await;
    assert!(log.len() < newer.len() && log == newer[..log.len()]);
}

#[tokio::test]
async fn without_a_good_copy_it_does_not_start_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("node.sqlite");
    space(dir.path(), 200, |_| {}).await;
    damage(&database, "event");
    as_after_a_kill(&database);
    let damaged = fs::read(&database).unwrap();
    for _ in 0..2 {
        let error = start(config(dir.path())).await.unwrap_err();
        assert!(matches!(error, NodeError::Damaged { .. }), "{error}");
        let words = error.to_string();
        assert!(words.contains("no good copy") && words.contains("backup"));
        assert_eq!(fs::read(&database).unwrap(), damaged);
    }
}

/// A name was given, as in the unit file of a service: that must not make a new space.
#[tokio::test]
async fn a_database_that_is_gone_or_empty_is_not_begun_anew() {
    for empty in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("node.sqlite");
        let lose = || {
            if empty {
                fs::write(&database, "").unwrap();
            } else {
                fs::remove_file(&database).unwrap();
            }
        };
        space(dir.path(), 20, |_| {}).await;
        lose();
        let error = start(config(dir.path())).await.unwrap_err();
        assert!(matches!(error, NodeError::Damaged { .. }), "{error}");

        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("node.sqlite");
        let before = space(dir.path(), 20, copies).await;
        fs::remove_file(&database).unwrap();
        let node = start(config(dir.path())).await.unwrap();
        let mut client = Client::enter(node.address(), "ann").await;
        let general = client.general().await;
        assert_eq!(client.log(&general).await, before);
    }
}

/// After a clean stop nothing is looked over before people are let in.
#[tokio::test]
async fn damage_that_shows_in_use_ends_the_node_and_the_next_start_puts_it_right() {
    let dir = tempfile::tempdir().unwrap();
    let before = space(dir.path(), 300, |_| {}).await;
    damage(&dir.path().join("node.sqlite"), "message_fts_data");
    let node = start(config(dir.path())).await.unwrap();
    assert_eq!(node.restored(), None);
    let ended = tokio::time::timeout(DEADLINE, node.wait()).await.unwrap();
    assert!(
        matches!(ended, Err(NodeError::DamagedInUse(_))),
        "{ended:?}"
    );
    let node = start(config(dir.path())).await.unwrap();
    restored(&node);
    let mut client = Client::enter(node.address(), "ann").await;
    let general = client.general().await;
    assert_eq!(client.log(&general).await, before);
}

/// What of `general`'s log, or of any other, the rows that follow from it do not follow yet.
fn not_derived(database: &Path) -> i64 {
    let c = rusqlite::Connection::open(database).unwrap();
    let behind = "SELECT (SELECT max(ref) FROM event) - (SELECT ref FROM applied)";
    c.query_row(behind, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_node_that_stops_leaves_no_rows_to_be_made() {
    let dir = tempfile::tempdir().unwrap();
    space(dir.path(), 300, |_| {}).await;
    assert_eq!(not_derived(&dir.path().join("node.sqlite")), 0);
}

#[tokio::test]
async fn damage_that_shows_when_rows_are_made_at_the_start_is_put_right_then() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("node.sqlite");
    let before = space(dir.path(), 300, |_| {}).await;
    // What a node that was killed may leave, too: the log is ahead of what follows from it.
    let c = rusqlite::Connection::open(&database).unwrap();
    c.execute("UPDATE applied SET ref = 1", []).unwrap();
    c.close().unwrap();
    damage(&database, "message");
    let node = start(config(dir.path())).await.unwrap();
    assert_eq!(restored(&node).copied_at, None);
    let mut client = Client::enter(node.address(), "ann").await;
    let general = client.general().await;
    assert_eq!(client.log(&general).await, before);
    node.stop().await.unwrap();
    assert_eq!(not_derived(&database), 0);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if file.path().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_whole_folder_put_back_from_a_backup_raises_the_epoch_once() {
    let epoch = async |dir: &Path, restored: bool| {
        let mut config = config(dir);
        config.restored = restored;
        let node = start(config).await.unwrap();
        let client = Client::enter(node.address(), "ann").await;
        let epoch = client.welcome["node"]["epoch"].as_u64().unwrap();
        node.stop().await.unwrap();
        epoch
    };
    let (dir, backup) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    space(dir.path(), 20, |_| {}).await;
    assert_eq!(epoch(dir.path(), false).await, 1);
    copy_folder(dir.path(), backup.path());
    assert_eq!(epoch(dir.path(), false).await, 1, "a backup is none of it");
    // Put back in a place of its own, and over what was there.
    let other = TempDir::new().unwrap();
    copy_folder(backup.path(), other.path());
    assert_eq!(epoch(other.path(), false).await, 2);
    assert_eq!(epoch(other.path(), false).await, 2);
    fs::remove_dir_all(dir.path()).unwrap();
    copy_folder(backup.path(), dir.path());
    assert_eq!(epoch(dir.path(), false).await, 2);
    // A snapshot of the disk shows by nothing: the operator says so.
    assert_eq!(epoch(dir.path(), true).await, 3);
    assert_eq!(epoch(dir.path(), false).await, 3);
}
