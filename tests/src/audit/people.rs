//! Everybody who takes part: starts them, puts them to work, sends some away for long, and at night
//! compares what they have.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use landline_client::command::{HitsAnswer, Join, SearchFor, SetName, SpaceAnswer};
use landline_protocol::RoomId;
use landline_protocol::up::Found as FoundByNode;
use serde_json::json;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::{Instant, sleep};

use super::app::App;
use super::bot::Bot;
use super::check::{self, Depth, Held, Waiting, Wanted};
use super::clock::FakeClock;
use super::host::Host;
use super::ledger::{Broken, Ledger};
use super::{Day, Plan, fate, load, talk};
use crate::Dice;
use crate::deadline::{eventually, soon};
use crate::proxy::{Proxy, Weather};
use crate::raw::Raw;

/// For everything to come to rest at night.
const TO_SETTLE: Duration = Duration::from_secs(240);
/// Hits asked of a search.
const HITS: u32 = 20;

/// How one may be away.
const ABSENCES: [&str; 3] = [
    "absences: computer suspended",
    "absences: network gone, and somebody writes",
    "absences: program ended",
];

/// Somebody who stays away, and how.
#[derive(Debug)]
struct Absence {
    app: Arc<App>,
    kind: usize,
    since: Instant,
}

#[derive(Debug)]
pub struct People {
    plan: Plan,
    scratch: PathBuf,
    node: SocketAddr,
    database: PathBuf,
    apps: Vec<Arc<App>>,
    bots: Vec<Arc<Bot>>,
    ledger: Arc<Ledger>,
    absences: Vec<Absence>,
    /// All that there were.
    gone_away: usize,
    events: usize,
}

