//! What was typed and not sent: one draft for each room, and one for each thread.

use landline_protocol::{EventId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::StoreError;
use crate::bytes::{Blob, id};

/// Drafts of threads that are kept; the one that was changed longest ago makes room. Rooms need no
/// such bound: one has a draft in each at most.
pub const THREAD_DRAFTS: u32 = 200;

/// What was typed in a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadDraft {
    pub room: RoomId,
    /// Its first message.
    pub thread: EventId,
    pub text: String,
}

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

/// All drafts of rooms, by room.
pub fn all(c: &Connection) -> Result<Vec<(RoomId, String)>, StoreError> {
    let drafts = c
        .prepare_cached("SELECT room, text FROM draft ORDER BY room")?
        .query_map([], |row| Ok((id(row, 0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(drafts)
}

/// The draft of a thread; empty where there is none.
pub fn of_thread(c: &Connection, thread: EventId) -> Result<String, StoreError> {
    Ok(
        c.prepare_cached("SELECT text FROM thread_draft WHERE thread = ?1")?
            .query_row([Blob(thread)], |row| row.get(0))
            .optional()?
            .unwrap_or_default(),
    )
}

/// Keeps the draft of a thread; an empty one removes it. Answers those that had to make room.
pub fn set_of_thread(c: &Connection, draft: &ThreadDraft) -> Result<Vec<ThreadDraft>, StoreError> {
    if draft.text.is_empty() {
        c.prepare_cached("DELETE FROM thread_draft WHERE thread = ?1")?
            .execute([Blob(draft.thread)])?;
        return Ok(Vec::new());
    }
    c.prepare_cached(
        "INSERT INTO thread_draft (thread, room, text, position)
         VALUES (?1, ?2, ?3, (SELECT coalesce(max(position), 0) + 1 FROM thread_draft))
         ON CONFLICT (thread) DO UPDATE
         SET room = excluded.room, text = excluded.text, position = excluded.position",
    )?
    .execute(params![Blob(draft.thread), Blob(draft.room), draft.text])?;
    let gone = c
        .prepare_cached(
            "DELETE FROM thread_draft WHERE thread IN (
                 SELECT thread FROM thread_draft ORDER BY position DESC LIMIT -1 OFFSET ?1)
             RETURNING room, thread, text",
        )?
        .query_map([THREAD_DRAFTS], read)?
        .collect::<Result<_, _>>()?;
    Ok(gone)
}

/// All drafts of threads, the one that was changed last at the end.
pub fn of_threads(c: &Connection) -> Result<Vec<ThreadDraft>, StoreError> {
    let drafts = c
        .prepare_cached("SELECT room, thread, text FROM thread_draft ORDER BY position")?
        .query_map([], read)?
        .collect::<Result<_, _>>()?;
    Ok(drafts)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ThreadDraft> {
    Ok(ThreadDraft {
        room: id(row, 0)?,
        thread: id(row, 1)?,
        text: row.get(2)?,
    })
}
