//! What fails, is tried again or discarded together: an event and what needs it.

use landline_protocol::{Code, Content, EventId, Refusal};
use rusqlite::{Connection, params};

use super::get;
use crate::bytes::{Blob, id, sql_limit};
use crate::{StoreError, transfers};

/// An event and all that needs it, straight or by way of others.
const BELOW: &str = "WITH RECURSIVE below (id) AS (
        SELECT id FROM outbox WHERE id = ?1
        UNION SELECT outbox_need.id FROM outbox_need JOIN below ON needs = below.id
    )";

/// An event, all that it needs, and all that needs any of these.
const GROUP: &str = "WITH RECURSIVE above (id) AS (
        SELECT id FROM outbox WHERE id = ?1
        UNION SELECT needs FROM outbox_need JOIN above ON outbox_need.id = above.id
    ),
    below (id) AS (
        SELECT id FROM above
        UNION SELECT outbox_need.id FROM outbox_need JOIN below ON needs = below.id
    )";

/// The node has refused it for good: it is kept, and holds what needs it. Of a coming or going, which
/// nobody could try again or discard, nothing is kept: what was written behind a joining has failed
/// for the same reason. `false` where it does not wait any longer.
pub fn fail(c: &Connection, id: EventId, refusal: &Refusal) -> Result<bool, StoreError> {
    let failed = c
        .prepare_cached(
            "UPDATE outbox SET state = 'failed', code = ?2, message = ?3 WHERE id = ?1",
        )?
        .execute(params![Blob(id), refusal.code.as_str(), refusal.message])?;
    c.prepare_cached(&format!(
        "{BELOW} UPDATE outbox SET state = 'held'
         WHERE id IN (SELECT id FROM below) AND id <> ?1 AND state = 'queued'"
    ))?
    .execute([Blob(id)])?;
    if failed > 0 && comes_or_goes(c, id)? {
        c.prepare_cached(
            "UPDATE outbox SET state = 'failed', code = ?2, message = ?3
             WHERE state = 'held' AND id IN (SELECT id FROM outbox_need WHERE needs = ?1)",
        )?
        .execute(params![Blob(id), refusal.code.as_str(), refusal.message])?;
        c.prepare_cached("DELETE FROM outbox WHERE id = ?1")?
            .execute([Blob(id)])?;
    }
    Ok(failed > 0)
}

fn comes_or_goes(c: &Connection, id: EventId) -> Result<bool, StoreError> {
    let waiting = get(c, id)?;
    Ok(waiting.is_some_and(|waiting| {
        matches!(
            Content::read(&waiting.event.content),
            Content::Joined | Content::Left
        )
    }))
}

/// Queues a failed or held event again, with what it needs and what needs these. Gives back which
/// were queued, in order.
pub fn retry(c: &Connection, id: EventId) -> Result<Vec<EventId>, StoreError> {
    let group = ids(
        c,
        &format!(
            "{GROUP} SELECT id FROM outbox
             WHERE id IN (SELECT id FROM below) AND state IN ('failed', 'held') ORDER BY position"
        ),
        id,
    )?;
    let mut statement = c.prepare_cached(
        "UPDATE outbox SET state = 'queued', code = NULL, message = NULL WHERE id = ?1",
    )?;
    for id in &group {
        statement.execute([Blob(*id)])?;
        transfers::begin_again(c, *id)?;
    }
    Ok(group)
}

/// A message has come into the log: what was refused because the node did not have it is queued
/// again, with what needs that. Gives back which were.
pub fn retry_for(c: &Connection, message: EventId) -> Result<Vec<EventId>, StoreError> {
    let refused = c
        .prepare_cached(
            "SELECT id FROM outbox
             WHERE (about = ?1 OR answers = ?1) AND state = 'failed' AND code = ?2
             ORDER BY position",
        )?
        .query_map(params![Blob(message), Code::NotFound.as_str()], |row| {
            id(row, 0)
        })?
        .collect::<Result<Vec<EventId>, _>>()?;
    let mut again = Vec::new();
    for id in refused {
        again.extend(retry(c, id)?);
    }
    Ok(again)
}

/// An event and what needs it, in order, the first so many: what fails or is discarded with it.
pub fn needing(c: &Connection, event: EventId, limit: usize) -> Result<Vec<EventId>, StoreError> {
    let needing = c
        .prepare_cached(&format!(
            "{BELOW} SELECT id FROM outbox WHERE id IN (SELECT id FROM below)
             ORDER BY position LIMIT ?2"
        ))?
        .query_map(params![Blob(event), sql_limit(limit)], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(needing)
}

/// Takes an event and what needs it out of the outbox, and gives back which.
///
/// [`StoreError::Unsettled`] where the node may have one of them: then nothing is discarded.
pub fn discard(c: &Connection, id: EventId) -> Result<Vec<EventId>, StoreError> {
    let unsettled = ids(
        c,
        &format!(
            "{BELOW} SELECT id FROM outbox
             WHERE id IN (SELECT id FROM below) AND state = 'unsettled' ORDER BY position LIMIT 1"
        ),
        id,
    )?;
    if let Some(unsettled) = unsettled.first() {
        return Err(StoreError::Unsettled(*unsettled));
    }
    let group = ids(
        c,
        &format!(
            "{BELOW} SELECT id FROM outbox WHERE id IN (SELECT id FROM below) ORDER BY position"
        ),
        id,
    )?;
    let mut statement = c.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
    for id in &group {
        statement.execute([Blob(*id)])?;
        transfers::settle(c, *id)?;
    }
    Ok(group)
}

/// A new event that needs one that has failed waits for it.
pub(super) fn hold_if_needed(c: &Connection, id: EventId) -> Result<(), StoreError> {
    c.prepare_cached(
        "UPDATE outbox SET state = 'held' WHERE id = ?1 AND EXISTS (
             SELECT 1 FROM outbox_need JOIN outbox AS needed ON needed.id = needs
             WHERE outbox_need.id = ?1 AND needed.state IN ('failed', 'held'))",
    )?
    .execute([Blob(id)])?;
    Ok(())
}

fn ids(c: &Connection, sql: &str, of: EventId) -> Result<Vec<EventId>, StoreError> {
    let ids = c
        .prepare_cached(sql)?
        .query_map([Blob(of)], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}
