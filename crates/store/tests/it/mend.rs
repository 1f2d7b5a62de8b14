//! What is saved of a damaged database, and how the new one takes its place.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use landline_protocol::RoomId;
use landline_store::drafts::ThreadDraft;
use landline_store::mend::{self, Logs, Saved};
use landline_store::segments::{self, Segment};
use landline_store::{Connection, Store, StoreError, drafts, log, outbox, settings};
use tempfile::TempDir;

use crate::support::{
    OPTIONS, ann, ben, block_on, dump, event, event_id, new_event, room, store, take, text,
};

/// Bytes of a page of SQLite's.
const PAGE: u64 = 4096;

/// A closed database with two logs (the second with a hole), an outbox, drafts and a setting.
fn closed() -> (TempDir, PathBuf) {
    let (folder, store) = store();
    store
        .write_blocking(|c| {
            for seq in 1..=300 {
                take(c, &event(room(0), seq, ann(), &text(&format!("one {seq}"))));
            }
            for seq in (1..=50).chain(100..=150) {
                take(c, &event(room(1), seq, ben(), &text(&format!("two {seq}"))));
            }
            for seq in 1_001..=1_200 {
                let words = format!("waits {seq} {}", "x".repeat(200));
                outbox::push(c, &new_event(&event(room(0), seq, ann(), &text(&words))))?;
            }
            drafts::set(c, room(1), "half a sentence")?;
            drafts::set_of_thread(c, &in_thread())?;
            settings::set(c, "name", "Ann")
        })
        .unwrap();
    let path = store.path().to_owned();
    block_on(store.close()).unwrap();
    (folder, path)
}

fn in_thread() -> ThreadDraft {
    ThreadDraft {
        room: room(1),
        thread: event_id(room(1), 1),
        text: "and half a reply".into(),
    }
}

/// Writes rubbish over a page in the midst of the leaves of a table or index.
fn damage(path: &Path, of: &str) {
    let c = Connection::open(path).unwrap();
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
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(u64::from(page - 1) * PAGE))
        .unwrap();
    file.write_all(&[0x5A; PAGE as usize]).unwrap();
}

fn save(path: &Path, logs: Logs) -> (Saved, PathBuf) {
    let new = path.with_extension("new");
    let saved = mend::save(path, &new, logs).unwrap();
    (saved, new)
}

fn waiting(c: &Connection) -> usize {
    outbox::all(c).unwrap().len()
}

fn segments_of(c: &Connection, room: RoomId) -> Vec<(u64, u64)> {
    let all = segments::all(c, room).unwrap();
    all.into_iter()
        .map(|Segment { from, to }| (from, to))
        .collect()
}

