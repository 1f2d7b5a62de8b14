//! What somebody has not read. Others' messages only: joins, edits and reactions never count, nor
//! does what was deleted. What is said in threads is counted there ([`crate::threads`]).

use landline_protocol::{MemberId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, seq, sql_seq};

/// Unread messages of a room that are counted, and mentions. Who never reads a room (a bot, for one)
/// would have all of it counted each time that something is said there.
pub const UNREAD_COUNTED: u64 = 10_000;

/// What is unread in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// [`UNREAD_COUNTED`]: so many or more.
    pub messages: u64,
    /// Those of all that are unread that mention this person, or everybody in the room.
    pub mentions: u64,
    /// The `seq` of the first of them.
    pub first: Option<u64>,
}

/// What is unread for somebody who has read up to and with this `seq`, of what is here.
pub fn unread(c: &Connection, room: RoomId, me: MemberId, read: u64) -> Result<Unread, StoreError> {
    let of_these = params![Blob(room), sql_seq(read), Blob(me), sql_seq(UNREAD_COUNTED)];
    let (messages, first) = c
        .prepare_cached(
            "SELECT count(*), min(seq) FROM (
                 SELECT seq FROM message
                 WHERE room = ?1 AND seq > ?2 AND author <> ?3 AND deleted = 0 AND thread IS NULL
                 ORDER BY seq LIMIT ?4)",
        )?
        .query_row(of_these, |row| {
            let first: Option<i64> = row.get(1)?;
            Ok((
                seq(row, 0)?,
                first.and_then(|first| u64::try_from(first).ok()),
            ))
        })?;
    if messages == 0 {
        return Ok(Unread::default());
    }
    // One's own mentions first: left to choose, SQLite walks through those of everybody.
    let mentions = c
        .prepare_cached(
            "SELECT count(*) FROM (
                 SELECT DISTINCT mention.seq FROM mention INDEXED BY mention_of
                 CROSS JOIN message ON message.room = mention.room AND message.seq = mention.seq
                 WHERE mention.room = ?1 AND mention.seq > ?2 AND mention.member IN (?3, x'')
                     AND author <> ?3 AND thread IS NULL
                 LIMIT ?4)",
        )?
        .query_row(of_these, |row| seq(row, 0))?;
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
