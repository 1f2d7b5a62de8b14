//! A disk that is full, of a person and of a node.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use landline_client::command::{Post, TransferNamed};
use landline_client::ui::TransferState;
use landline_protocol::{Code, FileHash, Refusal, RoomId};
use landline_tests::deadline::eventually;
use landline_tests::screen::SpaceOnScreen;
use landline_tests::{Lan, Person, logs};

/// Set for a test that runs on a small disk: where that is.
const SMALL_DISK: &str = "LANDLINE_SMALL_DISK";

/// A small disk that can be filled.
#[derive(Debug)]
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// The small disk that this test runs on. `None`: it was run anew on one, in a mount namespace
    /// of its own, and is done; or this system does not permit that.
    fn of(test: &str, megabytes: u32) -> Option<Self> {
        if let Some(path) = std::env::var_os(SMALL_DISK) {
            return Some(Self { path: path.into() });
        }
        let inside = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
            command
        };
        let mount = format!("mount -t tmpfs -o size={megabytes}m none /mnt");
        let permitted = inside(&mount).stderr(Stdio::null()).status();
        if !permitted.is_ok_and(|status| status.success()) {
            println!("passed over: no mount namespaces here");
            return None;
        }
        let program = std::env::current_exe().unwrap();
        let again = inside(&format!(
            "{mount} && exec \"$TEST\" --exact {test} --nocapture"
        ))
        .env("TEST", program)
        .env(SMALL_DISK, "/mnt")
        .output()
        .unwrap();
        print!("{}", String::from_utf8_lossy(&again.stdout));
        eprint!("{}", String::from_utf8_lossy(&again.stderr));
        assert!(again.status.success(), "on a small disk");
        None
    }

    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

