//! Files between people: the same bytes on every side, in order, through kills and cuts, and to
//! nobody else.

mod given_up;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use landline_client::command::{FetchFile, TransferNamed};
use landline_client::ui::{ItemState, MessageView, TransferState, TransferView, TransferWay};
use landline_protocol::{Code, EventId, FileHash, RoomId, RoomKind};
use landline_tests::cli::Cli;
use landline_tests::deadline::eventually;
use landline_tests::proxy::Weather;
use landline_tests::screen::SpaceOnScreen;
use landline_tests::{Lan, Node, Person, logs};

/// Bytes that are like no others.
pub(super) fn noise(bytes: usize, seed: &str) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(seed.as_bytes())
        .finalize_xof()
        .fill(&mut noise);
    noise
}

pub(super) fn hash(bytes: &[u8]) -> FileHash {
    FileHash::from_bytes(*blake3::hash(bytes).as_bytes())
}

/// A PNG of one colour.
fn png(width: u32, height: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let size = format!("{width}x{height}");
    let made = std::process::Command::new("convert")
        .args(["-size", &size, "xc:#D9482B"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success(), "imagemagick makes the picture");
    fs::read(path).unwrap()
}

async fn two(lan: &Lan) -> (Person, Person, RoomId) {
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    ben.room("general").await;
    (ana, ben, general)
}

fn transfer(space: &SpaceOnScreen, way: TransferWay) -> Option<&TransferView> {
    space
        .transfers
        .values()
        .find(|transfer| transfer.way == way)
}

async fn is(person: &Person, way: TransferWay, state: TransferState) -> TransferView {
    person
        .sees(&format!("{way:?} {state:?}"), |space| {
            transfer(space, way)
                .filter(|transfer| transfer.state == state)
                .cloned()
        })
        .await
}

/// Waits until something of an upload has come to the node's disk, and not all of it.
async fn has_begun(node: &Node, bytes: u64) {
    let uploads = node.data().join("files/uploads");
    eventually("an upload has begun", async || {
        let received: u64 = fs::read_dir(&uploads)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
            .sum();
        (received > 0 && received < bytes).then_some(())
    })
    .await;
}

/// The files in a folder of files, by their paths.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut kept = Vec::new();
    for folder in fs::read_dir(folder).into_iter().flatten() {
        let files = fs::read_dir(folder.unwrap().path()).unwrap();
        kept.extend(files.map(|file| file.unwrap().path()));
    }
    kept
}

pub(super) async fn sees_files(person: &Person, event: EventId, count: usize) -> MessageView {
    person
        .sees_message(event, "its files", |view| view.files.len() == count)
        .await;
    let found = landline_client::command::ItemNamed {
        space: person.space(),
        id: event,
    };
    let item = person.client().item(found).await.unwrap().item.unwrap();
    match item.body {
        landline_client::ui::ItemBody::Message(view) => view,
        landline_client::ui::ItemBody::System { .. } => panic!("no message"),
    }
}

pub(super) async fn accepted(person: &Person, event: EventId) {
    person
        .sees_in_the_end("accepted", |space| {
            let items = space.items.values().flatten();
            let mut mine = items.filter(|item| item.id == event);
            mine.any(|item| item.state == ItemState::Accepted)
                .then_some(())
        })
        .await;
}

#[tokio::test]
async fn pictures_and_other_files_come_to_the_others_as_they_were() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    let (picture, other) = (png(320, 200), noise(2_000_000, "other"));
    let first = ana
        .attaches(general, "/home/ana/kettle.png", &picture)
        .await
        .unwrap();
    assert_eq!(
        (first.name.as_str(), first.width, first.height),
        ("kettle.png", Some(320), Some(200))
    );
    assert!(first.preview.is_some());
    let second = ana
        .attaches(general, "../../notes.bin", &other)
        .await
        .unwrap();
    assert_eq!((second.name.as_str(), second.width), ("notes.bin", None));
    let event = ana
        .posts_files(general, "look", &[first.id, second.id])
        .await
        .unwrap();
    ana.sees("the draft is empty", |space| {
        space.attachments.get(&general)?.is_empty().then_some(())
    })
    .await;
    let view = sees_files(&ben, event, 2).await;
    assert_eq!(view.text, "look");
    assert_eq!(
        (view.files[0].media_type.as_str(), view.files[0].width),
        ("image/png", Some(320))
    );
    assert!(
        ben.client()
            .local_file(ben.space(), event, hash(&picture))
            .await
            .is_none()
    );
    assert_eq!(
        ben.reads_file(event, hash(&picture)).await.unwrap(),
        picture
    );
    assert_eq!(ben.reads_file(event, hash(&other)).await.unwrap(), other);
    let local = ben
        .client()
        .local_file(ben.space(), event, hash(&picture))
        .await
        .unwrap();
    assert_eq!(
        (local.media_type.as_str(), local.bytes),
        ("image/png", picture.len() as u64)
    );
    let fetch = FetchFile {
        space: ben.space(),
        event,
        blake3: hash(&other),
    };
    let here = ben.client().fetch_file(fetch).await.unwrap().transfer;
    assert_eq!(here.state, TransferState::Done);
    let elsewhere = ana.reads_file(event, hash(b"another")).await.unwrap_err();
    assert_eq!(elsewhere.code, Code::NotFound);
}

