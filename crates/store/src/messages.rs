//! Messages as they read now, and the lines of a timeline: messages, and what the room itself
//! tells (created, renamed, joined, …). Paged by `seq`, never by time.

mod reactions;
mod unread;
mod versions;

use landline_protocol::{Content, Event, EventId, File, MemberId, Mention, RoomId};
use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::bytes::{self, Blob, id, id_or_null, seq, sql_limit, sql_seq};
use crate::{StoreError, log};
pub use reactions::Reacted;
pub use unread::{UNREAD_COUNTED, Unread, newest_at, pins_here, unread};
pub use versions::{Version, versions};

/// What of a room's log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    All,
    /// Without what was said in threads.
    Main,
    /// What was said in the thread that this message began, without the message itself.
    Thread(EventId),
}

impl Part {
    /// The query for lines of it, to which a condition is added. `?1` is the room, `?4` the thread.
    fn lines(self) -> String {
        match self {
            Self::All => format!("{LINES} event.room = ?1 AND ?4 IS NULL AND "),
            Self::Main => {
                format!("{LINES} event.room = ?1 AND ?4 IS NULL AND message.thread IS NULL AND ")
            }
            Self::Thread(_) => {
                format!("{REPLIES} +message.room = ?1 AND message.thread = ?4 AND ")
            }
        }
    }

    /// The column that it is read along, on an index.
    const fn along(self) -> &'static str {
        match self {
            Self::All | Self::Main => "event.seq",
            Self::Thread(_) => "message.seq",
        }
    }

    const fn thread(self) -> Option<EventId> {
        match self {
            Self::All | Self::Main => None,
            Self::Thread(thread) => Some(thread),
        }
    }
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Message(MessageRow),
    System(SystemRow),
}

impl Line {
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Message(row) => row.seq,
            Self::System(row) => row.seq,
        }
    }

    pub const fn id(&self) -> EventId {
        match self {
            Self::Message(row) => row.id,
            Self::System(row) => row.id,
        }
    }

    pub const fn room(&self) -> RoomId {
        match self {
            Self::Message(row) => row.room,
            Self::System(row) => row.room,
        }
    }
}

/// A message as it reads now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    pub room: RoomId,
    pub seq: u64,
    pub id: EventId,
    pub author: MemberId,
    /// Milliseconds since 1970 UTC, by the author's clock.
    pub sent_at: i64,
    /// Milliseconds since 1970 UTC, by the node's clock.
    pub accepted_at: i64,
    /// Empty where deleted.
    pub text: String,
    pub edited: bool,
    pub deleted: bool,
    pub pinned: bool,
    pub reply_to: Option<EventId>,
    /// Known of a deleted message too: its place, not what it said.
    pub thread: Option<EventId>,
    pub mentions: Vec<Mention>,
    pub files: Vec<File>,
    pub imported_name: Option<String>,
    /// Milliseconds since 1970 UTC.
    pub imported_at: Option<i64>,
    /// In the order in which each emoji came first. Empty where deleted.
    pub reactions: Vec<Reacted>,
}

/// What a room tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemRow {
    pub room: RoomId,
    pub seq: u64,
    pub id: EventId,
    pub author: MemberId,
    pub sent_at: i64,
    pub accepted_at: i64,
    pub content: Content,
}

