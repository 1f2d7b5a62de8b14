//! What an event in the outbox can't be accepted without, as far as it waits there too.

use landline_protocol::{Content, EventId, NewEvent};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::value::RawValue;

use crate::StoreError;
use crate::bytes::{Blob, id};

/// Notes what an event needs, anew.
pub(super) fn find(c: &Connection, event: &NewEvent) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM outbox_need WHERE id = ?1")?
        .execute([Blob(event.id)])?;
    let content = Content::read(&event.content);
    let needs = content.references().chain(entry(c, event)?);
    let mut statement = c.prepare_cached(
        "INSERT INTO outbox_need (id, needs) SELECT ?1, id FROM outbox WHERE id = ?2 AND id <> ?1
         ON CONFLICT DO NOTHING",
    )?;
    for needed in needs {
        statement.execute(params![Blob(event.id), Blob(needed)])?;
    }
    Ok(())
}

/// What lets its author into the room, while that waits too: its creation, or their joining. It is
/// the first in its room, since nothing can be written there before.
fn entry(c: &Connection, event: &NewEvent) -> Result<Option<EventId>, StoreError> {
    let first = c
        .prepare_cached("SELECT id, content FROM outbox WHERE room = ?1 ORDER BY position LIMIT 1")?
        .query_row([Blob(event.room)], |row| {
            Ok((id(row, 0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((first, content)) = first else {
        return Ok(None);
    };
    match Content::read(&RawValue::from_string(content)?) {
        Content::RoomCreated(_) | Content::Joined => Ok(Some(first)),
        _ => Ok(None),
    }
}
