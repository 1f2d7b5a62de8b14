//! Where what is imported goes: the space must be reached, its person must be allowed to, and each
//! room is there by its name or made.

use std::time::Duration;

use landline_protocol::limits::NAME_CHARS;
use landline_protocol::{Code, Refusal, Role, RoomId, RoomKind, SpaceId};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::AWAY_LIMIT;
use crate::command::CreateRoom;
use crate::ui::{LinkState, SpaceState, UiEvent};
use crate::{Client, ClientError, Picture, room_called};

/// How long a host may take to answer before an import begins, and for each room that is made.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Digits of a room's id that tell it apart.
const ID_DIGITS: usize = 6;

/// A room as it was elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NewRoom {
    pub(super) name: String,
    pub(super) topic: String,
    /// Only for those who are invited.
    pub(super) private: bool,
    /// A piece of its id: tells it apart from another one that is called the same.
    pub(super) mark: String,
}

impl NewRoom {
    /// The name with the mark, cut where it would be longer than a name may be.
    pub(super) fn marked_name(&self) -> String {
        let room = NAME_CHARS.saturating_sub(self.mark.chars().count() + 2);
        if self.name.chars().count() <= room {
            return format!("{} {}", self.name, self.mark);
        }
        let begin: String = self.name.chars().take(room).collect();
        format!("{}… {}", begin.trim_end(), self.mark)
    }
}

/// The mark of a room with this id.
pub(super) fn mark_of(id: &str) -> String {
    let digits = id.chars().count();
    id.chars().skip(digits.saturating_sub(ID_DIGITS)).collect()
}

/// The space is reached, and its person may import.
pub(super) async fn may_import(client: &Client, space: SpaceId) -> Result<(), ClientError> {
    let mut view = View::open(client, space).await?;
    view.reach(Instant::now() + ANSWER_LIMIT).await?;
    if view.state()?.space.role.at_least(Role::Admin) {
        return Ok(());
    }
    Err(Refusal::not_allowed("only the owner and admins of a space may import").into())
}

/// The room to import into, by its name, and where its log ends now; made where it is not there.
pub(super) async fn room_for(
    client: &Client,
    space: SpaceId,
    wanted: &NewRoom,
) -> Result<(RoomId, u64), ClientError> {
    let mut view = View::open(client, space).await?;
    let name = &wanted.name;
    let conflict = |words: String| ClientError::from(Refusal::new(Code::Conflict, words));
    let found = room_called(view.state()?, name, |room| room.open).map_err(|several| {
        let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
        let ids = ids.join(", ");
        conflict(format!(
            "more than one room is called {name}; use the id: {ids}"
        ))
    })?;
    match found {
        // What was said among some is not shown to all, unless a person says so.
        Some(room) if wanted.private && room.kind == RoomKind::Public => Err(conflict(format!(
            "{name} was private, and the room of that name here is not; name the room to put it into"
        ))),
        Some(room) if room.archived => Err(conflict(format!(
            "{name} is archived here; name the room to put it into"
        ))),
        Some(room) => Ok((room.room, room.head)),
        None => {
            view.reach(Instant::now() + AWAY_LIMIT).await?;
            view.made(client, wanted).await
        }
    }
}

/// A space as it is on the screen, for as long as something of it is waited for.
struct View {
    space: SpaceId,
    events: mpsc::Receiver<Vec<UiEvent>>,
    picture: Picture,
}

impl View {
    async fn open(client: &Client, space: SpaceId) -> Result<Self, ClientError> {
        let mut events = client.listen().await;
        let mut first = events.recv().await.ok_or(ClientError::Stopped)?.into_iter();
        let Some(UiEvent::Snapshot(snapshot)) = first.next() else {
            return Err(ClientError::Stopped);
        };
        let mut picture = Picture::new(snapshot);
        first.for_each(|event| picture.take(&event));
        Ok(Self {
            space,
            events,
            picture,
        })
    }

    fn state(&self) -> Result<&SpaceState, Refusal> {
        let mut spaces = self.picture.now().spaces.iter();
        spaces
            .find(|known| known.space.space == self.space)
            .ok_or_else(|| Refusal::not_found("that space is not joined here any longer"))
    }

    /// Waits until the space is connected; refused where it does not let us in, or is not reached
    /// in time.
    async fn reach(&mut self, until: Instant) -> Result<(), ClientError> {
        let is_over = |state: &SpaceState| {
            matches!(
                state.space.link.state,
                LinkState::Connected | LinkState::Refused
            )
        };
        self.wait(until, is_over).await?;
        let space = &self.state()?.space;
        let unreached = |why: String| {
            let words = format!("{} can't be reached now{why}", space.name);
            Refusal::new(Code::Unavailable, words)
        };
        let why = match (space.link.state, &space.link.problem) {
            (LinkState::Connected, _) => return Ok(()),
            (LinkState::Refused, Some(problem)) => problem.clone(),
            (LinkState::Connecting | LinkState::Looking, Some(problem)) => {
                unreached(format!(": {problem}"))
            }
            (LinkState::Refused | LinkState::Connecting | LinkState::Looking, None) => {
                unreached(String::new())
            }
        };
        Err(why.into())
    }

    /// A new room, once the node has it.
    async fn made(
        &mut self,
        client: &Client,
        wanted: &NewRoom,
    ) -> Result<(RoomId, u64), ClientError> {
        let create = CreateRoom {
            space: self.space,
            kind: if wanted.private {
                RoomKind::Private
            } else {
                RoomKind::Public
            },
            name: wanted.name.clone(),
            topic: wanted.topic.clone(),
            members: Vec::new(),
        };
        let made = client.create_room(create).await?.room;
        let head = |state: &SpaceState| {
            let mut rooms = state.rooms.iter();
            let known = rooms.find(|known| known.room == made);
            known.map(|room| room.head).filter(|head| *head > 0)
        };
        let until = Instant::now() + ANSWER_LIMIT;
        self.wait(until, |state| head(state).is_some()).await?;
        head(self.state()?).map(|head| (made, head)).ok_or_else(|| {
            let words = format!(
                "the space did not answer; {} is created when it does",
                wanted.name
            );
            Refusal::new(Code::Unavailable, words).into()
        })
    }

    /// Until it is so, or the time is over.
    async fn wait(
        &mut self,
        until: Instant,
        is: impl Fn(&SpaceState) -> bool,
    ) -> Result<(), ClientError> {
        while !is(self.state()?) && Instant::now() < until {
            match timeout_at(until, self.events.recv()).await {
                Ok(Some(events)) => events.iter().for_each(|event| self.picture.take(event)),
                Ok(None) => return Err(ClientError::Stopped),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}
