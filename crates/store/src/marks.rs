//! How far each member has received and read each room.

use landline_protocol::down::MarkChange;
use landline_protocol::{MemberId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::StoreError;
use crate::bytes::{Blob, id, seq, sql_seq};

/// One member's marks in a room; none yet: both 0.
pub fn get(c: &Connection, room: RoomId, member: MemberId) -> Result<MarkChange, StoreError> {
    Ok(c.prepare_cached(
        "SELECT member, delivered, read FROM mark WHERE room = ?1 AND member = ?2",
    )?
    .query_row(params![Blob(room), Blob(member)], mark)
    .optional()?
    .unwrap_or(MarkChange {
        member,
        delivered: 0,
        read: 0,
    }))
}

/// Moves a member's marks on. They never go back, and what is read has been delivered.
pub fn set(c: &Connection, room: RoomId, mark: MarkChange) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO mark (room, member, delivered, read) VALUES (?1, ?2, max(?3, ?4), ?4)
         ON CONFLICT (room, member) DO UPDATE
         SET delivered = max(delivered, excluded.delivered), read = max(read, excluded.read)",
    )?
    .execute(params![
        Blob(room),
        Blob(mark.member),
        sql_seq(mark.delivered),
        sql_seq(mark.read)
    ])?;
    Ok(())
}

/// Everybody's marks in a room, by member.
pub fn of_room(c: &Connection, room: RoomId) -> Result<Vec<MarkChange>, StoreError> {
    let marks = c
        .prepare_cached("SELECT member, delivered, read FROM mark WHERE room = ?1 ORDER BY member")?
        .query_map([Blob(room)], mark)?
        .collect::<Result<_, _>>()?;
    Ok(marks)
}

/// Every mark that is stored, by room and member.
pub fn all(c: &Connection) -> Result<Vec<(RoomId, MarkChange)>, StoreError> {
    let marks = c
        .prepare_cached("SELECT member, delivered, read, room FROM mark ORDER BY room, member")?
        .query_map([], |row| Ok((id(row, 3)?, mark(row)?)))?
        .collect::<Result<_, _>>()?;
    Ok(marks)
}

/// The log of a room ends here now, after a fork: marks beyond it would call read what nobody saw.
pub fn cut(c: &Connection, room: RoomId, head: u64) -> Result<(), StoreError> {
    c.prepare_cached(
        "UPDATE mark SET delivered = min(delivered, ?2), read = min(read, ?2) WHERE room = ?1",
    )?
    .execute(params![Blob(room), sql_seq(head)])?;
    Ok(())
}

fn mark(row: &Row<'_>) -> rusqlite::Result<MarkChange> {
    Ok(MarkChange {
        member: id(row, 0)?,
        delivered: seq(row, 1)?,
        read: seq(row, 2)?,
    })
}
