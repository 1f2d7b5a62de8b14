//! The Hub: one task that owns who is connected, the states of space and rooms, and what is about
//! to be written.
//!
//! ```text
//! socket edge ──HubCommand──▶ Hub ──▶ waits ──▶ Batch (one in flight) ──▶ writer thread, COMMIT
//!                              ▲                                              │
//!                              └── move on, answer the authors, relay ◀───────┘
//! ```
//! Reads are decided here and done elsewhere, on a snapshot ([`read`]). Pushes that may be dropped
//! (presence, typing, marks) are gathered and told at every [`GATHER`]. Nothing here waits for a
//! client or for the disk.

mod allowance;
mod audience;
pub(crate) mod batch;
mod command;
mod lazy;
mod marks;
mod pages;
mod people;
mod read;
mod relay;
mod sign_in;
mod tokens;
mod typing;
mod waiting;
mod write;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use landline_protocol::down::{Head, Heads, NodeInfo, ProtocolRange, Welcome};
use landline_protocol::limits::MARKS_PUSHED_MEMBERS;
use landline_protocol::{Code, GoodbyeReason, Limits, MemberId, PROTOCOL, Refusal, RoomId};
use landline_store::Store;
use landline_store::sessions::Session;
use socketioxide::SocketIo;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::TaskTracker;
use tracing::error;

use crate::clock::Clock;
use crate::config::Rates;
use crate::copies::Restored;
use crate::folder::{Folder, Seen};
use crate::key::NodeKey;
use crate::passcode::Passcodes;
use crate::rate::Bucket;
use crate::request::Request;
use crate::session::{Asker, Outlet, SessionId};
use crate::world::World;

use audience::Audience;
use people::People;
use sign_in::Admissions;
use tokens::Tokens;
use waiting::Writes;
use write::Done;

pub(crate) use command::{HubCommand, HubHandle, Outside, Visitor};
pub(crate) use marks::{MarkRow, Marks};
pub(crate) use tokens::token_hash;

/// Commands taken at once, before the next batch is made of them.
const COMMANDS_AT_ONCE: usize = 512;
/// Searches that run at once; others wait.
const SEARCHES_AT_ONCE: usize = 2;
/// How long presence, typing and marks are gathered.
const GATHER: Duration = Duration::from_millis(250);
/// How often strangers are turned away and lazy writes are made.
const KEEP_HOUSE: Duration = Duration::from_secs(1);
/// How often the heads of rooms that changed are told.
const TELL_HEADS: Duration = Duration::from_secs(30);

/// What a Hub begins with.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) world: World,
    /// The space was made at this start.
    pub(crate) is_new: bool,
    /// The database was damaged and is in use again.
    pub(crate) restored: Option<Restored>,
    pub(crate) marks: Marks,
    /// Bearer tokens that are good still.
    pub(crate) sessions: Vec<Session>,
    pub(crate) last_seen: HashMap<MemberId, i64>,
    pub(crate) passcode: Option<String>,
    pub(crate) store: Store,
    pub(crate) folder: Arc<Folder>,
    pub(crate) node: Arc<NodeKey>,
    pub(crate) owner: Option<MemberId>,
    pub(crate) rates: Rates,
    pub(crate) version: String,
    pub(crate) clock: Clock,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Hub {
    world: World,
    people: People,
    audience: Audience,
    typing: typing::Typing,
    marks: Marks,
    tokens: Tokens,
    admissions: Admissions,
    writes: Writes,
    /// Rooms whose heads have moved since heads were last told, the directory among them.
    heads_changed: BTreeSet<RoomId>,
    seen: Option<Seen>,
    /// [`Folder::files`], which are ours as long as we run.
    files: Option<u64>,
    outside: watch::Sender<Outside>,
    /// What runs beside the Hub and comes back to it.
    tasks: JoinSet<Done>,
    /// What runs beside the Hub and answers by itself.
    reads: TaskTracker,
    /// A search may keep a reader of the store for a tenth of a second; pages of logs have another.
    searches: Arc<Semaphore>,
    store: Store,
    folder: Arc<Folder>,
    passcodes: Passcodes,
    node: Arc<NodeKey>,
    owner: Option<MemberId>,
    rates: Rates,
    limits: Limits,
    version: String,
    clock: Clock,
    stopping: Option<oneshot::Sender<()>>,
}

