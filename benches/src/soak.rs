//! `cargo xtask soak`: hours in minutes. People come and go all the time while a million messages
//! pass through one room; what the node holds (memory, handles, threads, the write-ahead log) and
//! how long it takes to answer must not grow.
//!
//! Everybody makes up for each absence from the log and sends again what was unanswered, so the run
//! ends only when each of them has had every message once and in order. A real client core
//! (`landline-cli tail`) follows the whole time.

mod person;
mod plot;
mod samples;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

use crate::report::row;
use crate::server::{Kind, Person, Server, beside_this};
use crate::text;
use samples::{Samples, Watched};

/// After the last message was written, for everybody to come back and have all of them.
const DRAIN_LIMIT: Duration = Duration::from_secs(300);
/// Without a message for so long the run has failed.
const STUCK: Duration = Duration::from_secs(120);
/// For the client core to have the last message, too.
const FOLLOW_LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Messages in all.
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// People who come and go.
    #[arg(long, default_value_t = 200)]
    people: usize,
    /// Messages a second, of all together.
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    /// Where the dice begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the curves into this SVG file.
    #[arg(long)]
    plot: Option<PathBuf>,
}

/// What all people share.
struct Run {
    /// Messages that nobody has begun to write.
    left: Cell<usize>,
    answered: Cell<usize>,
    /// Milliseconds from each `append` to its answer, since the last sample.
    latencies: RefCell<Vec<f64>>,
    samples: RefCell<Samples>,
    connected: Cell<usize>,
    absences: Cell<usize>,
    /// Events that came by `fetch` and not as they were written.
    fetched: Cell<usize>,
    /// People who may still write.
    writing: watch::Sender<usize>,
    /// The head of the room's log once all is written.
    head: watch::Sender<Option<u64>>,
    texts: Vec<String>,
    /// From one message of a person to the next.
    pace: Duration,
    seed: u64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    ensure!(options.people > 0, "--people: somebody has to come");
    ensure!(options.rate > 0.0, "--rate: more than 0");
    LocalSet::new().run_until(run_here(options)).await
}

async fn run_here(options: Options) -> anyhow::Result<()> {
    let (texts, source) = text::conversation();
    println!(
        "{source}, loopback, {} people coming and going, {} messages, {} a second, seed {}",
        options.people, options.messages, options.rate, options.seed
    );
    let server = Server::start(Kind::Landline).await?;
    let people: Vec<Person> = (0..options.people).map(Person::new).collect();
    server.admit(people.iter()).await?;
    let follower = Follower::start(&server).await?;
    let run = Rc::new(Run {
        left: Cell::new(options.messages),
        answered: Cell::new(0),
        latencies: RefCell::default(),
        samples: RefCell::default(),
        connected: Cell::new(0),
        absences: Cell::new(0),
        fetched: Cell::new(0),
        writing: watch::Sender::new(options.people),
        head: watch::Sender::new(None),
        texts,
        pace: Duration::from_secs_f64(options.people as f64 * person::PRESENT_SHARE / options.rate),
        seed: options.seed,
    });
    let begun = Instant::now();
    let server = Rc::new(server);
    let mut everybody = JoinSet::new();
    for (number, person) in people.into_iter().enumerate() {
        everybody.spawn_local(person::live(server.clone(), run.clone(), person, number));
    }
    let watched = Watched {
        node: server.process()?,
        client: follower.process()?,
        data: server.data().to_owned(),
    };
    let samples = tokio::task::spawn_local(samples::take(run.clone(), watched, begun));
    all_written(&run, &mut everybody).await?;
    samples.abort();
    let took = begun.elapsed();
    let head = head_of(&server).await?;
    run.head.send_replace(Some(head));
    tokio::time::timeout(DRAIN_LIMIT, all_done(&mut everybody))
        .await
        .context("somebody does not get all messages")??;
    follower.finish(head).await?;
    let server = Rc::into_inner(server).context("somebody is still there")?;
    let data = server.end().await?;
    check_log(data.path(), options.messages, head)?;
    report(&options, &run, took)
}

