//! Which parts of each log are here: a client fetches the newest first and fills in what is older
//! behind. Parts that touch are one, so a log that is here whole is a single segment.

use landline_protocol::RoomId;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::StoreError;
use crate::bytes::{Blob, seq, sql_seq};

/// `from` to `to`, both within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub from: u64,
    pub to: u64,
}

/// These are here now too. Merged with what they overlap or touch; gives back the whole.
pub fn insert(c: &Connection, room: RoomId, new: Segment) -> Result<Segment, StoreError> {
    let mut touching = c.prepare_cached(
        "SELECT from_seq, to_seq FROM segment WHERE room = ?1 AND from_seq <= ?3 AND to_seq >= ?2",
    )?;
    let (from, to) = (sql_seq(new.from), sql_seq(new.to));
    let touched = params![Blob(room), from.saturating_sub(1), to.saturating_add(1)];
    let whole = touching
        .query_map(touched, segment)?
        .try_fold(new, |whole, found| {
            found.map(|found| Segment {
                from: whole.from.min(found.from),
                to: whole.to.max(found.to),
            })
        })?;
    c.prepare_cached("DELETE FROM segment WHERE room = ?1 AND from_seq <= ?3 AND to_seq >= ?2")?
        .execute(touched)?;
    c.prepare_cached("INSERT INTO segment (room, from_seq, to_seq) VALUES (?1, ?2, ?3)")?
        .execute(params![Blob(room), sql_seq(whole.from), sql_seq(whole.to)])?;
    Ok(whole)
}

/// All that is here of a log, rising.
pub fn all(c: &Connection, room: RoomId) -> Result<Vec<Segment>, StoreError> {
    let segments = c
        .prepare_cached("SELECT from_seq, to_seq FROM segment WHERE room = ?1 ORDER BY from_seq")?
        .query_map([Blob(room)], segment)?
        .collect::<Result<_, _>>()?;
    Ok(segments)
}

/// The newest part of a log that is here.
pub fn newest(c: &Connection, room: RoomId) -> Result<Option<Segment>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT from_seq, to_seq FROM segment WHERE room = ?1 ORDER BY from_seq DESC LIMIT 1",
    )?
    .query_row([Blob(room)], segment)
    .optional()?)
}

/// The part that this `seq` is in.
pub fn at(c: &Connection, room: RoomId, seq: u64) -> Result<Option<Segment>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT from_seq, to_seq FROM segment WHERE room = ?1 AND from_seq <= ?2
         ORDER BY from_seq DESC LIMIT 1",
    )?
    .query_row(params![Blob(room), sql_seq(seq)], segment)
    .optional()?
    .filter(|segment| segment.to >= seq))
}

pub fn contains(c: &Connection, room: RoomId, seq: u64) -> Result<bool, StoreError> {
    Ok(at(c, room, seq)?.is_some())
}

/// What is missing between `first`, the lowest `seq` that the node holds, and the newest part that
/// is here, rising.
pub fn holes(c: &Connection, room: RoomId, first: u64) -> Result<Vec<Segment>, StoreError> {
    let mut next = first.max(1);
    let mut holes = Vec::new();
    for Segment { from, to } in all(c, room)? {
        if from > next {
            holes.push(Segment {
                from: next,
                to: from - 1,
            });
        }
        next = next.max(to.saturating_add(1));
    }
    Ok(holes)
}

/// The oldest of the [`holes`].
pub fn lowest_hole(
    c: &Connection,
    room: RoomId,
    first: u64,
) -> Result<Option<Segment>, StoreError> {
    Ok(holes(c, room, first)?.first().copied())
}

/// The newest of the [`holes`]: what a person who scrolls back meets first.
pub fn highest_hole(
    c: &Connection,
    room: RoomId,
    first: u64,
) -> Result<Option<Segment>, StoreError> {
    Ok(holes(c, room, first)?.last().copied())
}

/// Nothing beyond this `seq` is here any longer: the log has gone another way.
pub fn cut(c: &Connection, room: RoomId, to: u64) -> Result<(), StoreError> {
    let bounds = params![Blob(room), sql_seq(to)];
    c.prepare_cached("DELETE FROM segment WHERE room = ?1 AND from_seq > ?2")?
        .execute(bounds)?;
    c.prepare_cached("UPDATE segment SET to_seq = ?2 WHERE room = ?1 AND to_seq > ?2")?
        .execute(bounds)?;
    Ok(())
}

fn segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    Ok(Segment {
        from: seq(row, 0)?,
        to: seq(row, 1)?,
    })
}
