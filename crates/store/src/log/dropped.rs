//! What a delete leaves of a content.

use landline_protocol::{Content, Edit, EventId, Message, content_hash};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::value::RawValue;

use crate::StoreError;
use crate::bytes::Blob;

/// Drops what an event said; keeps its hash. Does nothing where that was done already, or where
/// the event came here without it.
pub(crate) fn drop_content(c: &Connection, id: EventId) -> Result<(), StoreError> {
    let raw = c
        .prepare_cached("SELECT content FROM event WHERE id = ?1")?
        .query_row([Blob(id)], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(raw) = raw else { return Ok(()) };
    let raw = RawValue::from_string(raw)?;
    let Some(left) = remnant(&Content::read(&raw)) else {
        return Ok(());
    };
    let left = left.to_raw()?;
    if left.get() == raw.get() {
        return Ok(());
    }
    c.prepare_cached("UPDATE event SET content = ?2, dropped = ?3 WHERE id = ?1")?
        .execute(params![Blob(id), left.get(), hash(&raw)])?;
    Ok(())
}

/// What is left of a content; `None` where it is not one that a delete drops.
fn remnant(content: &Content) -> Option<Content> {
    match content {
        Content::Message(message) => Some(Content::Message(Message {
            thread: message.thread,
            ..Message::default()
        })),
        Content::Edit(edit) => Some(Content::Edit(Edit {
            target: edit.target,
            text: String::new(),
            mentions: Vec::new(),
        })),
        Content::Delete(_)
        | Content::Reaction(_)
        | Content::Pin(_)
        | Content::RoomCreated(_)
        | Content::RoomChanged(_)
        | Content::Joined
        | Content::Left
        | Content::Invited(_)
        | Content::Removed(_)
        | Content::SpaceCreated(_)
        | Content::Admitted(_)
        | Content::Profile(_)
        | Content::Role(_)
        | Content::Muted(_)
        | Content::Banned(_)
        | Content::Settings(_)
        | Content::Unknown => None,
    }
}

/// This message came here with its content dropped, perhaps before the delete: no other message
/// has neither text nor files.
pub(crate) fn is_remnant(message: &Message) -> bool {
    message.text.is_empty() && message.files.is_empty()
}

/// The hash that the author's signature is over. `None` of a content that has no canonical form,
/// which no node accepts.
pub(super) fn hash(content: &RawValue) -> Option<[u8; 32]> {
    content_hash(content).ok()
}

/// Whether two contents have one canonical form.
pub(super) fn same(one: String, other: &RawValue) -> bool {
    let one = RawValue::from_string(one).ok().and_then(|one| hash(&one));
    one.is_some() && one == hash(other)
}
