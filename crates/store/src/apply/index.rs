//! The full text index over `message`. It keeps no text of its own, so what is taken out must be
//! named by the words that were put in.

use landline_protocol::RoomId;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::bytes::Blob;

pub(super) fn add(c: &Connection, docid: i64, text: &str) -> Result<(), StoreError> {
    c.prepare_cached("INSERT INTO message_fts (rowid, text) VALUES (?1, ?2)")?
        .execute(params![docid, text])?;
    Ok(())
}

pub(super) fn remove(c: &Connection, docid: i64, text: &str) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO message_fts (message_fts, rowid, text) VALUES ('delete', ?1, ?2)",
    )?
    .execute(params![docid, text])?;
    Ok(())
}

/// Takes out the messages of a room that are no longer in its log.
pub(super) fn remove_orphans(c: &Connection, room: RoomId) -> Result<(), StoreError> {
    let orphans = c
        .prepare_cached(
            "SELECT docid, text FROM message WHERE room = ?1 AND NOT EXISTS (
                 SELECT 1 FROM event
                 WHERE event.room = message.room AND event.seq = message.seq AND type = 'message')",
        )?
        .query_map([Blob(room)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, String)>, _>>()?;
    for (docid, text) in &orphans {
        remove(c, *docid, text)?;
        c.prepare_cached("DELETE FROM message WHERE docid = ?1")?
            .execute([docid])?;
    }
    Ok(())
}
