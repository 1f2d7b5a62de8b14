//! Events that the node has not accepted yet, in the order in which they were written.
//!
//! ```text
//!          push                hand_over                 settle (answer or echo)
//!            │                     │                         │
//!            ▼                     ▼                         ▼
//!   ┌───▶ queued ─────────▶ unsettled ─────────────────▶ accepted: the row is gone
//!   │        │  needs what        │ refused for good (fail)
//!   │        │  has failed        ▼
//!   │        └──▶ held ◀──── failed      (held: what needs the failed one)
//!   │              │            │
//!   └── retry ─────┴────────────┘  …or discard: the rows are gone
//! ```
//! What was refused because the node did not have the message that it names, is queued again once
//! that message comes (`retry_for`): a node that was restored gets back what it had lost from
//! several people, in whatever order they return.
//!
//! A row may be changed or discarded until it is handed over; from then on the node may have it,
//! so an edit or delete is queued behind it instead. After a lost link, unsettled rows are handed
//! over again: the node answers an id that it knows with its first place.

mod group;
mod needs;

use std::collections::BTreeSet;

use landline_protocol::{Code, EventId, NewEvent, RoomId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::value::RawValue;

use crate::bytes::{Blob, id, seq, sql_limit};
use crate::{StoreError, transfers};
pub use group::{discard, fail, needing, retry, retry_for};

/// Where an event in the outbox stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// On this device only.
    Queued,
    /// Handed to the link: the node may have it.
    Unsettled,
    /// Waits for something that has failed.
    Held,
    /// Refused for good.
    Failed { code: Code, message: String },
}

#[derive(Debug, Clone)]
pub struct Waiting {
    pub event: NewEvent,
    pub state: State,
    /// Rises in the order of sending, across rooms.
    pub position: i64,
    /// How often it was handed to the link.
    pub tries: u64,
}

/// How many wait in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub room: RoomId,
    /// Queued or unsettled.
    pub waiting: u64,
    /// Failed, or held by one that has.
    pub failed: u64,
}

/// Puts an event last. What it needs is found among what waits: the creation of its room, and the
/// events that it names.
///
/// [`StoreError::Waits`] where its id waits already.
pub fn push(c: &Connection, event: &NewEvent) -> Result<(), StoreError> {
    let last: i64 = c
        .prepare_cached("SELECT coalesce(max(position), 0) FROM outbox")?
        .query_row([], |row| row.get(0))?;
    insert(c, event, last + 1, "queued")?;
    needs::find(c, event)?;
    group::hold_if_needed(c, event.id)
}

/// Puts one's own events back before all others, in this order: they were accepted once, and a
/// fork has taken them out of the log. Since others may have seen them they are unsettled.
pub fn restore(c: &Connection, events: &[NewEvent]) -> Result<(), StoreError> {
    let first: i64 = c
        .prepare_cached("SELECT coalesce(min(position), 1) FROM outbox")?
        .query_row([], |row| row.get(0))?;
    let first = first - i64::try_from(events.len()).unwrap_or(i64::MAX);
    for (position, event) in (first..).zip(events) {
        insert(c, event, position, "unsettled")?;
    }
    // Also of those that were there before: an edit may need what has come back.
    let rooms: BTreeSet<RoomId> = events.iter().map(|event| event.room).collect();
    for room in rooms {
        for waiting in of_room(c, room)? {
            needs::find(c, &waiting.event)?;
        }
    }
    Ok(())
}

/// The next events to send, in order, but for those that wait for an upload and what is behind
/// them in their rooms: queued ones, and those handed over before whose answer
/// never came. To be asked for while nothing is in flight. At least one where there is one, else
/// at most `limit` events and `max_bytes` of JSON.
pub fn next_batch(
    c: &Connection,
    limit: usize,
    max_bytes: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let barriers = transfers::barriers(c)?;
    let waits = |waiting: &Waiting| {
        let room = waiting.event.room;
        barriers
            .iter()
            .any(|(barred, from)| *barred == room && waiting.position >= *from)
    };
    let mut statement = c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE state IN ('queued', 'unsettled') ORDER BY position"
    ))?;
    let mut rows = statement.query([])?;
    let mut batch = Vec::new();
    let mut bytes: usize = 0;
    while let Some(row) = rows.next()?
        && batch.len() < limit
    {
        let waiting = waiting(row)?;
        if waits(&waiting) {
            continue;
        }
        bytes = bytes.saturating_add(waiting.event.bytes());
        if bytes > max_bytes && !batch.is_empty() {
            break;
        }
        batch.push(waiting);
    }
    Ok(batch)
}

/// These are about to be handed to the link.
pub fn hand_over(c: &Connection, ids: &[EventId]) -> Result<(), StoreError> {
    let mut statement = c.prepare_cached(
        "UPDATE outbox SET state = 'unsettled', tries = tries + 1
         WHERE id = ?1 AND state IN ('queued', 'unsettled')",
    )?;
    for id in ids {
        statement.execute([Blob(*id)])?;
    }
    Ok(())
}

/// The node has accepted it. `false` where it was settled before: an answer and an echo come for
/// each, in either order.
pub fn settle(c: &Connection, id: EventId) -> Result<bool, StoreError> {
    let gone = c
        .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
        .execute([Blob(id)])?;
    if gone > 0 {
        transfers::settle(c, id)?;
    }
    Ok(gone > 0)
}