async fn post(person: &Person, room: RoomId, text: &str) -> Result<(), Refusal> {
    let post = Post {
        space: person.space(),
        room,
        text: text.to_owned(),
        reply_to: None,
        thread: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
    };
    person.client().post(post).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_full_disk_is_told_loses_nothing_and_heals_by_itself() {
    let test = "disk::a_persons_full_disk_is_told_loses_nothing_and_heals_by_itself";
    let Some(disk) = SmallDisk::of(test, 8) else {
        return;
    };
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let folder = disk.path.join("ben");
    let ben = Person::join("ben", &folder, lan.node.address()).await;
    let general = ben.room("general").await;
    ana.write(general, "before").await;
    ben.reads_texts(general, &["before"]).await;
    ben.cut();
    ben.disconnected().await;
    disk.fill();

    // What the outbox can't keep is refused; what it has taken it keeps.
    let long = "x".repeat(15_000);
    let mut expected = vec!["before".to_owned()];
    let refusal = loop {
        let text = format!("{} {long}", expected.len());
        match post(&ben, general, &text).await {
            Ok(()) => expected.push(text),
            Err(refusal) => break refusal,
        }
        assert!(expected.len() < 1_000, "the disk is not full");
    };
    assert_eq!(refusal.code, Code::Unavailable);
    assert!(refusal.message.contains("disk"), "{refusal}");
    assert_eq!(waiting(&folder, &ben), expected.len() - 1);
    assert_eq!(ben.texts(general).await, expected, "reading goes on");

    // Others go on meanwhile; what can't be kept is not taken.
    for n in 0..40 {
        let text = format!("meanwhile {n} {long}");
        ana.write(general, &text).await;
        expected.push(text);
    }
    ana.all_sent().await;
    ben.heal();
    eventually("the full disk is told", async || {
        let now = ben.now();
        let problem = now.view.link.problem?.message;
        problem.contains("disk").then_some(())
    })
    .await;
    assert_eq!(ana.now().view.queued, 0);

    disk.make_room();
    ben.all_sent().await;
    ana.all_sent().await;
    let texts: Vec<_> = logs::events(&lan.node.database())
        .iter()
        .filter_map(logs::Row::text)
        .collect();
    for person in [&ana, &ben] {
        person.reads_texts(general, &texts).await;
    }
    let mut texts = texts;
    texts.sort();
    expected.sort();
    assert_eq!(texts, expected, "each once, and no other");
    ben.holds(&logs::events(&lan.node.database())).await;
}

fn waiting(folder: &Path, person: &Person) -> usize {
    let database = logs::replica(folder, person.space());
    usize::try_from(logs::outbox(&database)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nodes_full_disk_keeps_people_waiting_and_they_read_on() {
    let test = "disk::a_nodes_full_disk_keeps_people_waiting_and_they_read_on";
    // Twice what is written in it: in the end all of that is in the log of writes and moves from it
    // into the database.
    let Some(disk) = SmallDisk::of(test, 16) else {
        return;
    };
    // Through a link, so that the node's log is not on the full disk too.
    let links = tempfile::tempdir().unwrap();
    let folder = links.path().join("node");
    std::os::unix::fs::symlink(&disk.path, &folder).unwrap();
    let lan = Lan::at(&folder);
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    let long = "x".repeat(15_000);
    let mut expected = Vec::new();
    for n in 0..20 {
        expected.push(format!("{n} {long}"));
        ana.write(general, &expected[n]).await;
    }
    ana.all_sent().await;
    disk.fill();
    let before = expected.len();
    for n in before..before + 100 {
        expected.push(format!("{n} {long}"));
        ana.write(general, &expected[n]).await;
    }
    eventually("the node has no room left", async || {
        lan.node.log().contains("the disk is full").then_some(())
    })
    .await;
    // Not failed, not lost, only waiting; and whoever comes now reads what is there.
    assert!(ana.now().view.queued > 0);
    ben.connected().await;
    let stored = logs::room_events(&lan.node.database(), general).len() - 1;
    assert!(stored >= before && stored < expected.len(), "{stored}");
    eventually("ben reads what is stored", async || {
        let texts = ben.texts(general).await;
        let in_order = expected.starts_with(&texts);
        (in_order && texts.len() >= stored).then_some(())
    })
    .await;
    disk.make_room();
    ana.all_sent().await;
    for person in [&ana, &ben] {
        person.reads_texts(general, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_find_no_room_on_a_persons_disk_in_words_and_nothing_else_is_lost() {
    let test = "disk::files_find_no_room_on_a_persons_disk_in_words_and_nothing_else_is_lost";
    let Some(disk) = SmallDisk::of(test, 8) else {
        return;
    };
    let lan = Lan::start();
    let ana = lan.person("ana").await;
    let folder = disk.path.join("ben");
    let ben = Person::join("ben", &folder, lan.node.address()).await;
    let general = ben.room("general").await;
    let large = vec![7; 20_000_000];
    let refusal = ben
        .attaches(general, "large.bin", &large)
        .await
        .unwrap_err();
    assert!(refusal.message.contains("disk"), "{refusal}");
    ben.connected().await;
    let event = ana.sends_file(general, "large.bin", &large).await;
    ana.all_sent().await;
    let view = ben.sees_message(event, "the file", |view| !view.files.is_empty());
    view.await;
    let blake3 = FileHash::from_bytes(*blake3::hash(&large).as_bytes());
    let refusal = ben.reads_file(event, blake3).await.unwrap_err();
    assert!(refusal.message.contains("disk"), "{refusal}");
    // What people write still finds room.
    ben.write(general, "no room for it here").await;
    ana.reads_texts(general, &["", "no room for it here"]).await;
    // What came of the download goes with it.
    let way = |space: &SpaceOnScreen| {
        let transfer = space.transfers.values().next()?;
        (transfer.state == TransferState::Failed).then_some(transfer.id)
    };
    let id = ben.sees("the download has failed", way).await;
    let space = ben.space();
    let cancel = TransferNamed { space, id };
    ben.client().cancel_transfer(cancel).await.unwrap();
    let small = vec![8; 200_000];
    let event = ben.sends_file(general, "small.bin", &small).await;
    ben.all_sent().await;
    let blake3 = FileHash::from_bytes(*blake3::hash(&small).as_bytes());
    ana.sees_message(event, "the file", |view| !view.files.is_empty())
        .await;
    assert_eq!(ana.reads_file(event, blake3).await.unwrap(), small);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_waits_in_words_for_room_on_the_hosts_disk_and_goes_on_by_itself() {
    let test = "disk::an_upload_waits_in_words_for_room_on_the_hosts_disk_and_goes_on_by_itself";
    let Some(disk) = SmallDisk::of(test, 8) else {
        return;
    };
    let lan = Lan::at(&disk.path.join("node"));
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    let aside = ana
        .create_room(landline_protocol::RoomKind::Public, "aside", &[])
        .await;
    ana.all_sent().await;
    ben.join_room(aside).await;
    // All but some room for what people write.
    let filler = File::create(disk.filler()).unwrap();
    (&filler).write_all(&vec![0; 3_500_000]).unwrap();
    // Open, it would keep its room.
    drop(filler);
    let bytes = vec![9; 5_000_000];
    let event = ana.sends_file(general, "large.bin", &bytes).await;
    let words = ana
        .sees("why it waits", |space| {
            space.transfers.values().find_map(|one| one.words.clone())
        })
        .await;
    assert!(words.contains("disk"), "{words}");
    ana.write(aside, "passes").await;
    ben.reads_texts(aside, &["passes"]).await;
    disk.make_room();
    ana.all_sent().await;
    ben.sees_message(event, "the file", |view| !view.files.is_empty())
        .await;
    let blake3 = FileHash::from_bytes(*blake3::hash(&bytes).as_bytes());
    assert_eq!(ben.reads_file(event, blake3).await.unwrap(), bytes);
}