#[tokio::test]
async fn what_is_attached_without_a_link_survives_a_restart_and_goes_out_in_order() {
    let lan = Lan::start();
    let (mut ana, ben, general) = two(&lan).await;
    let aside = ana.create_room(RoomKind::Public, "aside", &[]).await;
    ana.all_sent().await;
    ben.join_room(aside).await;
    ana.cut();
    ana.disconnected().await;
    let bytes = noise(700_000, "offline");
    let attached = ana.attaches(general, "plan.bin", &bytes).await.unwrap();
    ana.start_again().await;
    ana.sees("the draft is still there", |space| {
        let [one] = space.attachments.get(&general)?.as_slice() else {
            return None;
        };
        assert_eq!(one, &attached);
        Some(())
    })
    .await;
    ana.write(general, "before").await;
    let event = ana
        .posts_files(general, "the plan", &[attached.id])
        .await
        .unwrap();
    ana.write(general, "after").await;
    ana.write(aside, "elsewhere").await;
    is(&ana, TransferWay::Up, TransferState::Waiting).await;
    ana.start_again().await;
    ana.heal();
    ana.all_sent().await;
    ben.reads_texts(general, &["before", "the plan", "after"])
        .await;
    ben.reads_texts(aside, &["elsewhere"]).await;
    sees_files(&ben, event, 1).await;
    assert_eq!(ben.reads_file(event, hash(&bytes)).await.unwrap(), bytes);
    logs::assert_whole(&logs::events(&lan.node.database()));
}

