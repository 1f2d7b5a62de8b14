//! Bearer tokens for HTTP, kept by their hash only: who reads the file can't use them.

use landline_protocol::MemberId;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, id};

/// Keeps a session. `expires_at`: milliseconds since 1970 UTC.
pub fn insert(
    c: &Connection,
    token_hash: &[u8; 32],
    member: MemberId,
    expires_at: i64,
) -> Result<(), StoreError> {
    c.prepare_cached("INSERT INTO session (token_hash, member, expires_at) VALUES (?1, ?2, ?3)")?
        .execute(params![token_hash, Blob(member), expires_at])?;
    Ok(())
}

/// Whose session it is, unless it has expired.
pub fn find(
    c: &Connection,
    token_hash: &[u8; 32],
    now: i64,
) -> Result<Option<MemberId>, StoreError> {
    Ok(
        c.prepare_cached("SELECT member FROM session WHERE token_hash = ?1 AND expires_at > ?2")?
            .query_row(params![token_hash, now], |row| id(row, 0))
            .optional()?,
    )
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
