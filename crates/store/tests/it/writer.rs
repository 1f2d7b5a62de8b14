//! Jobs: batches, savepoints, full disks, closing.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use landline_store::{Check, Connection, Durability, Options, Store, StoreError, settings};
use tempfile::TempDir;

use crate::support::{OPTIONS, block_on, store};

/// Bytes.
const PAGE: u64 = 4_096;

fn set(store: &Store, key: &'static str, value: i64) -> Result<(), StoreError> {
    store.write_blocking(move |c| settings::set(c, key, &value))
}

fn get(store: &Store, key: &'static str) -> Option<i64> {
    store
        .read_blocking(move |c| settings::get::<i64>(c, key))
        .unwrap()
}

/// Keeps the writer busy until the sender is dropped or used, so that what follows gathers.
fn hold(store: &Store) -> std::sync::mpsc::SyncSender<()> {
    let (go, wait) = sync_channel::<()>(1);
    let began = Arc::new(Barrier::new(2));
    let begins = Arc::clone(&began);
    let store = store.clone();
    std::thread::spawn(move || {
        store.write_blocking(move |_| {
            begins.wait();
            let _ = wait.recv();
            Ok::<_, StoreError>(())
        })
    });
    began.wait();
    go
}

#[test]
fn what_was_written_is_read() {
    let (_folder, store) = store();
    set(&store, "a", 1).unwrap();
    assert_eq!(get(&store, "a"), Some(1));
}

#[test]
fn a_failed_job_undoes_itself_alone() {
    let (_folder, store) = store();
    let go = hold(&store);
    block_on(async {
        let before = store.write(|c| settings::set(c, "before", &1));
        let failing = store.write(|c| {
            settings::set(c, "failing", &1)?;
            Err::<(), _>(StoreError::Damaged("as the test wants it".into()))
        });
        let after = store.write(|c| settings::set(c, "after", &1));
        let done = async { drop(go) };
        let (before, failing, after, ()) = tokio::join!(before, failing, after, done);
        before.unwrap();
        assert!(
            matches!(failing, Err(StoreError::Damaged(words)) if words == "as the test wants it")
        );
        after.unwrap();
    });
    assert_eq!(get(&store, "before"), Some(1));
    assert_eq!(get(&store, "failing"), None);
    assert_eq!(get(&store, "after"), Some(1));
}

#[test]
fn a_job_that_panics_is_undone_and_the_writer_goes_on() {
    let (_folder, store) = store();
    let panicking = store.write_blocking(|c| {
        settings::set(c, "panicking", &1)?;
        if settings::get::<i64>(c, "panicking")?.is_some() {
            panic!("as the test wants it");
        }
        Ok::<_, StoreError>(())
    });
    assert!(matches!(panicking, Err(StoreError::Panicked)));
    assert_eq!(get(&store, "panicking"), None);
    set(&store, "after", 1).unwrap();
}

#[test]
fn what_waits_shares_a_transaction() {
    let (_folder, store) = store();
    let go = hold(&store);
    let seen = block_on(async {
        let first = store.write(|c| settings::set(c, "first", &1));
        // Not yet stored when the second runs: a reader, who sees only what is, must not find it.
        let reader = store.clone();
        let second = store.write(move |_| Ok::<_, StoreError>(get(&reader, "first")));
        let done = async { drop(go) };
        let (first, second, ()) = tokio::join!(first, second, done);
        first.unwrap();
        second.unwrap()
    });
    assert_eq!(seen, None);
    assert_eq!(get(&store, "first"), Some(1));
}

#[test]
fn writes_are_stored_in_the_order_in_which_they_were_handed_in() {
    let (_folder, store) = store();
    let go = hold(&store);
    block_on(async {
        let writes: Vec<_> = (0..600)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    store
                        .write(move |c| {
                            let mut all: Vec<i64> = settings::get(c, "all")?.unwrap_or_default();
                            all.push(number);
                            settings::set(c, "all", &all)
                        })
                        .await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(go);
        for write in writes {
            write.await.unwrap().unwrap();
        }
    });
    let all = store
        .read_blocking(|c| settings::get::<Vec<i64>>(c, "all"))
        .unwrap();
    assert_eq!(all, Some((0..600).collect()));
}

