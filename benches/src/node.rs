//! What a node carries: fan-out, rooms, latency, joins, memory, an absence made up, slow readers, a
//! slow disk, marks; most of it beside the tutorial server and the practical limit, in interleaved rounds.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use tokio::process::Command;

use crate::joins;
use crate::machine::Shares;
use crate::marks;
use crate::report::{median, row, spread};
use crate::room::{self, Load, Pace};
use crate::server::{Kind, Server, tutorial_folder};
use crate::text;

const KINDS: [Kind; 3] = [Kind::Tutorial, Kind::Landline, Kind::Limit];
/// Microseconds that a sync takes longer on the disk of the last figure.
const SLOW_FSYNC_US: &str = "2000";
/// Bytes of a message where slow readers are to fall behind within a run.
const LONG: usize = 3_900;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Figures to make; without it, all.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Figure>,
    /// Interleaved rounds of each figure.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load in each run.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// People who come in for the figures of joins and memory, one row each.
    #[arg(long, value_delimiter = ',', default_values_t = [2_000, 10_000])]
    idle: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    FanOut,
    Rooms,
    Paced,
    Joins,
    Backlog,
    SlowReaders,
    SlowDisk,
    Marks,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    ensure!(
        tutorial_folder().join("node_modules").exists(),
        "the tutorial server is not installed: `cargo xtask bench` does it"
    );
    let (texts, source) = text::conversation();
    println!(
        "{source}, loopback, {} rounds of {} s, interleaved; median (lowest–highest);\n\
         deliveries counted, order checked; the server on one core, the load on another",
        options.rounds, options.seconds
    );
    let wanted = |figure| options.only.is_empty() || options.only.contains(&figure);
    let here = Bench {
        options: &options,
        texts,
    };
    if wanted(Figure::FanOut) {
        here.fan_out().await?;
    }
    if wanted(Figure::Rooms) {
        here.rooms().await?;
    }
    if wanted(Figure::Paced) {
        here.paced().await?;
    }
    if wanted(Figure::SlowReaders) {
        here.slow_readers().await?;
    }
    if wanted(Figure::SlowDisk) {
        here.slow_disk().await?;
    }
    if wanted(Figure::Marks) {
        here.marks().await?;
    }
    if wanted(Figure::Joins) {
        here.joins().await?;
    }
    if wanted(Figure::Backlog) {
        here.backlog().await?;
    }
    Ok(())
}

/// The figures of one kind of server.
#[derive(Debug, Default)]
struct Rates {
    messages: Vec<f64>,
    /// Milliseconds to the last receiver.
    p50: Vec<f64>,
    shares: Shares,
}

struct Bench<'a> {
    options: &'a Options,
    texts: Vec<String>,
}

