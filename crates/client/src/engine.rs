//! One task per space: the link, the replica, the outbox.
//!
//! ```text
//!             due, seen, connect_now            signed in            all heads reached
//!   Looking ────────────────────────► Dialling ──────────► CatchingUp ───────────────► Live
//!      ▲  ▲                             │   │                   │                       │
//!      │  └──────── lost, busy ─────────┘   │ refused for good  │                       │
//!      │                                    ▼                   │                       │
//!      │                                 Refused ◄── goodbye ───┤                       │
//!      └──────────────────────────── link lost ─────────────────┴───────────────────────┘
//! ```
//!
//! Dialling includes signing in (`contact.rs`). Everything that happens is one [`Input`]; whatever
//! it was, [`Engine::advance`] then does what has become possible: fetch, append, tell the windows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use landline_discovery::SpaceSeen;
use landline_protocol::up::ClientInfo;
use landline_protocol::{MemberId, Refusal, RoomId, SpaceId};
use landline_store::Store;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Duration, Instant, sleep_until};

use crate::command::Command;
use crate::contact::{Contact, NoContact};
use crate::data::Identity;
use crate::files::FileWish;
use crate::files::shelf::Shelf;
use crate::home::{AppendReply, Note, Reply, SourceReply, is_damaged};
use crate::import::Ready;
use crate::known::KnownSpace;
use crate::link::{Backoff, Dial, LinkEvent, LinkLoss};
use crate::ui::UiEvent;
use crate::{ClientError, Clock, Random};

mod append;
mod ask;
mod attach;
mod changes;
mod commands;
mod direct;
mod drafts;
mod export;
mod follow;
mod linking;
mod marks;
mod my_name;
mod notice;
mod online;
mod overlay;
mod people;
mod receive;
mod replica;
mod reply;
mod room;
mod rooms;
mod search;
mod situation;
mod tell;
mod timeline;
mod transfers;
mod views;

use append::Appending;
use linking::Wait;
use marks::MarksKept;
use online::Online;
use people::People;
pub(crate) use reply::NewReply;
use room::Room;
pub(crate) use situation::{Looked, Situation, Wishes};
use tell::Out;
use transfers::Transfers;

/// Link events taken into one round, and into one transaction where they are new events.
const ARRIVALS_AT_ONCE: usize = 64;
/// Without anything due, the engine looks around after this long.
const IDLE: Duration = Duration::from_secs(60);
/// Before the same failure of the replica is told again.
const TELL_AGAIN: Duration = Duration::from_secs(300);
/// Inputs that may wait for an engine; past it, a command is refused.
const INPUTS_WAITING: usize = 256;

/// Everything that an engine needs.
pub(crate) struct EngineConfig {
    pub(crate) known: KnownSpace,
    pub(crate) identity: Identity,
    pub(crate) situation: Situation,
    pub(crate) client: ClientInfo,
    /// The space's own folder.
    pub(crate) folder: PathBuf,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) notes: mpsc::Sender<Note>,
}

/// What happens to an engine from outside.
#[derive(Debug)]
pub(crate) enum Input {
    Command {
        command: Box<Command>,
        reply: Reply,
    },
    /// A contact made by somebody who joined again.
    Contact(Box<Result<Contact, NoContact>>),
    /// Its advert was seen, or has changed.
    Seen(SpaceSeen),
    /// The computer has slept.
    Woke,
    /// Events of ours past the outbox, for an import: one `append`, refused where there is no link.
    Append {
        events: Vec<Ready>,
        reply: AppendReply,
    },
    Export {
        rooms: Vec<RoomId>,
        reply: SourceReply,
    },
    Files(FileWish),
    /// Written into a notification.
    Reply(NewReply),
    Stop,
}

