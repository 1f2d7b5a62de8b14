//! Loss of power: what was said to be safe is on the disk, whatever had not been synced is lost.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

#[path = "power/disk.rs"]
mod disk;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use landline_protocol::EventId;
use landline_tests::deadline::{LONG, soon, within};
use landline_tests::raw::Raw;
use landline_tests::{Dice, Node, logs, person, programs};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use disk::{Trace, Traced};

/// Appends that each of the writers makes.
const APPENDS: usize = 300;
/// Appends that a writer has under way.
const UNDER_WAY: usize = 8;
/// Power cuts that are tried.
const CUTS: usize = 60;

/// An event that the node has answered for.
#[derive(Debug, Clone)]
struct Answered {
    id: EventId,
    seq: i64,
    text: String,
    /// The length of the trace when the answer was here: by then all had been asked of the disk.
    at: u64,
}

/// A node that has run on a watched disk, and what it has answered for.
struct Run {
    _folder: TempDir,
    trace: Trace,
    answered: Vec<Answered>,
    /// The node's own key.
    key: Vec<u8>,
}

async fn run() -> &'static Run {
    static RUN: OnceCell<Run> = OnceCell::const_new();
    RUN.get_or_init(record).await
}

async fn record() -> Run {
    let folder = tempfile::tempdir().unwrap();
    let traced = Traced::new(&folder.path().join("node"));
    let (mut node, address) = start_node(&traced).await;
    let (one, two) = tokio::join!(
        write(&traced, address, 1, Dice::seeded(1)),
        write(&traced, address, 2, Dice::seeded(2)),
    );
    node.kill().await.unwrap();
    Run {
        trace: traced.read(),
        answered: [one, two].concat(),
        key: std::fs::read(traced.folder().join("node.key")).unwrap(),
        _folder: folder,
    }
}

async fn start_node(traced: &Traced) -> (Child, SocketAddr) {
    let mut command = Command::new(programs::node());
    command.args(["--name", "Power", "--bind", "127.0.0.1", "--port", "0"]);
    command.args(["--no-tls", "--no-mdns", "--append-rate", "0"]);
    command.arg("--data").arg(traced.folder());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command.kill_on_drop(true);
    traced.watch(&mut command);
    let mut node = command.spawn().unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    let line = soon("the node is ready", lines.next_line()).await;
    let ready: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
    let address = ready["address"].as_str().unwrap().parse().unwrap();
    (node, address)
}

/// Messages of all sizes, several under way; what was answered.
async fn write(traced: &Traced, node: SocketAddr, seed: u8, mut dice: Dice) -> Vec<Answered> {
    let (mut raw, signed_in) = Raw::sign_in(node, seed).await;
    let general = signed_in.rooms[0].id;
    let mut answered = Vec::new();
    let mut texts = Vec::new();
    while answered.len() < APPENDS {
        while texts.len() < APPENDS.min(answered.len() + UNDER_WAY) {
            let more = "x".repeat(dice.within(0..6_000) as usize);
            let text = format!("{seed} {} {more}", texts.len());
            let event = json!({
                "id": uuid::Uuid::now_v7(), "room": general, "sent_at": 1,
                "content": { "type": "message", "text": text },
            });
            let append = json!({ "rid": texts.len().to_string(), "events": [event] });
            texts.push(text);
            raw.emit("append", &append).await.unwrap();
        }
        let reply: Value = raw.event("reply").await;
        let at = traced.now();
        let number: usize = reply["rid"].as_str().unwrap().parse().unwrap();
        let result = &reply["ok"]["results"][0];
        answered.push(Answered {
            id: serde_json::from_value(result["id"].clone()).unwrap(),
            seq: result["seq"].as_i64().unwrap(),
            text: texts[number].clone(),
            at,
        });
    }
    answered
}

/// What is missing of what had been answered when the power went; `Err` where the database can't
/// even be read.
fn missing(run: &Run, cut: u64, data: &Path) -> Result<usize, String> {
    let database = data.join("node.sqlite");
    let read = std::panic::catch_unwind(|| logs::events(&database));
    let rows = read.map_err(|_| "unreadable".to_owned())?;
    let there = |answered: &&Answered| {
        !rows.iter().any(|row| {
            row.id == answered.id.as_bytes()
                && row.seq == answered.seq
                && row.text().as_ref() == Some(&answered.text)
        })
    };
    let answered = run.answered.iter().filter(|answered| answered.at <= cut);
    let missing = answered.filter(there).count();
    if missing == 0 {
        logs::assert_whole(&rows);
        let key = std::fs::read(data.join("node.key")).unwrap_or_default();
        assert!(key == run.key, "the node has another key");
    }
    Ok(missing)
}

/// Moments for a power cut: right after an answer, and anywhere.
fn cuts(run: &Run, dice: &mut Dice) -> Vec<u64> {
    let first = run.answered.iter().map(|answered| answered.at).min();
    let mut cut = |n: usize| match n % 2 {
        0 => dice.one_of(&run.answered).unwrap().at,
        _ => dice.within(first.unwrap()..run.trace.end()),
    };
    let mut cuts: Vec<u64> = (0..CUTS).map(&mut cut).collect();
    cuts.sort_unstable();
    cuts
}

