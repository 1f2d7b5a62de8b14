//! The node's own key, and the events that it writes itself.

use ed25519_dalek::SigningKey;
use landline_protocol::{
    Content, EventId, EventSignature, MemberId, NewEvent, RoomId, SpaceId, sign_event,
};

/// The node's own key, with which it signs what it writes.
#[derive(Debug)]
pub(crate) struct NodeKey {
    pub(crate) id: MemberId,
    key: SigningKey,
}

impl NodeKey {
    pub(crate) fn new(key: SigningKey) -> Self {
        let id = MemberId::from_bytes(key.verifying_key().to_bytes());
        Self { id, key }
    }

    /// An event by the node. `now`: milliseconds since 1970.
    pub(crate) fn event(
        &self,
        space: SpaceId,
        room: RoomId,
        content: &Content,
        now: i64,
    ) -> Result<NewEvent, serde_json::Error> {
        let id = EventId::from_uuid(uuid_v7(now));
        let content = content.to_raw()?;
        let of = EventSignature {
            space,
            room,
            id,
            author: &self.id,
            sent_at: now,
        };
        let sig = Some(sign_event(&self.key, &of, &content)?);
        Ok(NewEvent {
            id,
            room,
            sent_at: now,
            content,
            sig,
        })
    }
}

/// A UUIDv7 of this time, in milliseconds since 1970.
pub(crate) fn uuid_v7(now: i64) -> uuid::Uuid {
    let millis = u64::try_from(now).unwrap_or_default();
    let nanos = u32::try_from(millis % 1000 * 1_000_000).unwrap_or_default();
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        millis / 1000,
        nanos,
    ))
}
