//! An event, before and after it has a place in its room's log.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::limits::ENVELOPE_BYTES;
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

impl NewEvent {
    /// Bytes that it takes in a packet: at most this.
    pub fn bytes(&self) -> usize {
        ENVELOPE_BYTES + self.content.get().len()
    }
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

    /// Bytes that it takes in a packet: at most this.
    pub fn bytes(&self) -> usize {
        ENVELOPE_BYTES + self.content.get().len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::Hit;

    #[test]
    fn no_event_takes_more_bytes_of_a_packet_than_it_says() {
        let content = RawValue::from_string(r#"{"type":"joined"}"#.into()).expect("JSON");
        let event = Event {
            seq: u64::MAX,
            id: EventId::from_bytes([0xff; 16]),
            room: RoomId::from_bytes([0xff; 16]),
            author: MemberId::from_bytes([0xff; 32]),
            sent_at: i64::MIN,
            accepted_at: i64::MIN,
            content,
            sig: Some("x".repeat(86)),
        };
        let told = |event: &Event| serde_json::to_string(event).expect("JSON").len();
        assert!(told(&event) < event.bytes(), "with the comma behind it");
        // What a snippet marks its hit with is written as it is, and a quote is not.
        for snippet in ["", "\u{e000}会\u{e001} \"\n\u{1}", &"\u{1}".repeat(9_000)] {
            let hit = Hit::new(event.clone(), snippet.to_owned());
            let json = serde_json::to_string(&hit).expect("JSON");
            assert!(json.len() < hit.bytes(), "{snippet:?}");
        }
    }
}
