//! What somebody has not read. Others' messages only: joins, edits and reactions never count, nor
//! does what was deleted. What is said in threads is counted there ([`crate::threads`]).

use landline_protocol::{MemberId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, seq, sql_seq};

/// What is unread in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    pub messages: u64,
    /// Those of them that mention this person, or everybody in the room.
    pub mentions: u64,
    /// The `seq` of the first of them.
    pub first: Option<u64>,
}

/// What is unread for somebody who has read up to and with this `seq`, of what is here.
pub fn unread(c: &Connection, room: RoomId, me: MemberId, read: u64) -> Result<Unread, StoreError> {
    let (messages, first) = c
        .prepare_cached(
            "SELECT count(*), min(seq) FROM message
             WHERE room = ?1 AND seq > ?2 AND author <> ?3 AND deleted = 0 AND thread IS NULL",
        )?
        .query_row(params![Blob(room), sql_seq(read), Blob(me)], |row| {
            let first: Option<i64> = row.get(1)?;
            Ok((
                seq(row, 0)?,
                first.and_then(|first| u64::try_from(first).ok()),
            ))
        })?;
    if messages == 0 {
        return Ok(Unread::default());
    }
    let mentions = c
        .prepare_cached(
            "SELECT count(DISTINCT mention.seq) FROM mention
             JOIN message ON message.room = mention.room AND message.seq = mention.seq
             WHERE mention.room = ?1 AND mention.seq > ?2 AND mention.member IN (?3, x'')
                 AND author <> ?3 AND thread IS NULL",
        )?
        .query_row(params![Blob(room), sql_seq(read), Blob(me)], |row| {
            seq(row, 0)
        })?;
    Ok(Unread {
        messages,
        mentions,
        first,
    })
}

/// When the newest message of a room that is here was accepted: milliseconds since 1970 UTC.
pub fn newest_at(c: &Connection, room: RoomId) -> Result<Option<i64>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT accepted_at FROM message
         JOIN event ON event.room = message.room AND event.seq = message.seq
         WHERE message.room = ?1 ORDER BY message.seq DESC LIMIT 1",
    )?
    .query_row([Blob(room)], |row| row.get(0))
    .optional()?)
}

/// How many messages of a room are pinned, of what is here.
pub fn pins_here(c: &Connection, room: RoomId) -> Result<u64, StoreError> {
    Ok(
        c.prepare_cached("SELECT count(*) FROM message WHERE room = ?1 AND pinned = 1")?
            .query_row([Blob(room)], |row| seq(row, 0))?,
    )
}