impl Hub {
    pub(crate) fn new(beginning: Beginning, io: SocketIo, outside: watch::Sender<Outside>) -> Self {
        let Beginning {
            world,
            is_new: _,
            restored: _,
            marks,
            sessions,
            last_seen,
            passcode,
            store,
            folder,
            node,
            owner,
            rates,
            version,
            clock,
        } = beginning;
        Self {
            people: People::new(last_seen),
            audience: Audience::new(io),
            typing: typing::Typing::default(),
            marks,
            tokens: Tokens::new(sessions),
            admissions: Admissions::new(rates.join, passcode, Instant::now()),
            writes: Writes::default(),
            heads_changed: BTreeSet::new(),
            seen: None,
            files: folder.files(),
            outside,
            tasks: JoinSet::new(),
            reads: TaskTracker::new(),
            searches: Arc::new(Semaphore::new(SEARCHES_AT_ONCE)),
            store,
            folder,
            passcodes: Passcodes::new(),
            node,
            owner,
            rates,
            limits: limits(rates),
            version,
            clock,
            stopping: None,
            world,
        }
    }

    /// Runs until it is told to stop and nothing waits any more.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<HubCommand>) {
        let mut taken = Vec::with_capacity(COMMANDS_AT_ONCE);
        let mut gather = every(GATHER);
        let mut keep_house = every(KEEP_HOUSE);
        let mut tell_heads = every(TELL_HEADS);
        loop {
            // In this order: what is seldom ready must not wait for a flood of commands to end.
            tokio::select! {
                biased;
                Some(done) = self.tasks.join_next() => match done {
                    Ok(done) => self.done(done).await,
                    // A task that panics has lost what it was about to tell: nothing that the Hub
                    // counts on may be guessed, so it ends, and the node with it.
                    Err(error) => {
                        error!(%error, "a task of the Hub broke off");
                        return;
                    }
                },
                _ = gather.tick() => self.tell_gathered().await,
                _ = keep_house.tick() => self.keep_house(),
                _ = tell_heads.tick() => self.tell_heads(),
                count = commands.recv_many(&mut taken, COMMANDS_AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    for command in taken.drain(..) {
                        self.take(command);
                    }
                }
            }
            self.write_on();
            if self.stopping.is_some() && self.writes.are_done() {
                return self.end().await;
            }
        }
    }

    fn take(&mut self, command: HubCommand) {
        match command {
            HubCommand::Connected(outlet) => self.connected(outlet),
            HubCommand::Disconnected(session) => self.disconnected(session),
            HubCommand::Stop(done) => {
                self.stopping = Some(done);
                self.writes.derive_at = None;
            }
            command if self.stopping.is_some() => {
                let refusal = Refusal::new(Code::Unavailable, "the node is shutting down");
                command.refuse(refusal.retry_after(1000));
            }
            HubCommand::SignIn {
                asker,
                member,
                request,
            } => {
                self.sign_in(asker, member, *request);
            }
            HubCommand::Request { asker, request } => self.request(asker, request),
            HubCommand::Visit { token, reply } => {
                let member = self.tokens.whose(&token, self.clock.now());
                let member = member.filter(|member| self.world.space.is_here(member));
                let _ = reply.send(member.map(|member| Visitor {
                    member,
                    world: self.world.clone(),
                }));
            }
        }
    }

    fn connected(&mut self, outlet: Outlet) {
        // One that ended before it began has told so already.
        if outlet.session.is_gone() {
            return;
        }
        if self.stopping.is_some() {
            outlet.goodbye(GoodbyeReason::ShuttingDown);
            return;
        }
        outlet.send("welcome", &self.welcome(&outlet));
        self.people.connects(outlet, Instant::now());
        self.tell_outside();
    }

    fn welcome(&self, outlet: &Outlet) -> Welcome {
        Welcome {
            protocol: ProtocolRange {
                min: PROTOCOL,
                max: PROTOCOL,
            },
            features: Vec::new(),
            node: NodeInfo {
                id: self.node.id,
                fingerprint: None,
                version: self.version.clone(),
                epoch: self.world.epoch,
            },
            space: self.world.space_info(),
            nonce: outlet.session.nonce.clone(),
            server_time: self.clock.now(),
            limits: Limits {
                max_file_bytes: self.world.space.max_file_bytes,
                ..self.limits.clone()
            },
        }
    }

    fn disconnected(&mut self, session: SessionId) {
        if !self.people.is_connected(session) {
            return;
        }
        self.audience.ends(session);
        if let Some(member) = self.people.disconnects(session, self.clock.now()) {
            self.typing.stops_everywhere(&member);
        }
        self.tell_outside();
    }

    /// A request of somebody who has signed in.
    fn request(&mut self, asker: Asker, request: Request) {
        let Some(member) = asker.outlet.session.who().map(|who| who.member) else {
            return asker.answer::<()>(Err(Refusal::new(Code::NotSignedIn, "sign in first")));
        };
        match request {
            // The edge makes a command of its own of it.
            Request::SignIn(_) => {}
            Request::Append(candidates) => self.append(asker, member, candidates),
            Request::PasscodeSet(request) => self.set_passcode(asker, member, request.passcode),
            Request::MyRooms(request) => asker.answer(self.my_rooms(&member, &request)),
            Request::Rooms(request) => asker.answer(self.rooms_to_join(&member, &request)),
            Request::Members(request) => asker.answer(self.members(&member, &request)),
            Request::Marks(request) => asker.answer(self.marks_of(&member, request.room)),
            Request::Mark(request) => {
                let answer = self.mark(asker.session(), member, &request);
                asker.answer(answer);
            }
            Request::Typing(request) => asker.answer(self.type_in(member, &request)),
            Request::Presence(request) => {
                let answer = self.show(asker.session(), &member, request);
                asker.answer(answer);
            }
            Request::Watch(request) => {
                let watched = self.watch(asker.session(), request);
                asker.answer(Ok(watched));
            }
            Request::Fetch(request) => self.fetch(asker, &member, request),
            Request::Pins(request) => self.pins(asker, &member, request),
            Request::Search(request) => self.search(asker, &member, request),
        }
    }

    async fn tell_gathered(&mut self) {
        self.people.tell_presence(self.clock.now());
        for now in self.typing.take_changes(Instant::now()) {
            self.audience.tell(now.room, "typing", &now, None).await;
        }
        for changes in self.marks.take_changes() {
            let room = changes.room;
            let few = self
                .world
                .room(room)
                .is_some_and(|state| self.world.member_count(state) <= MARKS_PUSHED_MEMBERS as u64);
            if few {
                self.audience.tell(room, "marks", &changes, None).await;
            }
        }
    }

    fn keep_house(&mut self) {
        let now = Instant::now();
        self.people.turn_strangers_away(now);
        self.admissions.forget(now);
        self.writes.forget(now);
        self.write_lazily(now);
    }

    fn tell_heads(&mut self) {
        let mut news: HashMap<SessionId, (Outlet, Vec<Head>)> = HashMap::new();
        for room in std::mem::take(&mut self.heads_changed) {
            let head = self.head_of(room);
            for outlet in self.audience.of(room) {
                let news = news.entry(outlet.session.id);
                news.or_insert_with(|| (outlet.clone(), Vec::new()))
                    .1
                    .push(head);
            }
        }
        for (outlet, rooms) in news.into_values() {
            outlet.send("heads", &Heads { rooms });
        }
    }

    fn head_of(&self, room: RoomId) -> Head {
        let head = if room == self.world.space.id.directory() {
            self.world.space.head
        } else {
            self.world.room(room).map_or(0, |room| room.head)
        };
        Head {
            room,
            head,
            epoch: self.world.epoch,
        }
    }

    fn tell_outside(&self) {
        let outside = Outside {
            stores: self.writes.are_stored(),
            connections: self.people.count(),
            space: self.world.space_info(),
        };
        self.outside.send_if_modified(|told| {
            let is_news = *told != outside;
            *told = outside;
            is_news
        });
    }

    async fn end(mut self) {
        for outlet in self.people.everybody() {
            outlet.goodbye(GoodbyeReason::ShuttingDown);
        }
        self.reads.close();
        self.reads.wait().await;
        self.write_at_last().await;
        if let Some(done) = self.stopping.take() {
            let _ = done.send(());
        }
    }
}

/// `{}`.
#[derive(Debug, serde::Serialize)]
struct Nothing {}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Those that stay as they are; the space sets others.
fn limits(rates: Rates) -> Limits {
    Limits {
        append_rate: u64::from(rates.append),
        append_burst: u64::from(rates.append) * u64::from(allowance::BURST_SECONDS),
        request_rate: u64::from(rates.request),
        ..Limits::default()
    }
}

/// Forgets the buckets that are as full as new ones.
fn forget_full<K: Eq + std::hash::Hash>(buckets: &mut HashMap<K, Bucket>, now: Instant) {
    buckets.retain(|_, bucket| !bucket.is_full(now));
}
