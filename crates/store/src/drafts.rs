//! What was typed and not sent, by room.

use landline_protocol::RoomId;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, id};

/// The draft of a room; empty where there is none.
pub fn get(c: &Connection, room: RoomId) -> Result<String, StoreError> {
    Ok(c.prepare_cached("SELECT text FROM draft WHERE room = ?1")?
        .query_row([Blob(room)], |row| row.get(0))
        .optional()?
        .unwrap_or_default())
}

/// Keeps a draft; an empty one removes it.
pub fn set(c: &Connection, room: RoomId, text: &str) -> Result<(), StoreError> {
    if text.is_empty() {
        c.prepare_cached("DELETE FROM draft WHERE room = ?1")?
            .execute([Blob(room)])?;
        return Ok(());
    }
    c.prepare_cached(
        "INSERT INTO draft (room, text) VALUES (?1, ?2)
         ON CONFLICT (room) DO UPDATE SET text = excluded.text",
    )?
    .execute(params![Blob(room), text])?;
    Ok(())
}

/// All drafts, by room.
pub fn all(c: &Connection) -> Result<Vec<(RoomId, String)>, StoreError> {
    let drafts = c
        .prepare_cached("SELECT room, text FROM draft ORDER BY room")?
        .query_map([], |row| Ok((id(row, 0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(drafts)
}
