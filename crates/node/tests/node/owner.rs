//! The data folder is its owner's alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, DEADLINE};
use crate::http::Http;
use crate::place::Place;

/// Everything in a folder that somebody else may read, write or look into, with its mode.
fn open_to_others(path: &Path, found: &mut Vec<(PathBuf, u32)>) {
    // One that is gone by now (SQLite takes some away) is open to nobody.
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        found.push((path.to_owned(), mode));
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            open_to_others(&entry.unwrap().path(), found);
        }
    }
}

fn nothing_is_open_to_others(path: &Path) {
    let mut found = Vec::new();
    open_to_others(path, &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn nothing_in_a_new_data_folder_is_for_others_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("not there").join("yet");
    let mut place = Place::with(|config| {
        config.data_dir = data.clone();
        config.copy_every = Some(Duration::from_millis(300));
    })
    .await;
    let (mut ann, answer) = Client::try_enter(place.address(), "ann").await.unwrap();
    let general = ann.general().await;
    ann.say(&general, "for those in the space").await;
    let http = Http::new(place.address(), answer["session"].as_str().unwrap());
    http.upload(b"a file").await;
    http.begun(9, None).await;
    let until = Instant::now() + DEADLINE;
    while !data.join("copies/2.sqlite").exists() {
        assert!(Instant::now() < until, "no copy was made");
        ann.say(&general, "more to copy").await;
        nothing_is_open_to_others(&data);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(data.join("node.sqlite-wal").exists());
    place.stop().await;
    nothing_is_open_to_others(&data);

    // Nor what is set aside, and what is put in its place.
    fs::write(data.join("damaged"), b"said by the test").unwrap();
    fs::set_permissions(data.join("damaged"), fs::Permissions::from_mode(0o600)).unwrap();
    place.start(|config| config.data_dir = data.clone()).await;
    assert!(data.join("node.sqlite.damaged-1").exists());
    let mut ann = Client::enter(place.address(), "ann").await;
    ann.ask("fetch", json!({ "room": general, "limit": 1 }))
        .await
        .unwrap();
    nothing_is_open_to_others(&data);
}
