//! What no index of words finds: a part of a word, and messages by what is said about them alone.
//! The newest messages are read one by one, as many as the query allows.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::{Found, Hit, NARROWED, Query, Terms, hex, snippet};
use crate::apply::first_docid;
use crate::bytes::sql_limit;
use crate::{StoreError, log};

/// Bytes that a part of a word must have: a single letter of ASCII is in almost every message.
const PART_BYTES: usize = 2;

/// Adds what is found so to what the index has found; newest first, as many as were asked for.
pub(super) fn add(
    c: &Connection,
    query: &Query<'_>,
    terms: &Terms,
    found: &mut Vec<Found>,
) -> Result<(), StoreError> {
    let parts: Vec<String> = terms.all.iter().map(|term| lower(term)).collect();
    if parts.iter().any(|part| part.len() < PART_BYTES) {
        return Ok(());
    }
    // Where the index has found enough, nothing older counts.
    let oldest = match found.get(query.limit.saturating_sub(1)) {
        Some(last) => last.docid,
        None => 0,
    };
    let mut statement = c.prepare_cached(&format!(
        "SELECT docid, text FROM message
         WHERE {NARROWED} AND docid > ?9 AND deleted = 0 ORDER BY docid DESC LIMIT ?1"
    ))?;
    let mut rows = statement.query(params![
        sql_limit(query.within),
        query.before.map_or(i64::MAX, first_docid),
        query.after.map_or(0, first_docid),
        hex(query.rooms, |room| room.uuid().into_bytes().to_vec())?,
        hex(query.authors, |member| member.as_bytes().to_vec())?,
        query.has.file,
        query.has.link,
        query.has.code,
        oldest,
    ])?;
    let (mut folded, mut new) = (String::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let docid: i64 = row.get(0)?;
        let ValueRef::Text(text) = row.get_ref(1)? else {
            continue;
        };
        let text = std::str::from_utf8(text).unwrap_or_default();
        fold(text, &mut folded);
        // `found` falls by `docid`: looked up by halving.
        let known = || found.binary_search_by(|hit| docid.cmp(&hit.docid)).is_ok();
        if parts.iter().all(|part| folded.contains(part.as_str())) && !known() {
            new.push((docid, snippet::around(text, &parts)));
            if new.len() == query.limit {
                break;
            }
        }
    }
    drop(rows);
    for (docid, snippet) in new {
        found.push(hit(c, docid, snippet)?);
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.docid));
    found.truncate(query.limit);
    Ok(())
}

fn hit(c: &Connection, docid: i64, snippet: String) -> Result<Found, StoreError> {
    let event = c
        .prepare_cached(
            "SELECT event.seq, id, event.room, event.author, sent_at, accepted_at, content, sig
             FROM message JOIN event ON event.room = message.room AND event.seq = message.seq
             WHERE docid = ?1",
        )?
        .query_row([docid], log::event)?;
    let hit = Hit { event, snippet };
    Ok(Found { docid, hit })
}

/// The text in lower case, into a buffer that is used again.
fn fold(text: &str, folded: &mut String) {
    folded.clear();
    if text.is_ascii() {
        folded.push_str(text);
        folded.make_ascii_lowercase();
    } else {
        folded.extend(text.chars().flat_map(char::to_lowercase));
    }
}

pub(super) fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
