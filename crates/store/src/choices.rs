//! What the person has chosen for each room, on this device.

use landline_protocol::RoomId;
use rusqlite::{Connection, Row, params};

use crate::StoreError;
use crate::bytes::{Blob, id, sql_seq};

/// What of a room may disturb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    #[default]
    Everything,
    /// What mentions the person, or holds a word that they watch for.
    Mentions,
    Nothing,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Mentions => "mentions",
            Self::Nothing => "nothing",
        }
    }
}

/// Of a room for which nothing was chosen: the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choice {
    pub level: Level,
    /// Marked unread from this `seq` on.
    pub unread_from: Option<u64>,
    /// What is kept of it goes once the person is no longer in it.
    pub forget: bool,
}

/// All that was chosen, by room.
pub fn all(c: &Connection) -> Result<Vec<(RoomId, Choice)>, StoreError> {
    let choices = c
        .prepare_cached("SELECT room, level, unread_from, forget FROM choice ORDER BY room")?
        .query_map([], |row| Ok((id(row, 0)?, choice(row)?)))?
        .collect::<Result<_, _>>()?;
    Ok(choices)
}

/// Keeps a choice; the default is kept as none.
pub fn set(c: &Connection, room: RoomId, choice: Choice) -> Result<(), StoreError> {
    if choice == Choice::default() {
        c.prepare_cached("DELETE FROM choice WHERE room = ?1")?
            .execute([Blob(room)])?;
        return Ok(());
    }
    c.prepare_cached(
        "INSERT INTO choice (room, level, unread_from, forget) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (room) DO UPDATE
         SET level = excluded.level, unread_from = excluded.unread_from, forget = excluded.forget",
    )?
    .execute(params![
        Blob(room),
        choice.level.as_str(),
        choice.unread_from.map(sql_seq),
        choice.forget
    ])?;
    Ok(())
}

fn choice(row: &Row<'_>) -> rusqlite::Result<Choice> {
    let level: String = row.get(1)?;
    let unread_from: Option<i64> = row.get(2)?;
    Ok(Choice {
        level: match level.as_str() {
            "mentions" => Level::Mentions,
            "nothing" => Level::Nothing,
            // "everything", the only other one that the table's check lets in.
            _ => Level::Everything,
        },
        unread_from: unread_from.and_then(|seq| u64::try_from(seq).ok()),
        forget: row.get(3)?,
    })
}
