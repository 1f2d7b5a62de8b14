//! Which events name a file. Follows from the log, and is what a file may be read by: whoever is in
//! a room may read what is named there.

use landline_protocol::{Content, Event, EventId, File, FileHash, RoomId};
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::bytes::{Blob, id};

/// Notes the files that an event names. A node does this as it accepts the event, so that nobody
/// who is told of it comes too early; everywhere else [`crate::apply`] does it.
pub fn note(c: &Connection, event: &Event, content: &Content) -> Result<(), StoreError> {
    insert(c, event.room, event.id, hashes(content))
}

/// The files that a content names.
pub fn hashes(content: &Content) -> Vec<FileHash> {
    match content {
        Content::Message(message) => {
            let files = message.files.iter();
            files.filter_map(|file| file.blake3.parse().ok()).collect()
        }
        // An avatar that is taken off is an empty hash.
        Content::Profile(profile) => {
            let avatar = profile.avatar.iter();
            avatar.filter_map(|avatar| avatar.parse().ok()).collect()
        }
        Content::Edit(_)
        | Content::Delete(_)
        | Content::Reaction(_)
        | Content::Pin(_)
        | Content::RoomCreated(_)
        | Content::RoomChanged(_)
        | Content::Joined
        | Content::Left
        | Content::Invited(_)
        | Content::Removed(_)
        | Content::SpaceCreated(_)
        | Content::Admitted(_)
        | Content::Role(_)
        | Content::Muted(_)
        | Content::Banned(_)
        | Content::Settings(_)
        | Content::Unknown => Vec::new(),
    }
}

/// The rooms in which a file is named.
pub fn rooms(c: &Connection, file: FileHash) -> Result<Vec<RoomId>, StoreError> {
    let rooms = c
        .prepare_cached("SELECT DISTINCT room FROM named WHERE blake3 = ?1")?
        .query_map([Blob(file)], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(rooms)
}

/// What a message names, made anew; nothing where it is deleted.
pub(crate) fn set(
    c: &Connection,
    room: RoomId,
    event: EventId,
    files: &[File],
) -> Result<(), StoreError> {
    clear(c, event)?;
    let hashes = files.iter().filter_map(|file| file.blake3.parse().ok());
    insert(c, room, event, hashes)
}

/// This event names nothing any more.
pub(crate) fn clear(c: &Connection, event: EventId) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM named WHERE event = ?1")?
        .execute([Blob(event)])?;
    Ok(())
}

fn insert(
    c: &Connection,
    room: RoomId,
    event: EventId,
    hashes: impl IntoIterator<Item = FileHash>,
) -> Result<(), StoreError> {
    let mut statement = c.prepare_cached(
        "INSERT INTO named (blake3, room, event) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for hash in hashes {
        statement.execute(params![Blob(hash), Blob(room), Blob(event)])?;
    }
    Ok(())
}
