//! Files as a breaker would use them: access, hashes, ranges, what is never served, limits (`files/bounds.rs`).

mod bounds;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use landline_node::Clock;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::client::{Client, DEADLINE};
use crate::http::{Http, base64, hash, noise, read};
use crate::place::Place;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn enter(place: &Place, name: &str) -> (Client, Http) {
    let (client, answer) = Client::try_enter(place.address(), name).await.unwrap();
    let token = answer["session"].as_str().unwrap();
    (client, Http::new(place.address(), token))
}

fn with_file(hash: &str, bytes: usize) -> Value {
    json!({ "type": "message", "text": "", "files": [file(hash, bytes)] })
}

fn file(hash: &str, bytes: usize) -> Value {
    json!({ "blake3": hash, "name": "a.bin", "type": "application/zip", "bytes": bytes })
}

#[tokio::test]
async fn a_file_is_uploaded_in_pieces_named_and_downloaded_by_the_others() {
    let place = Place::new().await;
    let (mut ann, of_ann) = enter(&place, "ann").await;
    let (_ben, of_ben) = enter(&place, "ben").await;
    let general = ann.general().await;
    let bytes = noise(300_000, "a");
    let url = of_ann.begun(bytes.len(), Some(&hash(&bytes))).await;
    assert_eq!(of_ann.offset(&url).await, Some(0));
    let first = of_ann.patch(&url, 0, &bytes[..100_000]).await;
    assert_eq!(
        (first.status, first.header("upload-offset")),
        (204, "100000")
    );
    assert_eq!(first.header("landline-blake3"), "");
    let last = of_ann.patch(&url, 100_000, &bytes[100_000..]).await;
    assert_eq!(last.header("landline-blake3"), hash(&bytes));
    assert_eq!(last.header("tus-resumable"), "1.0.0");
    assert!(last.header("upload-expires").ends_with("GMT"));
    assert_eq!(of_ann.offset(&url).await, Some(bytes.len()), "asked again");

    assert_eq!(of_ann.get(&hash(&bytes)).await.body, bytes, "one's own");
    assert_eq!(of_ben.get(&hash(&bytes)).await.status, 404, "not named yet");
    ann.put(&general, with_file(&hash(&bytes), bytes.len()))
        .await
        .unwrap();
    assert_eq!(of_ben.get(&hash(&bytes)).await.body, bytes);
}