#[test]
fn where_only_what_follows_from_the_log_is_damaged_nothing_is_lost() {
    for of in ["message", "message_fts_data", "mention"] {
        let (_folder, path) = closed();
        let before = dump(&Connection::open(&path).unwrap());
        damage(&path, of);
        let store = Store::open(&path, OPTIONS).unwrap();
        let found = block_on(store.check()).unwrap_err();
        assert!(matches!(found, StoreError::Damaged(_)), "{of}: {found}");
        block_on(store.close()).unwrap();

        let (saved, new) = save(&path, Logs::Parts);
        assert_eq!((saved.log, saved.complete), (true, true), "{of}");
        assert_eq!((saved.waiting, saved.drafts), (200, 2), "{of}");
        let c = Connection::open(&new).unwrap();
        assert_eq!(dump(&c), before, "{of}");
        assert_eq!(segments_of(&c, room(0)), [(1, 300)], "{of}");
        assert_eq!(segments_of(&c, room(1)), [(1, 50), (100, 150)], "{of}");
        let found: i64 = c
            .query_row(
                "SELECT count(*) FROM message_fts WHERE message_fts MATCH 'two'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(found, 101, "{of}");
    }
}

#[test]
fn where_the_log_is_damaged_all_that_no_log_tells_is_saved() {
    // Who could say which of the two is right, the table or its index?
    for of in ["event_line", "sqlite_autoindex_event_2"] {
        let (_folder, path) = closed();
        damage(&path, of);
        assert!(!save(&path, Logs::Parts).0.log, "{of}");
    }
    let (_folder, path) = closed();
    damage(&path, "event");
    let (saved, new) = save(&path, Logs::Parts);
    let expected = Saved {
        log: false,
        waiting: 200,
        drafts: 2,
        complete: true,
    };
    assert_eq!(saved, expected);
    let c = Connection::open(&new).unwrap();
    assert_eq!(log::head(&c, room(0)).unwrap(), None);
    assert_eq!(segments_of(&c, room(0)), []);
    let texts: Vec<_> = outbox::all(&c).unwrap();
    assert!(texts[0].event.content.get().contains("waits 1001"));
    assert_eq!(drafts::get(&c, room(1)).unwrap(), "half a sentence");
    assert_eq!(drafts::of_threads(&c).unwrap(), [in_thread()]);
    let name: Option<String> = settings::get(&c, "name").unwrap();
    assert_eq!(name.as_deref(), Some("Ann"));
}

#[test]
fn an_outbox_is_read_from_both_ends_up_to_the_damage() {
    let (_folder, path) = closed();
    damage(&path, "outbox");
    let (saved, new) = save(&path, Logs::Parts);
    assert!(saved.log && !saved.complete);
    assert!((150..200).contains(&saved.waiting), "{saved:?}");
    let c = Connection::open(&new).unwrap();
    assert_eq!(waiting(&c), saved.waiting);
    let all = outbox::all(&c).unwrap();
    assert!(all[0].event.content.get().contains("waits 1001"));
    assert!(
        all[all.len() - 1]
            .event
            .content
            .get()
            .contains("waits 1200")
    );
}

#[test]
fn a_log_with_a_hole_is_none_for_a_node() {
    let (_folder, path) = closed();
    assert!(!save(&path, Logs::Whole).0.log);
    assert!(save(&path, Logs::Parts).0.log);
    let c = Connection::open(&path).unwrap();
    c.execute("DELETE FROM event WHERE room = ?1", [room(1).as_bytes()])
        .unwrap();
    drop(c);
    assert!(save(&path, Logs::Whole).0.log);
}

#[test]
fn of_what_is_no_database_any_more_nothing_is_saved_and_nothing_breaks() {
    let (_folder, path) = closed();
    fs::write(&path, [7; 100_000]).unwrap();
    let (saved, new) = save(&path, Logs::Parts);
    assert_eq!((saved.log, saved.complete), (false, false));
    block_on(Store::open(&new, OPTIONS).unwrap().close()).unwrap();
}

#[test]
fn what_was_in_the_log_of_writes_only_is_saved_too() {
    let (_folder, store) = store();
    store
        .write_blocking(|c| drafts::set(c, room(0), "just now"))
        .unwrap();
    // As after a kill: the file itself has no tables yet.
    let copy = TempDir::new().unwrap();
    let path = copy.path().join("space.db");
    for ending in ["", "-wal"] {
        let from = format!("{}{ending}", store.path().display());
        fs::copy(from, format!("{}{ending}", path.display())).unwrap();
    }
    let (saved, _) = save(&path, Logs::Parts);
    assert_eq!(saved.drafts, 1);
}

#[test]
fn the_new_one_takes_the_place_and_the_damaged_one_is_kept_whole() {
    let (folder, path) = closed();
    fs::write(path.with_file_name("space.db-wal"), "its log of writes").unwrap();
    let before = fs::read(&path).unwrap();
    for number in 1..=2 {
        let (_, new) = save(&path, Logs::Parts);
        let expected = fs::read(&new).unwrap();
        let there = fs::read(&path).unwrap();
        let aside = mend::replace(&path, &new).unwrap();
        assert_eq!(
            aside,
            folder.path().join(format!("space.db.damaged-{number}"))
        );
        assert_eq!(fs::read(&path).unwrap(), expected);
        assert_eq!(fs::read(aside.join("space.db")).unwrap(), there);
        assert!(!path.with_file_name("space.db-wal").exists());
    }
    let first = folder.path().join("space.db.damaged-1");
    assert_eq!(fs::read(first.join("space.db")).unwrap(), before);
    assert_eq!(
        fs::read(first.join("space.db-wal")).unwrap(),
        b"its log of writes"
    );
}

/// Wherever a replacement was cut off, the next start ends with the new database in place and all
/// of the damaged one in one folder.
#[test]
fn a_replacement_that_was_cut_off_is_finished_by_the_next_start() {
    for done in 0..=4 {
        let (folder, path) = closed();
        let (_, new) = save(&path, Logs::Parts);
        fs::write(path.with_file_name("space.db-wal"), "w").unwrap();
        fs::write(path.with_file_name("space.db-shm"), "s").unwrap();
        let aside = folder.path().join("space.db.damaged-1");
        fs::rename(&new, folder.path().join("space.db.restored")).unwrap();
        if done > 0 {
            fs::create_dir(&aside).unwrap();
        }
        for name in ["space.db-wal", "space.db-shm", "space.db"]
            .iter()
            .take((done as usize).saturating_sub(1))
        {
            fs::rename(folder.path().join(name), aside.join(name)).unwrap();
        }
        let store = Store::open(&path, OPTIONS).unwrap();
        assert_eq!(
            store
                .read_blocking(|c| Ok::<_, StoreError>(waiting(c)))
                .unwrap(),
            200
        );
        block_on(store.check()).unwrap();
        block_on(store.close()).unwrap();
        let mut names: Vec<_> = fs::read_dir(&aside)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["space.db", "space.db-shm", "space.db-wal"],
            "{done}"
        );
        assert!(!folder.path().join("space.db.damaged-2").exists(), "{done}");
    }
}

#[test]
fn every_table_is_saved_or_follows_from_the_log() {
    const FOLLOWS: &[&str] = &[
        "event",
        "segment",
        "applied",
        "message",
        "mention",
        "reaction",
        "room",
        "member",
        "person",
        "space",
        "message_fts",
        "named",
        "refinery_schema_history",
    ];
    let (_folder, path) = closed();
    let c = Connection::open(&path).unwrap();
    let mut statement = c
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table'
             AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'message_fts_%'",
        )
        .unwrap();
    let tables: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for table in tables {
        assert!(
            FOLLOWS.contains(&table.as_str()) || mend::is_kept(&table),
            "what becomes of `{table}` when the database is damaged?"
        );
    }
}
