//! How a message read before it was edited.

use landline_protocol::{Content, EventId};
use rusqlite::Connection;
use serde_json::value::RawValue;

use crate::StoreError;
use crate::bytes::Blob;

/// A message as it read at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub text: String,
    /// Milliseconds since 1970 UTC, by the node's clock: from when on it read so.
    pub at: i64,
}

/// Every version of a message that is here, the first one first and the present one last. None of
/// what was deleted: what it said is gone.
pub fn versions(c: &Connection, message: EventId) -> Result<Vec<Version>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT content, accepted_at, seq FROM event WHERE id = ?1 AND type = 'message'
         UNION ALL
         SELECT content, accepted_at, seq FROM event WHERE target = ?1 AND type = 'edit'
         ORDER BY seq",
    )?;
    let mut rows = statement.query([Blob(message)])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let text = match Content::read(&RawValue::from_string(row.get(0)?)?) {
            Content::Message(message) => message.text,
            Content::Edit(edit) => edit.text,
            _ => continue,
        };
        let at = row.get(1)?;
        versions.push(Version { text, at });
    }
    // Of a deleted message, place and hash are left, and the edits say nothing.
    versions.retain(|version| !version.text.is_empty());
    Ok(versions)
}
