//! The audit: a real node and real clients under random load, while processes are killed, links
//! cut, the disk filled and clocks moved; then everything that was answered is looked for.
//!
//! ```text
//!  App (a process with the client core) ─ Proxy ─┐
//!  App                                  ─ Proxy ─┼─► landline-node on a small disk
//!  Bot (plain Socket.IO)                ─ Proxy ─┘
//!    ▲ load ▲ fate                                   ▲ fate
//!    └── Ledger: written, answered, shown ──► check, at every quiet moment and in the end
//! ```
//! By day everybody works and faults happen; at night ([`Day`]) nobody does, all links are well,
//! and what has come of it is compared. The seed decides what is tried and when; how the processes
//! of a machine interleave, it can't.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, watch};
use tokio::time::{Instant, sleep};

use self::check::Depth;
use self::fate::Pace;
use self::host::Host;
use self::ledger::Ledger;
use self::people::People;
use crate::Dice;

pub mod app;
pub mod bot;
pub mod check;
pub mod clock;
pub mod disk;
pub mod fate;
pub mod host;
pub mod ledger;
pub mod load;
pub mod people;
pub mod process;
pub mod report;
pub mod talk;
pub mod words;

/// What is to be done, and how hard.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// Of all days together; the nights come on top.
    pub length: Duration,
    pub apps: usize,
    pub bots: usize,
    /// Between two nights.
    pub day: Duration,
    /// Somebody stays away for at least so long.
    pub absence: Duration,
    pub pace: Pace,
    /// Between two things that somebody does, on average.
    pub work: Duration,
    /// Of the node's disk.
    pub megabytes: u64,
    /// With clients that notice silence in seconds.
    pub hurry: bool,
}

impl Plan {
    /// As people have it: the limits that they get, absences of 20 minutes.
    pub fn long(seed: u64, minutes: u64) -> Self {
        Self {
            seed,
            length: Duration::from_secs(minutes * 60),
            apps: 6,
            bots: 2,
            day: Duration::from_secs(290),
            absence: Duration::from_secs(20 * 60),
            pace: Pace {
                between: Duration::from_secs(5),
                lasting: Duration::from_secs(24),
            },
            work: Duration::from_millis(900),
            megabytes: 1_024,
            hurry: false,
        }
    }

    /// The same in short, for a test: everything is faster, an absence lasts a part of the run.
    pub fn short(seed: u64) -> Self {
        Self {
            length: Duration::from_secs(36),
            apps: 3,
            bots: 2,
            day: Duration::from_secs(12),
            absence: Duration::from_secs(10),
            pace: Pace {
                between: Duration::from_millis(1_800),
                lasting: Duration::from_secs(4),
            },
            work: Duration::from_millis(250),
            megabytes: 256,
            hurry: true,
            ..Self::long(seed, 1)
        }
    }
}

/// One that no run had before.
pub fn some_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    // Short enough to be typed.
    RandomState::new().build_hasher().finish() % 1_000_000
}

/// This program, to be started as a person.
pub(crate) fn program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// By day many are at work; the night begins when the last of them is done.
#[derive(Debug, Clone)]
pub struct Day {
    work: Arc<RwLock<()>>,
    over: watch::Receiver<bool>,
}

impl Day {
    /// Waits for the day; while this is held, it lasts. None where there is no other.
    pub async fn at_work(&self) -> Option<OwnedRwLockReadGuard<()>> {
        let at_work = self.work.clone().read_owned().await;
        (!*self.over.borrow()).then_some(at_work)
    }

    async fn night(&self) -> OwnedRwLockWriteGuard<()> {
        self.work.clone().write_owned().await
    }
}

/// Runs it; success where no promise was broken.
pub async fn run(plan: &Plan) -> ExitCode {
    println!("audit: seed {}", plan.seed);
    let scratch = tempfile::Builder::new()
        .prefix("landline-audit-")
        .tempdir()
        .unwrap();
    words::learn(scratch.path());
    let ledger = Arc::<Ledger>::default();
    let host = Host::start(scratch.path(), plan.megabytes, ledger.clone());
    let mut people = People::start(plan, scratch.path(), &host, &ledger).await;
    let begun = Instant::now();
    let mut host = live(plan, &mut people, host).await;
    people.quit().await;
    report::print(plan, &ledger, people.events(), begun.elapsed());
    if ledger.violations().is_empty() {
        host.end();
        return ExitCode::SUCCESS;
    }
    let kept = scratch.keep();
    host.keep_evidence(&kept);
    host.end();
    println!("evidence: {} (seed {})", kept.display(), plan.seed);
    ExitCode::FAILURE
}

/// All days and nights, or until a promise is broken. SIGTERM makes the night that begins then
/// the last one (Ctrl-C would end the node and the people, too).
async fn live(plan: &Plan, people: &mut People, host: Host) -> Host {
    let mut dice = Dice::seeded(plan.seed);
    let (end, over) = watch::channel(false);
    let day = Day {
        work: Arc::default(),
        over,
    };
    let tasks = people.put_to_work(&day, &mut dice);
    let host_dice = Dice::seeded(dice.throw());
    // There is one of it and many of them.
    let pace = Pace {
        between: plan.pace.between / 2,
        ..plan.pace
    };
    let host = host::fate(host, people.proxies(), host_dice, day.clone(), pace);
    let host = tokio::spawn(host);
    let mut terminated = signal(SignalKind::terminate()).unwrap();
    let begun = Instant::now();
    loop {
        let left = plan.length.saturating_sub(begun.elapsed());
        let called_off = tokio::select! {
            () = sleep(plan.day.min(left)) => false,
            called = terminated.recv() => called.is_some(),
        };
        let left = plan.length.saturating_sub(begun.elapsed());
        let last = left.is_zero() || called_off;
        let night = day.night().await;
        people.some_return(last);
        let depth = if last { Depth::All } else { Depth::Sample };
        let kept = people.check(depth, &mut dice).await;
        if last || !kept {
            end.send_replace(true);
            break;
        }
        if left > plan.absence {
            people.somebody_goes_away(&mut dice).await;
        }
        drop(night);
    }
    for task in tasks {
        task.await.unwrap();
    }
    host.await.unwrap()
}