#[tokio::test]
async fn parts_of_a_file_are_served_as_http_says() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let bytes = noise(1000, "parts");
    let hash = http.upload(&bytes).await;
    let path = format!("/files/{hash}");
    let part = async |range: &str, more: &[(&str, &str)]| {
        let mut headers = vec![("Range", range)];
        headers.extend(more);
        http.send("GET", &path, &headers, b"").await
    };
    let middle = part("bytes=100-199", &[]).await;
    assert_eq!((middle.status, &middle.body[..]), (206, &bytes[100..200]));
    assert_eq!(middle.header("content-range"), "bytes 100-199/1000");
    assert_eq!(part("bytes=-1", &[]).await.body, bytes[999..]);
    assert_eq!(part("bytes=990-5000", &[]).await.body, bytes[990..]);
    let beyond = part("bytes=1000-", &[]).await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, "bytes */1000")
    );
    let odd = part("bytes=7-3", &[]).await;
    assert_eq!((odd.status, odd.body.len()), (200, 1000));
    let tag = format!("\"{hash}\"");
    assert_eq!(part("bytes=0-0", &[("If-Range", &tag)]).await.status, 206);
    assert_eq!(
        part("bytes=0-0", &[("If-Range", "\"other\"")]).await.status,
        200
    );
    let same = http
        .send("GET", &path, &[("If-None-Match", &tag)], b"")
        .await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    let head = http.send("HEAD", &path, &[], b"").await;
    assert_eq!((head.status, head.header("content-length")), (200, "1000"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn whatever_the_bytes_are_they_are_an_attachment_of_no_kind() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    for page in [
        "<!DOCTYPE html><script>alert(1)</script>",
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    ] {
        let hash = http.upload(page.as_bytes()).await;
        let got = http.get(&hash).await;
        assert_eq!(got.body, page.as_bytes());
        assert_eq!(got.header("content-type"), "application/octet-stream");
        assert_eq!(got.header("content-disposition"), "attachment");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(got.header("content-security-policy").contains("sandbox"));
    }
}

#[tokio::test]
async fn only_members_of_a_room_where_it_is_named_may_have_a_file() {
    let place = Place::new().await;
    let (mut ann, of_ann) = enter(&place, "ann").await;
    let (mut ben, of_ben) = enter(&place, "ben").await;
    let (mut cho, of_cho) = enter(&place, "cho").await;
    let bytes = noise(5000, "secret");
    let hash = of_ann.upload(&bytes).await;
    let private = ann
        .make_room("private", "secret", &[&ann.id(), &ben.id()])
        .await;
    let named = ann.put(&private, with_file(&hash, 5000)).await.unwrap();
    assert_eq!(of_ben.get(&hash).await.status, 200);
    assert_eq!(of_cho.get(&hash).await.status, 404);

    // Knowing the hash is not having the file: naming it elsewhere opens it to nobody.
    let general = cho.general().await;
    let refused = cho.put(&general, with_file(&hash, 5000)).await;
    assert_eq!(refused, Err("not_found".to_owned()));
    let space = cho.space();
    let profile = json!({ "type": "profile", "avatar": hash });
    assert_eq!(cho.put(&space, profile).await, Err("not_found".to_owned()));
    assert_eq!(of_cho.get(&hash).await.status, 404);
    // An upload is not spared by announcing a hash, either.
    let url = of_cho.begun(5000, Some(&hash)).await;
    assert_eq!(of_cho.offset(&url).await, Some(0));
    assert_eq!(of_cho.get(&hash).await.status, 404);

    // Whoever may read it may name it; whoever is removed loses it.
    ben.put(&general, with_file(&hash, 5000)).await.unwrap();
    assert_eq!(of_cho.get(&hash).await.status, 200);
    let other = noise(10, "other");
    let other = of_ann.upload(&other).await;
    ann.put(&private, with_file(&other, 10)).await.unwrap();
    assert_eq!(of_ben.get(&other).await.status, 200);
    let removed = json!({ "type": "removed", "member": ben.id() });
    ann.put(&private, removed).await.unwrap();
    assert_eq!(of_ben.get(&other).await.status, 404);
    let refused = ben.put(&general, with_file(&other, 10)).await;
    assert_eq!(refused, Err("not_found".to_owned()));

    // A message that is deleted names nothing any more.
    let lone = of_ann.upload(&noise(10, "lone")).await;
    let message = ann.put(&general, with_file(&lone, 10)).await.unwrap();
    assert_eq!(of_cho.get(&lone).await.status, 200);
    let delete = json!({ "type": "delete", "target": message["id"] });
    ann.put(&general, delete).await.unwrap();
    let until = Instant::now() + DEADLINE;
    while of_cho.get(&lone).await.status != 404 {
        assert!(Instant::now() < until, "a deleted file is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(named["seq"], 2);
}

#[tokio::test]
async fn a_message_tells_the_size_of_its_files_truly() {
    let place = Place::new().await;
    let (mut ann, http) = enter(&place, "ann").await;
    let general = ann.general().await;
    let hash = http.upload(b"four").await;
    let refused = ann.put(&general, with_file(&hash, 5)).await;
    assert_eq!(refused, Err("bad_request".to_owned()));
    let unknown = with_file(&"0".repeat(64), 4);
    assert_eq!(
        ann.put(&general, unknown).await,
        Err("not_found".to_owned())
    );
    ann.put(&general, with_file(&hash, 4)).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_is_not_what_was_announced_is_discarded() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let url = http.begun(4, Some(&"a".repeat(64))).await;
    let last = http.patch(&url, 0, b"four").await;
    assert_eq!((last.status, last.code()), (460, "conflict".to_owned()));
    assert_eq!(http.offset(&url).await, None);
    assert_eq!(http.get(&hash(b"four")).await.status, 404);
    assert_eq!(on_disk(&place), 0, "nothing of it is kept");
}

#[tokio::test]
async fn the_same_file_of_two_people_is_kept_once() {
    let place = Place::new().await;
    let (_ann, of_ann) = enter(&place, "ann").await;
    let (_ben, of_ben) = enter(&place, "ben").await;
    let bytes = noise(100_000, "same");
    assert_eq!(of_ann.upload(&bytes).await, of_ben.upload(&bytes).await);
    assert_eq!(on_disk(&place), 1);
    assert_eq!(of_ben.get(&hash(&bytes)).await.body, bytes);
}

#[tokio::test]
async fn an_empty_file_is_whole_at_once() {
    let place = Place::new().await;
    let (mut ann, http) = enter(&place, "ann").await;
    let general = ann.general().await;
    let created = http.create(0, None).await;
    assert_eq!(created.header("landline-blake3"), hash(b""));
    ann.put(&general, with_file(&hash(b""), 0)).await.unwrap();
    assert_eq!(http.get(&hash(b"")).await.status, 200);
}

#[tokio::test]
async fn what_is_cut_off_goes_on_where_it_was_also_after_a_restart() {
    let mut place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let bytes = noise(2_000_000, "cut");
    let url = http.begun(bytes.len(), Some(&hash(&bytes))).await;
    let headers = [
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    let mut stream = http.begin("PATCH", &url, &headers, bytes.len()).await;
    stream.write_all(&bytes[..700_000]).await.unwrap();
    // It still hangs there, half-open, when the client comes again.
    let until = Instant::now() + DEADLINE;
    let mut offset = 0;
    while offset < 700_000 {
        assert!(Instant::now() < until, "only {offset} bytes came");
        offset = http.offset(&url).await.unwrap();
    }
    let more = http.patch(&url, offset, &bytes[offset..1_500_000]).await;
    assert_eq!(
        (more.status, more.header("upload-offset")),
        (204, "1500000")
    );
    drop(stream);
    place.restart().await;
    let (_ann, http) = enter(&place, "ann").await;
    assert_eq!(http.offset(&url).await, Some(1_500_000));
    let last = http.patch(&url, 1_500_000, &bytes[1_500_000..]).await;
    assert_eq!(last.header("landline-blake3"), hash(&bytes));
    assert_eq!(http.get(&hash(&bytes)).await.body, bytes);
}

#[tokio::test]
async fn all_who_ask_at_once_how_far_a_whole_upload_is_hear_of_the_same_file() {
    let mut place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let bytes = noise(1_000_000, "whole");
    let url = http.begun(bytes.len(), None).await;
    http.patch(&url, 0, &bytes[..600_000]).await;
    place.stop().await;
    // What a node leaves that ends between the last piece and the name.
    let name = url.rsplit('/').next().unwrap();
    let file = place.dir.path().join("files/uploads").join(name);
    std::fs::write(file, &bytes).unwrap();
    place.start(|_| {}).await;
    let (_ann, http) = enter(&place, "ann").await;
    let tus = [("Tus-Resumable", "1.0.0")];
    let asked = (0..4).map(|_| http.send("HEAD", &url, &tus, b""));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.header("landline-blake3"), hash(&bytes));
    }
    assert_eq!(http.get(&hash(&bytes)).await.body, bytes);
}

#[tokio::test]
async fn a_file_that_the_disk_has_lost_is_not_there_until_it_is_brought_again() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let bytes = noise(10_000, "lost");
    let hash = http.upload(&bytes).await;
    let path = format!("/files/{hash}");
    let head = async || http.send("HEAD", &path, &[], b"").await.status;
    let file = place.dir.path().join("files").join(&hash[..2]).join(&hash);
    std::fs::write(&file, &bytes[..99]).unwrap();
    assert_eq!(head().await, 404, "cut short");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(head().await, 404);
    assert_eq!(http.upload(&bytes).await, hash);
    assert_eq!(head().await, 200);
    assert_eq!(http.get(&hash).await.body, bytes);
}

#[tokio::test]
async fn wrong_uploads_are_refused_in_words_and_change_nothing() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let (_ben, of_ben) = enter(&place, "ben").await;
    let url = http.begun(10, None).await;
    http.patch(&url, 0, b"01234").await;
    let wrong_offset = http.patch(&url, 3, b"34567").await;
    assert_eq!(
        (wrong_offset.status, wrong_offset.code()),
        (409, "conflict".into())
    );
    let too_much = http.patch(&url, 5, b"56789abc").await;
    assert_eq!(
        (too_much.status, too_much.code()),
        (413, "too_large".into())
    );
    let kind = http
        .send(
            "PATCH",
            &url,
            &[("Upload-Offset", "5"), ("Content-Type", "text/plain")],
            b"5",
        )
        .await;
    assert_eq!(kind.status, 415);
    assert_eq!(of_ben.offset(&url).await, None, "another's upload");
    assert_eq!(of_ben.patch(&url, 5, b"56789").await.status, 404);
    assert_eq!(of_ben.send("DELETE", &url, &[], b"").await.status, 404);
    assert_eq!(http.offset(&url).await, Some(5));

    for (headers, status) in [
        (vec![], 400),
        (vec![("Upload-Length", "-1")], 400),
        (vec![("Upload-Length", "ten")], 400),
        (vec![("Upload-Length", "99999999999999999999")], 400),
        (vec![("Upload-Length", "2147483649")], 413),
        (
            vec![("Upload-Length", "1"), ("Upload-Metadata", "name ///")],
            400,
        ),
    ] {
        let refused = http.send("POST", "/files", &headers, b"").await;
        assert_eq!(refused.status, status, "{headers:?}");
        assert!(!refused.words().is_empty());
    }
    let announced = format!("blake3 {}", base64("../../etc/passwd"));
    let refused = http
        .send(
            "POST",
            "/files",
            &[("Upload-Length", "1"), ("Upload-Metadata", &announced)],
            b"",
        )
        .await;
    assert_eq!(refused.status, 400);
    for path in [
        "/files/..%2f..%2fnode.key",
        "/files/uploads/..%2f..%2fnode.key",
        "/files/uploads/x",
        "/files/abc",
    ] {
        let method = if path.contains("uploads") {
            "HEAD"
        } else {
            "GET"
        };
        assert_eq!(
            http.send(method, path, &[], b"").await.status,
            404,
            "{path}"
        );
    }
    // Told away, it is gone.
    assert_eq!(http.send("DELETE", &url, &[], b"").await.status, 204);
    assert_eq!(http.offset(&url).await, None);
}

