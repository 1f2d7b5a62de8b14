//! Copies of a store that stays in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use landline_store::{Store, StoreError, settings};

use crate::support::{OPTIONS, block_on, store};

/// For anything that must happen. Far longer than it takes, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

#[test]
fn a_backup_is_whole_while_the_store_is_in_use() {
    let (folder, store) = store();
    let to = folder.path().join("copy.db");
    std::fs::write(&to, "an older copy").unwrap();
    store.write_blocking(|c| settings::set(c, "a", &1)).unwrap();
    block_on(async {
        let writes = async {
            for number in 2..50 {
                store
                    .write(move |c| settings::set(c, "a", &number))
                    .await
                    .unwrap();
            }
        };
        let (backup, ()) = tokio::join!(store.backup(to.clone()), writes);
        backup.unwrap();
    });
    let copy = Store::open(&to, OPTIONS).unwrap();
    block_on(copy.check()).unwrap();
    let value = copy
        .read_blocking(|c| settings::get::<i64>(c, "a"))
        .unwrap()
        .unwrap();
    assert!((1..50).contains(&value));
    assert!(!folder.path().join("copy.db.partial").exists());
}

#[test]
fn a_backup_that_can_not_be_written_says_where() {
    let (folder, store) = store();
    let to = folder.path().join("nowhere").join("copy.db");
    let error = block_on(store.backup(to)).unwrap_err();
    assert!(matches!(error, StoreError::NotWritable(_)), "{error}");
}

#[test]
fn a_backup_of_a_large_store_ends_while_commit_follows_on_commit() {
    let (folder, store) = store();
    let large = |number: i64| number.to_string().repeat(500_000);
    store
        .write_blocking(move |c| {
            (10..60)
                .try_for_each(|number| settings::set(c, &format!("large {number}"), &large(number)))
        })
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writes = std::thread::spawn({
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        move || {
            let mut last = 0;
            while !stop.load(Relaxed) {
                last += 1;
                store
                    .write_blocking(move |c| settings::set(c, "a", &last))
                    .unwrap();
            }
            last
        }
    });
    let to = folder.path().join("copy.db");
    let made = block_on(async { tokio::time::timeout(DEADLINE, store.backup(to.clone())).await });
    stop.store(true, Relaxed);
    let last: i64 = writes.join().unwrap();
    made.expect("a copy in time").unwrap();

    let copy = Store::open(&to, OPTIONS).unwrap();
    block_on(copy.check()).unwrap();
    copy.read_blocking(move |c| {
        for number in 10..60 {
            let value: Option<String> = settings::get(c, &format!("large {number}"))?;
            assert!(value == Some(large(number)), "{number}");
        }
        // Of one moment, while it was written to.
        let written: Option<i64> = settings::get(c, "a")?;
        assert!(written.unwrap_or(0) < last);
        Ok::<_, StoreError>(())
    })
    .unwrap();
}
