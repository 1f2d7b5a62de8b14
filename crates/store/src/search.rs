//! Full text search over messages as they read now, newest first.
//!
//! ```text
//! what was typed ─► Typed: what narrows it is taken out ─► Query ─► words, by the index  ─► hits
//!                                                               └─► within words, by a scan ─┘
//! ```
//! What is left is taken apart into words and quoted phrases. The index finds them as whole words,
//! handed to FTS5 as quoted strings: no input is an operator, and none is a syntax error. What
//! stands within a word, as in languages that are written without spaces, no index of words finds:
//! for that the newest messages are read one by one ([`scan`]), where it is asked for. An index of
//! every three letters would be as large as the texts, and would not find two.

mod scan;
mod snippet;
mod typed;

use landline_protocol::{Event, EventId, MemberId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::apply::first_docid;
use crate::bytes::{Blob, id, sql_limit};
use crate::{StoreError, log};

pub use typed::{Names, Typed};

/// Words and phrases that a query may have; the rest is not looked at.
const TERMS: usize = 32;
/// Bytes that the beginning of a word must have: a single letter of ASCII would stand for a large
/// part of all words, and cost as much to find.
const BEGINNING_BYTES: usize = 2;
/// Words of a snippet.
const SNIPPET_WORDS: u32 = 16;

/// What to look for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<'a> {
    /// As typed. All words must be there, in any order, `"quoted ones"` next to each other; the
    /// last may be the beginning of a word. Case and accents don't matter.
    pub text: &'a str,
    /// Only in these rooms; `None`: in all.
    pub rooms: Option<&'a [RoomId]>,
    /// Only by these members; `None`: by anybody.
    pub authors: Option<&'a [MemberId]>,
    /// Only what was accepted before: milliseconds since 1970 UTC.
    pub before: Option<i64>,
    /// Only what was accepted then or later.
    pub after: Option<i64>,
    /// Only what is older than this message.
    pub behind: Option<Place>,
    pub has: Has,
    /// How many messages are read for what stands within words, the newest first; 0: none. There
    /// case does not matter, and accents do.
    pub within: usize,
    pub limit: usize,
}

impl Query<'_> {
    /// The `docid` below which all that is meant has its own.
    fn below(&self) -> i64 {
        let before = self.before.map_or(i64::MAX, first_docid);
        self.behind.map_or(before, |Place(docid)| before.min(docid))
    }
}

/// Where a message stands in the order of all messages, which is that of hits: among those that
/// were accepted in one millisecond, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(i64);

/// The room of a message, and its place.
pub fn place(c: &Connection, message: EventId) -> Result<Option<(RoomId, Place)>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT message.room, docid
         FROM event JOIN message ON message.room = event.room AND message.seq = event.seq
         WHERE event.id = ?1",
    )?
    .query_row([Blob(message)], |row| Ok((id(row, 0)?, Place(row.get(1)?))))
    .optional()?)
}

/// What a message must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Has {
    pub file: bool,
    pub link: bool,
    pub code: bool,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// As it is in the log: an edit that was found is in [`crate::messages::find`] and the snippet.
    pub event: Event,
    /// The words around the hit, the hit itself between U+E000 and U+E001.
    pub snippet: String,
}

/// A hit, and where it stands in the order of all messages.
struct Found {
    docid: i64,
    hit: Hit,
}

/// The newest messages that match. A query without a word in it finds what the rest of it says, and
/// nothing where there is no rest.
pub fn search(c: &Connection, query: &Query<'_>) -> Result<Vec<Hit>, StoreError> {
    let terms = Terms::of(query.text);
    let mut found = match terms.fts() {
        Some(words) => words_in(c, query, &words)?,
        None => Vec::new(),
    };
    let narrowed = query.has != Has::default()
        || query.authors.is_some()
        || query.before.is_some()
        || query.after.is_some();
    if query.within > 0 && (!terms.all.is_empty() || narrowed) {
        scan::add(c, query, &terms, &mut found)?;
    }
    Ok(found.into_iter().map(|found| found.hit).collect())
}

