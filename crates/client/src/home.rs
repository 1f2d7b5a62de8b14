//! The one task behind a [`crate::Client`]: who I am, settings, known spaces, what is near,
//! hosting, and the windows. It starts one engine per space and passes on what is theirs.
//!
//! ```text
//! Client ── Input ──► Home ── engine::Input ──► Engine (one per space)
//!                      ▲  │                        │
//!        discovery ────┘  └─ batches ─► windows     │
//!                      └───────── Note ◄───────────┘
//! ```
//!
//! Home never waits for an engine (a full queue is a refusal), engines may wait for it: so the two
//! can't hold each other up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use landline_discovery::Discovery;
use landline_protocol::up::AppendResult;
use landline_protocol::{EventId, MemberId, PresenceState, Refusal, RoomId, SpaceId};
use landline_store::Store;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use crate::command::{Answer, Command, Look, Nothing, SetPresence};
use crate::data::{DataDir, Identity};
use crate::engine::{self, EngineHandle, NewReply};
use crate::export;
use crate::host::{Host, Hosted, Notification};
use crate::import::Ready;
use crate::known::KnownSpace;
use crate::names::mentions_in;
use crate::nearby::Nearby;
use crate::picture::Picture;
use crate::ui::{Settings, Snapshot, UiEvent};
use crate::windows::Windows;
use crate::{ClientConfig, ClientError};

mod around;
mod damage;
mod hosting;
mod join;
mod kept;
mod left;
mod person;
mod wake;

use around::{next_problem, next_sighting};
use left::{Arrival, Leaving};
use person::me_view;
use wake::Awake;

pub(crate) use crate::windows::WINDOW_BATCHES;
pub(crate) use damage::is_damaged;

/// Notes of engines that may wait for home; past it, an engine waits.
const NOTES_WAITING: usize = 256;
/// Notes taken into one batch for the windows.
const NOTES_AT_ONCE: usize = 128;
/// Between looking whether a window that fell behind has room again.
const BEHIND_EVERY: Duration = Duration::from_millis(100);
/// For the engines to end.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The answer to a command, on its way back.
pub(crate) type Reply = oneshot::Sender<Result<Answer, Refusal>>;
/// The answer to events that went past the outbox.
pub(crate) type AppendReply = oneshot::Sender<Result<Vec<AppendResult>, Refusal>>;

/// What an export is made of.
pub(crate) type SourceReply = oneshot::Sender<Result<export::Source, Refusal>>;

/// What comes from the handles.
#[derive(Debug)]
pub(crate) enum Input {
    Command {
        command: Box<Command>,
        reply: Reply,
    },
    Listen(mpsc::Sender<Vec<UiEvent>>),
    Hosting(Hosted),
    Away(bool),
    Notice(String),
    Open {
        space: SpaceId,
        room: RoomId,
        item: Option<EventId>,
    },
    /// Past the outbox; see [`Client::append`](crate::Client).
    Append {
        space: SpaceId,
        events: Vec<Ready>,
        reply: AppendReply,
    },
    /// What an export is made of; see [`crate::export`].
    Export {
        space: SpaceId,
        rooms: Vec<RoomId>,
        reply: SourceReply,
    },
    /// Written into a notification; whom it mentions is found out here.
    Reply {
        space: SpaceId,
        new: NewReply,
    },
    /// For the engine of a space.
    Engine {
        space: SpaceId,
        input: Box<engine::Input>,
    },
    Stop(oneshot::Sender<()>),
}

/// What comes from engines and from tasks that home has started.
#[derive(Debug)]
pub(crate) enum Note {
    Ui {
        space: SpaceId,
        events: Vec<UiEvent>,
    },
    /// What is to be remembered of a space.
    Known(Box<KnownSpace>),
    Notify(Notification),
    ClearNotifications {
        space: SpaceId,
        room: RoomId,
    },
    /// A dial has failed: is its advert still true?
    Unreachable(SpaceId),
    Joined(Arrival),
    /// Nothing opens the folder of a space that was left any more; or why that can't be.
    TakenAway {
        space: SpaceId,
        result: Result<(), ClientError>,
    },
    HostStarted {
        result: Result<Hosted, Refusal>,
        reply: Reply,
    },
    HostingSet {
        result: Result<Hosted, Refusal>,
        reply: Reply,
    },
    /// A replica has proved damaged while it was in use.
    Damaged(SpaceId),
    /// An engine has ended by itself.
    Ended(SpaceId),
    /// A damaged replica was put right, and what is to be said of it.
    Mended {
        space: SpaceId,
        result: Result<String, ClientError>,
    },
}