#[tokio::test]
async fn what_a_node_has_answered_survives_a_power_cut_at_any_moment() {
    let run = run().await;
    let mut dice = Dice::new("what_a_node_has_answered");
    let folder = tempfile::tempdir().unwrap();
    let mut replay = run.trace.replay(|_| true);
    for (n, cut) in cuts(run, &mut dice).into_iter().enumerate() {
        let disk = replay.at(cut);
        for worst in [true, false] {
            let data = folder.path().join(format!("{n}-{worst}"));
            disk.leave(&data, (!worst).then_some(&mut dice));
            assert_eq!(missing(run, cut, &data), Ok(0), "cut {n} at {cut}");
            if n % 20 == 0 {
                // The program itself comes up on it and goes on.
                let node = Node::start(&data, &[]);
                assert_eq!(missing(run, cut, &data), Ok(0), "cut {n} at {cut}");
                let (mut raw, _) = Raw::sign_in(node.address(), 9).await;
                raw.ask("my_rooms", json!({})).await;
            }
            std::fs::remove_dir_all(&data).unwrap();
        }
    }
}

/// The test above must be able to fail: the same program on the same disk, had it not asked for
/// the syncs (`synchronous=OFF`), or not for those of the log of writes (`synchronous=NORMAL`).
#[tokio::test]
async fn without_the_syncs_answered_messages_would_be_lost() {
    let run = run().await;
    let mut dice = Dice::new("without_the_syncs");
    let folder = tempfile::tempdir().unwrap();
    let off = |_: &str| false;
    let normal = |path: &str| !path.ends_with("-wal");
    for (name, heeds) in [("off", &off as &dyn Fn(&str) -> bool), ("normal", &normal)] {
        let mut lost = 0;
        let mut replay = run.trace.replay(heeds);
        for (n, cut) in cuts(run, &mut dice).into_iter().enumerate().step_by(6) {
            let data = folder.path().join(format!("{name}-{n}"));
            replay.at(cut).leave(&data, None);
            lost += usize::from(missing(run, cut, &data) != Ok(0));
        }
        assert!(lost > 0, "{name}: nothing was lost in ten power cuts");
    }
}

/// The words that a person writes with the command line while the node is away.
const SENT: usize = 12;

#[tokio::test]
async fn what_was_written_offline_is_in_the_outbox_after_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(&folder.path().join("node"), &[]);
    let traced = Traced::new(&folder.path().join("ana"));
    let address = node.address().to_string();
    cli(&traced, &["join", &address, "--name", "Ana"]).await;
    let space = node.space();
    node.stop();
    let mut kept: Vec<(u64, String)> = Vec::new();
    for n in 0..SENT {
        let text = format!("written offline {n}");
        cli(&traced, &["send", "general", &text]).await;
        kept.push((traced.now(), text));
    }
    let trace = traced.read();
    let mut dice = Dice::new("what_was_written_offline");
    let mut cuts: Vec<u64> = kept.iter().map(|(at, _)| *at).collect();
    cuts.extend((0..20).map(|_| dice.within(kept[0].0..trace.end())));
    cuts.sort_unstable();
    let (mut replay, mut without) = (trace.replay(|_| true), trace.replay(|_| false));
    let mut lost_without = 0;
    for (n, cut) in cuts.iter().enumerate() {
        let expected: Vec<&String> = kept
            .iter()
            .filter(|(at, _)| at <= cut)
            .map(|(_, text)| text)
            .collect();
        let waits = |data: &Path| {
            std::panic::catch_unwind(|| outbox(&logs::replica(data, space))).unwrap_or_default()
        };
        let disk = replay.at(*cut);
        for worst in [true, false] {
            let data = folder.path().join(format!("{n}-{worst}"));
            disk.leave(&data, (!worst).then_some(&mut dice));
            let texts = waits(&data);
            assert!(
                expected.iter().all(|text| texts.contains(text)),
                "cut {n} at {cut}: {expected:?} in {texts:?}"
            );
        }
        let data = folder.path().join(format!("{n}-without"));
        without.at(*cut).leave(&data, None);
        lost_without += usize::from(waits(&data).len() < expected.len());
    }
    assert!(lost_without > 0, "the test can't fail");

    // The person's program comes up on what was left, and all goes out, once.
    node.start_again();
    let last = folder.path().join("last");
    trace
        .replay(|_| true)
        .at(kept[SENT - 1].0)
        .leave(&last, None);
    let data = last;
    let client = person::client("Ana", &data).await;
    within(LONG, "all is sent", async || {
        (logs::outbox(&logs::replica(&data, space)) == 0).then_some(())
    })
    .await;
    client.stop().await;
    let texts: Vec<_> = logs::events(&node.database())
        .iter()
        .filter_map(logs::Row::text)
        .collect();
    let expected: Vec<_> = kept.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, expected);
}

async fn cli(traced: &Traced, arguments: &[&str]) {
    let mut command = Command::new(programs::cli());
    command.arg("--data").arg(traced.folder()).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    traced.watch(&mut command);
    let ended = soon("the command ends", command.output()).await.unwrap();
    let words = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{arguments:?}: {words}");
}

/// The texts that wait in a replica's outbox.
fn outbox(database: &Path) -> Vec<String> {
    let c = logs::open(database);
    let mut rows = c
        .prepare("SELECT content FROM outbox ORDER BY position")
        .unwrap();
    let texts = rows.query_map((), |row| {
        let content: Value = serde_json::from_str(row.get_ref(0)?.as_str()?).unwrap();
        Ok(content["text"].as_str().unwrap_or_default().to_owned())
    });
    texts.unwrap().map(Result::unwrap).collect()
}