/// What every search narrows by, with its parameters from `?2` to `?8`.
const NARROWED: &str = "
    message.docid < ?2 AND message.docid >= ?3
    AND (?4 IS NULL OR message.room IN (SELECT unhex(value) FROM json_each(?4)))
    AND (?5 IS NULL OR message.author IN (SELECT unhex(value) FROM json_each(?5)))
    AND (?6 = 0 OR message.files IS NOT NULL)
    AND (?7 = 0 OR message.text LIKE '%http://%' OR message.text LIKE '%https://%')
    AND (?8 = 0 OR message.text LIKE '%`%')";

/// The index walks its `docid`s newest first by itself, so that nothing is sorted, a common word
/// costs no more than a rare one, and snippets are made for the hits only.
fn words_in(c: &Connection, query: &Query<'_>, words: &str) -> Result<Vec<Found>, StoreError> {
    let hits = c
        .prepare_cached(&format!(
            "SELECT event.seq, id, event.room, event.author, sent_at, accepted_at, content, sig,
                 snippet(message_fts, 0, char(0xE000), char(0xE001), '…', ?10), message.docid
             FROM message_fts
             CROSS JOIN message ON message.docid = message_fts.rowid
             CROSS JOIN event ON event.room = message.room AND event.seq = message.seq
             WHERE message_fts MATCH ?1 AND message_fts.rowid < ?2 AND {NARROWED}
             ORDER BY message_fts.rowid DESC LIMIT ?9",
        ))?
        .query_map(
            params![
                words,
                query.below(),
                query.after.map_or(0, first_docid),
                hex(query.rooms, |room| room.uuid().into_bytes().to_vec())?,
                hex(query.authors, |member| member.as_bytes().to_vec())?,
                query.has.file,
                query.has.link,
                query.has.code,
                sql_limit(query.limit),
                SNIPPET_WORDS,
            ],
            |row| {
                let hit = Hit {
                    event: log::event(row)?,
                    snippet: row.get(8)?,
                };
                Ok(Found {
                    docid: row.get(9)?,
                    hit,
                })
            },
        )?
        .collect::<Result<_, _>>()?;
    Ok(hits)
}

/// Ids as JSON that SQLite reads: a list of hex; `None` stays none.
fn hex<T>(ids: Option<&[T]>, bytes: impl Fn(&T) -> Vec<u8>) -> Result<Option<String>, StoreError> {
    let Some(ids) = ids else { return Ok(None) };
    let hex: Vec<String> = ids
        .iter()
        .map(|id| bytes(id).iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    Ok(Some(serde_json::to_string(&hex)?))
}

/// Words and phrases that were typed.
struct Terms {
    all: Vec<String>,
    /// The last one may be the beginning of a word.
    begun: bool,
}

impl Terms {
    fn of(text: &str) -> Self {
        let mut all: Vec<String> = Vec::new();
        let mut last_may_go_on = false;
        // Every second piece between quotes is a phrase; one that is not closed is one too.
        for (index, piece) in text.split('"').enumerate() {
            let phrase = index % 2 == 1;
            let found: Vec<&str> = if phrase {
                vec![piece.trim()]
            } else {
                piece.split_whitespace().collect()
            };
            for term in found {
                if term.chars().any(char::is_alphanumeric) && all.len() < TERMS {
                    // SQLite's own text ends at a NUL.
                    all.push(term.replace('\0', " "));
                    last_may_go_on = !phrase && term.len() >= BEGINNING_BYTES;
                }
            }
        }
        Self {
            begun: last_may_go_on && text.ends_with(char::is_alphanumeric),
            all,
        }
    }

    /// An FTS5 query of quoted strings only; `None` where there is no word.
    fn fts(&self) -> Option<String> {
        if self.all.is_empty() {
            return None;
        }
        let quoted: Vec<String> = self.all.iter().map(|term| format!("\"{term}\"")).collect();
        let begun = if self.begun { "*" } else { "" };
        Some(quoted.join(" ") + begun)
    }
}
