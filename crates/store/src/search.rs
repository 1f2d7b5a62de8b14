//! Full text search over messages as they read now, newest first.
//!
//! What a person typed is taken apart into words and quoted phrases, and each is handed to FTS5 as
//! a quoted string: no input is an operator, and none is a syntax error.

use landline_protocol::{Event, MemberId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::bytes::{Blob, sql_limit};
use crate::{StoreError, log};

/// Words and phrases that a query may have; the rest is not looked at.
const TERMS: usize = 32;
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
pub fn search(c: &Connection, query: &Query<'_>) -> Result<Vec<Hit>, StoreError> {
    let Some(words) = fts_query(query.text) else {
        return Ok(Vec::new());
    };
    let mut hits = Vec::new();
    for docid in find(c, query, &words)? {
        hits.extend(hit(c, &words, docid)?);
    }
    Ok(hits)
}

/// The `docid`s that match, newest first: the index walks them in that order by itself, so that
/// a common word costs no more than a rare one. The snippets are made for these few only.
fn find(c: &Connection, query: &Query<'_>, words: &str) -> Result<Vec<i64>, StoreError> {
    let rooms = query.rooms.map(|rooms| {
        let hex: Vec<String> = rooms
            .iter()
            .map(|room| room.uuid().simple().to_string())
            .collect();
        serde_json::to_string(&hex)
    });
    let docids = c
        .prepare_cached(
            "SELECT message_fts.rowid FROM message_fts
             JOIN message ON message.docid = message_fts.rowid
             WHERE message_fts MATCH ?1
                 AND message_fts.rowid < ?2
                 AND (?3 IS NULL OR room IN (SELECT unhex(value) FROM json_each(?3)))
                 AND (?4 IS NULL OR author = ?4)
             ORDER BY message_fts.rowid DESC LIMIT ?5",
        )?
        .query_map(
            params![
                words,
                query.before.map_or(i64::MAX, crate::apply::first_docid),
                rooms.transpose()?,
                query.author.map(Blob),
                sql_limit(query.limit),
            ],
            |row| row.get(0),
        )?
        .collect::<Result<_, _>>()?;
    Ok(docids)
}

fn hit(c: &Connection, words: &str, docid: i64) -> Result<Option<Hit>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT event.seq, id, event.room, event.author, sent_at, accepted_at, content, sig,
             (SELECT snippet(message_fts, 0, char(0xE000), char(0xE001), '…', ?3)
              FROM message_fts WHERE message_fts MATCH ?2 AND rowid = ?1)
         FROM message JOIN event ON event.room = message.room AND event.seq = message.seq
         WHERE docid = ?1",
    )?
    .query_row(params![docid, words, SNIPPET_WORDS], |row| {
        Ok(Hit {
            event: log::event(row)?,
            snippet: row.get(8)?,
        })
    })
    .optional()?)
}

/// An FTS5 query of quoted strings only; `None` where there is no word in it.
fn fts_query(text: &str) -> Option<String> {
    let mut terms: Vec<String> = Vec::new();
    let mut last_is_word = false;
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
                last_is_word = !phrase;
            }
        }
    }
    if last_is_word && text.ends_with(char::is_alphanumeric) {
        terms.last_mut()?.push('*');
    }
    if terms.is_empty() {
        None
    } else {
        Some(terms.join(" "))
    }
}
