//! What opening a store makes, refuses and leaves alone.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use landline_store::messages::Part;
use landline_store::{
    Connection, DataLock, Store, StoreError, log, messages, outbox, search, settings,
};
use tempfile::TempDir;

use crate::support::{OPTIONS, ann, block_on, event, fixture, room, store, text};

fn refusal(path: &Path) -> StoreError {
    Store::open(path, OPTIONS).expect_err("it must be refused")
}

/// A store with a few messages, closed; its file.
fn closed() -> (TempDir, std::path::PathBuf) {
    let (folder, store) = store();
    store
        .write_blocking(|c| {
            for seq in 1..200 {
                let event = event(room(0), seq, ann(), &text(&format!("message {seq}")));
                log::insert(c, &event)?;
                landline_store::apply::apply(c, &event)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let path = store.path().to_owned();
    block_on(store.close()).unwrap();
    (folder, path)
}

#[test]
fn what_was_stored_is_there_again() {
    let (_folder, path) = closed();
    let store = Store::open(&path, OPTIONS).unwrap();
    let head = store
        .read_blocking(|c| log::head(c, room(0)))
        .unwrap()
        .unwrap();
    assert_eq!(head.seq, 199);
}

#[test]
fn a_newer_database_is_refused_and_not_touched() {
    let (folder, path) = closed();
    let c = Connection::open(&path).unwrap();
    c.pragma_update(None, "user_version", 9999).unwrap();
    c.close().unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&path);
    assert!(
        matches!(error, StoreError::Newer { found: 9999, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("update Landline"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    assert_eq!(files, ["space.db"]);
}

#[test]
fn a_newer_database_that_was_not_closed_is_refused_and_not_touched() {
    let (_folder, path) = closed();
    let c = Connection::open(&path).unwrap();
    c.pragma_update(None, "user_version", 9999).unwrap();
    // Still open: what it wrote stands in the write-ahead log only.
    let wal = path.with_file_name("space.db-wal");
    let before = (std::fs::read(&path).unwrap(), std::fs::read(&wal).unwrap());
    let error = refusal(&path);
    assert!(
        matches!(error, StoreError::Newer { found: 9999, .. }),
        "{error}"
    );
    assert_eq!(
        (std::fs::read(&path).unwrap(), std::fs::read(&wal).unwrap()),
        before
    );
}

#[test]
fn the_version_in_the_file_is_that_of_its_last_migration() {
    let (_folder, path) = closed();
    let c = Connection::open(&path).unwrap();
    let version: i64 = c
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let migrated: i64 = c
        .query_row(
            "SELECT max(version) FROM refinery_schema_history",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(version, migrated);
}

#[test]
fn a_start_that_broke_off_before_the_first_table_is_begun_anew() {
    for was_killed in [false, true] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("space.db");
        let c = Connection::open(&path).unwrap();
        c.pragma_update(None, "journal_mode", "WAL").unwrap();
        c.close().unwrap();
        if was_killed {
            std::fs::write(path.with_file_name("space.db-wal"), b"").unwrap();
        }
        let store = Store::open(&path, OPTIONS).unwrap();
        block_on(store.check()).unwrap();
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_not_touched() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("space.db");
    let letter = "Dear diary, today I wrote this file by hand. ".repeat(200);
    std::fs::write(&path, &letter).unwrap();
    let error = refusal(&path);
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn a_database_of_another_program_is_refused_and_not_touched() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("space.db");
    let c = Connection::open(&path).unwrap();
    c.execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    c.close().unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&path);
    assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// Writes rubbish over the middle of a file.
fn damage(path: &Path) {
    let length = std::fs::metadata(path).unwrap().len();
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(length / 2)).unwrap();
    file.write_all(&vec![0x5A; usize::try_from(length / 4).unwrap()])
        .unwrap();
}

#[test]
fn damage_is_found_after_an_unclean_stop() {
    let (_folder, path) = closed();
    damage(&path);
    // What a killed program leaves behind.
    std::fs::write(path.with_file_name("space.db-wal"), b"").unwrap();
    let error = refusal(&path);
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert!(error.to_string().contains("backup"), "{error}");
}

#[test]
fn damage_is_found_by_a_check() {
    let (_folder, path) = closed();
    let store = Store::open(&path, OPTIONS).unwrap();
    block_on(store.check()).unwrap();
    block_on(store.close()).unwrap();
    damage(&path);
    // A clean stop: opening looks at what it needs only.
    match Store::open(&path, OPTIONS) {
        Ok(store) => {
            let error = block_on(store.check()).unwrap_err();
            assert!(matches!(error, StoreError::Damaged(_)), "{error}");
        }
        Err(error) => assert!(matches!(error, StoreError::Damaged(_)), "{error}"),
    }
}

#[test]
fn a_check_finds_nothing_wrong_while_others_write_and_search() {
    let (_folder, store) = store();
    let post = |seq| {
        let event = event(room(0), seq, ann(), &text(&format!("message {seq}")));
        store.write_blocking(move |c| {
            log::insert(c, &event)?;
            landline_store::apply::apply(c, &event)
        })
    };
    for seq in 1..200 {
        post(seq).unwrap();
        store
            .read_blocking(|c| {
                let query = search::Query {
                    text: "message",
                    limit: 1,
                    ..search::Query::default()
                };
                search::search(c, &query)
            })
            .unwrap();
    }
    block_on(store.check()).unwrap();
}

#[test]
fn a_cut_off_file_is_refused() {
    let (_folder, path) = closed();
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length / 3)
        .unwrap();
    std::fs::write(path.with_file_name("space.db-wal"), b"").unwrap();
    let error = refusal(&path);
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_refused_in_words_that_name_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nowhere").join("space.db");
    let error = refusal(&path);
    assert!(matches!(error, StoreError::NotWritable(_)), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_can_not_be_written_is_refused_in_words_that_name_it() {
    // Not writable even for root.
    let error = refusal(Path::new("/proc/landline.db"));
    assert!(matches!(error, StoreError::NotWritable(_)), "{error}");
    assert!(error.to_string().contains("/proc/landline.db"), "{error}");
    let error = DataLock::take(Path::new("/proc")).unwrap_err();
    assert!(matches!(error, StoreError::NotWritable(_)), "{error}");
}

#[test]
fn a_data_folder_has_one_user_at_a_time() {
    let folder = TempDir::new().unwrap();
    let lock = DataLock::take(folder.path()).unwrap();
    assert!(matches!(
        DataLock::take(folder.path()),
        Err(StoreError::Locked)
    ));
    drop(lock);
    DataLock::take(folder.path()).unwrap();
}

/// A database of version 1 as it was published, with rows in it. Migrations to come start here.
fn version_1(path: &Path) {
    let c = Connection::open(path).unwrap();
    c.execute_batch(&std::fs::read_to_string(fixture("v1.sql")).unwrap())
        .unwrap();
    c.close().unwrap();
}

#[test]
fn a_database_of_version_1_opens_with_all_that_is_in_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("space.db");
    version_1(&path);
    let store = Store::open(&path, OPTIONS).unwrap();
    block_on(store.check()).unwrap();
    store
        .read_blocking(|c| {
            assert_eq!(log::head(c, room(0))?.unwrap().seq, 6);
            let lines = messages::page_before(c, room(0), Part::All, None, 10)?;
            let texts: Vec<String> = lines
                .into_iter()
                .filter_map(|line| match line {
                    messages::Line::Message(row) => Some(row.text),
                    messages::Line::System(_) => None,
                })
                .collect();
            assert_eq!(texts, ["the kettle is on", "", "see you at the café"]);
            let query = search::Query {
                text: "cafe",
                limit: 5,
                ..search::Query::default()
            };
            assert_eq!(search::search(c, &query)?.len(), 1);
            assert_eq!(outbox::all(c)?.len(), 1);
            assert_eq!(settings::get::<String>(c, "name")?.as_deref(), Some("Ann"));
            Ok::<_, StoreError>(())
        })
        .unwrap();
}
