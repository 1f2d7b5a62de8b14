//! The row of a message, made from all that the log holds about it.

use landline_protocol::{Content, Event, EventId, MemberId, Mention, Message, Reaction, RoomId};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde_json::value::RawValue;

use super::index;
use crate::bytes::{self, Blob, id, seq, sql_seq};
use crate::log::{drop_content, is_remnant};
use crate::{StoreError, named};

/// Places in the order of `docid` for messages accepted in the same millisecond.
const DOCIDS_PER_MS: i64 = 1 << 20;
/// Places that are tried for a message, before it takes the last of its millisecond.
const PLACES_TRIED: i64 = 1_000;
/// The latest time that `docid` has room for, milliseconds: in the year 2248.
const LATEST_MS: i64 = (1 << 43) - 1;

/// The lowest `docid` of messages accepted in this millisecond: falling `docid` is newest first.
pub(crate) fn first_docid(accepted_at: i64) -> i64 {
    accepted_at.clamp(0, LATEST_MS) * DOCIDS_PER_MS
}

/// A message as the log holds it.
struct Logged {
    seq: u64,
    author: MemberId,
    accepted_at: i64,
    message: Message,
}

/// What has become of a message.
#[derive(Default)]
struct Fate {
    edited: bool,
    deleted: bool,
    pinned: bool,
}

/// Something about this message has come in, perhaps the message itself: makes its row anew, and
/// drops what a delete drops.
pub(super) fn follow(c: &Connection, room: RoomId, target: EventId) -> Result<(), StoreError> {
    let deleted = latest(c, room, target, "delete")?.is_some();
    if deleted {
        drop_edits(c, room, target)?;
    }
    let Some(mut logged) = message(c, room, target, deleted)? else {
        // It has not been fetched yet, or is no message: a delete is about messages only.
        return Ok(());
    };
    let edit = match latest(c, room, target, "edit")? {
        Some(Content::Edit(edit)) => Some(edit),
        Some(_) | None => None,
    };
    // What came here dropped already is deleted, even where the delete itself has yet to come.
    let dropped = is_remnant(&logged.message) || edit.as_ref().is_some_and(|e| e.text.is_empty());
    let fate = if deleted || dropped {
        logged.message = Message {
            thread: logged.message.thread,
            ..Message::default()
        };
        Fate {
            deleted: true,
            ..Fate::default()
        }
    } else {
        let edited = edit.is_some();
        if let Some(edit) = edit {
            logged.message.text = edit.text;
            logged.message.mentions = edit.mentions;
        }
        let pinned = matches!(
            latest(c, room, target, "pin")?,
            Some(Content::Pin(pin)) if pin.on
        );
        Fate {
            edited,
            deleted: false,
            pinned,
        }
    };
    write(c, room, &logged, &fate)?;
    named::set(c, room, target, &logged.message.files)?;
    write_mentions(c, room, logged.seq, &logged.message.mentions)
}

/// The last word of this member on this emoji wins.
pub(super) fn react(c: &Connection, event: &Event, reaction: &Reaction) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO reaction (room, target, member, emoji, is_on, seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (target, member, emoji)
         DO UPDATE SET room = excluded.room, is_on = excluded.is_on, seq = excluded.seq
         WHERE excluded.seq > seq",
    )?
    .execute(params![
        Blob(event.room),
        Blob(reaction.target),
        Blob(event.author),
        reaction.emoji,
        reaction.on,
        sql_seq(event.seq)
    ])?;
    Ok(())
}