#[tokio::test]
async fn a_client_of_another_tus_is_told_which_is_spoken_here() {
    let place = Place::new().await;
    let (_ann, http) = enter(&place, "ann").await;
    let options = http.send("OPTIONS", "/files", &[], b"").await;
    assert_eq!(
        (options.status, options.header("tus-version")),
        (204, "1.0.0")
    );
    assert_eq!(
        options.header("tus-extension"),
        "creation,expiration,termination"
    );
    let mut stream = tokio::net::TcpStream::connect(place.address())
        .await
        .unwrap();
    let head = format!(
        "POST /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 0.2.1\r\nContent-Length: 0\r\nAuthorization: Bearer {}\r\n\r\n",
        http.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let refused = read(stream, false).await;
    assert_eq!(
        (refused.status, refused.header("tus-version")),
        (412, "1.0.0")
    );
    // A browser's form can only post.
    let url = http.begun(4, None).await;
    let headers = [
        ("X-HTTP-Method-Override", "PATCH"),
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    let last = http.send("POST", &url, &headers, b"four").await;
    assert_eq!(
        (last.status, last.header("landline-blake3")),
        (204, &*hash(b"four"))
    );
}

#[tokio::test]
async fn a_token_is_good_for_a_day_for_members_only_also_after_a_restart() {
    let now = Arc::new(AtomicI64::new(1_763_640_000_000));
    let clock = |now: &Arc<AtomicI64>| {
        let now = now.clone();
        Clock::new(move || now.load(Ordering::SeqCst))
    };
    let mut place = Place::with(|config| config.clock = clock(&now)).await;
    let (mut ann, of_ann) = enter(&place, "ann").await;
    let (ben, of_ben) = enter(&place, "ben").await;
    let (mut cho, of_cho) = enter(&place, "cho").await;
    let hash = of_ann.upload(b"four").await;
    let general = ann.general().await;
    ann.put(&general, with_file(&hash, 4)).await.unwrap();
    for token in [
        "",
        "x",
        &"x".repeat(43),
        &format!("{}\"", &of_ben.token[..42]),
    ] {
        let stranger = Http::new(place.address(), token);
        let refused = stranger.get(&hash).await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "not_signed_in".into())
        );
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        assert_eq!(stranger.create(1, None).await.status, 401);
    }
    assert_eq!(of_ben.get(&hash).await.status, 200);
    let space = ann.space();
    let ban = json!({ "type": "banned", "member": ben.id(), "on": true });
    ann.put(&space, ban).await.unwrap();
    assert_eq!(of_ben.get(&hash).await.status, 401);
    cho.put(&space, json!({ "type": "left" })).await.unwrap();
    assert_eq!(of_cho.get(&hash).await.status, 401);
    place.stop().await;
    place.start(|config| config.clock = clock(&now)).await;
    let here = |http: &Http| Http::new(place.address(), &http.token);
    let (of_ann, of_ben) = (here(&of_ann), here(&of_ben));
    assert_eq!(of_ann.get(&hash).await.status, 200);
    assert_eq!(of_ben.get(&hash).await.status, 401);
    now.fetch_add(DAY_MS, Ordering::SeqCst);
    assert_eq!(of_ann.get(&hash).await.status, 401);
}

