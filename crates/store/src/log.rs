//! The truth: events as they were accepted, by room and `seq`.
//!
//! An event's content is kept as the bytes that arrived. Only a delete takes from it: `apply`
//! drops the content of the deleted message and of its edits, and keeps the SHA-256 of its RFC 8785
//! form, which the author's signature is over. What is left in its place is the least JSON that
//! still reads as its type, the same on the node and on every replica:
//! `{"type":"message","text":""}` (with `"thread"` where it stood in one, which is its place and
//! not what it said) and `{"type":"edit","target":"…","text":""}`.

mod dropped;

use landline_protocol::{Content, Event, EventId, MemberId, NewEvent, RoomId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::value::RawValue;

use crate::StoreError;
use crate::bytes::{Blob, id, seq, sql_limit, sql_seq};
pub(crate) use dropped::{drop_content, is_remnant};

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: u64,
    pub id: EventId,
    /// Milliseconds since 1970 UTC, by the node's clock.
    pub accepted_at: i64,
}

/// What the log knows of an id that is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The very same event has its place already: appending it again is safe.
    Same { seq: u64, accepted_at: i64 },
    /// The id stands for something else.
    Other,
}

/// Writes an event in its place. The tables that follow from it are left to [`crate::apply`].
///
/// [`StoreError::Taken`] where its id or its place is.
pub fn insert(c: &Connection, event: &Event) -> Result<(), StoreError> {
    let content = Content::read(&event.content);
    let inserted = c
        .prepare_cached(
            "INSERT INTO event (room, seq, id, author, sent_at, accepted_at, type, target, content, sig)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            Blob(event.room),
            sql_seq(event.seq),
            Blob(event.id),
            Blob(event.author),
            event.sent_at,
            event.accepted_at,
            content.type_name(),
            content.target().map(Blob),
            event.content.get(),
            event.sig,
        ])?;
    if inserted == 0 {
        let Event { room, seq, id, .. } = *event;
        return Err(StoreError::Taken { room, seq, id });
    }
    Ok(())
}

/// The event with this id.
pub fn find(c: &Connection, id: EventId) -> Result<Option<Event>, StoreError> {
    one(c, "WHERE id = ?1", params![Blob(id)])
}

/// The event in this place.
pub fn at(c: &Connection, room: RoomId, seq: u64) -> Result<Option<Event>, StoreError> {
    one(
        c,
        "WHERE room = ?1 AND seq = ?2",
        params![Blob(room), sql_seq(seq)],
    )
}

/// Whether an event that is appended is in the log already, and as the same: by author, room and
/// content, also where the content has been dropped since. The content may be written another way
/// (keys in another order, say): what counts is what its signature is over.
pub fn known(
    c: &Connection,
    author: MemberId,
    event: &NewEvent,
) -> Result<Option<Known>, StoreError> {
    let found = c
        .prepare_cached(
            "SELECT room, author, seq, accepted_at, content, dropped FROM event WHERE id = ?1",
        )?
        .query_row([Blob(event.id)], |row| {
            let same_place =
                id::<RoomId>(row, 0)? == event.room && id::<MemberId>(row, 1)? == author;
            let known = Known::Same {
                seq: seq(row, 2)?,
                accepted_at: row.get(3)?,
            };
            let content: String = row.get(4)?;
            let dropped: Option<Vec<u8>> = row.get(5)?;
            Ok((same_place, known, content, dropped))
        })
        .optional()?;
    Ok(found.map(|(same_place, known, content, dropped)| {
        let same_content = match dropped {
            Some(hash) => dropped::hash(&event.content).is_some_and(|new| new == hash[..]),
            None => content == event.content.get() || dropped::same(content, &event.content),
        };
        if same_place && same_content {
            known
        } else {
            Known::Other
        }
    }))
}

/// Whether a delete of this event is in the log, applied or not yet.
pub fn is_deleted(c: &Connection, target: EventId) -> Result<bool, StoreError> {
    Ok(
        c.prepare_cached("SELECT 1 FROM event WHERE target = ?1 AND type = 'delete' LIMIT 1")?
            .exists([Blob(target)])?,
    )
}

/// The events after a `seq`, rising; fewer than `limit` where their JSON would pass `max_bytes`,
/// but never none where there is one.
pub fn page_after(
    c: &Connection,
    room: RoomId,
    after: u64,
    limit: usize,
    max_bytes: usize,
) -> Result<Vec<Event>, StoreError> {
    page(
        c,
        "WHERE room = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        params![Blob(room), sql_seq(after), sql_limit(limit)],
        max_bytes,
    )
}

/// The events just before a `seq`, or the newest, in rising `seq`; bounded like [`page_after`].
pub fn page_before(
    c: &Connection,
    room: RoomId,
    before: Option<u64>,
    limit: usize,
    max_bytes: usize,
) -> Result<Vec<Event>, StoreError> {
    let before = before.map_or(i64::MAX, sql_seq);
    let mut events = page(
        c,
        "WHERE room = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
        params![Blob(room), before, sql_limit(limit)],
        max_bytes,
    )?;
    events.reverse();
    Ok(events)
}