impl People {
    /// Starts all of them and lets them join.
    pub async fn start(plan: &Plan, scratch: &Path, host: &Host, ledger: &Arc<Ledger>) -> Self {
        let node = host.node.address();
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
            let bot = Bot::start(&name, seed_of_bot(number), proxy, ledger.clone());
            ledger.person(bot.me);
            bots.push(Arc::new(bot));
        }
        Self {
            plan: plan.clone(),
            scratch: scratch.to_owned(),
            node,
            database: host.database(),
            apps,
            bots,
            ledger: ledger.clone(),
            absences: Vec::new(),
            gone_away: 0,
            events: 0,
        }
    }

    /// Everybody's way to the node.
    pub fn proxies(&self) -> Vec<Arc<Proxy>> {
        let apps = self.apps.iter().map(|app| app.proxy.clone());
        apps.chain(self.bots.iter().map(|bot| bot.proxy.clone()))
            .collect()
    }

    /// Each has dice of their own for what they do and for what befalls them.
    pub fn put_to_work(&self, day: &Day, dice: &mut Dice) -> Vec<JoinHandle<()>> {
        let Plan { work, pace, .. } = self.plan;
        let mut tasks = Vec::new();
        let mut own = || Dice::seeded(dice.throw());
        for app in &self.apps {
            let doing = load::work(app.clone(), own(), day.clone(), work);
            tasks.push(tokio::spawn(doing));
            let befalling = fate::of_app(app.clone(), own(), day.clone(), pace);
            tasks.push(tokio::spawn(befalling));
        }
        for bot in &self.bots {
            let ledger = self.ledger.clone();
            let doing = talk::talk(bot.clone(), ledger.clone(), own(), day.clone(), work);
            tasks.push(tokio::spawn(doing));
            let befalling = fate::of_bot(bot.clone(), ledger, own(), day.clone(), pace);
            tasks.push(tokio::spawn(befalling));
        }
        tasks
    }

    // Absences begin and end at night

    pub async fn somebody_goes_away(&mut self, dice: &mut Dice) {
        let here: Vec<_> = self.apps.iter().filter(|app| !app.is_away()).collect();
        if self.absences.len() >= self.apps.len() / 3 {
            return;
        }
        let app = (*dice.one_of(&here).unwrap()).clone();
        app.set_away(true);
        let kind = self.gone_away % ABSENCES.len();
        match kind {
            0 => app.suspend(),
            1 => app.proxy.set(Weather::BlackHole),
            _ => app.kill().await,
        }
        self.gone_away += 1;
        self.absences.push(Absence {
            app,
            kind,
            since: Instant::now(),
        });
    }

    /// Those whose time has come; in the end all.
    pub fn some_return(&mut self, all: bool) {
        let long = self.plan.absence;
        let returning = |absence: &mut Absence| all || absence.since.elapsed() >= long;
        for absence in self.absences.extract_if(.., returning) {
            let app = &absence.app;
            app.resume();
            app.proxy.set(Weather::Fair);
            if !app.is_running() {
                app.start();
            }
            app.set_away(false);
            if absence.since.elapsed() >= long {
                self.ledger.count(ABSENCES[absence.kind]);
            }
        }
    }

    // The night

    /// Waits until nothing is on its way, and compares; whether every promise was kept so far.
    pub async fn check(&mut self, depth: Depth, dice: &mut Dice) -> bool {
        let held = self.held();
        let begun = Instant::now();
        while let Err(why) = block_in_place(|| check::settled(&self.database, &held)) {
            if begun.elapsed() > TO_SETTLE {
                let what = format!("it does not come to rest: {why}");
                self.ledger.broken(Broken::Otherwise, what);
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        let settled = begun.elapsed();
        let (ledger, node) = (&self.ledger, &self.database);
        let away = self.apps.iter().filter(|app| app.is_away());
        let away = Waiting::read(away.map(|app| app.database()));
        let found = || check::all(ledger, node, &held, &away, depth, dice, &self.scratch);
        let found = block_in_place(found);
        if self.ledger.violations().is_empty() {
            self.search(&found.words).await;
        }
        self.events = found.events;
        self.ledger.count("times all was compared");
        let broken: u64 = self.ledger.violations().values().sum();
        println!(
            "night: {} events, {} answered, at rest after {:.1} s, compared in {:.1} s, {broken} broken",
            self.events,
            self.ledger.answers(),
            settled.as_secs_f64(),
            (begun.elapsed() - settled).as_secs_f64(),
        );
        broken == 0
    }

    /// Events in the node's logs at the last comparison.
    pub fn events(&self) -> usize {
        self.events
    }

    /// What of those who are here is compared.
    fn held(&self) -> Vec<Held> {
        let here = self.apps.iter().filter(|app| !app.is_away());
        let replicas = here.map(|app| Held::Replica {
            name: app.name.clone(),
            database: app.database(),
            me: app.me(),
        });
        let bots = self.bots.iter().cloned().map(Held::Bot);
        replicas.chain(bots).collect()
    }

    /// Asks the programs themselves: each client core, and the node.
    async fn search(&self, words: &[Wanted]) {
        let (mut raw, _) = Raw::sign_in(self.node, seed_of_bot(0)).await;
        let rooms = check::rooms_of(&self.database, self.bots[0].me);
        for (word, at) in words {
            let found = raw.ask("search", json!({ "query": word, "limit": HITS }));
            let found: FoundByNode = serde_json::from_value(found.await).unwrap();
            let found = found.hits.iter().map(|hit| (hit.room, hit.seq as i64));
            let at = at.filter(|(room, _)| rooms.contains(room));
            self.compare("node", word, at, found.collect());
        }
        for app in self.apps.iter().filter(|app| !app.is_away()) {
            let rooms = check::rooms_of(&self.database, app.me());
            for (word, at) in words {
                let request = SearchFor {
                    space: app.space().unwrap(),
                    query: word.clone(),
                    room: None,
                    within: false,
                    limit: HITS,
                };
                let found = soon("a search", app.order("search", json!(request)));
                let found: HitsAnswer = serde_json::from_value(found.await.unwrap()).unwrap();
                let found = found.hits.iter();
                let found = found.filter_map(|hit| Some((hit.room, hit.item.seq? as i64)));
                let at = at.filter(|(room, _)| rooms.contains(room));
                let found = found.filter(|(room, _)| rooms.contains(room)).collect();
                self.compare(&app.name, word, at, found);
            }
        }
    }

    fn compare(
        &self,
        name: &str,
        word: &str,
        at: Option<(RoomId, i64)>,
        found: Vec<(RoomId, i64)>,
    ) {
        if !found.iter().eq(&at) {
            let what = format!("{name}, asked for `{word}`, finds {found:?}, not {at:?}");
            self.ledger.broken(Broken::Differing, what);
        }
    }

    /// All client cores end in order, also of those who are away.
    pub async fn quit(&mut self) {
        self.some_return(true);
        for app in &self.apps {
            app.quit().await;
        }
    }
}

fn seed_of_bot(number: usize) -> u8 {
    number as u8 + 1
}

/// The first time: a name, and the way to the space.
async fn join(app: &App) {
    let started = async || app.has_started().then_some(());
    eventually("it has started", started).await;
    let name = SetName {
        name: app.name.clone(),
    };
    let named = app.order("set_name", json!(name));
    soon("a name", named).await.unwrap();
    let join = Join {
        space: None,
        address: Some(app.proxy.address().to_string()),
        passcode: None,
    };
    let joined = soon("joining", app.order("join", json!(join))).await;
    let _: SpaceAnswer = serde_json::from_value(joined.unwrap()).unwrap();
    let general = async || app.open_rooms().into_iter().find(|room| room.everyone);
    eventually("it is in the space", general).await;
}
