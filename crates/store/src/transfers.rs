//! Files on their way, on a client: uploads for what waits in the outbox, and downloads.
//!
//! ```text
//!            begin                                  up: until the outbox row is gone
//!   waiting ───────▶ (running, in memory) ──▶ done   down: the row goes
//!      ▲  ▲ │                │
//!      │  └─┼── paused ◀─────┤ by the person
//!      └────┴── failed ◀─────┘ refused for good
//! ```

use landline_protocol::{EventId, FileHash, RoomId, TransferId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::StoreError;
use crate::bytes::{Blob, id, seq, sql_seq};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting,
    Paused,
    Failed,
    Done,
}

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub id: TransferId,
    pub room: RoomId,
    /// The message that names the file.
    pub event: EventId,
    pub blake3: FileHash,
    /// In all.
    pub bytes: u64,
    pub way: Way,
    pub state: State,
    /// Bytes that are over, as far as known.
    pub done: u64,
    /// Of an upload: where the node takes it.
    pub url: Option<String>,
    /// Why it has failed.
    pub words: Option<String>,
}

impl Way {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }
}

/// Puts a transfer last. Does nothing where the same is there already.
pub fn begin(c: &Connection, transfer: &Transfer) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO transfer (id, position, room, event, blake3, bytes, way, state, done, url, words)
         VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM transfer), ?2, ?3, ?4, ?5, ?6, ?7,
                 ?8, ?9, ?10)
         ON CONFLICT (event, blake3, way) DO NOTHING",
    )?
    .execute(params![
        Blob(transfer.id),
        Blob(transfer.room),
        Blob(transfer.event),
        Blob(transfer.blake3),
        sql_seq(transfer.bytes),
        transfer.way.as_str(),
        transfer.state.as_str(),
        sql_seq(transfer.done),
        transfer.url,
        transfer.words,
    ])?;
    Ok(())
}

pub fn get(c: &Connection, transfer: TransferId) -> Result<Option<Transfer>, StoreError> {
    one(c, "WHERE id = ?1", params![Blob(transfer)])
}

pub fn find(
    c: &Connection,
    event: EventId,
    file: FileHash,
    way: Way,
) -> Result<Option<Transfer>, StoreError> {
    one(
        c,
        "WHERE event = ?1 AND blake3 = ?2 AND way = ?3",
        params![Blob(event), Blob(file), way.as_str()],
    )
}

/// All that are not done, in order.
pub fn open(c: &Connection) -> Result<Vec<Transfer>, StoreError> {
    let open = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM transfer WHERE state <> 'done' ORDER BY position"
        ))?
        .query_map([], read)?
        .collect::<Result<_, _>>()?;
    Ok(open)
}

pub fn set_state(
    c: &Connection,
    transfer: TransferId,
    state: State,
    words: Option<&str>,
) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE transfer SET state = ?2, words = ?3 WHERE id = ?1")?
        .execute(params![Blob(transfer), state.as_str(), words])?;
    Ok(())
}

pub fn set_done(c: &Connection, transfer: TransferId, done: u64) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE transfer SET done = ?2 WHERE id = ?1")?
        .execute(params![Blob(transfer), sql_seq(done)])?;
    Ok(())
}

/// Where the node takes the upload; `None`: it is begun anew.
pub fn set_url(c: &Connection, transfer: TransferId, url: Option<&str>) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE transfer SET url = ?2 WHERE id = ?1")?
        .execute(params![Blob(transfer), url])?;
    Ok(())
}

/// The file has come: every download of it is at its end.
pub fn arrived(c: &Connection, file: FileHash) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM transfer WHERE blake3 = ?1 AND way = 'down'")?
        .execute([Blob(file)])?;
    Ok(())
}

pub fn remove(c: &Connection, transfer: TransferId) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM transfer WHERE id = ?1")?
        .execute([Blob(transfer)])?;
    Ok(())
}

/// Uploads for an event are tried again from the start: the node may have lost the files.
pub fn begin_again(c: &Connection, event: EventId) -> Result<(), StoreError> {
    c.prepare_cached(
        "UPDATE transfer SET state = 'waiting', words = NULL, done = 0
         WHERE event = ?1 AND way = 'up' AND state IN ('failed', 'done')",
    )?
    .execute([Blob(event)])?;
    Ok(())
}

/// Uploads that have failed while their events wait all the same, and what is behind these with
/// them: tried again.
pub fn try_stranded(c: &Connection) -> Result<(), StoreError> {
    c.prepare_cached(
        "UPDATE transfer SET state = 'waiting', words = NULL
         WHERE way = 'up' AND state = 'failed'
           AND event IN (SELECT id FROM outbox WHERE state IN ('queued', 'unsettled'))",
    )?
    .execute([])?;
    Ok(())
}

/// What is sent no longer, because its event is no longer in the outbox.
pub(crate) fn settle(c: &Connection, event: EventId) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM transfer WHERE event = ?1 AND way = 'up'")?
        .execute([Blob(event)])?;
    Ok(())
}

/// In each room where an event waits for its uploads: the place of the first one in the outbox.
/// What is behind it waits, too.
pub(crate) fn barriers(c: &Connection) -> Result<Vec<(RoomId, i64)>, StoreError> {
    let barriers = c
        .prepare_cached(
            "SELECT outbox.room, min(outbox.position)
             FROM transfer JOIN outbox ON outbox.id = transfer.event
             WHERE transfer.way = 'up' AND transfer.state <> 'done'
               AND outbox.state IN ('queued', 'unsettled')
             GROUP BY outbox.room",
        )?
        .query_map([], |row| Ok((id(row, 0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(barriers)
}

const COLUMNS: &str = "id, room, event, blake3, bytes, way, state, done, url, words";

fn one(
    c: &Connection,
    condition: &str,
    params: &[&dyn rusqlite::ToSql],
) -> Result<Option<Transfer>, StoreError> {
    Ok(
        c.prepare_cached(&format!("SELECT {COLUMNS} FROM transfer {condition}"))?
            .query_row(params, read)
            .optional()?,
    )
}

fn read(row: &Row<'_>) -> rusqlite::Result<Transfer> {
    let (way, state): (String, String) = (row.get(5)?, row.get(6)?);
    Ok(Transfer {
        id: id(row, 0)?,
        room: id(row, 1)?,
        event: id(row, 2)?,
        blake3: id(row, 3)?,
        bytes: seq(row, 4)?,
        way: if way == "up" { Way::Up } else { Way::Down },
        state: match state.as_str() {
            "paused" => State::Paused,
            "failed" => State::Failed,
            "done" => State::Done,
            // "waiting", the only other one that the table's check lets in.
            _ => State::Waiting,
        },
        done: seq(row, 7)?,
        url: row.get(8)?,
        words: row.get(9)?,
    })
}
