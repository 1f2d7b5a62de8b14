//! How much one member, and all together, may bring.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use landline_store::is_full_with;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{enter, on_disk};
use crate::client::{Client, DEADLINE};
use crate::http::{Answer, Http, noise, read_within};
use crate::place::Place;

const GIB: u64 = 1024 * 1024 * 1024;
/// As the protocol says.
const SILENT: Duration = Duration::from_secs(60);

/// The head of a `PATCH` and its first byte; the rest never comes.
async fn hanging(http: &Http, url: &str, bytes: usize) -> TcpStream {
    let headers = [
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    let mut stream = http.begin("PATCH", url, &headers, bytes).await;
    stream.write_all(b"0").await.unwrap();
    let until = Instant::now() + DEADLINE;
    while http.offset(url).await != Some(1) {
        assert!(Instant::now() < until, "it did not begin");
    }
    stream
}

#[tokio::test]
async fn a_member_has_a_quota_and_what_is_under_way_counts() {
    let place = Place::with(|config| config.file_quota = 100_000).await;
    let (_ann, http) = enter(&place, "ann").await;
    let (_ben, of_ben) = enter(&place, "ben").await;
    let first = noise(60_000, "first");
    http.upload(&first).await;
    let url = http.begun(40_000, None).await;
    let refused = http.create(1, None).await;
    assert_eq!((refused.status, refused.code()), (413, "too_large".into()));
    assert!(refused.words().contains("100 kB"), "{}", refused.words());
    of_ben.begun(100_000, None).await;
    // The same file again costs nothing once it is whole.
    assert_eq!(http.send("DELETE", &url, &[], b"").await.status, 204);
    assert_eq!(http.create(40_001, None).await.status, 413);
    http.begun(40_000, None).await;
}

#[tokio::test]
async fn a_space_takes_files_up_to_the_size_that_it_sets() {
    let place = Place::new().await;
    let (mut ann, http) = enter(&place, "ann").await;
    let space = ann.space();
    let settings = json!({ "type": "settings", "max_file_bytes": 100 });
    ann.put(&space, settings).await.unwrap();
    let refused = http.create(101, None).await;
    assert_eq!((refused.status, refused.code()), (413, "too_large".into()));
    assert_eq!(http.create(100, None).await.status, 201);
    // Who comes now is told so.
    let ben = Client::connect(place.address(), "ben").await;
    assert_eq!(ben.welcome["limits"]["max_file_bytes"], 100);
}

#[tokio::test]
async fn files_of_a_few_bytes_are_as_few_as_the_blocks_that_they_take() {
    let place = Place::with(|config| config.file_quota = 3 * 4096).await;
    let (_ann, http) = enter(&place, "ann").await;
    http.create(0, None).await;
    http.upload(b"1").await;
    let third = http.begun(2, None).await;
    let refused = http.create(1, None).await;
    assert_eq!((refused.status, refused.code()), (413, "too_large".into()));
    http.patch(&third, 0, b"22").await;
    assert_eq!(http.create(1, None).await.status, 413);
    assert_eq!(on_disk(&place), 3);
}

#[tokio::test]
async fn so_many_uploads_of_a_member_may_be_unfinished() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let (_ben, of_ben) = enter(&place, "ben").await;
    let first = http.begun(1, None).await;
    for _ in 1..64 {
        http.begun(1, None).await;
    }
    let refused = http.create(1, None).await;
    assert_eq!(
        (refused.status, refused.code()),
        (429, "too_many_requests".into())
    );
    assert!(refused.words().contains("64"), "{}", refused.words());
    of_ben.begun(1, None).await;
    http.patch(&first, 0, b"1").await;
    http.begun(1, None).await;
}