pub(crate) struct Home {
    data: DataDir,
    config: ClientConfig,
    host: Arc<dyn Host>,
    identity: Identity,
    store: Store,
    name: Option<String>,
    settings: Settings,
    spaces: BTreeMap<SpaceId, Joined>,
    nearby: Nearby,
    hosted: Hosted,
    look: Look,
    presence: SetPresence,
    /// The person is not at this computer.
    away: bool,
    picture: Picture,
    windows: Windows,
    /// Where to go, for the next window that listens.
    open: Option<UiEvent>,
    /// What there was to tell when there was no window yet; for the next one.
    unheard: Vec<UiEvent>,
    /// Spaces that were left, until their folders have other names.
    left: BTreeMap<SpaceId, Leaving>,
    /// Damaged replicas that are being put right, and folders that get other names.
    mending: TaskTracker,
    awake: Awake,
    notes: mpsc::Sender<Note>,
}

/// A space one is in.
#[derive(Debug)]
struct Joined {
    known: KnownSpace,
    engine: Running,
}

#[derive(Debug)]
enum Running {
    Yes(EngineHandle),
    /// Its replica can't be used, for this reason.
    No(Refusal),
}

impl Joined {
    fn tell(&self, input: engine::Input) {
        match &self.engine {
            Running::Yes(engine) => engine.tell(input),
            Running::No(why) => input.refuse(why.clone()),
        }
    }
}

/// Opens everything and starts the task. Answers who this device is.
pub(crate) async fn start(
    mut config: ClientConfig,
    host: Arc<dyn Host>,
    inputs: mpsc::Receiver<Input>,
) -> Result<MemberId, ClientError> {
    let discovery = config.discovery.take();
    let (notes, noted) = mpsc::channel(NOTES_WAITING);
    let (path, random) = (config.data_dir.clone(), config.random.clone());
    let (data, identity, store, mended) = blocking(move || {
        let data = DataDir::take(&path)?;
        let identity = data.identity(&random)?;
        let (store, mended) = damage::open_own(&data, identity.member)?;
        Ok((data, identity, store, mended))
    })
    .await?;
    let kept = kept::load(&store).await?;
    let snapshot = Snapshot {
        me: me_view(&config, &identity, kept.name.clone()),
        settings: kept.settings.clone(),
        nearby: Vec::new(),
        hosting: Vec::new(),
        spaces: Vec::new(),
        discovery_problem: None,
    };
    let me = identity.member;
    let awake = Awake::new(Instant::now(), config.clock.now());
    let mut home = Home {
        data,
        config,
        host,
        identity,
        store,
        name: kept.name,
        settings: kept.settings,
        spaces: BTreeMap::new(),
        nearby: Nearby::default(),
        hosted: Hosted::default(),
        presence: SetPresence {
            state: PresenceState::Online,
            text: String::new(),
        },
        away: false,
        look: Look {
            space: None,
            room: None,
            thread: None,
            focused: false,
        },
        picture: Picture::new(snapshot),
        windows: Windows::default(),
        open: None,
        unheard: Vec::new(),
        left: BTreeMap::new(),
        mending: TaskTracker::new(),
        awake,
        notes,
    };
    if let Some(words) = mended {
        home.notice(words);
    }
    for known in kept.spaces {
        home.start_space(known).await;
    }
    home.take_away_rest(kept.left);
    tokio::spawn(home.run(inputs, noted, discovery));
    Ok(me)
}