#[test]
fn a_full_queue_is_refused_at_once() {
    let (_folder, store) = store();
    let go = hold(&store);
    block_on(async {
        let mut waiting = Vec::new();
        let busy = loop {
            let mut write = Box::pin(store.write(|c| settings::set(c, "a", &1)));
            match futures_poll(&mut write) {
                Some(result) => break result,
                None => waiting.push(write),
            }
            assert!(waiting.len() < 100_000, "the queue has no bound");
        };
        assert!(matches!(busy, Err(StoreError::Busy)));
        drop(go);
        for write in waiting {
            write.await.unwrap();
        }
    });
    set(&store, "a", 2).unwrap();
}

/// Polls once.
fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn a_full_disk_fails_the_write_and_the_store_goes_on_when_there_is_room() {
    let (_folder, store) = store();
    set(&store, "before", 1).unwrap();
    // SQLite's own bound on the file: the same error as that of a full disk, at the same place.
    let pages = |c: &Connection, limit: i64| -> Result<(), StoreError> {
        Ok(c.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()))?)
    };
    store.write_blocking(move |c| pages(c, 1)).unwrap();

    let long = "x".repeat(1_000_000);
    let full = store.write_blocking(move |c| settings::set(c, "long", &long));
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert_eq!(get(&store, "before"), Some(1));

    store.write_blocking(move |c| pages(c, 1_000_000)).unwrap();
    set(&store, "after", 1).unwrap();
    assert_eq!(get(&store, "after"), Some(1));
}

#[test]
fn jobs_that_share_a_transaction_with_a_full_disk_are_not_reported_as_stored() {
    let (_folder, store) = store();
    let go = hold(&store);
    let long = "x".repeat(20_000_000);
    let (one, full, other) = block_on(async {
        let one = store.write(|c| settings::set(c, "one", &1));
        let full = store.write(move |c| {
            c.query_row("PRAGMA max_page_count = 1", [], |_| Ok(()))?;
            // Larger than the cache, so that SQLite meets the end of the disk in mid-transaction.
            settings::set(c, "long", &long)
        });
        let other = store.write(|c| {
            c.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(()))?;
            settings::set(c, "other", &1)
        });
        let done = async { drop(go) };
        let (one, full, other, ()) = tokio::join!(one, full, other, done);
        (one, full, other)
    });
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    // Whatever SQLite did with the transaction, each answer is true.
    assert_eq!(one.is_ok(), get(&store, "one").is_some(), "{one:?}");
    assert_eq!(other.is_ok(), get(&store, "other").is_some(), "{other:?}");
    assert_eq!(get(&store, "long"), None);
    set(&store, "after", 1).unwrap();
}

#[test]
fn a_reader_can_not_write() {
    let (_folder, store) = store();
    let refused = store.read_blocking(|c| settings::set(c, "a", &1));
    assert!(
        matches!(refused, Err(StoreError::NotWritable(_))),
        "{refused:?}"
    );
}

#[test]
fn a_read_sees_one_moment() {
    let (_folder, store) = store();
    set(&store, "a", 1).unwrap();
    let other = store.clone();
    let seen = store.read_blocking(move |c| {
        let before = settings::get::<i64>(c, "a")?;
        other.write_blocking(|c| settings::set(c, "a", &2))?;
        Ok::<_, StoreError>((before, settings::get::<i64>(c, "a")?))
    });
    assert_eq!(seen.unwrap(), (Some(1), Some(1)));
    assert_eq!(get(&store, "a"), Some(2));
}

#[test]
fn closing_does_what_waits_and_then_refuses() {
    let (folder, store) = store();
    let go = hold(&store);
    block_on(async {
        let write = store.write(|c| settings::set(c, "a", &1));
        let close = store.clone().close();
        let done = async { drop(go) };
        let (write, close, ()) = tokio::join!(write, close, done);
        write.unwrap();
        close.unwrap();
        let after = store.write(|c| settings::set(c, "a", &2)).await;
        assert!(matches!(after, Err(StoreError::Closed)));
        store.clone().close().await.unwrap();
    });
    assert!(!folder.path().join("space.db-wal").exists());
    let again = Store::open(&folder.path().join("space.db"), OPTIONS).unwrap();
    assert_eq!(get(&again, "a"), Some(1));
}

#[test]
fn dropping_the_last_handle_stores_what_waits() {
    let (folder, store) = store();
    let go = hold(&store);
    let (done, answered) = sync_channel(1);
    block_on(async {
        let write = store.write(move |c| {
            settings::set(c, "a", &1)?;
            let _ = done.send(());
            Ok::<_, StoreError>(())
        });
        // Handed in, and given up.
        assert!(futures_poll(&mut Box::pin(write)).is_none());
    });
    drop(store);
    drop(go);
    answered.recv().unwrap();
    let again = Store::open(&folder.path().join("space.db"), OPTIONS).unwrap();
    // The old writer is on its way out; its transaction is seen once it is stored.
    let stored = again.write_blocking(|c| settings::get::<i64>(c, "a"));
    assert_eq!(stored.unwrap(), Some(1));
}

