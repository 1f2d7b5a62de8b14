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

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, watch};
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::{Instant, sleep};

use self::app::App;
use self::bot::Bot;
use self::check::{Depth, Held};
use self::clock::FakeClock;
use self::fate::Pace;
use self::host::Host;
use self::ledger::{Broken, Ledger};
use crate::Dice;
use crate::deadline::{eventually, soon};
use crate::proxy::{Proxy, Weather};

pub mod app;
pub mod bot;
pub mod check;
pub mod clock;
pub mod disk;
pub mod fate;
pub mod host;
pub mod ledger;
pub mod load;
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
                between: Duration::from_secs(8),
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

/// For everything to come to rest at night.
const TO_SETTLE: Duration = Duration::from_secs(240);

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

/// Somebody who stays away, and how.
#[derive(Debug)]
struct Absence {
    app: Arc<App>,
    kind: &'static str,
    since: Instant,
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
    let mut host = Host::start(scratch.path(), plan.megabytes, ledger.clone());
    let people = People::start(plan, scratch.path(), host.node.address(), &ledger).await;
    let begun = Instant::now();
    host = people.live(plan, scratch.path(), host).await;
    let events = people.events;
    let broken = ledger.violations();
    report::print(plan, &ledger, events.get(), begun.elapsed());
    for app in &people.apps {
        app.quit().await;
    }
    if broken.is_empty() && ledger.violations().is_empty() {
        host.end();
        return ExitCode::SUCCESS;
    }
    let kept = scratch.keep();
    host.keep_evidence(&kept);
    host.end();
    println!("evidence: {} (seed {})", kept.display(), plan.seed);
    ExitCode::FAILURE
}

#[derive(Debug)]
struct People {
    apps: Vec<Arc<App>>,
    bots: Vec<Arc<Bot>>,
    ledger: Arc<Ledger>,
    events: std::cell::Cell<usize>,
}

impl People {
    /// Starts all of them and lets them join.
    async fn start(plan: &Plan, scratch: &Path, node: SocketAddr, ledger: &Arc<Ledger>) -> Self {
        let mut apps = Vec::new();
        for number in 0..plan.apps {
            let name = format!("app{number}");
            let proxy = Arc::new(Proxy::start(node).await.unwrap());
            let data = scratch.join(&name);
            let clock = FakeClock::new(&data.with_extension("clock"));
            let app = App::new(&name, &data, proxy, clock, ledger.clone(), plan.hurry);
            let app = Arc::new(app);
            app.start();
            join(&app).await;
            ledger.person(app.me());
            apps.push(app);
        }
        let mut bots = Vec::new();
        for number in 0..plan.bots {
            let proxy = Arc::new(Proxy::start(node).await.unwrap());
            let name = format!("bot{number}");
            let bot = Bot::start(&name, number as u8 + 1, proxy, ledger.clone());
            ledger.person(bot.me);
            bots.push(Arc::new(bot));
        }
        Self {
            apps,
            bots,
            ledger: ledger.clone(),
            events: std::cell::Cell::new(0),
        }
    }

    /// All days and nights.
    async fn live(&self, plan: &Plan, scratch: &Path, host: Host) -> Host {
        let mut dice = Dice::seeded(plan.seed);
        let (end, over) = watch::channel(false);
        let day = Day {
            work: Arc::default(),
            over,
        };
        let database = host.database();
        let tasks = self.put_to_work(plan, &day, &mut dice);
        let proxies = self.apps.iter().map(|app| app.proxy.clone());
        let proxies = proxies.chain(self.bots.iter().map(|bot| bot.proxy.clone()));
        let host_dice = Dice::seeded(dice.throw());
        let host = host::fate(host, proxies.collect(), host_dice, day.clone(), plan.pace);
        let host = tokio::spawn(host);

        let begun = Instant::now();
        let mut absence: Option<Absence> = None;
        loop {
            let left = plan.length.saturating_sub(begun.elapsed());
            sleep(plan.day.min(left)).await;
            let last = begun.elapsed() >= plan.length;
            if last {
                end.send_replace(true);
            }
            let night = day.night().await;
            let back = absence.take_if(|absence| last || absence.since.elapsed() >= plan.absence);
            if let Some(absence) = back {
                self.returns(plan, &absence);
            }
            self.check(
                &database,
                if last { Depth::All } else { Depth::Sample },
                &mut dice,
                scratch,
            )
            .await;
            if last || !self.ledger.violations().is_empty() {
                end.send_replace(true);
                drop(night);
                break;
            }
            if absence.is_none() && plan.length.saturating_sub(begun.elapsed()) > plan.absence {
                absence = Some(self.goes_away(&mut dice).await);
            }
            drop(night);
        }
        for task in tasks {
            task.await.unwrap();
        }
        host.await.unwrap()
    }

