//! The states that a node decides by, read back from the tables.

use landline_protocol::limits::MAX_FILE_BYTES;
use landline_protocol::{Person, RoomId, RoomState, SpaceId, SpaceState};
use rusqlite::Connection;

use super::{RoomRow, all, get, members, people, space};
use crate::{StoreError, log};

/// A room as its whole log tells: the same as applying each event to it. `None` where there is no
/// such room, or its first event is not here.
pub fn room_state(c: &Connection, room: RoomId) -> Result<Option<RoomState>, StoreError> {
    match get(c, room)? {
        Some(row) => state(c, row),
        None => Ok(None),
    }
}

/// All rooms, by id.
pub fn room_states(c: &Connection) -> Result<Vec<RoomState>, StoreError> {
    let mut states = Vec::new();
    for row in all(c)? {
        states.extend(state(c, row)?);
    }
    Ok(states)
}

/// The space as its whole directory tells; a new one where there is no directory.
pub fn space_state(c: &Connection, id: SpaceId) -> Result<SpaceState, StoreError> {
    let mut state = SpaceState::new(id);
    if let Some(row) = space(c, id)? {
        state.name = row.name;
        state.admission = row.admission;
        state.max_file_bytes = row.max_file_bytes.unwrap_or(MAX_FILE_BYTES);
    }
    for row in people(c, id)? {
        let person = Person {
            name: row.name,
            role: row.role,
            muted_until: row.muted_until,
            banned: row.banned,
            left: row.left,
        };
        state.people.insert(row.member, person);
    }
    if let Some(head) = log::head(c, id.directory())? {
        state.head = head.seq;
        state.head_id = Some(head.id);
        state.last_accepted_at = head.accepted_at;
    }
    Ok(state)
}

fn state(c: &Connection, row: RoomRow) -> Result<Option<RoomState>, StoreError> {
    let (Some(kind), Some(creator)) = (row.kind, row.creator) else {
        return Ok(None);
    };
    let Some(head) = log::head(c, row.room)? else {
        return Ok(None);
    };
    let members = members(c, row.room)?;
    let those = |which: fn(&super::MemberRow) -> bool| {
        members
            .iter()
            .filter(|row| which(row))
            .map(|row| row.member)
            .collect()
    };
    Ok(Some(RoomState {
        id: row.room,
        kind,
        name: row.name,
        topic: row.topic,
        archived: row.archived,
        everyone: row.everyone,
        creator,
        members: those(|row| row.present),
        removed: those(|row| row.removed),
        head: head.seq,
        head_id: head.id,
        last_accepted_at: head.accepted_at,
    }))
}
