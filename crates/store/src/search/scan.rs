//! What no index of words finds: a part of a word, and messages by what is said about them alone.
//! The newest messages are read one by one, as many as the query allows.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};
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
    if terms.all.iter().any(|term| term.len() < PART_BYTES) {
        return Ok(());
    }
    let Some(parts) = terms
        .all
        .iter()
        .map(|term| part(term))
        .collect::<Option<Vec<_>>>()
    else {
        return Ok(());
    };
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
        query.below(),
        query.after.map_or(0, first_docid),
        hex(query.rooms, |room| room.uuid().into_bytes().to_vec())?,
        hex(query.authors, |member| member.as_bytes().to_vec())?,
        query.has.file,
        query.has.link,
        query.has.code,
        oldest,
    ])?;
    let mut new = Vec::new();
    while let Some(row) = rows.next()? {
        let docid: i64 = row.get(0)?;
        let ValueRef::Text(text) = row.get_ref(1)? else {
            continue;
        };
        // `found` falls by `docid`: looked up by halving.
        let known = || found.binary_search_by(|hit| docid.cmp(&hit.docid)).is_ok();
        if parts.iter().all(|part| part.is_match(text)) && !known() {
            let text = String::from_utf8_lossy(text);
            new.push((docid, snippet::around(&text, &places(&parts, &text))));
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

/// Finds a part of a word in any case. `None` of one that is too long to be in a message.
fn part(term: &str) -> Option<Regex> {
    RegexBuilder::new(&regex::escape(term))
        .case_insensitive(true)
        .build()
        .ok()
}

/// Where the parts stand, in rising order.
fn places(parts: &[Regex], text: &str) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = parts
        .iter()
        .flat_map(|part| part.find_iter(text.as_bytes()).map(|found| found.range()))
        .collect();
    places.sort_by_key(|place| (place.start, place.end));
    places
}
