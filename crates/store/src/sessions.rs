//! Bearer tokens for HTTP, kept by their hash only: who reads the file can't use them.

use landline_protocol::MemberId;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::bytes::{Blob, id};

/// Keeps a session. One that is kept already stays: a write that was told to have failed is made again.
pub fn insert(c: &Connection, session: &Session) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO session (token_hash, member, expires_at) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![
        session.token_hash,
        Blob(session.member),
        session.expires_at
    ])?;
    Ok(())
}

/// A session, by the hash of its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub token_hash: [u8; 32],
    pub member: MemberId,
    /// Milliseconds since 1970 UTC.
    pub expires_at: i64,
}

/// All that have not expired.
pub fn all(c: &Connection, now: i64) -> Result<Vec<Session>, StoreError> {
    let sessions = c
        .prepare_cached(
            "SELECT token_hash, member, expires_at FROM session WHERE expires_at > ?1
             ORDER BY expires_at",
        )?
        .query_map([now], |row| {
            Ok(Session {
                token_hash: row.get(0)?,
                member: id(row, 1)?,
                expires_at: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(sessions)
}

/// Ends one session.
pub fn remove(c: &Connection, token_hash: &[u8; 32]) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM session WHERE token_hash = ?1")?
        .execute([token_hash])?;
    Ok(())
}

/// Ends all sessions of somebody who was banned or has left.
pub fn remove_of(c: &Connection, member: MemberId) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM session WHERE member = ?1")?
        .execute([Blob(member)])?;
    Ok(())
}

pub fn remove_expired(c: &Connection, now: i64) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM session WHERE expires_at <= ?1")?
        .execute([now])?;
    Ok(())
}
