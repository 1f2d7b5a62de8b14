//! What is looked at while it runs, and whether it grew.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Run;
use crate::machine::resident_kib;

/// Between two samples.
const EVERY: Duration = Duration::from_secs(1);
/// Growth below this share of the value is none.
const FLAT: f64 = 0.02;

/// Whom the samples are taken of.
pub(super) struct Watched {
    pub(super) node: u32,
    pub(super) client: u32,
    /// The node's data folder.
    pub(super) data: PathBuf,
}

#[derive(Debug, Clone)]
pub(super) struct Sample {
    seconds: f64,
    answered: usize,
    node_mib: f64,
    client_mib: f64,
    handles_beyond_connections: f64,
    threads: f64,
    wal_mib: f64,
    /// Milliseconds from an `append` to its answer, of those in the last second.
    p50: f64,
    p99: f64,
}

#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

/// Until it is aborted; the samples are in [`Run::samples`].
pub(super) async fn take(run: Rc<Run>, watched: Watched, begun: Instant) {
    let mut clock = tokio::time::interval(EVERY);
    loop {
        clock.tick().await;
        match sample(&run, &watched, begun) {
            Ok(sample) => run.samples.borrow_mut().0.push(sample),
            // A process that has ended is told by those who talk to it.
            Err(_) => return,
        }
    }
}

fn sample(run: &Run, watched: &Watched, begun: Instant) -> anyhow::Result<Sample> {
    let mut latencies = run.latencies.take();
    latencies.sort_by(f64::total_cmp);
    let handles = std::fs::read_dir(format!("/proc/{}/fd", watched.node))?.count();
    Ok(Sample {
        seconds: begun.elapsed().as_secs_f64(),
        answered: run.answered.get(),
        node_mib: resident_kib(watched.node)? as f64 / 1024.0,
        client_mib: resident_kib(watched.client)? as f64 / 1024.0,
        handles_beyond_connections: handles as f64 - run.connected.get() as f64,
        threads: std::fs::read_dir(format!("/proc/{}/task", watched.node))?.count() as f64,
        wal_mib: wal_bytes(&watched.data)? as f64 / (1024.0 * 1024.0),
        p50: percentile(&latencies, 50),
        p99: percentile(&latencies, 99),
    })
}

fn wal_bytes(data: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("-wal") {
            bytes += path.metadata().context("the write-ahead log")?.len();
        }
    }
    Ok(bytes)
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0.0)
}

/// One thing over the run.
pub(super) struct Curve {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Share of the messages that were answered, 0 to 1, and the value then.
    pub(super) points: Vec<(f64, f64)>,
}

impl Samples {
    pub(super) fn curves(&self) -> Vec<Curve> {
        let all = self.0.last().map_or(1, |last| last.answered.max(1)) as f64;
        let curve = |name, unit, value: fn(&Sample) -> f64| Curve {
            name,
            unit,
            points: self
                .0
                .iter()
                .filter(|sample| sample.seconds > EVERY.as_secs_f64())
                .map(|sample| (sample.answered as f64 / all, value(sample)))
                .collect(),
        };
        vec![
            curve("node: resident memory", "MiB", |s| s.node_mib),
            curve("client core: resident memory", "MiB", |s| s.client_mib),
            curve("node: handles beyond connections", "", |s| {
                s.handles_beyond_connections
            }),
            curve("node: threads", "", |s| s.threads),
            curve("node: write-ahead log", "MiB", |s| s.wal_mib),
            curve("answer, median", "ms", |s| s.p50),
            curve("answer, 99th percentile", "ms", |s| s.p99),
        ]
    }
}

impl Curve {
    /// As a row of a table.
    pub(super) fn cells(&self) -> [String; 7] {
        let unit = if self.unit.is_empty() { "" } else { " " };
        let value = |value: f64| format!("{value:.1}{unit}{}", self.unit);
        let (growth, noise) = self.growth();
        [
            self.name.to_owned(),
            value(self.mean(0.0, 0.5)),
            value(self.mean(0.5, 0.75)),
            value(self.mean(0.75, 1.01)),
            value(growth),
            value(noise),
            if self.is_flat() { "flat" } else { "GROWS" }.to_owned(),
        ]
    }

    pub(super) fn is_flat(&self) -> bool {
        let (growth, noise) = self.growth();
        growth <= noise.max(self.mean(0.5, 1.01) * FLAT)
    }

    fn between(&self, from: f64, to: f64) -> impl Iterator<Item = &(f64, f64)> + Clone {
        (self.points.iter()).filter(move |(at, _)| (from..to).contains(at))
    }

    fn mean(&self, from: f64, to: f64) -> f64 {
        let some = self.between(from, to);
        let count = some.clone().count().max(1) as f64;
        some.map(|(_, value)| value).sum::<f64>() / count
    }

    /// How much the line of least squares rises over the second half, and the standard deviation
    /// of the values around it.
    fn growth(&self) -> (f64, f64) {
        let half = self.between(0.5, 1.01);
        let count = half.clone().count().max(1) as f64;
        let x = half.clone().map(|(at, _)| at).sum::<f64>() / count;
        let y = half.clone().map(|(_, value)| value).sum::<f64>() / count;
        let across = half
            .clone()
            .map(|(at, value)| (at - x) * (value - y))
            .sum::<f64>();
        let along = half.clone().map(|(at, _)| (at - x).powi(2)).sum::<f64>();
        let slope = if along > 0.0 { across / along } else { 0.0 };
        let around = half.map(|(at, value)| (value - y - slope * (at - x)).powi(2));
        (slope * 0.5, (around.sum::<f64>() / count).sqrt())
    }
}
