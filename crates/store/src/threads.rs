//! Threads: how many replies a message has, who follows them, what of them is unread.
//!
//! Somebody follows a thread whose first message is theirs, in which they have written, or in
//! which they were mentioned. What is said in other threads is never unread.

use landline_protocol::{EventId, MemberId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, id, seq, sql_seq};

/// Authors that a summary names.
const AUTHORS: usize = 3;

/// What a room shows of a thread under its first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub replies: u64,
    /// The `seq` of the last reply.
    pub last: u64,
    /// When it was accepted, by the node's clock, or said where it was imported from: milliseconds
    /// since 1970 UTC.
    pub last_at: i64,
    /// Whoever wrote last, the latest first; at most three.
    pub authors: Vec<Author>,
    /// Replies of others that this person has not read; 0 where they do not follow it.
    pub unread: u64,
}

/// Who wrote in a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub member: MemberId,
    /// The name of whoever wrote what this member has imported.
    pub imported_name: Option<String>,
}

/// What is unread in the threads of a room that somebody follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    pub replies: u64,
    /// The `seq` of the first of them.
    pub first: Option<u64>,
}

/// The thread that a message began, as far as it is here; none where nobody has replied.
pub fn summary(
    c: &Connection,
    thread: EventId,
    me: MemberId,
) -> Result<Option<Summary>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT author, imported_name, seq FROM message
         WHERE thread = ?1 AND deleted = 0 ORDER BY seq DESC",
    )?;
    let mut rows = statement.query([Blob(thread)])?;
    let (mut replies, mut last, mut authors) = (0, 0, Vec::new());
    while let Some(row) = rows.next()? {
        let author = Author {
            member: id(row, 0)?,
            imported_name: row.get(1)?,
        };
        if replies == 0 {
            last = seq(row, 2)?;
        }
        replies += 1;
        if authors.len() < AUTHORS && !authors.contains(&author) {
            authors.push(author);
        }
    }
    if replies == 0 {
        return Ok(None);
    }
    let last_at = c
        .prepare_cached(
            "SELECT coalesce(imported_at, accepted_at) FROM message
             JOIN event ON event.room = message.room AND event.seq = message.seq
             WHERE message.thread = ?1 AND message.seq = ?2",
        )?
        .query_row(params![Blob(thread), sql_seq(last)], |row| row.get(0))?;
    let unread = if follows(c, thread, me)? {
        c.prepare_cached(
            "SELECT count(*) FROM message
             WHERE thread = ?1 AND seq > ?2 AND author <> ?3 AND deleted = 0",
        )?
        .query_row(
            params![Blob(thread), sql_seq(read(c, thread)?), Blob(me)],
            |row| seq(row, 0),
        )?
    } else {
        0
    };
    Ok(Some(Summary {
        replies,
        last,
        last_at,
        authors,
        unread,
    }))
}

/// What somebody has not read in the threads of a room that they follow, of what came after
/// `after`: all before it is known to be read.
pub fn unread(
    c: &Connection,
    room: RoomId,
    me: MemberId,
    after: u64,
) -> Result<Unread, StoreError> {
    let mut unread = Unread::default();
    for fresh in fresh(c, room, me, after)? {
        unread.replies += fresh.replies;
        unread.first = Some(
            unread
                .first
                .map_or(fresh.first, |first| first.min(fresh.first)),
        );
    }
    Ok(unread)
}

/// The threads of a room in which somebody has something to read, by their first messages.
pub fn unread_threads(
    c: &Connection,
    room: RoomId,
    me: MemberId,
) -> Result<Vec<EventId>, StoreError> {
    let fresh = fresh(c, room, me, 0)?.into_iter();
    Ok(fresh.map(|fresh| fresh.thread).collect())
}

/// A thread with replies that somebody who follows it has not read.
struct Fresh {
    thread: EventId,
    replies: u64,
    first: u64,
}

fn fresh(c: &Connection, room: RoomId, me: MemberId, after: u64) -> Result<Vec<Fresh>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT thread, count(*), min(seq) FROM message
         WHERE room = ?1 AND seq > ?2 AND thread IS NOT NULL AND author <> ?3 AND deleted = 0
             AND seq > coalesce(
                 (SELECT read FROM thread_mark WHERE thread_mark.thread = message.thread), 0)
         GROUP BY thread",
    )?;
    let all = statement
        .query_map(params![Blob(room), sql_seq(after), Blob(me)], |row| {
            Ok(Fresh {
                thread: id(row, 0)?,
                replies: seq(row, 1)?,
                first: seq(row, 2)?,
            })
        })?
        .collect::<Result<Vec<Fresh>, _>>()?;
    let mut followed = Vec::new();
    for fresh in all {
        if follows(c, fresh.thread, me)? {
            followed.push(fresh);
        }
    }
    Ok(followed)
}

/// Whether this person is told of what is said in a thread.
pub fn follows(c: &Connection, thread: EventId, me: MemberId) -> Result<bool, StoreError> {
    Ok(c.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM event WHERE id = ?1 AND author = ?2)
             OR EXISTS (SELECT 1 FROM message WHERE thread = ?1 AND author = ?2)
             OR EXISTS (SELECT 1 FROM message
                 JOIN mention ON mention.room = message.room AND mention.seq = message.seq
                 WHERE message.thread = ?1 AND mention.member = ?2)",
    )?
    .query_row(params![Blob(thread), Blob(me)], |row| row.get(0))?)
}

/// How far a thread has been read here; 0: not at all.
pub fn read(c: &Connection, thread: EventId) -> Result<u64, StoreError> {
    Ok(
        c.prepare_cached("SELECT read FROM thread_mark WHERE thread = ?1")?
            .query_row([Blob(thread)], |row| seq(row, 0))
            .optional()?
            .unwrap_or(0),
    )
}

/// A thread has been read up to and with this `seq`. Never goes back.
pub fn mark(c: &Connection, room: RoomId, thread: EventId, read: u64) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO thread_mark (thread, room, read) VALUES (?1, ?2, ?3)
         ON CONFLICT (thread) DO UPDATE SET read = max(read, excluded.read)",
    )?
    .execute(params![Blob(thread), Blob(room), sql_seq(read)])?;
    Ok(())
}

/// The log of a room ends here now, after a fork.
pub fn cut(c: &Connection, room: RoomId, head: u64) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE thread_mark SET read = min(read, ?2) WHERE room = ?1")?
        .execute(params![Blob(room), sql_seq(head)])?;
    Ok(())
}