impl Home {
    async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut noted: mpsc::Receiver<Note>,
        discovery: Option<Discovery>,
    ) {
        let mut sightings = discovery.as_ref().map(Discovery::sightings);
        let mut problem = discovery.as_ref().map(Discovery::problem);
        if let Some(problem) = &mut problem {
            problem.mark_changed();
        }
        let mut notes = Vec::new();
        let done = loop {
            let behind = self.windows.any_behind();
            tokio::select! {
                input = inputs.recv() => match input {
                    Some(Input::Stop(done)) => break Some(done),
                    Some(input) => self.on_input(input).await,
                    None => break None,
                },
                _ = noted.recv_many(&mut notes, NOTES_AT_ONCE) => {
                    self.on_notes(&mut notes, discovery.as_ref()).await;
                }
                sighting = next_sighting(&mut sightings) => match sighting {
                    Some(sighting) => self.on_sighting(sighting),
                    None => sightings = None,
                },
                there = next_problem(&mut problem) => match there {
                    Some(there) => self.on_problem(there),
                    None => problem = None,
                },
                () = sleep_until(self.awake.next_look()) => self.look_whether_awake(),
                () = sleep_until(Instant::now() + BEHIND_EVERY), if behind => {
                    self.windows.catch_up(&self.picture);
                }
            }
        };
        self.stop(noted).await;
        if let Some(done) = done {
            let _ = done.send(());
        }
    }

    async fn on_input(&mut self, input: Input) {
        match input {
            Input::Command { command, reply } => self.on_command(*command, reply).await,
            Input::Listen(window) => {
                self.windows.add(window, &self.picture);
                let mut unheard = std::mem::take(&mut self.unheard);
                unheard.extend(self.open.take());
                self.tell(unheard);
            }
            Input::Hosting(hosted) => self.on_hosting(hosted),
            Input::Away(away) => {
                self.away = away;
                self.tell_engines();
            }
            Input::Notice(words) => self.notice(words),
            Input::Open { space, room, item } => {
                let open = UiEvent::Open { space, room, item };
                if self.windows.is_empty() {
                    self.open = Some(open);
                } else {
                    self.tell(vec![open]);
                }
            }
            Input::Append {
                space,
                events,
                reply,
            } => {
                self.to_engine(space, engine::Input::Append { events, reply });
            }
            Input::Export {
                space,
                rooms,
                reply,
            } => self.to_engine(space, engine::Input::Export { rooms, reply }),
            Input::Reply { space, mut new } => {
                let spaces = &self.picture.now().spaces;
                let state = spaces.iter().find(|state| state.space.space == space);
                new.mentions =
                    state.map_or_else(Vec::new, |state| mentions_in(&state.people, &new.text));
                self.to_engine(space, engine::Input::Reply(new));
            }
            Input::Engine { space, input } => self.to_engine(space, *input),
            Input::Stop(_) => {}
        }
    }

    async fn on_command(&mut self, command: Command, reply: Reply) {
        let answer = match command {
            Command::set_name(request) => self.set_name(request).await.map(Answer::set_name),
            Command::set_settings(request) => {
                self.set_settings(request).await.map(Answer::set_settings)
            }
            Command::join(request) => return self.join(request, reply),
            Command::host(request) => return self.host_space(request, reply),
            Command::set_hosting(request) => return self.set_hosting(request, reply),
            Command::leave_space(request) => self
                .leave_space(request.space)
                .await
                .map(Answer::leave_space),
            Command::set_presence(request) => {
                self.presence = request;
                self.tell_engines();
                Ok(Answer::set_presence(Nothing {}))
            }
            Command::look(request) => self.look(request).await.map(Answer::look),
            Command::open_link(request) => self
                .open_link(&request.url)
                .map(|()| Answer::open_link(Nothing {})),
            Command::connect_now(ref request) => {
                self.start_again(request.space).await;
                return self.pass_on(request.space, command, reply);
            }
            Command::create_room(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::join_room(ref request)
            | Command::forget_room(ref request)
            | Command::members(ref request)
            | Command::pins(ref request)
            | Command::threads(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::leave_room(ref request) => return self.pass_on(request.space, command, reply),
            Command::change_room(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::invite(ref request) | Command::remove(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::set_level(ref request) => return self.pass_on(request.space, command, reply),
            Command::browse_rooms(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::post(ref request) => return self.pass_on(request.space, command, reply),
            Command::detach(ref request) => return self.pass_on(request.space, command, reply),
            Command::fetch_file(ref request) => return self.pass_on(request.space, command, reply),
            Command::pause_transfer(ref request)
            | Command::resume_transfer(ref request)
            | Command::cancel_transfer(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::edit(ref request) => return self.pass_on(request.space, command, reply),
            Command::delete(ref request) => return self.pass_on(request.space, command, reply),
            Command::react(ref request) => return self.pass_on(request.space, command, reply),
            Command::pin(ref request) => return self.pass_on(request.space, command, reply),
            Command::item(ref request) | Command::versions(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::read_thread(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::mark_unread(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::discard_queued(ref request) | Command::retry_failed(ref request) => {
                return self.pass_on(request.space, command, reply);
            }
            Command::page(ref request) => return self.pass_on(request.space, command, reply),
            Command::read(ref request) => return self.pass_on(request.space, command, reply),
            Command::typing(ref request) => return self.pass_on(request.space, command, reply),
            Command::save_draft(ref request) => return self.pass_on(request.space, command, reply),
            Command::search(ref request) => return self.pass_on(request.space, command, reply),
        };
        let _ = reply.send(answer);
    }

    fn pass_on(&self, space: SpaceId, command: Command, reply: Reply) {
        self.to_engine(
            space,
            engine::Input::Command {
                command: Box::new(command),
                reply,
            },
        );
    }

    /// Hands an input to a space's engine; where that can't be, its reply says so.
    fn to_engine(&self, space: SpaceId, input: engine::Input) {
        match self.spaces.get(&space) {
            Some(joined) => joined.tell(input),
            None => input.refuse(Refusal::not_found("you are not in that space")),
        }
    }

    async fn on_notes(&mut self, notes: &mut Vec<Note>, discovery: Option<&Discovery>) {
        let mut events = Vec::new();
        for note in notes.drain(..) {
            match note {
                // Of a space that was left meanwhile nothing is told.
                Note::Ui { space, events: new } if self.spaces.contains_key(&space) => {
                    events.extend(new);
                }
                Note::Ui { .. } => {}
                Note::Known(known) => self.remember(*known).await,
                Note::Notify(notification) => self.notify(notification),
                Note::ClearNotifications { space, room } => {
                    self.host.clear_notifications(space, room)
                }
                Note::Unreachable(space) => {
                    if let Some(discovery) = discovery {
                        discovery.verify(space);
                    }
                }
                Note::Joined(arrival) => self.arrived(arrival).await,
                Note::TakenAway { space, result } => self.taken_away(space, result).await,
                Note::HostStarted { result, reply } => self.host_started(result, reply),
                Note::HostingSet { result, reply } => self.hosting_set(result, reply),
                Note::Damaged(space) => self.mend(space),
                Note::Ended(space) => self.ended(space),
                Note::Mended { space, result } => self.mended(space, result).await,
            }
        }
        self.tell(events);
    }

    fn tell(&mut self, events: Vec<UiEvent>) {
        for event in &events {
            self.picture.take(event);
        }
        self.windows.tell(&events, &self.picture);
    }

    /// Ends the engines together; their last notes are still taken.
    async fn stop(mut self, mut noted: mpsc::Receiver<Note>) {
        let ended = || Running::No(ClientError::Stopped.into());
        let engines = self.spaces.values_mut().filter_map(|joined| {
            match std::mem::replace(&mut joined.engine, ended()) {
                Running::Yes(engine) => Some(engine.stop()),
                Running::No(_) => None,
            }
        });
        let ends = futures_util::future::join_all(engines);
        let mending = self.mending.clone();
        mending.close();
        let ended = async { tokio::join!(ends, mending.wait()) };
        let mut known = Vec::new();
        let mut take = |note: Note| {
            if let Note::Known(space) = note {
                known.push(*space);
            }
        };
        let taken = async {
            tokio::pin!(ended);
            loop {
                tokio::select! {
                    _ = &mut ended => break,
                    Some(note) = noted.recv() => take(note),
                }
            }
            while let Ok(note) = noted.try_recv() {
                take(note);
            }
        };
        if tokio::time::timeout(STOP_WITHIN, taken).await.is_err() {
            tracing::warn!("an engine did not end in time");
        }
        for known in known {
            self.remember(known).await;
        }
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "closing landline.db");
        }
    }
}

/// Runs what waits for the disk away from the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    tokio::task::spawn_blocking(job)
        .await
        .map_err(|_| ClientError::Stopped)?
}