impl Input {
    /// Nobody can take it: whoever waits for an answer is told why.
    pub(crate) fn refuse(self, refusal: Refusal) {
        match self {
            Self::Command { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Append { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Export { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Reply(NewReply { reply, .. }) => drop(reply.send(Err(refusal))),
            Self::Contact(_)
            | Self::Seen(_)
            | Self::Woke
            // A reply that is dropped says so.
            | Self::Files(_)
            | Self::Stop => {}
        }
    }
}

/// A running engine.
#[derive(Debug)]
pub(crate) struct EngineHandle {
    inputs: mpsc::Sender<Input>,
    situation: watch::Sender<Situation>,
    task: JoinHandle<()>,
}

impl EngineHandle {
    /// Never waits: an engine that has too much to do refuses.
    pub(crate) fn tell(&self, input: Input) {
        if let Err(error) = self.inputs.try_send(input) {
            let refusal = ClientError::Store(landline_store::StoreError::Busy).into();
            match error {
                mpsc::error::TrySendError::Full(input) => input.refuse(refusal),
                mpsc::error::TrySendError::Closed(input) => {
                    input.refuse(ClientError::Stopped.into())
                }
            }
        }
    }

    /// Things stand so now.
    pub(crate) fn is_now(&self, situation: Situation) {
        self.situation.send_if_modified(|known| {
            let changed = *known != situation;
            *known = situation;
            changed
        });
    }

    /// It has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.inputs.is_closed()
    }

    /// Ends it: the link is cut, the replica closed.
    pub(crate) async fn stop(self) {
        if self.inputs.send(Input::Stop).await.is_ok() {
            let _ = self.task.await;
        }
    }
}

/// Starts the engine of a space, from what is on disk; `contact` where it is signed in already.
/// The events are what a window must be told first: the space, its rooms, its people.
pub(crate) async fn start(
    config: EngineConfig,
    contact: Option<Contact>,
) -> Result<(EngineHandle, Vec<UiEvent>), ClientError> {
    let (inputs, waiting) = mpsc::channel(INPUTS_WAITING);
    let mut engine = Engine::load(config).await?;
    if contact.is_some() {
        // It is taken over as soon as the engine runs.
        engine.phase = Phase::Dialling {
            contact: JoinSet::new(),
        };
    }
    let first = engine.first_words().await?;
    let (situation, changes) = watch::channel(engine.config.situation.clone());
    let (space, notes) = (engine.space(), engine.config.notes.clone());
    let running = tokio::spawn(engine.run(waiting, changes, contact));
    let task = tokio::spawn(async move {
        if let Err(error) = running.await {
            tracing::error!(%space, %error, "an engine has ended");
            // Home has ended before it: then nobody is to be told.
            let _ = notes.send(Note::Ended(space)).await;
        }
    });
    let handle = EngineHandle {
        inputs,
        situation,
        task,
    };
    Ok((handle, first))
}

/// Where the link stands.
enum Phase {
    /// No link; dialled at this instant. `next_try_at` says it in milliseconds since 1970.
    Looking { next_try: Instant, next_try_at: i64 },
    /// A contact is being made, in a task of its own that ends when this is dropped.
    Dialling {
        contact: JoinSet<Result<Contact, NoContact>>,
    },
    /// Signed in. Whether it is catching up or live is what its rooms say.
    Online(Box<Online>),
    /// The node does not let us in. Only the person can try again.
    Refused,
}

/// The engine of one space.
pub(crate) struct Engine {
    /// What is remembered of the space, `known` in it kept current.
    config: EngineConfig,
    phase: Phase,
    backoff: Backoff,
    /// Why there is no link.
    problem: Option<Refusal>,
    /// Its advert, as seen last.
    seen: Option<SpaceSeen>,
    /// When it was dialled last.
    dialled_at: Option<Instant>,
    rooms: BTreeMap<RoomId, Room>,
    /// Rooms whose log may have a next step.
    due: BTreeSet<RoomId>,
    /// Fetches were refused for now: not before this.
    fetch_after: Option<Instant>,
    appending: Appending,
    people: People,
    marks: MarksKept,
    shelf: Shelf,
    transfers: Transfers,
    out: Out,
    /// The replica has proved damaged: home puts it right, and starts another engine.
    damaged: bool,
    /// The failure of the replica that was told last, and when.
    told_failure: Option<(String, Instant)>,
    /// Events from before are not announced: when there was a link last.
    away_since: Option<i64>,
}

/// What has happened to the link.
enum News {
    Dialled(Box<Result<Contact, NoContact>>),
    Link,
}

impl Engine {
    async fn load(config: EngineConfig) -> Result<Self, ClientError> {
        let (space, me) = (config.known.space, config.identity.member);
        let rooms = config
            .store
            .read(move |c| replica::load(c, space, me))
            .await?;
        let next_try_at = config.clock.now();
        let shelf = Shelf::new(&config.folder);
        let mut engine = Self {
            config,
            phase: Phase::Looking {
                next_try: Instant::now(),
                next_try_at,
            },
            backoff: Backoff::default(),
            problem: None,
            seen: None,
            dialled_at: None,
            rooms,
            due: BTreeSet::new(),
            fetch_after: None,
            appending: Appending::default(),
            people: People::default(),
            marks: MarksKept::default(),
            shelf,
            transfers: Transfers::default(),
            out: Out::default(),
            damaged: false,
            told_failure: None,
            away_since: None,
        };
        engine.read_directory().await?;
        engine.read_files().await?;
        engine.read_drafts().await?;
        Ok(engine)
    }

    const fn space(&self) -> SpaceId {
        self.config.known.space
    }

    const fn me(&self) -> MemberId {
        self.config.identity.member
    }

    /// The log of who is in the space.
    const fn directory(&self) -> RoomId {
        self.space().directory()
    }

    async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut situation: watch::Receiver<Situation>,
        contact: Option<Contact>,
    ) {
        if let Some(contact) = contact
            && let Err(error) = self.contacted(contact).await
        {
            self.failed(error).await;
        }
        let mut arrived = Vec::new();
        loop {
            if !self.damaged
                && let Err(error) = self.advance().await
            {
                self.failed(error).await;
            }
            let wake = if self.damaged {
                Instant::now() + IDLE
            } else {
                self.wake_at()
            };
            tokio::select! {
                input = inputs.recv() => match input {
                    Some(Input::Stop) | None => break,
                    Some(input) => {
                        // What was chosen before it counts for it.
                        self.look_about(&mut situation).await;
                        self.on_input(input).await;
                    }
                },
                Ok(()) = situation.changed() => self.look_about(&mut situation).await,
                news = news(&mut self.phase, &mut arrived) => {
                    let done = match news {
                        News::Dialled(result) => self.on_dialled(*result).await,
                        News::Link => self.on_link(&mut arrived).await,
                    };
                    if let Err(error) = done {
                        self.failed(error).await;
                    }
                }
                ended = self.transfers.ended() => {
                    if let Err(error) = self.transfer_ended(ended).await {
                        self.failed(error).await;
                    }
                }
                () = sleep_until(wake) => self.on_tick(),
            }
        }
        self.end().await;
    }

    /// Does what has become possible, whatever it was that happened.
    async fn advance(&mut self) -> Result<(), ClientError> {
        // First: without a file that it waited for, a message may go.
        self.carry_files().await?;
        if matches!(self.phase, Phase::Online(_)) {
            self.follow().await?;
            self.append_next().await?;
            self.send_marks();
            self.watch();
            self.check_name().await?;
        }
        self.keep_marks().await?;
        match self.tell().await {
            // What is in the replica can't be shown, but is kept: the link may go on.
            Err(error) if !is_damaged(&error) => {
                self.say_failure(error);
                Ok(())
            }
            told => told,
        }
    }

    async fn on_input(&mut self, input: Input) {
        match input {
            Input::Command { command, reply } => self.on_command(*command, reply).await,
            Input::Contact(result) => {
                if !matches!(self.phase, Phase::Online(_))
                    && let Err(error) = self.on_dialled(*result).await
                {
                    self.failed(error).await;
                }
            }
            Input::Seen(seen) => self.on_seen(seen),
            Input::Woke => self.woke(),
            Input::Append { events, reply } => self.append_directly(&events, reply),
            Input::Export { rooms, reply } => {
                drop(reply.send(self.export_source(&rooms).await));
            }
            Input::Files(wish) => self.on_file_wish(wish).await,
            Input::Reply(new) => self.on_reply(new).await,
            Input::Stop => {}
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        if matches!(self.phase, Phase::Looking { next_try, .. } if next_try <= now) {
            self.dial();
        }
        self.forget_typing(now);
        self.notice_quiet();
    }

    /// The next instant at which something is due.
    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let idle = now + IDLE;
        let online = matches!(self.phase, Phase::Online(_));
        let dial = match self.phase {
            Phase::Looking { next_try, .. } => Some(next_try),
            Phase::Dialling { .. } | Phase::Online(_) | Phase::Refused => None,
        };
        let rooms = self.rooms.values().filter_map(|room| room.typing.ends());
        let marks = self.rooms.values().filter_map(|room| room.marks.due(now));
        let linked = [
            self.fetch_after,
            self.appending.next_try(),
            self.people.watch_due(),
            self.quiet_ends(),
        ];
        [
            dial,
            self.marks.due(),
            self.out.due(),
            self.transfers.due(now, online),
        ]
        .into_iter()
        .flatten()
        .chain(rooms)
        .chain(marks.filter(|_| online))
        .chain(linked.into_iter().flatten().filter(|_| online))
        .min()
        .map_or(idle, |next| next.min(idle))
    }

    /// The replica can't be used now (a full disk): the link is given up, so that nothing is
    /// taken that can't be kept, and tried again later.
    async fn failed(&mut self, error: ClientError) {
        if self.damaged {
            return;
        }
        if is_damaged(&error) {
            tracing::error!(space = %self.space(), %error, "the replica is damaged");
            self.damaged = true;
            self.lose(Some(error.into()), Wait::ForEver);
            self.note(Note::Damaged(self.space())).await;
            return;
        }
        let refusal = self.say_failure(error);
        self.lose(Some(refusal), Wait::Backoff);
        // If this can't be told either, the next round tries again.
        let _ = self.tell().await;
    }

    /// The replica fails. It is tried again and again, and fails again: told once in a while.
    fn say_failure(&mut self, error: ClientError) -> Refusal {
        let words = error.to_string();
        let refusal = Refusal::from(error);
        let told = self
            .told_failure
            .replace((refusal.message.clone(), Instant::now()));
        if let Some((words, at)) = told
            && words == refusal.message
            && at.elapsed() < TELL_AGAIN
        {
            self.told_failure = Some((words, at));
        } else {
            tracing::error!(space = %self.space(), error = words, "the replica failed");
            self.out.say(UiEvent::Notice {
                refusal: refusal.clone(),
            });
        }
        refusal
    }

    async fn end(mut self) {
        if let Phase::Online(_) = self.phase {
            self.config.known.last_connected = Some(self.config.clock.now());
            self.note(Note::Known(Box::new(self.config.known.clone())))
                .await;
        }
        self.lose(None, Wait::Backoff);
        self.marks.hurry();
        if let Err(error) = self.keep_marks().await {
            tracing::warn!(%error, "marks were not stored");
        }
        if let Err(error) = self.config.store.clone().close().await {
            tracing::warn!(%error, "closing a replica");
        }
    }

    async fn note(&self, note: Note) {
        // Home ends after its engines; one that has gone needs no note.
        let _ = self.config.notes.send(note).await;
    }
}

/// Waits for what the link has to say; for ever where there is none.
async fn news(phase: &mut Phase, arrived: &mut Vec<LinkEvent>) -> News {
    match phase {
        Phase::Dialling { contact } => match contact.join_next().await {
            Some(Ok(result)) => News::Dialled(Box::new(result)),
            Some(Err(_)) | None => News::Dialled(Box::new(Err(LinkLoss::Cut.into()))),
        },
        Phase::Online(online) => {
            if online.events.recv_many(arrived, ARRIVALS_AT_ONCE).await == 0 {
                arrived.push(LinkEvent::Closed(LinkLoss::Closed));
            }
            News::Link
        }
        Phase::Looking { .. } | Phase::Refused => std::future::pending().await,
    }
}
