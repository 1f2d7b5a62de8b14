//! Fan-out, latency and memory of a node.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;

use crate::report::{median, row, spread};
use crate::room::{self, Load, Pace};
use crate::server::{Kind, Server, tutorial_folder};
use crate::text;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Interleaved rounds of each figure.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// People in the room.
    #[arg(long, default_value_t = 200)]
    people: usize,
    /// Of them, those who write.
    #[arg(long, default_value_t = 10)]
    senders: usize,
    /// Messages of each sender in a run.
    #[arg(long, default_value_t = 300)]
    messages: usize,
    /// Idle connections held for the memory figure.
    #[arg(long, default_value_t = 2_000)]
    idle: usize,
}

const KINDS: [Kind; 2] = [Kind::Tutorial, Kind::Landline];

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    ensure!(
        tutorial_folder().join("node_modules").exists(),
        "the tutorial server is not installed: `cargo xtask bench` does it"
    );
    let (texts, source) = text::conversation();
    println!(
        "{} people in one room, {} of them writing, {source}, loopback, {} rounds",
        options.people, options.senders, options.rounds
    );
    println!("median (lowest–highest); deliveries counted, order checked\n");
    row(&[
        "server".into(),
        "1 in flight, messages/s".into(),
        "deliveries/s".into(),
        "8 in flight, messages/s".into(),
        "deliveries/s".into(),
        "200/s paced: to the last receiver, p50 ms".into(),
        "p99 ms".into(),
    ]);
    row(&vec!["---".to_owned(); 7]);
    let mut figures = [Figures::default(), Figures::default()];
    for _ in 0..options.rounds {
        for (kind, figures) in KINDS.into_iter().zip(&mut figures) {
            figures.measure(kind, &options, &texts).await?;
        }
    }
    for (kind, figures) in KINDS.into_iter().zip(&figures) {
        figures.print(kind, options.people);
    }
    let [tutorial, landline] = &figures;
    println!(
        "\nratio to the tutorial server: {:.1} × one in flight, {:.1} × eight in flight",
        median(&landline.one) / median(&tutorial.one),
        median(&landline.eight) / median(&tutorial.eight)
    );
    memory(&options).await
}

#[derive(Debug, Default)]
struct Figures {
    one: Vec<f64>,
    eight: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Figures {
    async fn measure(
        &mut self,
        kind: Kind,
        options: &Options,
        texts: &[String],
    ) -> anyhow::Result<()> {
        let load = |messages, pace| Load {
            people: options.people,
            senders: options.senders,
            messages,
            pace,
        };
        for (flight, figures) in [(1, &mut self.one), (8, &mut self.eight)] {
            let server = Server::start(kind).await?;
            let outcome = room::run(
                &server,
                load(options.messages, Pace::InFlight(flight)),
                texts,
            )
            .await?;
            figures.push(outcome.messages_a_second);
            server.stop().await?;
        }
        // 200 messages a second in all, for five seconds.
        let every = Duration::from_secs(1).mul_f64(options.senders as f64 / 200.0);
        let server = Server::start(kind).await?;
        let outcome = room::run(
            &server,
            load(1_000 / options.senders, Pace::Every(every)),
            texts,
        )
        .await?;
        self.p50.push(outcome.percentile(50));
        self.p99.push(outcome.percentile(99));
        server.stop().await
    }

    fn print(&self, kind: Kind, people: usize) {
        let deliveries = |figures: &[f64]| format!("{:.0}", median(figures) * people as f64);
        row(&[
            kind.name().into(),
            spread(&self.one, 0),
            deliveries(&self.one),
            spread(&self.eight, 0),
            deliveries(&self.eight),
            spread(&self.p50, 2),
            spread(&self.p99, 2),
        ]);
    }
}

async fn memory(options: &Options) -> anyhow::Result<()> {
    println!();
    for kind in KINDS {
        let server = Server::start(kind).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let idle = server.resident_kib()?;
        let mut people = Vec::with_capacity(options.idle);
        for number in 0..options.idle {
            people.push(server.enter(number).await?);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let full = server.resident_kib()?;
        println!(
            "{}: {:.1} MiB resident idle, {:.1} KiB for each of {} idle connections",
            kind.name(),
            idle as f64 / 1024.0,
            full.saturating_sub(idle) as f64 / options.idle as f64,
            options.idle
        );
        drop(people);
        server.stop().await?;
    }
    Ok(())
}
