//! The client core on this data folder, for as long as one command runs.
//!
//! ```text
//! start ─► wait for what the command needs (each wait has a limit) ─► act ─► stop
//! ```
//!
//! Waiting is on [`UiEvent`]s, the way a window learns of things; [`Here`] keeps the picture that
//! they draw.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use landline_client::ui::{LinkState, Snapshot, SpaceState, UiEvent};
use landline_client::{
    Client, ClientConfig, ClientError, Picture, PlainHost, Random, SystemClock, TcpDial,
};
use landline_discovery::Discovery;
use landline_protocol::up::ClientInfo;
use landline_protocol::{Code, Refusal, RoomId, SpaceId};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::error::CliError;
use crate::history::changes;
use crate::output::Output;

mod find;

pub(crate) use find::{one_of, room_title};
pub(crate) use landline_client::title;

/// How long a space is still looked for once a dial has failed, before it counts as not reachable
/// now: time for another dial, and for an advert of where it is now.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// How long a host that was reached may take to let us in and bring us up to date.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Events that are fetched while somebody waits. Of more, the newest come first, and who needs
/// the old ones waits for them by itself.
const FEW_EVENTS: u64 = 1_000;
/// How long the newest of more events may take.
const NEWEST_LIMIT: Duration = Duration::from_secs(3);
/// How long what is queued may still go out when the command is done.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);
/// Between looks at what happens during long work.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// How long the core may take to close its databases.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How it stands with a space once the waiting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everything the space has is here.
    UpToDate,
    /// Signed in, and still fetching.
    Connected,
    /// Not reachable now.
    Offline,
}

/// A running client core and what it shows.
#[derive(Debug)]
pub(crate) struct Here {
    client: Client,
    events: mpsc::Receiver<Vec<UiEvent>>,
    picture: Picture,
    /// When looking for a space ends; none while no dial has failed.
    look_until: Option<Instant>,
}