/// Changes what an event says, as long as it has not been handed over. One that had failed may be
/// changed too; it still waits for [`retry`].
///
/// [`StoreError::Unsettled`] where the node may have it; `false` where it does not wait at all.
pub fn edit(
    c: &Connection,
    id: EventId,
    content: &RawValue,
    sig: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(mut waiting) = get(c, id)? else {
        return Ok(false);
    };
    if waiting.state == State::Unsettled {
        return Err(StoreError::Unsettled(id));
    }
    c.prepare_cached("UPDATE outbox SET content = ?2, sig = ?3 WHERE id = ?1")?
        .execute(params![Blob(id), content.get(), sig])?;
    waiting.event.content = content.to_owned();
    needs::find(c, &waiting.event)?;
    Ok(true)
}

pub fn get(c: &Connection, id: EventId) -> Result<Option<Waiting>, StoreError> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?
        .query_row([Blob(id)], |row| Ok(waiting(row)))
        .optional()?
        .transpose()
}

/// What waits about a message, in order, the first so many: changes of it, and what is said in the
/// thread that it began.
pub fn about(c: &Connection, message: EventId, limit: usize) -> Result<Vec<Waiting>, StoreError> {
    rows(c, "about = ?1 ORDER BY position", message, limit)
}

/// [`about`], the last so many.
pub fn last_about(
    c: &Connection,
    message: EventId,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let mut last = rows(c, "about = ?1 ORDER BY position DESC", message, limit)?;
    last.reverse();
    Ok(last)
}

/// The last so many that wait in a room, in order.
pub fn last_of_room(
    c: &Connection,
    room: RoomId,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let mut last = rows(c, "room = ?1 ORDER BY position DESC", room, limit)?;
    last.reverse();
    Ok(last)
}

/// The position of the `n`th event of a room from the end, from 0; none where no more wait.
pub fn from_end(c: &Connection, room: RoomId, n: usize) -> Result<Option<i64>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT position FROM outbox WHERE room = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2",
    )?
    .query_row(params![Blob(room), sql_limit(n)], |row| row.get(0))
    .optional()?)
}

/// Whether anything waits in a room.
pub fn waits_in(c: &Connection, room: RoomId) -> Result<bool, StoreError> {
    Ok(
        c.prepare_cached("SELECT 1 FROM outbox WHERE room = ?1 LIMIT 1")?
            .exists([Blob(room)])?,
    )
}

/// Whether anything in a room has failed.
pub fn has_failed(c: &Connection, room: RoomId) -> Result<bool, StoreError> {
    Ok(
        c.prepare_cached("SELECT 1 FROM outbox WHERE room = ?1 AND state = 'failed' LIMIT 1")?
            .exists([Blob(room)])?,
    )
}

/// All that waits in a room, in order.
pub fn of_room(c: &Connection, room: RoomId) -> Result<Vec<Waiting>, StoreError> {
    rows(c, "room = ?1 ORDER BY position", room, usize::MAX)
}

/// All that waits, in order.
pub fn all(c: &Connection) -> Result<Vec<Waiting>, StoreError> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox ORDER BY position"))?
        .query_map([], |row| Ok(waiting(row)))?
        .collect::<Result<Result<_, _>, _>>()?
}

/// How many wait, in each room where any does.
pub fn counts(c: &Connection) -> Result<Vec<Count>, StoreError> {
    let counts = c
        .prepare_cached(
            "SELECT room, sum(state IN ('queued', 'unsettled')), sum(state IN ('held', 'failed'))
             FROM outbox GROUP BY room",
        )?
        .query_map([], |row| {
            Ok(Count {
                room: id(row, 0)?,
                waiting: seq(row, 1)?,
                failed: seq(row, 2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(counts)
}

fn rows<I>(c: &Connection, condition: &str, of: I, limit: usize) -> Result<Vec<Waiting>, StoreError>
where
    Blob<I>: rusqlite::ToSql,
{
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE {condition} LIMIT ?2"
    ))?
    .query_map(params![Blob(of), sql_limit(limit)], |row| Ok(waiting(row)))?
    .collect::<Result<Result<_, _>, _>>()?
}

const COLUMNS: &str = "id, room, sent_at, content, sig, state, code, message, position, tries";

fn insert(c: &Connection, event: &NewEvent, position: i64, state: &str) -> Result<(), StoreError> {
    let inserted = c
        .prepare_cached(
            "INSERT INTO outbox (id, position, room, sent_at, content, sig, state, tries)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            Blob(event.id),
            position,
            Blob(event.room),
            event.sent_at,
            event.content.get(),
            event.sig,
            state
        ])?;
    if inserted == 0 {
        return Err(StoreError::Waits(event.id));
    }
    Ok(())
}

fn waiting(row: &Row<'_>) -> Result<Waiting, StoreError> {
    let state: String = row.get(5)?;
    let state = match state.as_str() {
        "queued" => State::Queued,
        "unsettled" => State::Unsettled,
        "held" => State::Held,
        // "failed", the only other one that the table's check lets in.
        _ => State::Failed {
            code: code(row)?,
            message: row.get(7)?,
        },
    };
    Ok(Waiting {
        event: NewEvent {
            id: id(row, 0)?,
            room: id(row, 1)?,
            sent_at: row.get(2)?,
            content: RawValue::from_string(row.get(3)?)?,
            sig: row.get(4)?,
        },
        state,
        position: row.get(8)?,
        tries: seq(row, 9)?,
    })
}

fn code(row: &Row<'_>) -> rusqlite::Result<Code> {
    let code: String = row.get(6)?;
    Ok(Code::parse(&code).unwrap_or(Code::Unknown))
}
