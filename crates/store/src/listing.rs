//! What the node last said of each room: a client shows it until it has the room's whole log, and
//! while offline.

use landline_protocol::RoomId;
use landline_protocol::up::RoomInfo;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::StoreError;
use crate::bytes::Blob;

/// A room as the node last told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub info: RoomInfo,
    /// One is a member; false: read-only, what was kept.
    pub open: bool,
}

/// Keeps what the node says of a room that one is in.
pub fn open(c: &Connection, info: &RoomInfo) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO listing (room, open, info) VALUES (?1, 1, ?2)
         ON CONFLICT (room) DO UPDATE SET open = 1, info = excluded.info",
    )?
    .execute(params![Blob(info.id), serde_json::to_string(info)?])?;
    Ok(())
}

/// One is no longer in this room; what was kept stays.
pub fn close(c: &Connection, room: RoomId) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE listing SET open = 0 WHERE room = ?1")?
        .execute([Blob(room)])?;
    Ok(())
}

pub fn get(c: &Connection, room: RoomId) -> Result<Option<Listed>, StoreError> {
    c.prepare_cached("SELECT open, info FROM listing WHERE room = ?1")?
        .query_row([Blob(room)], |row| Ok(listed(row)))
        .optional()?
        .transpose()
}

/// All rooms that the node ever told of, by id.
pub fn all(c: &Connection) -> Result<Vec<Listed>, StoreError> {
    c.prepare_cached("SELECT open, info FROM listing ORDER BY room")?
        .query_map([], |row| Ok(listed(row)))?
        .collect::<Result<Result<_, _>, _>>()?
}

fn listed(row: &Row<'_>) -> Result<Listed, StoreError> {
    let info: String = row.get(1)?;
    Ok(Listed {
        open: row.get(0)?,
        info: serde_json::from_str(&info)?,
    })
}