/// The lines just before a `seq`, or the newest, in rising `seq`.
pub fn page_before(
    c: &Connection,
    room: RoomId,
    part: Part,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Line>, StoreError> {
    let (lines, seq) = (part.lines(), part.along());
    let mut lines = page(
        c,
        &format!("{lines} {seq} < ?2 ORDER BY {seq} DESC LIMIT ?3"),
        params![
            Blob(room),
            before.map_or(i64::MAX, sql_seq),
            sql_limit(limit),
            part.thread().map(Blob)
        ],
    )?;
    lines.reverse();
    Ok(lines)
}

/// The lines after a `seq`, rising.
pub fn page_after(
    c: &Connection,
    room: RoomId,
    part: Part,
    after: u64,
    limit: usize,
) -> Result<Vec<Line>, StoreError> {
    let (lines, seq) = (part.lines(), part.along());
    page(
        c,
        &format!("{lines} {seq} > ?2 ORDER BY {seq} LIMIT ?3"),
        params![
            Blob(room),
            sql_seq(after),
            sql_limit(limit),
            part.thread().map(Blob)
        ],
    )
}

/// The lines about a `seq`, rising: itself, half of the rest before it and half after, where there
/// are as many.
pub fn around(
    c: &Connection,
    room: RoomId,
    part: Part,
    seq: u64,
    limit: usize,
) -> Result<Vec<Line>, StoreError> {
    let before = limit / 2 + 1;
    let mut lines = page_before(c, room, part, Some(seq.saturating_add(1)), before)?;
    lines.extend(page_after(
        c,
        room,
        part,
        seq,
        limit.saturating_sub(before),
    )?);
    Ok(lines)
}

/// The line that an event makes, if it makes one.
pub fn find(c: &Connection, id: EventId) -> Result<Option<Line>, StoreError> {
    Ok(
        page(c, &format!("{LINES} event.id = ?1"), params![Blob(id)])?
            .into_iter()
            .next(),
    )
}

/// The pinned messages of a room, the newest `limit` (of those before a seq), in rising `seq`.
pub fn pins(
    c: &Connection,
    room: RoomId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let before = before.map_or(i64::MAX, sql_seq);
    let mut events = c
        .prepare_cached(
            "SELECT event.seq, id, event.room, event.author, sent_at, accepted_at, content, sig
             FROM message JOIN event ON event.room = message.room AND event.seq = message.seq
             WHERE message.room = ?1 AND message.seq < ?2 AND pinned = 1
             ORDER BY message.seq DESC LIMIT ?3",
        )?
        .query_map(params![Blob(room), before, sql_limit(limit)], log::event)?
        .collect::<Result<Vec<_>, _>>()?;
    events.reverse();
    Ok(events)
}

/// `type IN (…)` is word for word the condition of the index `event_line`, or SQLite would not
/// use it. A message that is logged and not applied yet makes no line yet.
const LINES: &str = "SELECT event.seq, event.id, event.room, event.author, sent_at, accepted_at,
        iif(docid IS NULL, content, NULL), text, edited, deleted, pinned, reply_to, thread,
        mentions, files, imported_name, imported_at
    FROM event LEFT JOIN message ON message.room = event.room AND message.seq = event.seq
    WHERE type IN ('message', 'room_created', 'room_changed', 'joined', 'left', 'invited', 'removed')
        AND (type <> 'message' OR docid IS NOT NULL)
        AND ";

/// The same of a thread, found by the index of threads: a room may have many more lines. (The `+`
/// before the room's column keeps SQLite from going by the room.)
const REPLIES: &str = "SELECT event.seq, event.id, event.room, event.author, sent_at, accepted_at,
        NULL, text, edited, deleted, pinned, reply_to, thread, mentions, files, imported_name,
        imported_at
    FROM message CROSS JOIN event ON event.room = message.room AND event.seq = message.seq
    WHERE ";

fn page(
    c: &Connection,
    sql: &str,
    params: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Line>, StoreError> {
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(line(c, row)?);
    }
    Ok(lines)
}

fn line(c: &Connection, row: &Row<'_>) -> Result<Line, StoreError> {
    let content: Option<String> = row.get(6)?;
    match content {
        Some(content) => Ok(Line::System(SystemRow {
            seq: seq(row, 0)?,
            id: id(row, 1)?,
            room: id(row, 2)?,
            author: id(row, 3)?,
            sent_at: row.get(4)?,
            accepted_at: row.get(5)?,
            content: Content::read(&RawValue::from_string(content)?),
        })),
        None => message(c, row).map(Line::Message),
    }
}

fn message(c: &Connection, row: &Row<'_>) -> Result<MessageRow, StoreError> {
    let id: EventId = id(row, 1)?;
    let deleted: bool = row.get(9)?;
    Ok(MessageRow {
        seq: seq(row, 0)?,
        id,
        room: bytes::id(row, 2)?,
        author: bytes::id(row, 3)?,
        sent_at: row.get(4)?,
        accepted_at: row.get(5)?,
        text: row.get(7)?,
        edited: row.get(8)?,
        deleted,
        pinned: row.get(10)?,
        reply_to: id_or_null(row, 11)?,
        thread: id_or_null(row, 12)?,
        mentions: list(row, 13)?,
        files: list(row, 14)?,
        imported_name: row.get(15)?,
        imported_at: row.get(16)?,
        reactions: if deleted {
            Vec::new()
        } else {
            reactions::of(c, id)?
        },
    })
}

/// A JSON array, or NULL for an empty one.
fn list<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Vec<T>, StoreError> {
    let json: Option<String> = row.get(column)?;
    Ok(json
        .map(|json| serde_json::from_str(&json))
        .transpose()?
        .unwrap_or_default())
}
