//! The client core on this data folder, for as long as one command runs.
//!
//! ```text
//! start ─► wait for what the command needs (each wait has a limit) ─► act ─► stop
//! ```
//!
//! Waiting is on [`UiEvent`]s, the way a window learns of things; [`Here`] keeps the picture that
//! they draw.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use landline_client::command::GetPage;
use landline_client::ui::{Item, ItemState, LinkState, RoomView, Snapshot, SpaceState, UiEvent};
use landline_client::{
    Client, ClientConfig, ClientError, Picture, PlainHost, Random, SystemClock, TcpDial,
};
use landline_discovery::Discovery;
use landline_protocol::up::ClientInfo;
use landline_protocol::{Code, EventId, Refusal, RoomId, RoomKind, SpaceId};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::error::CliError;
use crate::history::{PAGE_ITEMS, changes};
use crate::message::Names;
use crate::output::Output;

/// How long a space that was joined is looked for, before it counts as not reachable now: time
/// for a dial that fails once and for an advert to arrive.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// How long a host that was reached may take to let us in and bring us up to date.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long what is queued may still go out when the command is done.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);
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

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The node has it; `seq` where it was told.
    Accepted {
        seq: Option<u64>,
    },
    Refused(Refusal),
}

fn settled(item: &Item) -> Option<Settled> {
    match &item.state {
        ItemState::Queued | ItemState::Sending => None,
        ItemState::Accepted => Some(Settled::Accepted { seq: item.seq }),
        ItemState::Failed { refusal } => Some(Settled::Refused(refusal.clone())),
    }
}

/// A running client core and what it shows.
#[derive(Debug)]
pub(crate) struct Here {
    client: Client,
    events: mpsc::Receiver<Vec<UiEvent>>,
    picture: Picture,
    started: Instant,
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
            started: Instant::now(),
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

    /// The space that is meant: by name or id, or the only one.
    pub(crate) fn space(&self, wanted: Option<&str>) -> Result<SpaceId, CliError> {
        let spaces = &self.now().spaces;
        match (wanted, spaces.as_slice()) {
            (None, [one]) => Ok(one.space.space),
            (None, []) => Err(CliError::NotFound(
                "no space was joined here yet; see `landline-cli spaces` and `landline-cli join`"
                    .into(),
            )),
            (None, many) => Err(CliError::Usage(format!(
                "more than one space was joined; name one with --space: {}",
                listed(many.iter().map(|space| space.space.name.clone()))
            ))),
            (Some(wanted), many) => one_of(
                many.iter()
                    .map(|space| (space.space.space, space.space.name.as_str())),
                wanted,
                "space",
            )?
            .ok_or_else(|| CliError::NotFound(format!("no space called {wanted} was joined here"))),
        }
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
        loop {
            let link = &self.state(space)?.space.link;
            let up_to_date = link.catching_up.unwrap_or_default() == 0;
            let (reach, until) = match link.state {
                LinkState::Connected if up_to_date => return Ok(Reach::UpToDate),
                LinkState::Connected if enough == Reach::Connected => return Ok(Reach::Connected),
                LinkState::Connected => (Reach::Connected, answer_until),
                LinkState::Connecting => (Reach::Offline, answer_until),
                LinkState::Looking => (Reach::Offline, self.started + LOOK_LIMIT),
                LinkState::Refused => {
                    let problem = link.problem.clone();
                    return Err(problem
                        .unwrap_or_else(|| {
                            Refusal::new(Code::NotAdmitted, "the space does not let us in")
                        })
                        .into());
                }
            };
            if self.next(until).await?.is_none() {
                return Ok(reach);
            }
        }
    }

    /// The room that is meant. One that is not known yet may be known once connected.
    pub(crate) async fn room(
        &mut self,
        space: SpaceId,
        wanted: &str,
    ) -> Result<RoomView, CliError> {
        if let Some(room) = self.known_room(space, wanted)? {
            return Ok(room);
        }
        self.connect(space, Reach::UpToDate).await?;
        self.known_room(space, wanted)?.ok_or_else(|| {
            CliError::NotFound(format!(
                "you are in no room called {wanted}; see `landline-cli rooms --all`, `join-room` and `create`"
            ))
        })
    }