impl Bench<'_> {
    fn full_room(&self, pace: Pace) -> Load {
        Load {
            rooms: 1,
            people: 200,
            senders: 10,
            pace,
            time: Duration::from_secs(self.options.seconds),
            slow: 0,
        }
    }

    async fn fan_out(&self) -> anyhow::Result<()> {
        for flight in [1, 8] {
            let title = format!("200 people in one room, 10 write, {flight} in flight each");
            self.rates(&title, self.full_room(Pace::InFlight(flight)))
                .await?;
        }
        Ok(())
    }

    async fn rooms(&self) -> anyhow::Result<()> {
        let load = Load {
            rooms: 100,
            people: 10,
            senders: 1,
            ..self.full_room(Pace::InFlight(1))
        };
        self.rates(
            "100 rooms of 10 people, one writes in each, 1 in flight",
            load,
        )
        .await
    }

    /// Messages a second of each server under a load.
    async fn rates(&self, title: &str, load: Load) -> anyhow::Result<()> {
        let mut all: [Rates; 3] = Default::default();
        for _ in 0..self.options.rounds {
            for (kind, rates) in KINDS.into_iter().zip(&mut all) {
                let server = Server::start(kind).await?;
                let outcome = room::run(&server, load, &self.texts).await?;
                rates.messages.push(outcome.messages_a_second);
                rates.p50.push(outcome.percentile(50));
                rates.shares = outcome.shares;
                server.stop().await?;
            }
        }
        head(
            title,
            &[
                "messages/s",
                "deliveries/s",
                "× tutorial",
                "× limit",
                "p50 to the last, ms",
                "server, load busy",
                "bound by",
            ],
        );
        let [tutorial, _, limit] = [&all[0], &all[1], &all[2]].map(|rates| median(&rates.messages));
        for (kind, rates) in KINDS.into_iter().zip(&all) {
            let middle = median(&rates.messages);
            row(&[
                kind.name().into(),
                spread(&rates.messages, 0),
                format!("{:.0}", middle * load.people as f64),
                format!("{:.2}", middle / tutorial),
                format!("{:.2}", middle / limit),
                format!("{:.1}", median(&rates.p50)),
                busy(rates.shares),
                rates.shares.bound_by().into(),
            ]);
        }
        Ok(())
    }

    async fn paced(&self) -> anyhow::Result<()> {
        for rate in [200.0, 400.0] {
            let every = Duration::from_secs_f64(10.0 / rate);
            let mut all: [(Vec<f64>, Vec<f64>); 3] = Default::default();
            for _ in 0..self.options.rounds {
                for (kind, (p50, p99)) in KINDS.into_iter().zip(&mut all) {
                    let server = Server::start(kind).await?;
                    let load = self.full_room(Pace::Every(every));
                    let outcome = room::run(&server, load, &self.texts).await?;
                    p50.push(outcome.percentile(50));
                    p99.push(outcome.percentile(99));
                    server.stop().await?;
                }
            }
            let title = format!(
                "200 people in one room, {rate:.0} messages a second: to the last receiver"
            );
            head(&title, &["p50, ms", "p99, ms"]);
            for (kind, (p50, p99)) in KINDS.into_iter().zip(&all) {
                row(&[kind.name().into(), spread(p50, 2), spread(p99, 2)]);
            }
        }
        Ok(())
    }

    async fn slow_readers(&self) -> anyhow::Result<()> {
        let long = |text: &String| text.chars().cycle().take(LONG).collect::<String>();
        let texts: Vec<String> = self.texts.iter().take(50).map(long).collect();
        let mut all: [Vec<f64>; 2] = Default::default();
        let mut loads = [0, 20].map(|slow| Load {
            people: 200 - slow,
            slow,
            time: Duration::from_secs(self.options.seconds * 3),
            ..self.full_room(Pace::Every(Duration::from_millis(25)))
        });
        loads[0].people = loads[1].people;
        for _ in 0..self.options.rounds {
            for (load, p99) in loads.into_iter().zip(&mut all) {
                let server = Server::start(Kind::Landline).await?;
                p99.push(room::run(&server, load, &texts).await?.percentile(99));
                server.stop().await?;
            }
        }
        head(
            "200 people in one room, 400 messages of 3.9 kB a second, others' delay to the last",
            &["p99, ms", "× without"],
        );
        for (name, p99) in ["all read", "10 read slowly, 10 not at all"]
            .into_iter()
            .zip(&all)
        {
            row(&[
                name.into(),
                spread(p99, 2),
                format!("{:.2}", median(p99) / median(&all[0])),
            ]);
        }
        Ok(())
    }

    async fn slow_disk(&self) -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let library = folder.path().join("slow_fsync.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("slow_fsync.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .args([&library, &source])
            .status()
            .await
            .context("the C compiler, for a library that slows the disk")?;
        ensure!(compiled.success(), "slow_fsync.c does not compile");
        let load = self.full_room(Pace::InFlight(1));
        let mut all: [Vec<f64>; 2] = Default::default();
        for _ in 0..self.options.rounds {
            for (kind, rates) in [Kind::Tutorial, Kind::Landline].into_iter().zip(&mut all) {
                let server = Server::start_with(kind, Some((&library, SLOW_FSYNC_US))).await?;
                rates.push(
                    room::run(&server, load, &self.texts)
                        .await?
                        .messages_a_second,
                );
                server.stop().await?;
            }
        }
        head(
            "the room of 200, 1 in flight, each fsync 2 ms slower",
            &["messages/s", "× tutorial"],
        );
        for (kind, rates) in [Kind::Tutorial, Kind::Landline].into_iter().zip(&all) {
            let ratio = median(rates) / median(&all[0]);
            row(&[kind.name().into(), spread(rates, 0), format!("{ratio:.2}")]);
        }
        Ok(())
    }

    async fn marks(&self) -> anyhow::Result<()> {
        head(
            "200 people in one room, 10 write, all read",
            &["packets", "of marks", "part", "by name"],
        );
        for rate in [20.0, 200.0] {
            let server = Server::start(Kind::Landline).await?;
            let every = Duration::from_secs_f64(10.0 / rate);
            // Long enough for several marks of everybody.
            let time = Duration::from_secs(self.options.seconds * 10);
            let packets = marks::run(&server, 200, 10, every, time, &self.texts).await?;
            let (of_marks, all) = marks::share(&packets);
            row(&[
                format!("{rate:.0} messages a second"),
                all.to_string(),
                of_marks.to_string(),
                format!("{:.1} %", of_marks as f64 / all as f64 * 100.0),
                format!("{packets:?}"),
            ]);
            server.stop().await?;
        }
        Ok(())
    }

    async fn joins(&self) -> anyhow::Result<()> {
        for &count in &self.options.idle {
            head(
                &format!("{count} people come in and stay"),
                &[
                    "joins/s",
                    "KiB each",
                    "MiB before",
                    "server, load busy",
                    "bound by",
                ],
            );
            for kind in KINDS {
                let server = Server::start(kind).await?;
                let joined = joins::run(&server, count).await?;
                row(&[
                    kind.name().into(),
                    format!("{:.0}", joined.a_second),
                    format!("{:.1}", joined.kib),
                    format!("{:.1}", joined.idle_kib as f64 / 1024.0),
                    busy(joined.shares),
                    joined.shares.bound_by().into(),
                ]);
                server.stop().await?;
            }
        }
        Ok(())
    }

    async fn backlog(&self) -> anyhow::Result<()> {
        let figures = joins::backlog(5_000, self.options.rounds.max(5), &self.texts).await?;
        head("5,000 messages of backlog", &["first to last, ms"]);
        row(&[Kind::Landline.name().into(), spread(&figures, 2)]);
        Ok(())
    }
}

fn head(title: &str, columns: &[&str]) {
    println!("\n| {title} | {} |", columns.join(" | "));
    println!("|---|{}", "---:|".repeat(columns.len()));
}

fn busy(shares: Shares) -> String {
    format!(
        "{:.0} %, {:.0} %",
        shares.server * 100.0,
        shares.load * 100.0
    )
}