    fn put_to_work(&self, plan: &Plan, day: &Day, dice: &mut Dice) -> Vec<JoinHandle<()>> {
        let mut tasks = Vec::new();
        let mut own = || Dice::seeded(dice.throw());
        for app in &self.apps {
            let (load, fate) = (own(), own());
            tasks.push(tokio::spawn(load::work(
                app.clone(),
                load,
                day.clone(),
                plan.work,
            )));
            tasks.push(tokio::spawn(fate::of_app(
                app.clone(),
                fate,
                day.clone(),
                plan.pace,
            )));
        }
        for bot in &self.bots {
            let (load, fate) = (own(), own());
            let (day, ledger) = (day.clone(), self.ledger.clone());
            let talk = talk::talk(bot.clone(), ledger.clone(), load, day.clone(), plan.work);
            tasks.push(tokio::spawn(talk));
            let fate = fate::of_bot(bot.clone(), ledger, fate, day, plan.pace);
            tasks.push(tokio::spawn(fate));
        }
        tasks
    }

    /// Waits until nothing is on its way, and compares.
    async fn check(&self, node: &Path, depth: Depth, dice: &mut Dice, scratch: &Path) {
        let here = self.apps.iter().filter(|app| !app.is_away());
        let replicas = here.map(|app| Held::Replica {
            name: app.name.clone(),
            database: app.database(),
            me: app.me(),
        });
        let held: Vec<Held> = replicas
            .chain(self.bots.iter().cloned().map(Held::Bot))
            .collect();
        let begun = Instant::now();
        loop {
            match block_in_place(|| check::settled(node, &held)) {
                Ok(()) => break,
                Err(why) if begun.elapsed() > TO_SETTLE => {
                    let what = format!("it does not come to rest: {why}");
                    self.ledger.broken(Broken::Otherwise, what);
                    break;
                }
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
        let settled = begun.elapsed();
        let events = block_in_place(|| check::all(&self.ledger, node, &held, depth, dice, scratch));
        self.events.set(events);
        self.ledger.count("nights");
        let answers = self.ledger.answers();
        println!(
            "night: {events} events, {answers} answered, at rest after {:.1} s, compared in {:.1} s, {} broken",
            settled.as_secs_f64(),
            (begun.elapsed() - settled).as_secs_f64(),
            self.ledger.violations().values().sum::<u64>(),
        );
    }

    async fn goes_away(&self, dice: &mut Dice) -> Absence {
        let app = dice.one_of(&self.apps).unwrap().clone();
        app.set_away(true);
        let kind = match dice.within(0..3) {
            0 => {
                app.kill().await;
                "absences: program ended"
            }
            1 => {
                app.signal(Signal::STOP);
                "absences: computer suspended"
            }
            _ => {
                app.proxy.set(Weather::BlackHole);
                "absences: network gone"
            }
        };
        Absence {
            app,
            kind,
            since: Instant::now(),
        }
    }

    fn returns(&self, plan: &Plan, absence: &Absence) {
        let app = &absence.app;
        app.signal(Signal::CONT);
        app.proxy.set(Weather::Fair);
        if !app.is_running() {
            app.start();
        }
        app.set_away(false);
        if absence.since.elapsed() >= plan.absence {
            self.ledger.count(absence.kind);
        }
    }
}

/// The first time: a name, and the way to the space.
async fn join(app: &App) {
    eventually("it has started", async || app.has_started().then_some(())).await;
    let name = json!({ "name": app.name });
    soon("a name", app.order("set_name", name)).await.unwrap();
    let address = app.proxy.address().to_string();
    let join = json!({ "space": null, "address": address, "passcode": null });
    soon("joining", app.order("join", join)).await.unwrap();
    let general = async || app.open_rooms().into_iter().find(|room| room.everyone);
    eventually("it is in the space", general).await;
}