#[test]
fn durability_is_really_set() {
    for (durability, expected) in [(Durability::Full, 2), (Durability::Normal, 1)] {
        let folder = TempDir::new().unwrap();
        let options = Options {
            durability,
            check: Check::AfterUncleanStop,
            readers: 1,
        };
        let store = Store::open(&folder.path().join("space.db"), options).unwrap();
        let pragma = |name: &'static str| {
            store.write_blocking(move |c| {
                c.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                    .map_err(StoreError::from)
            })
        };
        assert_eq!(pragma("synchronous").unwrap(), expected);
        assert_eq!(pragma("foreign_keys").unwrap(), 1);
        assert_eq!(pragma("wal_autocheckpoint").unwrap(), 0);
        let mode = store.write_blocking(|c| {
            c.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))
                .map_err(StoreError::from)
        });
        assert_eq!(mode.unwrap(), "wal");
    }
}

#[test]
fn only_a_write_that_need_not_be_synced_is_not() {
    fn synchronous(c: &Connection) -> Result<i64, StoreError> {
        Ok(c.pragma_query_value(None, "synchronous", |row| row.get(0))?)
    }
    let (_folder, store) = store();
    let (normal, full) = (1, 2);
    assert_eq!(store.write_blocking(synchronous).unwrap(), full);
    assert_eq!(block_on(store.write_unsynced(synchronous)).unwrap(), normal);
    assert_eq!(store.write_blocking(synchronous).unwrap(), full);

    let failed = block_on(store.write_unsynced(|c| {
        settings::set(c, "failed", &1)?;
        Err::<(), _>(StoreError::Damaged("as the test wants it".into()))
    }));
    assert!(failed.is_err());
    assert_eq!(store.write_blocking(synchronous).unwrap(), full);
    block_on(store.write_unsynced(|c| settings::set(c, "kept", &1))).unwrap();
    assert_eq!(
        (get(&store, "failed"), get(&store, "kept")),
        (None, Some(1))
    );
}

#[test]
fn the_write_ahead_log_does_not_grow_for_ever_while_commit_follows_on_commit() {
    // From 64 MiB on the writer waits; a commit of one value comes on top.
    const MOST: u64 = 66 * 1024 * 1024;
    let folder = TempDir::new().unwrap();
    let options = Options {
        durability: Durability::Normal,
        check: Check::AfterUncleanStop,
        readers: 1,
    };
    let store = Store::open(&folder.path().join("space.db"), options).unwrap();
    let mut written: u64 = 0;
    for round in 0..400u64 {
        let value = round.to_string().repeat(200_000);
        written += value.len() as u64;
        store
            .write_blocking(move |c| settings::set(c, "value", &value))
            .unwrap();
    }
    let wal = std::fs::metadata(folder.path().join("space.db-wal"))
        .unwrap()
        .len();
    assert!(written > 3 * MOST, "{written} bytes are too few to tell");
    assert!(wal <= MOST, "{wal} bytes after {written}");
}

#[test]
fn a_full_disk_is_left_by_what_the_write_ahead_log_gives_back() {
    let (folder, store) = store();
    let count = |c: &Connection| -> Result<i64, StoreError> {
        Ok(c.pragma_query_value(None, "page_count", |row| row.get(0))?)
    };
    set(&store, "kept", 1).unwrap();
    let database = || {
        std::fs::metadata(folder.path().join("space.db"))
            .unwrap()
            .len()
    };
    let before = database();
    let written = store.write_blocking(move |c| {
        settings::set(c, "value", &"x".repeat(100_000))?;
        count(c)
    });
    let pages = written.unwrap();
    assert_eq!(database(), before, "too little for a checkpoint by itself");

    // No page more: the next write is not stored.
    let refused = store.write_blocking(move |c| {
        c.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        settings::set(c, "more", &"x".repeat(100_000))
    });
    assert!(refused.is_err());
    let all = u64::try_from(pages).unwrap() * PAGE;
    let deadline = Instant::now() + Duration::from_secs(60);
    while database() < all {
        assert!(Instant::now() < deadline, "all is in the log of writes yet");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(get(&store, "kept"), Some(1));
}
