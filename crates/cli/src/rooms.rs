//! `rooms`, `create` and `join-room`.

use std::fmt::{self, Display};

use landline_client::Names;
use landline_client::command::{BrowseRooms, BrowsedRoom, CreateRoom, RoomNamed};
use landline_client::ui::{RoomView, SpaceState};
use landline_protocol::{MemberId, RoomId, RoomKind, SpaceId};
use serde::Serialize;
use tokio::time::Instant;

use crate::args;
use crate::error::CliError;
use crate::here::{ANSWER_LIMIT, Here, Reach, one_of, title};
use crate::output::{Output, Table, unread};

/// `rooms`: `{"space", "up_to_date", "rooms": [Room], "joinable": [Joinable]}`
#[derive(Debug, Serialize)]
struct Rooms {
    space: SpaceId,
    /// The space was reached; else this is what was known when it last was.
    up_to_date: bool,
    rooms: Vec<Room>,
    /// Public rooms one is not in: `{"room", "name", "topic", "member_count"}`. Null without `--all`.
    joinable: Option<Vec<BrowsedRoom>>,
}

#[derive(Debug, Serialize)]
struct Room {
    room: RoomId,
    kind: RoomKind,
    /// Empty for a direct room.
    name: String,
    /// As shown to people: the name, or `@Ana, @Bo` for a direct room. A ROOM may be written so.
    title: String,
    topic: String,
    archived: bool,
    /// One is in it; else what was kept is read-only.
    open: bool,
    member_count: u64,
    /// Of a direct room.
    members: Vec<MemberId>,
    head: u64,
    read: u64,
    unread: u64,
    mentions: u64,
    queued: u64,
}

pub(crate) async fn rooms(
    here: &mut Here,
    space: SpaceId,
    args: args::Rooms,
    output: Output,
) -> Result<(), CliError> {
    let (up_to_date, joinable) = if args.all {
        must_connect(here, space, Reach::Connected).await?;
        let request = BrowseRooms {
            space,
            query: String::new(),
        };
        (true, Some(here.client().browse_rooms(request).await?.rooms))
    } else {
        (here.refresh(space, output).await?, None)
    };
    let state = here.state(space)?;
    let names = Names::new(state);
    let mut rooms: Vec<Room> = state
        .rooms
        .iter()
        .map(|room| Room::new(room, state, &names))
        .collect();
    rooms.sort_by_cached_key(|room| (room.title.to_lowercase(), room.room));
    let joinable = joinable.map(|mut joinable| {
        joinable.retain(|found| {
            rooms
                .iter()
                .all(|room| room.room != found.room || !room.open)
        });
        joinable
    });
    output.show(&Rooms {
        space,
        up_to_date,
        rooms,
        joinable,
    })
}

impl Room {
    fn new(room: &RoomView, state: &SpaceState, names: &Names) -> Self {
        Self {
            room: room.room,
            kind: room.kind,
            name: room.name.clone(),
            title: title(room, state, names),
            topic: room.topic.clone(),
            archived: room.archived,
            open: room.open,
            member_count: room.member_count,
            members: room.members.clone(),
            head: room.head,
            read: room.read,
            unread: room.unread,
            mentions: room.mentions,
            queued: room.queued,
        }
    }
}

impl Display for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::default();
        for room in &self.rooms {
            let state = match (room.open, room.archived) {
                (false, _) => "left",
                (true, true) => "archived",
                (true, false) => room.kind.as_str(),
            };
            let unread = match room.unread {
                0 => String::new(),
                count => unread(count),
            };
            table.row([
                room.title.clone(),
                state.into(),
                people(room.member_count),
                unread,
                room.topic.clone(),
            ]);
        }
        for room in self.joinable.iter().flatten() {
            table.row([
                room.name.clone(),
                "may be joined".into(),
                people(room.member_count),
                String::new(),
                room.topic.clone(),
            ]);
        }
        write!(f, "{table}")
    }
}

fn people(count: u64) -> String {
    if count == 1 {
        "1 person".into()
    } else {
        format!("{count} people")
    }
}

