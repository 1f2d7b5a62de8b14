//! What is attached to drafts, on a client.

use landline_protocol::{AttachmentId, EventId, File, FileHash, RoomId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::StoreError;
use crate::bytes::{Blob, id, id_or_null};

/// A file of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub id: AttachmentId,
    pub room: RoomId,
    /// Of the draft of a reply: the first message of the thread.
    pub thread: Option<EventId>,
    /// As a message will name it.
    pub file: File,
}

/// Puts a file last in its draft.
pub fn add(c: &Connection, attachment: &Attachment, blake3: FileHash) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO attachment (id, room, thread, position, blake3, file)
         VALUES (?1, ?2, ?3, (SELECT coalesce(max(position), 0) + 1 FROM attachment), ?4, ?5)",
    )?
    .execute(params![
        Blob(attachment.id),
        Blob(attachment.room),
        attachment.thread.map(Blob),
        Blob(blake3),
        serde_json::to_string(&attachment.file)?,
    ])?;
    Ok(())
}

pub fn get(c: &Connection, attachment: AttachmentId) -> Result<Option<Attachment>, StoreError> {
    c.prepare_cached("SELECT id, room, thread, file FROM attachment WHERE id = ?1")?
        .query_row([Blob(attachment)], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// All that is attached to drafts, in order.
pub fn all(c: &Connection) -> Result<Vec<Attachment>, StoreError> {
    c.prepare_cached("SELECT id, room, thread, file FROM attachment ORDER BY position")?
        .query_map([], |row| Ok(read(row)))?
        .collect::<Result<Result<_, _>, _>>()?
}

/// What is attached to one draft, in order.
pub fn of_draft(
    c: &Connection,
    room: RoomId,
    thread: Option<EventId>,
) -> Result<Vec<Attachment>, StoreError> {
    c.prepare_cached(
        "SELECT id, room, thread, file FROM attachment WHERE room = ?1 AND thread IS ?2
         ORDER BY position",
    )?
    .query_map(params![Blob(room), thread.map(Blob)], |row| Ok(read(row)))?
    .collect::<Result<Result<_, _>, _>>()?
}

pub fn remove(c: &Connection, attachment: AttachmentId) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM attachment WHERE id = ?1")?
        .execute([Blob(attachment)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Attachment, StoreError> {
    Ok(Attachment {
        id: id(row, 0)?,
        room: id(row, 1)?,
        thread: id_or_null(row, 2)?,
        file: serde_json::from_str(&row.get::<_, String>(3)?)?,
    })
}