/// The number of the last event that was written, in the order of arrival here; 0 where there is
/// none. It tells whether anything was written since.
pub fn newest_ref(c: &Connection) -> Result<i64, StoreError> {
    let newest = c
        .prepare_cached("SELECT coalesce(max(ref), 0) FROM event")?
        .query_row([], |row| row.get(0))?;
    Ok(newest)
}

/// Events in all logs together.
pub fn count(c: &Connection) -> Result<u64, StoreError> {
    let count = c
        .prepare_cached("SELECT count(*) FROM event")?
        .query_row([], |row| seq(row, 0))?;
    Ok(count)
}

/// Events of one log that are here.
pub fn count_in(c: &Connection, room: RoomId) -> Result<u64, StoreError> {
    let count = c
        .prepare_cached("SELECT count(*) FROM event WHERE room = ?1")?
        .query_row([Blob(room)], |row| seq(row, 0))?;
    Ok(count)
}

/// Where a room's log ends.
pub fn head(c: &Connection, room: RoomId) -> Result<Option<Head>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT seq, id, accepted_at FROM event WHERE room = ?1 ORDER BY seq DESC LIMIT 1",
    )?
    .query_row([Blob(room)], |row| {
        Ok(Head {
            seq: seq(row, 0)?,
            id: id(row, 1)?,
            accepted_at: row.get(2)?,
        })
    })
    .optional()?)
}

/// The lowest `seq` of a room that is here.
pub fn first(c: &Connection, room: RoomId) -> Result<Option<u64>, StoreError> {
    Ok(
        c.prepare_cached("SELECT seq FROM event WHERE room = ?1 ORDER BY seq LIMIT 1")?
            .query_row([Blob(room)], |row| seq(row, 0))
            .optional()?,
    )
}

/// The `seq` of the last event of a room here that was accepted before a time (milliseconds since
/// 1970 UTC); 0: none. Times never fall within a log, so a few rows are looked at and not all.
pub fn last_before(c: &Connection, room: RoomId, at: i64) -> Result<u64, StoreError> {
    let mut from = c.prepare_cached(
        "SELECT seq, accepted_at FROM event WHERE room = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
    )?;
    let (mut low, mut high) = (0, head(c, room)?.map_or(0, |head| head.seq));
    while low < high {
        let middle = high - (high - low) / 2;
        let found: Option<(u64, i64)> = from
            .query_row(params![Blob(room), sql_seq(middle)], |row| {
                Ok((seq(row, 0)?, row.get(1)?))
            })
            .optional()?;
        match found {
            Some((seq, accepted_at)) if accepted_at < at => low = seq,
            Some(_) | None => high = middle - 1,
        }
    }
    Ok(low)
}

/// Takes out of a log what is beyond a `seq`, and gives it back in rising `seq`: the node's log
/// has gone another way. The caller rebuilds the room ([`crate::apply::rebuild_room`]) before
/// anything else reads it.
///
/// A content that a delete among these had dropped is not brought back: it is no longer here.
pub fn delete_after(c: &Connection, room: RoomId, seq: u64) -> Result<Vec<Event>, StoreError> {
    let events = page_after(c, room, seq, usize::MAX, usize::MAX)?;
    c.prepare_cached("DELETE FROM event WHERE room = ?1 AND seq > ?2")?
        .execute(params![Blob(room), sql_seq(seq)])?;
    // Their `ref`s will be given out again.
    c.prepare_cached(
        "UPDATE applied SET ref = min(ref, (SELECT coalesce(max(ref), 0) FROM event))",
    )?
    .execute([])?;
    Ok(events)
}

/// The columns that [`event`] reads, in its order.
const COLUMNS: &str = "seq, id, room, author, sent_at, accepted_at, content, sig";

fn one(
    c: &Connection,
    condition: &str,
    params: &[&dyn rusqlite::ToSql],
) -> Result<Option<Event>, StoreError> {
    Ok(
        c.prepare_cached(&format!("SELECT {COLUMNS} FROM event {condition}"))?
            .query_row(params, event)
            .optional()?,
    )
}

fn page(
    c: &Connection,
    condition: &str,
    params: &[&dyn rusqlite::ToSql],
    max_bytes: usize,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = c.prepare_cached(&format!("SELECT {COLUMNS} FROM event {condition}"))?;
    let mut rows = statement.query(params)?;
    let mut events = Vec::new();
    let mut bytes: usize = 0;
    while let Some(row) = rows.next()? {
        let event = event(row)?;
        bytes = bytes.saturating_add(event.bytes());
        if bytes > max_bytes && !events.is_empty() {
            break;
        }
        events.push(event);
    }
    Ok(events)
}

/// Reads a row of [`COLUMNS`].
pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let content: String = row.get(6)?;
    let content = RawValue::from_string(content).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Event {
        seq: seq(row, 0)?,
        id: id(row, 1)?,
        room: id(row, 2)?,
        author: id(row, 3)?,
        sent_at: row.get(4)?,
        accepted_at: row.get(5)?,
        content,
        sig: row.get(7)?,
    })
}