#[tokio::test]
async fn uploads_that_are_under_way_leave_each_other_room_on_the_disk() {
    let place = Place::with(|config| config.file_quota = u64::MAX).await;
    let (mut ann, of_ann) = enter(&place, "ann").await;
    let (_ben, of_ben) = enter(&place, "ben").await;
    let bytes = most_of_the_disk(place.dir.path());
    let space = ann.space();
    let settings = json!({ "type": "settings", "max_file_bytes": bytes });
    ann.put(&space, settings).await.unwrap();
    let begun = of_ann.begun(bytes, None).await;
    let bens = of_ben.begun(bytes, None).await;
    // Begun, it takes nothing yet; under way, what is to come of it counts.
    let stream = hanging(&of_ann, &begun, bytes).await;
    for refused in [
        of_ben.create(bytes, None).await,
        of_ben.patch(&bens, 0, b"0").await,
    ] {
        let told = (refused.status, refused.code());
        assert_eq!(told, (507, "unavailable".into()), "{refused:?}");
        assert!(refused.words().contains("disk"), "{}", refused.words());
    }
    assert_eq!(of_ben.offset(&bens).await, Some(0));
    of_ben.upload(b"a small one").await;
    drop(stream);
    let until = Instant::now() + DEADLINE;
    while of_ben.patch(&bens, 0, b"0").await.status != 204 {
        assert!(Instant::now() < until, "its room is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// So much that it finds room on the disk, and not twice.
fn most_of_the_disk(folder: &Path) -> usize {
    let mut bytes = 1 << 60;
    while is_full_with(folder, bytes, GIB) {
        bytes = bytes / 4 * 3;
    }
    // What others write meanwhile makes no difference.
    usize::try_from(bytes / 8 * 7).unwrap()
}

#[tokio::test]
async fn an_upload_whose_bytes_on_the_disk_are_too_many_is_gone_and_may_begin_anew() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let url = http.begun(4, None).await;
    http.patch(&url, 0, b"fo").await;
    let name = url.rsplit('/').next().unwrap();
    let file = place.dir.path().join("files/uploads").join(name);
    std::fs::write(&file, b"others").unwrap();
    assert_eq!(http.offset(&url).await, None);
    assert_eq!(on_disk(&place), 0);
    http.upload(b"four").await;
}

#[tokio::test]
async fn one_member_can_not_take_every_place() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let (_ben, of_ben) = enter(&place, "ben").await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let url = http.begun(10, None).await;
        streams.push(hanging(&http, &url, 10).await);
    }
    let url = http.begun(1, None).await;
    let refused = http.patch(&url, 0, b"0").await;
    assert_eq!(
        (refused.status, refused.code()),
        (429, "too_many_requests".into())
    );
    assert!(!refused.header("retry-after").is_empty());
    of_ben.upload(b"ben's").await;
    drop(streams);
    let until = Instant::now() + DEADLINE;
    loop {
        let again: Answer = http.patch(&url, 0, b"0").await;
        if again.status == 204 {
            break;
        }
        assert!(Instant::now() < until, "the places are not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_falls_silent_in_a_piece_is_told_to_go_on_later() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let url = http.begun(10, None).await;
    let stream = hanging(&http, &url, 10).await;
    let answer = read_within(stream, SILENT + DEADLINE).await;
    let told = (answer.status, answer.code());
    assert_eq!(told, (408, "unavailable".into()));
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(http.offset(&url).await, Some(1), "what came is kept");
    assert_eq!(http.patch(&url, 1, b"234567890").await.status, 204);
}

#[tokio::test]
async fn all_together_have_so_many_transfers_at_a_time() {
    let place = Place::new().await;
    let mut urls = Vec::new();
    for number in 0..8 {
        let (_client, http) = enter(&place, &format!("member {number}")).await;
        for _ in 0..8 {
            urls.push((http.clone(), http.begun(10, None).await));
        }
    }
    let (_ann, http) = enter(&place, "ann").await;
    let url = http.begun(1, None).await;
    // At once, and last: the first is let go once it has been silent for so long.
    let hanging = urls.iter().map(|(http, url)| hanging(http, url, 10));
    let _streams = join_all(hanging).await;
    let refused = http.patch(&url, 0, b"0").await;
    let told = (refused.status, refused.code());
    assert_eq!(told, (503, "unavailable".into()));
    assert!(!refused.header("retry-after").is_empty());
}
