//! What the machine gives: a core for the server and one for the load, and the time they took.

use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};

/// Ticks of the kernel's process times in a second (`USER_HZ`).
const TICKS: f64 = 100.0;
/// Busy above this share of its core, a side is what bounds a run.
const BUSY: f64 = 0.9;

/// Puts what is started from here on onto one core, and this program's load onto another, where the
/// machine has two. Without it the two take turns on both, and a figure says nothing of either.
#[cfg(target_os = "linux")]
pub(crate) fn run_on(side: Side) -> anyhow::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if std::thread::available_parallelism()?.get() < 2 && cores() < 2 {
        return Ok(());
    }
    let mut set = CpuSet::new();
    set.set(match side {
        Side::Server => 0,
        Side::Load => 1,
    });
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn run_on(_: Side) -> anyhow::Result<()> {
    Ok(())
}

/// Of the machine, whatever this thread is bound to.
fn cores() -> usize {
    let list = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    list.lines()
        .filter(|line| line.starts_with("processor"))
        .count()
}

/// Which of the two a thread works for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Server,
    Load,
}

/// Measures how busy both sides are over a run.
#[derive(Debug)]
pub(crate) struct Busy {
    server: u32,
    begun: Instant,
    server_before: f64,
    load_before: f64,
}

/// Shares of one core, 0 to 1 (a server on more cores may exceed it).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shares {
    pub(crate) server: f64,
    pub(crate) load: f64,
}

impl Shares {
    /// What kept the run from being faster.
    pub(crate) fn bound_by(self) -> &'static str {
        match (self.server >= BUSY, self.load >= BUSY) {
            (true, false) => "the server's core",
            (false, true) => "THE LOAD'S CORE",
            (true, true) => "both cores",
            (false, false) => "waiting",
        }
    }
}

impl Busy {
    pub(crate) fn from_now(server: u32) -> anyhow::Result<Self> {
        Ok(Self {
            server,
            begun: Instant::now(),
            server_before: seconds_of(server)?,
            load_before: seconds_here(),
        })
    }

    pub(crate) fn until_now(self) -> anyhow::Result<Shares> {
        let took = self.begun.elapsed().as_secs_f64();
        Ok(Shares {
            server: (seconds_of(self.server)? - self.server_before) / took,
            load: (seconds_here() - self.load_before) / took,
        })
    }
}

fn seconds_here() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), 0).as_secs_f64() + time.tv_nsec as f64 / 1e9
}

/// Processor time of a process, in seconds.
fn seconds_of(process: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold anything; the fields after it are numbers.
    let (_, fields) = stat.rsplit_once(')').context("/proc/…/stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    Ok(ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS)
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(process: u32) -> anyhow::Result<u64> {
    status_kib(process, "VmRSS:")
}

/// The most that it ever had in RAM.
pub(crate) fn peak_kib(process: u32) -> anyhow::Result<u64> {
    status_kib(process, "VmHWM:")
}

/// As the kernel tells it of a process, for example `RssAnon:`.
pub(crate) fn status_kib(process: u32, what: &'static str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(what));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(figure.context(what)?.parse()?)
}

/// The one clock that this program shares with those it measures.
#[allow(
    clippy::disallowed_methods,
    reason = "nothing is tested here: what is measured is real"
)]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}

/// How busy the machine is with whatever runs on it, in words.
pub(crate) fn load() -> String {
    let loads = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    match loads.split_whitespace().next() {
        Some(minute) => format!("load of the last minute {minute} on {} cores", cores()),
        None => "load unknown".to_owned(),
    }
}