#[tokio::test]
async fn other_rooms_pass_a_message_that_waits_for_its_upload_and_it_can_be_paused() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    let aside = ana.create_room(RoomKind::Public, "aside", &[]).await;
    ana.all_sent().await;
    ben.join_room(aside).await;
    ana.proxy().set(Weather::Delay(Duration::from_millis(10)));
    let bytes = noise(30_000_000, "large");
    let event = ana.sends_file(general, "large.bin", &bytes).await;
    ana.write(general, "behind it").await;
    let up = is(&ana, TransferWay::Up, TransferState::Running).await;
    let named = TransferNamed {
        space: ana.space(),
        id: up.id,
    };
    ana.client().pause_transfer(named.clone()).await.unwrap();
    is(&ana, TransferWay::Up, TransferState::Paused).await;
    ana.write(aside, "passes").await;
    ben.reads_texts(aside, &["passes"]).await;
    ben.reads_texts(general, &[] as &[&str]).await;
    ana.proxy().set(Weather::Fair);
    ana.client().resume_transfer(named).await.unwrap();
    accepted(&ana, event).await;
    ben.reads_texts(general, &["", "behind it"]).await;
    assert_eq!(ben.reads_file(event, hash(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn an_upload_goes_on_after_the_node_is_killed_in_its_midst() {
    let mut lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    ana.proxy().set(Weather::Delay(Duration::from_millis(10)));
    let bytes = noise(40_000_000, "killed node");
    let event = ana.sends_file(general, "large.bin", &bytes).await;
    for _ in 0..2 {
        has_begun(&lan.node, bytes.len() as u64).await;
        lan.node.kill();
        lan.node.start_again();
    }
    let uploads = lan.node.data().join("files/uploads");
    assert_eq!(
        fs::read_dir(&uploads).unwrap().count(),
        1,
        "the same upload goes on"
    );
    ana.proxy().set(Weather::Fair);
    accepted(&ana, event).await;
    sees_files(&ben, event, 1).await;
    // The download is cut again and again, and goes on too.
    ben.cut_after(9_000_000);
    let read = ben.reads_file(event, hash(&bytes)).await.unwrap();
    ben.heal();
    assert!(read == bytes, "the same bytes");
    assert_eq!(fs::read_dir(&uploads).unwrap().count(), 0);
}

#[tokio::test]
async fn a_sender_that_is_killed_in_the_midst_of_an_upload_sends_once_in_the_end() {
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let general = ana.room("general").await;
    let ben = Cli::new(&lan.folder("ben"));
    let proxy = landline_tests::proxy::Proxy::start(lan.node.address())
        .await
        .unwrap();
    proxy.set(Weather::Delay(Duration::from_millis(10)));
    ben.run(&["join", &proxy.address().to_string(), "--name", "ben"])
        .await;
    let bytes = noise(40_000_000, "killed client");
    let path = lan.folder("large.bin");
    fs::write(&path, &bytes).unwrap();
    let path = path.to_string_lossy().into_owned();
    let mut sending = ben.spawn(&["upload", "general", &path, "--text", "large", "--wait"]);
    has_begun(&lan.node, bytes.len() as u64).await;
    sending.kill().await.unwrap();
    // The original may go: its bytes were taken.
    fs::remove_file(lan.folder("large.bin")).unwrap();
    proxy.set(Weather::Fair);
    eventually("it has gone out", async || {
        (ben.run(&["status"]).await["spaces"][0]["queued"] == 0).then_some(())
    })
    .await;
    ana.reads_texts(general, &["large"]).await;
    let event = ana.timeline(general).await.pop().unwrap().id;
    assert!(ana.reads_file(event, hash(&bytes)).await.unwrap() == bytes);
}

#[tokio::test]
async fn the_same_file_of_two_people_is_on_the_nodes_disk_once_and_goes_when_nobody_names_it() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    let bytes = noise(100_000, "same");
    let one = ana.sends_file(general, "a.bin", &bytes).await;
    let two = ben.sends_file(general, "b.bin", &bytes).await;
    ana.all_sent().await;
    ben.all_sent().await;
    sees_files(&ana, two, 1).await;
    sees_files(&ben, one, 1).await;
    let of_node = lan.node.data().join("files");
    assert_eq!(kept(&of_node).len(), 1);
    let of_ana = lan
        .folder("ana")
        .join(format!("spaces/{}/files", ana.space()));
    assert_eq!(kept(&of_ana).len(), 1);
    ana.deletes(general, one).await.unwrap();
    ana.sees_message(one, "deleted", |view| view.deleted).await;
    assert_eq!(ana.reads_file(two, hash(&bytes)).await.unwrap(), bytes);
    ben.deletes(general, two).await.unwrap();
    eventually("nothing of it is left with ana", async || {
        kept(&of_ana).is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_damaged_at_the_node_is_never_taken_for_what_it_was() {
    let lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    let bytes = noise(100_000, "damaged");
    let event = ana.sends_file(general, "a.bin", &bytes).await;
    sees_files(&ben, event, 1).await;
    let [path] = &kept(&lan.node.data().join("files"))[..] else {
        panic!("one file");
    };
    let mut damaged = bytes.clone();
    damaged[50_000] ^= 1;
    fs::write(path, &damaged).unwrap();
    let refusal = ben.reads_file(event, hash(&bytes)).await.unwrap_err();
    assert_eq!(refusal.code, Code::Conflict);
    let of_ben = lan
        .folder("ben")
        .join(format!("spaces/{}/files", ben.space()));
    assert!(kept(&of_ben).is_empty(), "nothing of it is kept");
    // Put right, it is fetched.
    fs::write(path, &bytes).unwrap();
    assert_eq!(ben.reads_file(event, hash(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_node_that_has_lost_files_gets_them_again_from_who_sent_them() {
    let mut lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    ana.write(general, "before").await;
    ben.reads_texts(general, &["before"]).await;
    lan.node.stop();
    let old = lan.folder("old");
    fs::copy(lan.node.database(), &old).unwrap();
    lan.node.start_again();
    let bytes = noise(300_000, "lost");
    let event = ana.sends_file(general, "a.bin", &bytes).await;
    sees_files(&ben, event, 1).await;
    lan.node.stop();
    fs::copy(&old, lan.node.database()).unwrap();
    fs::remove_dir_all(lan.node.data().join("files")).unwrap();
    lan.node.start_again();
    ben.reads_texts(general, &["before", ""]).await;
    eventually("it is at the node again", async || {
        (kept(&lan.node.data().join("files")).len() == 1).then_some(())
    })
    .await;
    let cho = lan.person("cho").await;
    sees_files(&cho, event, 1).await;
    assert_eq!(cho.reads_file(event, hash(&bytes)).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_file_that_the_node_lost_before_its_message_was_sent_is_uploaded_again() {
    let mut lan = Lan::start();
    let (ana, ben, general) = two(&lan).await;
    lan.node.stop();
    let old = lan.folder("old");
    fs::copy(lan.node.database(), &old).unwrap();
    let (small, large) = (noise(1000, "small"), noise(300_000, "large"));
    let mut ids = Vec::new();
    for bytes in [&small, &large] {
        ids.push(ana.attaches(general, "a.bin", bytes).await.unwrap().id);
    }
    let event = ana.posts_files(general, "both", &ids).await.unwrap();
    let id = ana
        .sees("the larger upload", |space| {
            let mut all = space.transfers.values();
            all.find(|one| one.bytes == 300_000).map(|one| one.id)
        })
        .await;
    let named = TransferNamed {
        space: ana.space(),
        id,
    };
    ana.client().pause_transfer(named.clone()).await.unwrap();
    lan.node.start_again();
    let files = lan.node.data().join("files");
    eventually("the small one is at the node", async || {
        (kept(&files)
            == [files
                .join(&hash(&small).to_string()[..2])
                .join(hash(&small).to_string())])
        .then_some(())
    })
    .await;
    ana.sees("the small one done", |space| {
        let mut all = space.transfers.values();
        all.all(|one| one.bytes != 1000 || one.state == TransferState::Done)
            .then_some(())
    })
    .await;
    lan.node.stop();
    fs::copy(&old, lan.node.database()).unwrap();
    fs::remove_dir_all(&files).unwrap();
    lan.node.start_again();
    ana.client().resume_transfer(named).await.unwrap();
    accepted(&ana, event).await;
    sees_files(&ben, event, 2).await;
    for bytes in [&small, &large] {
        assert_eq!(&ben.reads_file(event, hash(bytes)).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn files_go_and_come_by_commands() {
    let lan = Lan::start();
    let address = lan.node.address().to_string();
    let (ana, ben) = (Cli::new(&lan.folder("ana")), Cli::new(&lan.folder("ben")));
    ana.run(&["join", &address, "--name", "ana"]).await;
    ben.run(&["join", &address, "--name", "ben"]).await;
    let (here, there) = (lan.folder("here"), lan.folder("there"));
    fs::create_dir_all(&here).unwrap();
    let (picture, other) = (png(10, 10), noise(500_000, "cli"));
    fs::write(here.join("kettle.png"), &picture).unwrap();
    fs::write(here.join("notes.bin"), &other).unwrap();
    let path = |name: &str| here.join(name).to_string_lossy().into_owned();
    let (one, two) = (path("kettle.png"), path("notes.bin"));
    let sent = ana
        .run(&["upload", "general", &one, &two, "--text", "look", "--wait"])
        .await;
    assert_eq!(sent["state"], "sent");
    let to = there.to_string_lossy().into_owned();
    let limit = Duration::from_secs(60);
    for _ in 0..2 {
        let got = ben
            .try_run(limit, &["download", "general", "latest", "--to", &to])
            .await;
        assert!(got.status.success(), "{got:?}");
        assert_eq!(String::from_utf8(got.stdout).unwrap().lines().count(), 2);
    }
    assert_eq!(fs::read(there.join("kettle.png")).unwrap(), picture);
    assert_eq!(fs::read(there.join("notes.bin")).unwrap(), other);
    assert_eq!(
        fs::read(there.join("notes (2).bin")).unwrap(),
        other,
        "nothing is replaced"
    );
    let id = sent["id"].as_str().unwrap();
    let got = ben
        .try_run(limit, &["download", "general", id, "--to", &to])
        .await;
    assert!(got.status.success(), "{got:?}");
    let exit = async |arguments: &[&str]| ana.try_run(limit, arguments).await.status.code();
    assert_eq!(
        exit(&["upload", "general", &path("nowhere")]).await,
        Some(5)
    );
    assert_eq!(exit(&["upload", "general", &to]).await, Some(2));
    assert_eq!(exit(&["upload", "nowhere", &one]).await, Some(5));
    assert_eq!(
        exit(&[
            "download",
            "general",
            "0193b3a0-0000-7000-8000-000000000000"
        ])
        .await,
        Some(5)
    );
}