impl Here {
    /// `discovery` finds spaces near; none: by address only.
    pub(crate) async fn start(
        data_dir: PathBuf,
        discovery: Option<Discovery>,
    ) -> Result<Self, CliError> {
        let config = ClientConfig {
            data_dir,
            clock: Arc::new(SystemClock),
            random: Random::from_system()?,
            dial: Arc::new(TcpDial::default()),
            discovery,
            client: ClientInfo {
                name: "landline-cli".into(),
                version: env!("CARGO_PKG_VERSION").into(),
            },
            suggested_name: String::new(),
        };
        let client = Client::start(config, Arc::new(PlainHost)).await?;
        let mut events = client.listen().await;
        let mut first = events.recv().await.ok_or(ClientError::Stopped)?.into_iter();
        let Some(UiEvent::Snapshot(snapshot)) = first.next() else {
            return Err(ClientError::Stopped.into());
        };
        let mut picture = Picture::new(snapshot);
        first.for_each(|event| picture.take(&event));
        Ok(Self {
            client,
            events,
            picture,
            look_until: None,
        })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Everything above single messages, as it stands.
    pub(crate) fn now(&self) -> &Snapshot {
        self.picture.now()
    }

    /// What happens next; none where nothing does before `until`.
    pub(crate) async fn next(&mut self, until: Instant) -> Result<Option<Vec<UiEvent>>, CliError> {
        if Instant::now() >= until {
            // Else a busy space, in which something always happens, would be waited for for ever.
            return Ok(None);
        }
        match timeout_at(until, self.events.recv()).await {
            Ok(Some(events)) => {
                events.iter().for_each(|event| self.picture.take(event));
                Ok(Some(events))
            }
            Ok(None) => Err(ClientError::Stopped.into()),
            Err(_) => Ok(None),
        }
    }

    /// Whether it came true before `until`.
    pub(crate) async fn wait(
        &mut self,
        until: Instant,
        is: impl Fn(&Snapshot) -> bool,
    ) -> Result<bool, CliError> {
        while !is(self.now()) {
            if self.next(until).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn state(&self, space: SpaceId) -> Result<&SpaceState, CliError> {
        self.now()
            .spaces
            .iter()
            .find(|known| known.space.space == space)
            .ok_or_else(|| CliError::NotFound("that space is not joined here any longer".into()))
    }

    /// Waits until the space was reached, or that is not to be expected now. One that does not let
    /// us in is an error.
    pub(crate) async fn connect(
        &mut self,
        space: SpaceId,
        enough: Reach,
    ) -> Result<Reach, CliError> {
        let answer_until = Instant::now() + ANSWER_LIMIT;
        let mut newest_until = None;
        loop {
            let link = self.state(space)?.space.link.clone();
            let missing = link.catching_up.unwrap_or_default();
            let (reach, until) = match link.state {
                LinkState::Connected if missing == 0 => return Ok(Reach::UpToDate),
                LinkState::Connected if enough == Reach::Connected => return Ok(Reach::Connected),
                LinkState::Connected if missing > FEW_EVENTS => (
                    Reach::Connected,
                    *newest_until.get_or_insert_with(|| Instant::now() + NEWEST_LIMIT),
                ),
                LinkState::Connected => (Reach::Connected, answer_until),
                LinkState::Connecting => (Reach::Offline, answer_until),
                LinkState::Looking if link.problem.is_none() => (Reach::Offline, answer_until),
                LinkState::Looking => (
                    Reach::Offline,
                    *self
                        .look_until
                        .get_or_insert_with(|| Instant::now() + LOOK_LIMIT),
                ),
                LinkState::Refused => return Err(link.problem.unwrap_or_else(not_let_in).into()),
            };
            if self.next(until).await?.is_none() {
                return Ok(reach);
            }
        }
    }

    /// For a command that only reads: the space as it is now, else what is here, and says so.
    /// Whether it is as it is now.
    pub(crate) async fn refresh(
        &mut self,
        space: SpaceId,
        output: Output,
    ) -> Result<bool, CliError> {
        match self.connect(space, Reach::UpToDate).await {
            Ok(Reach::UpToDate | Reach::Connected) => Ok(true),
            Ok(Reach::Offline) => {
                output.note("the space can't be reached now; this is what is on this computer");
                Ok(false)
            }
            Err(CliError::Refused(refusal)) => {
                output.note(format!("{refusal} This is what is on this computer."));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Why there is nothing to be had from the space now.
    pub(crate) fn offline(&self, space: SpaceId) -> CliError {
        let problem = self
            .state(space)
            .ok()
            .and_then(|state| state.space.link.problem.as_ref());
        CliError::Offline(match problem {
            Some(problem) => format!("the space can't be reached now: {problem}"),
            None => "the space can't be reached now".into(),
        })
    }

    /// Why the space does not let us in, where that is so.
    pub(crate) fn refused(&self, space: SpaceId) -> Option<Refusal> {
        let link = &self.state(space).ok()?.space.link;
        (link.state == LinkState::Refused).then(|| link.problem.clone().unwrap_or_else(not_let_in))
    }

    pub(crate) fn is_connected(&self, space: SpaceId) -> bool {
        self.state(space)
            .is_ok_and(|state| state.space.link.state == LinkState::Connected)
    }

    /// Whether a space came to be so before `until`.
    pub(crate) async fn wait_in(
        &mut self,
        space: SpaceId,
        until: Instant,
        is: impl Fn(&SpaceState) -> bool,
    ) -> Result<bool, CliError> {
        self.wait(until, |now| {
            now.spaces
                .iter()
                .any(|known| known.space.space == space && is(known))
        })
        .await
    }

    /// Whether a room's pages changed before `until`.
    pub(crate) async fn changed(
        &mut self,
        space: SpaceId,
        room: RoomId,
        until: Instant,
    ) -> Result<bool, CliError> {
        while let Some(events) = self.next(until).await? {
            if events.iter().any(|event| changes(event, space, room)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is queued in spaces that are connected may go out before we stop.
    pub(crate) async fn flush(&mut self) -> Result<(), CliError> {
        let until = Instant::now() + FLUSH_LIMIT;
        let idle = |now: &Snapshot| {
            now.spaces.iter().all(|known| {
                known.space.queued == 0 || known.space.link.state != LinkState::Connected
            })
        };
        self.wait(until, idle).await?;
        Ok(())
    }

    /// Does what takes long, taking note of what happens meanwhile.
    pub(crate) async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = Result<T, CliError>>,
    ) -> Result<T, CliError> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                noted = self.next(Instant::now() + NOTE_EVERY) => drop(noted?),
            }
        }
    }

    /// Closes everything; what is queued stays queued.
    pub(crate) async fn stop(self) {
        // A core that does not end in time is ended with the program; its databases can take that.
        let _ = tokio::time::timeout(STOP_LIMIT, self.client.stop()).await;
    }
}

fn not_let_in() -> Refusal {
    Refusal::new(Code::NotAdmitted, "the space does not let us in")
}
