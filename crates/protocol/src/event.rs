//! An event, before and after it has a place in its room's log.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{EventId, MemberId, RoomId};

/// An event as its author appends it. `content` is kept as the bytes that arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewEvent {
    /// UUIDv7.
    pub id: EventId,
    pub room: RoomId,
    /// Milliseconds since 1970 UTC by the author's clock.
    pub sent_at: i64,
    pub content: Box<RawValue>,
    /// Ed25519 over [`crate::event_text`], base64url, 86 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
}

/// An event with its place in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// From 1, without holes, per room.
    pub seq: u64,
    pub id: EventId,
    pub room: RoomId,
    pub author: MemberId,
    pub sent_at: i64,
    /// Milliseconds since 1970 UTC by the node's clock; never falls within a log.
    pub accepted_at: i64,
    pub content: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
}

impl Event {
    /// Gives an appended event its place.
    pub fn accepted(new: NewEvent, author: MemberId, seq: u64, accepted_at: i64) -> Self {
        let NewEvent {
            id,
            room,
            sent_at,
            content,
            sig,
        } = new;
        Self {
            seq,
            id,
            room,
            author,
            sent_at,
            accepted_at,
            content,
            sig,
        }
    }
}

/// Equal when every byte that a reader sees is.
impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (
            self.seq,
            self.id,
            self.room,
            self.author,
            self.sent_at,
            self.accepted_at,
            &self.sig,
        ) == (
            other.seq,
            other.id,
            other.room,
            other.author,
            other.sent_at,
            other.accepted_at,
            &other.sig,
        ) && self.content.get() == other.content.get()
    }
}

impl Eq for Event {}
