//! Who reacted to a message with what.

use landline_protocol::{EventId, MemberId};
use rusqlite::Connection;

use crate::StoreError;
use crate::bytes::{Blob, id};

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reacted {
    pub emoji: String,
    /// In the order in which they came.
    pub members: Vec<MemberId>,
}

/// In the order in which each emoji came first.
pub(super) fn of(c: &Connection, target: EventId) -> Result<Vec<Reacted>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT emoji, member FROM reaction WHERE target = ?1 AND is_on = 1 ORDER BY seq",
    )?;
    let mut rows = statement.query([Blob(target)])?;
    let mut reactions: Vec<Reacted> = Vec::new();
    while let Some(row) = rows.next()? {
        let emoji: String = row.get(0)?;
        let member = id(row, 1)?;
        match reactions.iter_mut().find(|reacted| reacted.emoji == emoji) {
            Some(reacted) => reacted.members.push(member),
            None => reactions.push(Reacted {
                emoji,
                members: vec![member],
            }),
        }
    }
    Ok(reactions)
}