/// The content of the last event of this type about a target.
fn latest(
    c: &Connection,
    room: RoomId,
    target: EventId,
    type_name: &str,
) -> Result<Option<Content>, StoreError> {
    let content = c
        .prepare_cached(
            "SELECT content FROM event WHERE target = ?1 AND type = ?2 AND room = ?3
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![Blob(target), type_name, Blob(room)], |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    let Some(content) = content else {
        return Ok(None);
    };
    Ok(Some(Content::read(&RawValue::from_string(content)?)))
}

/// Drops what the edits of a deleted message said.
fn drop_edits(c: &Connection, room: RoomId, target: EventId) -> Result<(), StoreError> {
    let edits = c
        .prepare_cached(
            "SELECT id FROM event
             WHERE target = ?1 AND type = 'edit' AND room = ?2 AND dropped IS NULL",
        )?
        .query_map(params![Blob(target), Blob(room)], |row| id(row, 0))?
        .collect::<Result<Vec<EventId>, _>>()?;
    edits.into_iter().try_for_each(|edit| drop_content(c, edit))
}

/// The message with this id, its content dropped where it is deleted.
fn message(
    c: &Connection,
    room: RoomId,
    id: EventId,
    deleted: bool,
) -> Result<Option<Logged>, StoreError> {
    let found = c
        .prepare_cached(
            "SELECT seq, author, accepted_at, content FROM event
             WHERE id = ?1 AND room = ?2 AND type = 'message'",
        )?
        .query_row(params![Blob(id), Blob(room)], |row| {
            Ok((
                seq(row, 0)?,
                bytes::id(row, 1)?,
                row.get(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let Some((seq, author, accepted_at, content)) = found else {
        return Ok(None);
    };
    if deleted {
        drop_content(c, id)?;
    }
    match Content::read(&RawValue::from_string(content)?) {
        Content::Message(message) => Ok(Some(Logged {
            seq,
            author,
            accepted_at,
            message,
        })),
        // The column `type` says otherwise; never written so.
        _ => Ok(None),
    }
}

fn write(c: &Connection, room: RoomId, logged: &Logged, fate: &Fate) -> Result<(), StoreError> {
    let text = &logged.message.text;
    let before = c
        .prepare_cached("SELECT docid, text FROM message WHERE room = ?1 AND seq = ?2")?
        .query_row(params![Blob(room), sql_seq(logged.seq)], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    match before {
        None => {
            let docid = free_docid(c, logged.accepted_at, logged.seq)?;
            write_row(c, INSERT, docid, room, logged, fate)?;
            index::add(c, docid, text)
        }
        Some((docid, before)) => {
            write_row(c, UPDATE, docid, room, logged, fate)?;
            if before == *text {
                return Ok(());
            }
            index::remove(c, docid, &before)?;
            index::add(c, docid, text)
        }
    }
}

/// The place of a message among those of its millisecond: by `seq`, so that it is the same on every
/// device, in whatever order its log arrived. Where another room has it, one of the next.
fn free_docid(c: &Connection, accepted_at: i64, seq: u64) -> Result<i64, StoreError> {
    let first = first_docid(accepted_at);
    let mut taken = c.prepare_cached("SELECT 1 FROM message WHERE docid = ?1")?;
    for step in 0..PLACES_TRIED {
        let docid = first + sql_seq(seq).wrapping_add(step) % DOCIDS_PER_MS;
        if docid >= first && !taken.exists([docid])? {
            return Ok(docid);
        }
    }
    Ok(c.prepare_cached(
        "SELECT coalesce(max(docid) + 1, ?1) FROM message WHERE docid BETWEEN ?1 AND ?2",
    )?
    .query_row([first, first + (DOCIDS_PER_MS - 1)], |row| row.get(0))?)
}

// Two statements and no upsert: one that may write more than one row opens a savepoint, at which
// FTS5 writes out what it has gathered.
const INSERT: &str = "INSERT INTO message (docid, room, seq, author, text, edited, deleted, pinned,
        reply_to, thread, mentions, files, imported_name, imported_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

const UPDATE: &str = "UPDATE message
    SET room = ?2, seq = ?3, author = ?4, text = ?5, edited = ?6, deleted = ?7, pinned = ?8,
        reply_to = ?9, thread = ?10, mentions = ?11, files = ?12, imported_name = ?13,
        imported_at = ?14
    WHERE docid = ?1";

fn write_row(
    c: &Connection,
    sql: &str,
    docid: i64,
    room: RoomId,
    logged: &Logged,
    fate: &Fate,
) -> Result<(), StoreError> {
    let message = &logged.message;
    c.prepare_cached(sql)?.execute(params![
        docid,
        Blob(room),
        sql_seq(logged.seq),
        Blob(logged.author),
        message.text,
        fate.edited,
        fate.deleted,
        fate.pinned,
        message.reply_to.map(Blob),
        message.thread.map(Blob),
        json(&message.mentions)?,
        json(&message.files)?,
        message.imported.as_ref().map(|imported| &imported.name),
        message.imported.as_ref().map(|imported| imported.at),
    ])?;
    Ok(())
}

fn write_mentions(
    c: &Connection,
    room: RoomId,
    seq: u64,
    mentions: &[Mention],
) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM mention WHERE room = ?1 AND seq = ?2")?
        .execute(params![Blob(room), sql_seq(seq)])?;
    let mut insert = c.prepare_cached(
        "INSERT INTO mention (room, seq, member) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for mention in mentions {
        let member: &[u8] = match mention {
            Mention::Member(member) => member.as_bytes(),
            Mention::Room => &[],
        };
        insert.execute(params![Blob(room), sql_seq(seq), member])?;
    }
    Ok(())
}

/// A list as JSON; `None` where it is empty.
fn json<T: Serialize>(list: &[T]) -> Result<Option<String>, StoreError> {
    if list.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::to_string(list)?))
}