/// Until the last message is answered; somebody who fails ends it.
async fn all_written(run: &Run, everybody: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut writing = run.writing.subscribe();
    let mut before = 0;
    loop {
        tokio::select! {
            done = writing.wait_for(|writing| *writing == 0) => {
                done?;
                return Ok(());
            }
            Some(ended) = everybody.join_next() => ended??,
            () = tokio::time::sleep(STUCK) => {
                ensure!(run.answered.get() > before, "no message was answered for {STUCK:?}");
                before = run.answered.get();
            }
        }
    }
}

async fn all_done(everybody: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = everybody.join_next().await {
        ended??;
    }
    Ok(())
}

async fn head_of(server: &Server) -> anyhow::Result<u64> {
    let (mut raw, room) = server.enter(&Person::new(0), 0).await?;
    let answer = raw.ask("fetch", &json!({"room": room, "limit": 1})).await?;
    answer["ok"]["head"].as_u64().context("a head")
}

/// The log on the disk has each message once, without a hole.
fn check_log(data: &Path, messages: usize, head: u64) -> anyhow::Result<()> {
    let database = rusqlite::Connection::open(data.join("node.sqlite"))?;
    let (stored, lines, newest): (i64, i64, i64) = database.query_row(
        "SELECT sum(type = 'message'), count(*), max(seq) FROM event GROUP BY room
         ORDER BY count(*) DESC LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let (messages, head) = (i64::try_from(messages)?, i64::try_from(head)?);
    ensure!(stored == messages, "{stored} messages stored of {messages}");
    ensure!(lines == newest, "{lines} events up to seq {newest}");
    ensure!(newest == head, "the log ends at {newest}, people at {head}");
    Ok(())
}

fn report(options: &Options, run: &Run, took: Duration) -> anyhow::Result<()> {
    println!(
        "{} messages in {:.0} s ({:.0} a second), {} absences made up for, {} events fetched; \
         everybody had all of them once and in order\n",
        options.messages,
        took.as_secs_f64(),
        options.messages as f64 / took.as_secs_f64(),
        run.absences.get(),
        run.fetched.get(),
    );
    row(&[
        "",
        "first half",
        "third quarter",
        "fourth quarter",
        "growth over the second half",
        "noise",
        "",
    ]
    .map(str::to_owned));
    row(&["---", "---:", "---:", "---:", "---:", "---:", "---"].map(str::to_owned));
    let curves = run.samples.borrow().curves();
    for curve in &curves {
        row(&curve.cells());
    }
    if let Some(file) = &options.plot {
        std::fs::write(file, plot::svg(&curves, options.messages))?;
        println!("\n{}", file.display());
    }
    Ok(())
}

/// A real client core that is there the whole time, with its replica on the disk.
struct Follower {
    process: Child,
    data: tempfile::TempDir,
}

impl Follower {
    async fn start(server: &Server) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let joined = cli(data.path())?
            .args(["join", &server.address, "--name", "Follower"])
            .stdout(Stdio::null())
            .status()
            .await?;
        ensure!(joined.success(), "the client core can't join");
        let process = cli(data.path())?
            .arg("tail")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { process, data })
    }

    fn process(&self) -> anyhow::Result<u32> {
        self.process.id().context("the client core has ended")
    }

    /// Its replica has all that the room's log has.
    async fn finish(mut self, head: u64) -> anyhow::Result<()> {
        ensure!(
            self.process.try_wait()?.is_none(),
            "the client core has ended by itself"
        );
        self.process.kill().await?;
        let begun = Instant::now();
        loop {
            let newest = self.newest().await?;
            if newest == Some(head) {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < FOLLOW_LIMIT,
                "the client core ends at {newest:?} of {head}"
            );
        }
    }

    /// Where the longest log ends in its replica, once it has asked the node for more.
    async fn newest(&self) -> anyhow::Result<Option<u64>> {
        let status = cli(self.data.path())?
            .args(["--json", "status"])
            .stderr(Stdio::inherit())
            .output()
            .await?;
        ensure!(
            status.status.success(),
            "the client core tells no status: {}",
            status.status
        );
        let status: Value = serde_json::from_slice(&status.stdout)?;
        let rooms = status["spaces"][0]["rooms"].as_array();
        let rooms = rooms.with_context(|| format!("rooms: {status}"))?;
        Ok(rooms.iter().filter_map(|room| room["head"].as_u64()).max())
    }
}

fn cli(data: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(beside_this("landline-cli")?);
    command.arg("--data").arg(data).env("LANDLINE_LOG", "error");
    Ok(command)
}
