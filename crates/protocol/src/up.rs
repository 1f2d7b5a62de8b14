//! Client to node: one struct per request, and the `ok` part of its answer.
//!
//! A request is a Socket.IO event with one object; see [`crate::down::Answer`] for how it is answered.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::limits::ENVELOPE_BYTES;
use crate::{
    Event, EventId, MemberId, NewEvent, PresenceState, Refusal, Role, RoomId, RoomKind, SpaceId,
};

/// `sign_in`: who I am, proved by a signature over [`crate::sign_in_text`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignIn {
    pub protocol: u32,
    pub client: ClientInfo,
    pub public_key: String,
    pub name: String,
    pub signature: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passcode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientInfo {
    pub name: String,
    pub version: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignedIn {
    pub me: Me,
    /// Bearer token for HTTP, good for 24 h.
    pub session: String,
    pub space: SpaceInfo,
    /// The first 200 rooms one is in, by id; `more`: ask `my_rooms`.
    pub rooms: Vec<RoomInfo>,
    #[serde(default)]
    pub more: bool,
    pub directory_head: u64,
    pub server_time: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub id: MemberId,
    pub name: String,
    pub role: Role,
}

/// What an answer says of the space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceInfo {
    pub id: SpaceId,
    pub name: String,
    pub admission: crate::Admission,
}

/// A room in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    pub id: RoomId,
    pub kind: RoomKind,
    pub name: String,
    #[serde(default)]
    pub topic: String,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub everyone: bool,
    pub member_count: u64,
    /// The lowest seq that the node holds.
    pub first: u64,
    pub head: u64,
    pub head_id: EventId,
    pub epoch: u64,
    /// One's own marks.
    #[serde(default)]
    pub read: u64,
    #[serde(default)]
    pub delivered: u64,
    /// Of a direct room only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<MemberId>>,
}

/// `my_rooms`: the rooms one is in, by id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MyRooms {
    #[serde(default)]
    pub after: Option<RoomId>,
    #[serde(default)]
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomsPage {
    pub rooms: Vec<RoomInfo>,
    #[serde(default)]
    pub more: bool,
}

/// `append`: 1 to 64 events, answered once they are durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Append {
    pub events: Vec<NewEvent>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Appended {
    /// In the order of the request.
    pub results: Vec<AppendResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AppendResult {
    Accepted {
        id: EventId,
        seq: u64,
        accepted_at: i64,
    },
    Refused {
        id: EventId,
        error: Refusal,
    },
}

impl AppendResult {
    pub const fn id(&self) -> EventId {
        match self {
            Self::Accepted { id, .. } | Self::Refused { id, .. } => *id,
        }
    }
}

/// `fetch`: a page of a log. Neither `after` nor `before`: the newest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fetch {
    pub room: RoomId,
    pub limit: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fetched {
    /// Rising `seq`; fewer than asked if the packet would pass 1 MiB.
    pub events: Vec<Event>,
    pub first: u64,
    pub head: u64,
    pub head_id: EventId,
    pub epoch: u64,
}

/// `rooms`: public rooms that one may join.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rooms {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// `members`: of the space, or of a room one is in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Members {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<MemberId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MembersPage {
    pub members: Vec<MemberInfo>,
    #[serde(default)]
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberInfo {
    pub id: MemberId,
    pub name: String,
    pub role: Role,
    pub state: PresenceState,
    /// Milliseconds since 1970 UTC; null where never seen.
    #[serde(default)]
    pub last_seen: Option<i64>,
}

/// `pins`: the newest pinned messages of a room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pins {
    pub room: RoomId,
    /// Only those before this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventsPage {
    pub events: Vec<Event>,
    /// There are older ones.
    #[serde(default)]
    pub more: bool,
}

/// `mark`: how far one has received and read a room. Never goes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mark {
    pub room: RoomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
}

/// `marks`: everybody's marks in a room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Marks {
    pub room: RoomId,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MarksPage {
    pub changes: Vec<crate::down::MarkChange>,
}

/// `typing`: I have begun, or stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Typing {
    pub room: RoomId,
    pub on: bool,
}

/// `presence`: my own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Presence {
    pub state: PresenceState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `watch`: whose presence I want to follow; replaces the earlier list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watch {
    pub members: Vec<MemberId>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watched {
    pub presence: Vec<crate::down::PresenceChange>,
}

/// `search`: messages in rooms one is in, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Search {
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<MemberId>,
    /// `accepted_at`, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// The last hit that one has: the answer goes on behind it. Many may have one `accepted_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_hit: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// There are older ones.
    #[serde(default)]
    pub more: bool,
}

/// `,"snippet":`
const SNIPPET_FIELD_BYTES: usize = 11;

/// An [`Event`] and where the query stands in it. Its fields are spelled out since serde can't read
/// a `RawValue` through `flatten`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hit {
    pub seq: u64,
    pub id: EventId,
    pub room: RoomId,
    pub author: MemberId,
    pub sent_at: i64,
    pub accepted_at: i64,
    pub content: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
    /// The words around the hit, the hit itself between U+E000 and U+E001.
    pub snippet: String,
}

impl Hit {
    pub fn new(event: Event, snippet: String) -> Self {
        let Event {
            seq,
            id,
            room,
            author,
            sent_at,
            accepted_at,
            content,
            sig,
        } = event;
        Self {
            seq,
            id,
            room,
            author,
            sent_at,
            accepted_at,
            content,
            sig,
            snippet,
        }
    }

    /// Bytes that it takes in a packet: at most this.
    pub fn bytes(&self) -> usize {
        // In JSON a character may take six times its bytes.
        let snippet = serde_json::to_string(&self.snippet);
        let snippet = snippet.map_or(6 * self.snippet.len(), |json| json.len());
        ENVELOPE_BYTES + self.content.get().len() + SNIPPET_FIELD_BYTES + snippet
    }
}

/// `passcode_set`: empty removes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasscodeSet {
    pub passcode: String,
}
