//! Rooms, who is in them, the people of the space: as the logs here tell.
//!
//! On a replica that has a room's newest part only, a row knows what that part says: `kind` is
//! `None` until the room's first event is here.

mod states;

use landline_protocol::{Admission, MemberId, Role, RoomId, RoomKind, SpaceId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::bytes::{Blob, id, id_or_null, seq};
use crate::{StoreError, log};
pub use states::{room_state, room_states, space_state};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRow {
    pub room: RoomId,
    /// None until `room_created` is here.
    pub kind: Option<RoomKind>,
    pub name: String,
    pub topic: String,
    pub archived: bool,
    pub everyone: bool,
    pub creator: Option<MemberId>,
}

/// One who is or was in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberRow {
    pub member: MemberId,
    /// In it now.
    pub present: bool,
    /// Was removed, and comes back by invitation only.
    pub removed: bool,
}

/// One who is or was in the space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    pub member: MemberId,
    pub name: String,
    pub role: Role,
    /// Milliseconds since 1970 by the node's clock; 0: not muted.
    pub muted_until: i64,
    pub banned: bool,
    pub left: bool,
    pub about: String,
    /// The BLAKE3 hash of a file, hex; empty: none.
    pub avatar: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRow {
    pub name: String,
    pub admission: Admission,
    /// None: the protocol's limit.
    pub max_file_bytes: Option<u64>,
}

/// What the log here tells of a room.
pub fn get(c: &Connection, room: RoomId) -> Result<Option<RoomRow>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT room, kind, name, topic, archived, everyone, creator FROM room WHERE room = ?1",
    )?
    .query_row([Blob(room)], room_row)
    .optional()?)
}

/// All rooms that there is a log of, by id.
pub fn all(c: &Connection) -> Result<Vec<RoomRow>, StoreError> {
    let rooms = c
        .prepare_cached(
            "SELECT room, kind, name, topic, archived, everyone, creator FROM room ORDER BY room",
        )?
        .query_map([], room_row)?
        .collect::<Result<_, _>>()?;
    Ok(rooms)
}

/// Who is or was in a room by its log, by id. Nobody in one for everyone.
pub fn members(c: &Connection, room: RoomId) -> Result<Vec<MemberRow>, StoreError> {
    let members = c
        .prepare_cached(
            "SELECT member, present, removed FROM member WHERE room = ?1 ORDER BY member",
        )?
        .query_map([Blob(room)], |row| {
            Ok(MemberRow {
                member: id(row, 0)?,
                present: row.get(1)?,
                removed: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(members)
}

/// Whether somebody is in a room by its log.
pub fn is_in(c: &Connection, room: RoomId, member: MemberId) -> Result<bool, StoreError> {
    Ok(
        c.prepare_cached("SELECT 1 FROM member WHERE room = ?1 AND member = ?2 AND present = 1")?
            .exists((Blob(room), Blob(member)))?,
    )
}

/// The `seq` with which somebody who is in a room came into it last: what is before it was said
/// without them. 0 where that is not known here.
pub fn came(c: &Connection, room: RoomId, member: MemberId) -> Result<u64, StoreError> {
    Ok(
        c.prepare_cached("SELECT seq FROM member WHERE room = ?1 AND member = ?2 AND present = 1")?
            .query_row((Blob(room), Blob(member)), |row| seq(row, 0))
            .optional()?
            .unwrap_or(0),
    )
}

/// As [`came`], of a room for everyone: one comes into it with the space, whose directory tells
/// when.
pub fn came_with_all(
    c: &Connection,
    space: SpaceId,
    room: RoomId,
    member: MemberId,
) -> Result<u64, StoreError> {
    let directory = space.directory();
    match log::at(c, directory, came(c, directory, member)?)? {
        Some(admitted) => log::last_before(c, room, admitted.accepted_at),
        None => Ok(0),
    }
}

/// The rooms that somebody is in by their logs, by id; those for everyone are not among them.
pub fn of_member(c: &Connection, member: MemberId) -> Result<Vec<RoomId>, StoreError> {
    let rooms = c
        .prepare_cached(
            "SELECT member.room FROM member JOIN room ON room.room = member.room
             WHERE member = ?1 AND present = 1 ORDER BY member.room",
        )?
        .query_map([Blob(member)], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(rooms)
}

/// One person of the space.
pub fn person(
    c: &Connection,
    space: SpaceId,
    member: MemberId,
) -> Result<Option<PersonRow>, StoreError> {
    Ok(
        c.prepare_cached(&format!("{PERSON} WHERE space = ?1 AND person.member = ?2"))?
            .query_row((Blob(space), Blob(member)), person_row)
            .optional()?,
    )
}

/// All who are or were in the space, by id.
pub fn people(c: &Connection, space: SpaceId) -> Result<Vec<PersonRow>, StoreError> {
    let people = c
        .prepare_cached(&format!("{PERSON} WHERE space = ?1 ORDER BY person.member"))?
        .query_map([Blob(space)], person_row)?
        .collect::<Result<_, _>>()?;
    Ok(people)
}

/// What the directory here tells of the space.
pub fn space(c: &Connection, space: SpaceId) -> Result<Option<SpaceRow>, StoreError> {
    Ok(
        c.prepare_cached("SELECT name, admission, max_file_bytes FROM space WHERE space = ?1")?
            .query_row([Blob(space)], |row| {
                let bytes: Option<i64> = row.get(2)?;
                Ok(SpaceRow {
                    name: row.get(0)?,
                    admission: word(row, 1, Admission::parse, Admission::Unknown)?,
                    max_file_bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
                })
            })
            .optional()?,
    )
}

/// Being in the space is being in its directory's log.
const PERSON: &str = "SELECT person.member, name, role, muted_until, banned,
        coalesce(present, 1) = 0, about, avatar
    FROM person LEFT JOIN member ON member.room = space AND member.member = person.member";

fn person_row(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow {
        member: id(row, 0)?,
        name: row.get(1)?,
        role: word(row, 2, Role::parse, Role::Unknown)?,
        muted_until: row.get(3)?,
        banned: row.get(4)?,
        left: row.get(5)?,
        about: row.get(6)?,
        avatar: row.get(7)?,
    })
}

fn room_row(row: &Row<'_>) -> rusqlite::Result<RoomRow> {
    let kind: Option<String> = row.get(1)?;
    Ok(RoomRow {
        room: id(row, 0)?,
        kind: kind.map(|kind| RoomKind::parse(&kind).unwrap_or(RoomKind::Unknown)),
        name: row.get(2)?,
        topic: row.get(3)?,
        archived: row.get(4)?,
        everyone: row.get(5)?,
        creator: id_or_null(row, 6)?,
    })
}

/// A column that holds a word of the protocol.
fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
    unknown: T,
) -> rusqlite::Result<T> {
    let word: String = row.get(column)?;
    Ok(parse(&word).unwrap_or(unknown))
}