    pub(crate) fn known_room(
        &self,
        space: SpaceId,
        wanted: &str,
    ) -> Result<Option<RoomView>, CliError> {
        let state = self.state(space)?;
        let names = Names::new(state);
        let titles: Vec<(RoomId, String)> = state
            .rooms
            .iter()
            .map(|room| (room.room, title(room, state, &names)))
            .collect();
        let named = titles.iter().map(|(room, title)| (*room, title.as_str()));
        let room = match one_of(named.clone(), wanted, "room")? {
            Some(room) => Some(room),
            None => match wanted.strip_prefix('#') {
                Some(bare) => one_of(named, bare, "room")?,
                None => None,
            },
        };
        Ok(state
            .rooms
            .iter()
            .find(|known| Some(known.room) == room)
            .cloned())
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

    /// Waits a while for the node to have a room of ours; if not, its creation is queued.
    pub(crate) async fn created(&mut self, space: SpaceId, room: RoomId) -> Result<bool, CliError> {
        if !self.is_connected(space) {
            return Ok(false);
        }
        let has = |state: &SpaceState| {
            state
                .rooms
                .iter()
                .any(|known| known.room == room && known.head > 0)
        };
        self.wait_in(space, Instant::now() + ANSWER_LIMIT, has)
            .await
    }

    /// Waits until the node has a message of ours, or refuses it for good; none: it is still queued.
    pub(crate) async fn settled(
        &mut self,
        space: SpaceId,
        room: RoomId,
        id: EventId,
        until: Instant,
    ) -> Result<Option<Settled>, CliError> {
        while let Some(events) = self.next(until).await? {
            let told = events.iter().find_map(|event| match event {
                UiEvent::Items { items, .. } => {
                    items.iter().filter(|item| item.id == id).find_map(settled)
                }
                _ => None,
            });
            if told.is_some() {
                return Ok(told);
            }
            // More has changed than is told line by line.
            if events
                .iter()
                .any(|event| matches!(event, UiEvent::Reload { .. } | UiEvent::Snapshot(_)))
                && let Some(settled) = self.settled_now(space, room, id).await?
            {
                return Ok(Some(settled));
            }
        }
        Ok(None)
    }

    /// As the room's newest page shows it, which has everything that waits.
    async fn settled_now(
        &self,
        space: SpaceId,
        room: RoomId,
        id: EventId,
    ) -> Result<Option<Settled>, CliError> {
        let request = GetPage {
            space,
            room,
            before: None,
            after: None,
            around: None,
            limit: PAGE_ITEMS,
        };
        let page = self.client.page(request).await?;
        let item = page.items.iter().find(|item| item.id == id);
        Ok(item.map_or(Some(Settled::Accepted { seq: None }), settled))
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

    /// Closes everything; what is queued stays queued.
    pub(crate) async fn stop(self) {
        // A core that does not end in time is ended with the program; its databases can take that.
        let _ = tokio::time::timeout(STOP_LIMIT, self.client.stop()).await;
    }
}

/// A room's name; a direct room's is its other people: `@Ana, @Bo`.
pub(crate) fn title(room: &RoomView, state: &SpaceState, names: &Names) -> String {
    if room.kind != RoomKind::Direct {
        return room.name.clone();
    }
    let mut others: Vec<String> = room
        .members
        .iter()
        .filter(|member| **member != state.space.me)
        .map(|member| format!("@{}", names.of(*member)))
        .collect();
    others.sort();
    others.join(", ")
}

/// The same, of a room that may be unknown.
pub(crate) fn room_title(state: &SpaceState, room: RoomId, names: &Names) -> String {
    let known = state.rooms.iter().find(|known| known.room == room);
    known.map_or_else(|| room.to_string(), |room| title(room, state, names))
}

/// The one thing of that id or name. Exactly so called comes before called so but for its case.
pub(crate) fn one_of<'a, Id: Copy + ToString>(
    things: impl Iterator<Item = (Id, &'a str)> + Clone,
    wanted: &str,
    what: &str,
) -> Result<Option<Id>, CliError> {
    let wanted = wanted.trim();
    if let Some((id, _)) = things.clone().find(|(id, _)| id.to_string() == wanted) {
        return Ok(Some(id));
    }
    let folded = wanted.to_lowercase();
    let exact: Vec<Id> = things
        .clone()
        .filter(|(_, name)| *name == wanted)
        .map(|(id, _)| id)
        .collect();
    let alike: Vec<Id> = things
        .filter(|(_, name)| name.to_lowercase() == folded)
        .map(|(id, _)| id)
        .collect();
    let found = if exact.is_empty() { alike } else { exact };
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => Err(CliError::Usage(format!(
            "more than one {what} is called {wanted}; use the id: {}",
            listed(many.iter().map(ToString::to_string))
        ))),
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &str) -> Result<Option<u8>, CliError> {
        one_of(
            [
                (1, "General"),
                (2, "general"),
                (3, "Lab"),
                (4, "lab team"),
                (5, "twin"),
                (6, "twin"),
            ]
            .into_iter(),
            wanted,
            "room",
        )
    }

    #[test]
    fn a_thing_is_found_by_its_id_its_name_or_its_name_in_another_case() {
        assert_eq!(found("3").expect("one"), Some(3));
        assert_eq!(found("general").expect("one"), Some(2));
        assert_eq!(found(" LAB TEAM ").expect("one"), Some(4));
        assert_eq!(found("nowhere").expect("none"), None);
    }

    #[test]
    fn what_may_mean_two_things_is_asked_back_with_their_ids() {
        for wanted in ["twin", "GENERAL"] {
            let error = found(wanted).expect_err("two");
            assert_eq!(error.code(), "usage");
        }
        assert!(
            found("twin")
                .expect_err("two")
                .to_string()
                .ends_with("5, 6")
        );
    }
}