/// `create` and `join-room`: `{"space", "room", "name", "state"}`
#[derive(Debug, Serialize)]
struct Entered {
    space: SpaceId,
    room: RoomId,
    name: String,
    state: Entry,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// The space has it.
    Created,
    /// Made when the space is reached; messages to it are queued behind.
    Queued,
    Joined,
    /// One was in it already.
    Already,
}

impl Display for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            Entry::Created => write!(f, "{} was created", self.name),
            Entry::Queued => write!(
                f,
                "queued: {} is created when the space can be reached",
                self.name
            ),
            Entry::Joined => write!(f, "you are in {}", self.name),
            Entry::Already => write!(f, "you are in {} already", self.name),
        }
    }
}

pub(crate) async fn create(
    here: &mut Here,
    space: SpaceId,
    args: args::Create,
    output: Output,
) -> Result<(), CliError> {
    let kind = if args.private {
        RoomKind::Private
    } else {
        RoomKind::Public
    };
    let (room, state) = create_room(here, space, kind, &args.name, args.topic).await?;
    output.show(&Entered {
        space,
        room,
        name: args.name.trim().to_owned(),
        state,
    })
}

/// Creates a room and waits a while for the node to have it.
async fn create_room(
    here: &mut Here,
    space: SpaceId,
    kind: RoomKind,
    name: &str,
    topic: String,
) -> Result<(RoomId, Entry), CliError> {
    here.connect(space, Reach::Connected).await?;
    let request = CreateRoom {
        space,
        kind,
        name: name.to_owned(),
        topic,
        members: Vec::new(),
    };
    let room = here.client().create_room(request).await?.room;
    let state = if created(here, space, room).await? {
        Entry::Created
    } else {
        Entry::Queued
    };
    Ok((room, state))
}

/// Waits a while for the node to have a room of ours; if not, its creation is queued.
async fn created(here: &mut Here, space: SpaceId, room: RoomId) -> Result<bool, CliError> {
    if !here.is_connected(space) {
        return Ok(false);
    }
    let has = |state: &SpaceState| {
        state
            .rooms
            .iter()
            .any(|known| known.room == room && known.head > 0)
    };
    here.wait_in(space, Instant::now() + ANSWER_LIMIT, has)
        .await
}

pub(crate) async fn join_room(
    here: &mut Here,
    space: SpaceId,
    args: args::JoinRoom,
    output: Output,
) -> Result<(), CliError> {
    let wanted = args.room.strip_prefix('#').unwrap_or(&args.room);
    must_connect(here, space, Reach::Connected).await?;
    if let Some(room) = here.open_room(space, wanted)? {
        let (room, name) = (room.room, room.name);
        return output.show(&Entered {
            space,
            room,
            name,
            state: Entry::Already,
        });
    }
    // The node searches names; an id is not part of them.
    let query = if wanted.parse::<RoomId>().is_ok() {
        ""
    } else {
        wanted
    };
    let found = here
        .client()
        .browse_rooms(BrowseRooms {
            space,
            query: query.to_owned(),
        })
        .await?
        .rooms;
    let named = found.iter().map(|room| (room.room, room.name.as_str()));
    let room = one_of(named, wanted, "room")?.ok_or_else(|| {
        CliError::NotFound(format!(
            "no public room is called {wanted}; see `landline-cli rooms --all`"
        ))
    })?;
    let name = found
        .iter()
        .find(|known| known.room == room)
        .map(|known| known.name.clone())
        .unwrap_or_default();
    here.client().join_room(RoomNamed { space, room }).await?;
    let is_in = |now: &SpaceState| {
        now.rooms
            .iter()
            .any(|known| known.room == room && known.open)
    };
    if !here
        .wait_in(space, Instant::now() + ANSWER_LIMIT, is_in)
        .await?
    {
        return Err(CliError::Offline(format!(
            "the space did not answer; you join {name} when it does"
        )));
    }
    output.show(&Entered {
        space,
        room,
        name,
        state: Entry::Joined,
    })
}

/// The space is reached, or the command ends.
pub(crate) async fn must_connect(
    here: &mut Here,
    space: SpaceId,
    enough: Reach,
) -> Result<(), CliError> {
    match here.connect(space, enough).await? {
        Reach::UpToDate | Reach::Connected => Ok(()),
        Reach::Offline => Err(here.offline(space)),
    }
}
