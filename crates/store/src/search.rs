//! Full text search over messages as they read now, newest first.
//!
//! What a person typed is taken apart into words and quoted phrases, and each is handed to FTS5 as
//! a quoted string: no input is an operator, and none is a syntax error.

use landline_protocol::{Event, MemberId, RoomId};
use rusqlite::{Connection, params};

use crate::apply::first_docid;
use crate::bytes::{Blob, sql_limit};
use crate::{StoreError, log};

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
    /// Only by this member.
    pub author: Option<MemberId>,
    /// Only what was accepted before: milliseconds since 1970 UTC.
    pub before: Option<i64>,
    pub limit: usize,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// As it is in the log: an edit that was found is in [`crate::messages::find`] and the snippet.
    pub event: Event,
    /// The words around the hit, the hit itself between U+E000 and U+E001.
    pub snippet: String,
}

/// The newest messages that match. A query without a word in it finds nothing.
///
/// The index walks its `docid`s newest first by itself, so that nothing is sorted, a common word
/// costs no more than a rare one, and snippets are made for the hits only.
pub fn search(c: &Connection, query: &Query<'_>) -> Result<Vec<Hit>, StoreError> {
    let Some(words) = fts_query(query.text) else {
        return Ok(Vec::new());
    };
    let rooms = query.rooms.map(|rooms| {
        let hex: Vec<String> = rooms
            .iter()
            .map(|room| room.uuid().simple().to_string())
            .collect();
        serde_json::to_string(&hex)
    });
    let hits = c
        .prepare_cached(
            "SELECT event.seq, id, event.room, event.author, sent_at, accepted_at, content, sig,
                 snippet(message_fts, 0, char(0xE000), char(0xE001), '…', ?6)
             FROM message_fts
             CROSS JOIN message ON message.docid = message_fts.rowid
             CROSS JOIN event ON event.room = message.room AND event.seq = message.seq
             WHERE message_fts MATCH ?1
                 AND message_fts.rowid < ?2
                 AND (?3 IS NULL OR message.room IN (SELECT unhex(value) FROM json_each(?3)))
                 AND (?4 IS NULL OR message.author = ?4)
             ORDER BY message_fts.rowid DESC LIMIT ?5",
        )?
        .query_map(
            params![
                words,
                query.before.map_or(i64::MAX, first_docid),
                rooms.transpose()?,
                query.author.map(Blob),
                sql_limit(query.limit),
                SNIPPET_WORDS,
            ],
            |row| {
                Ok(Hit {
                    event: log::event(row)?,
                    snippet: row.get(8)?,
                })
            },
        )?
        .collect::<Result<_, _>>()?;
    Ok(hits)
}

/// An FTS5 query of quoted strings only; `None` where there is no word in it.
fn fts_query(text: &str) -> Option<String> {
    let mut terms: Vec<String> = Vec::new();
    let mut last_may_go_on = false;
    // Every second piece between quotes is a phrase; one that is not closed is one too.
    for (index, piece) in text.split('"').enumerate() {
        let phrase = index % 2 == 1;
        let found: Vec<&str> = if phrase {
            vec![piece]
        } else {
            piece.split_whitespace().collect()
        };
        for term in found {
            if term.chars().any(char::is_alphanumeric) && terms.len() < TERMS {
                // SQLite's own text ends at a NUL.
                terms.push(format!("\"{}\"", term.replace('\0', " ")));
                last_may_go_on = !phrase && term.len() >= BEGINNING_BYTES;
            }
        }
    }
    if last_may_go_on && text.ends_with(char::is_alphanumeric) {
        terms.last_mut()?.push('*');
    }
    if terms.is_empty() {
        None
    } else {
        Some(terms.join(" "))
    }
}
