//! Takes a room out of this device: its log and all that follows from it.

use landline_protocol::RoomId;
use rusqlite::Connection;

use crate::bytes::Blob;
use crate::{StoreError, apply};

/// Everything that has a row for a room, but for the index of words.
const TABLES: [&str; 14] = [
    "named",
    "attachment",
    "transfer",
    "mention",
    "reaction",
    "room",
    "member",
    "mark",
    "thread_mark",
    "segment",
    "draft",
    "thread_draft",
    "choice",
    "listing",
];

/// Nothing of a room is left here. What waits in the outbox for it is taken out, too.
pub fn forget(c: &Connection, room: RoomId) -> Result<(), StoreError> {
    for table in ["event", "outbox"] {
        c.prepare_cached(&format!("DELETE FROM {table} WHERE room = ?1"))?
            .execute([Blob(room)])?;
    }
    apply::remove_messages(c, room)?;
    for table in TABLES {
        c.prepare_cached(&format!("DELETE FROM {table} WHERE room = ?1"))?
            .execute([Blob(room)])?;
    }
    Ok(())
}