#[tokio::test]
async fn what_no_message_names_is_taken_away_after_a_week() {
    let now = Arc::new(AtomicI64::new(1_763_640_000_000));
    let clock = |now: &Arc<AtomicI64>| {
        let now = now.clone();
        Clock::new(move || now.load(Ordering::SeqCst))
    };
    let mut place = Place::with(|config| config.clock = clock(&now)).await;
    let (mut ann, http) = enter(&place, "ann").await;
    let general = ann.general().await;
    let named = http.upload(b"named").await;
    ann.put(&general, with_file(&named, 5)).await.unwrap();
    let unnamed = http.upload(b"unnamed").await;
    let begun = http.begun(10, None).await;
    http.patch(&begun, 0, b"01234").await;
    assert_eq!(on_disk(&place), 3);
    now.fetch_add(7 * DAY_MS + 1, Ordering::SeqCst);
    place.stop().await;
    place.start(|config| config.clock = clock(&now)).await;
    let (_ann, http) = enter(&place, "ann").await;
    let until = Instant::now() + DEADLINE;
    while on_disk(&place) > 1 {
        assert!(Instant::now() < until, "still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(http.get(&named).await.body, b"named");
    assert_eq!(http.get(&unnamed).await.status, 404);
    assert_eq!(http.offset(&begun).await, None);
}

/// Files on the node's disk, whole or not.
fn on_disk(place: &Place) -> usize {
    let folders = std::fs::read_dir(place.dir.path().join("files")).unwrap();
    folders
        .map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count())
        .sum()
}
