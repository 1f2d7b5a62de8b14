//! Node to client: one struct per event, and the shape of every answer.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::up::RoomInfo;
use crate::{
    Event, GoodbyeReason, Limits, MemberId, PresenceState, Refusal, RoomId, up::SpaceInfo,
};

/// The answer to a request: as a Socket.IO acknowledgement, or as the event `reply` with its `rid`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    Ok(T),
    Error(Refusal),
}

impl<T> From<Result<T, Refusal>> for Answer<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(ok) => Self::Ok(ok),
            Err(refusal) => Self::Error(refusal),
        }
    }
}

/// `reply`: an answer with the `rid` of its request. One of `ok` and `error` is there.
///
/// Not [`Answer`] flattened: serde can't read a `RawValue` through `flatten`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply<T> {
    pub rid: String,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub ok: Option<T>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
}

impl<T> Reply<T> {
    pub fn new(rid: String, result: Result<T, Refusal>) -> Self {
        match result {
            Ok(ok) => Self {
                rid,
                ok: Some(ok),
                error: None,
            },
            Err(refusal) => Self {
                rid,
                ok: None,
                error: Some(refusal),
            },
        }
    }
}

/// `welcome`: right after the connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Welcome {
    pub protocol: ProtocolRange,
    #[serde(default)]
    pub features: Vec<String>,
    pub node: NodeInfo,
    pub space: SpaceInfo,
    /// Base64url; serves once.
    pub nonce: String,
    pub server_time: i64,
    #[serde(default)]
    pub limits: Limits,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolRange {
    pub min: u32,
    pub max: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// The node's own key: the author of what it writes.
    pub id: MemberId,
    /// Of its certificate's public key; null without TLS.
    pub fingerprint: Option<String>,
    pub version: String,
    pub epoch: u64,
}

/// `events`: new events of one room, rising `seq`, no holes within a packet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Events {
    pub room: RoomId,
    pub events: Vec<Event>,
}

/// `heads`: where the logs stand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Heads {
    pub rooms: Vec<Head>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub room: RoomId,
    pub head: u64,
    pub epoch: u64,
}

/// `room_opened`: one has become part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomOpened {
    pub room: RoomInfo,
}

/// `room_closed`: one is no longer part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomClosed {
    pub room: RoomId,
    #[serde(default)]
    pub reason: String,
}

/// `presence`, of those one watches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PresenceChanges {
    pub changes: Vec<PresenceChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PresenceChange {
    pub member: MemberId,
    pub state: PresenceState,
    #[serde(default)]
    pub text: String,
    /// Milliseconds since 1970 UTC; null where never seen.
    #[serde(default)]
    pub last_seen: Option<i64>,
}

/// `typing`: who types now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingNow {
    pub room: RoomId,
    /// At most five.
    pub members: Vec<MemberId>,
    /// How many others.
    #[serde(default)]
    pub more: u64,
}

/// `marks`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MarkChanges {
    pub room: RoomId,
    pub changes: Vec<MarkChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MarkChange {
    pub member: MemberId,
    pub delivered: u64,
    pub read: u64,
}

/// `goodbye`: then the node closes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Goodbye {
    pub reason: GoodbyeReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}
