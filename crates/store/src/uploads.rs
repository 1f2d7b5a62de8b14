//! What a node knows of files: those that it has, who uploaded them, and uploads under way. The
//! bytes are beside the database.

use std::collections::HashSet;

use landline_protocol::limits::FILE_COUNTS_BYTES;
use landline_protocol::{FileHash, MemberId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, id, id_or_null, seq, sql_seq};

/// Uploads of one member that are whole and still known: whoever lost the answer to the last piece
/// asks again. Past it the oldest is forgotten, and whoever asks is told of the file by its hash.
const WHOLE_KEPT: u64 = 256;

/// The id of an upload: what its address ends with.
pub type UploadId = [u8; 16];

/// An upload, under way or whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    pub member: MemberId,
    /// In all.
    pub bytes: u64,
    /// What the hash will be, as the uploader says.
    pub announced: Option<FileHash>,
    /// Its hash, once it is whole.
    pub blake3: Option<FileHash>,
    /// Milliseconds since 1970.
    pub begun_at: i64,
}

pub fn begin(c: &Connection, upload: &Upload) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO upload (id, member, bytes, announced, blake3, begun_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        upload.id,
        Blob(upload.member),
        sql_seq(upload.bytes),
        upload.announced.map(Blob),
        upload.blake3.map(Blob),
        upload.begun_at,
    ])?;
    Ok(())
}

pub fn get(c: &Connection, upload: UploadId) -> Result<Option<Upload>, StoreError> {
    Ok(c.prepare_cached(
        "SELECT id, member, bytes, announced, blake3, begun_at FROM upload WHERE id = ?1",
    )?
    .query_row([upload], |row| {
        Ok(Upload {
            id: row.get(0)?,
            member: id(row, 1)?,
            bytes: seq(row, 2)?,
            announced: id_or_null(row, 3)?,
            blake3: id_or_null(row, 4)?,
            begun_at: row.get(5)?,
        })
    })
    .optional()?)
}

/// The upload is whole and its bytes are in their place. `at`: milliseconds since 1970.
pub fn finish(c: &Connection, upload: &Upload, file: FileHash, at: i64) -> Result<(), StoreError> {
    c.prepare_cached("INSERT INTO file (blake3, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![Blob(file), sql_seq(upload.bytes)])?;
    c.prepare_cached(
        "INSERT INTO uploader (member, blake3, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (member, blake3) DO UPDATE SET at = excluded.at",
    )?
    .execute(params![Blob(upload.member), Blob(file), at])?;
    c.prepare_cached("UPDATE upload SET blake3 = ?2 WHERE id = ?1")?
        .execute(params![upload.id, Blob(file)])?;
    c.prepare_cached(
        "DELETE FROM upload WHERE id IN (
             SELECT id FROM upload WHERE member = ?1 AND blake3 IS NOT NULL
             ORDER BY begun_at DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![Blob(upload.member), sql_seq(WHOLE_KEPT)])?;
    Ok(())
}

pub fn forget(c: &Connection, upload: UploadId) -> Result<(), StoreError> {
    c.prepare_cached("DELETE FROM upload WHERE id = ?1")?
        .execute([upload])?;
    Ok(())
}

/// Bytes of a file that is here.
pub fn bytes_of(c: &Connection, file: FileHash) -> Result<Option<u64>, StoreError> {
    Ok(
        c.prepare_cached("SELECT bytes FROM file WHERE blake3 = ?1")?
            .query_row([Blob(file)], |row| seq(row, 0))
            .optional()?,
    )
}

pub fn has_uploaded(c: &Connection, member: MemberId, file: FileHash) -> Result<bool, StoreError> {
    Ok(
        c.prepare_cached("SELECT 1 FROM uploader WHERE member = ?1 AND blake3 = ?2")?
            .exists(params![Blob(member), Blob(file)])?,
    )
}

/// What a file of so many bytes counts against its uploader's quota.
pub fn counted(bytes: u64) -> u64 {
    bytes.max(FILE_COUNTS_BYTES)
}

/// What counts against a member's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Of their files, and of their uploads under way as if they were whole; each as
    /// [`counted`].
    pub bytes: u64,
    /// Uploads under way.
    pub uploads: u64,
}

pub fn used(c: &Connection, member: MemberId) -> Result<Used, StoreError> {
    let least = sql_seq(FILE_COUNTS_BYTES);
    let stored = c
        .prepare_cached(
            "SELECT coalesce(sum(max(bytes, ?2)), 0) FROM uploader JOIN file USING (blake3)
             WHERE member = ?1",
        )?
        .query_row(params![Blob(member), least], |row| seq(row, 0))?;
    let used = c
        .prepare_cached(
            "SELECT coalesce(sum(max(bytes, ?2)), 0), count(*) FROM upload
             WHERE member = ?1 AND blake3 IS NULL",
        )?
        .query_row(params![Blob(member), least], |row| {
            Ok(Used {
                bytes: stored.saturating_add(seq(row, 0)?),
                uploads: seq(row, 1)?,
            })
        })?;
    Ok(used)
}

/// Forgets uploads that began before `at` (milliseconds since 1970), but for those that somebody
/// is at; which.
pub fn expire(
    c: &Connection,
    at: i64,
    running: &HashSet<UploadId>,
) -> Result<Vec<UploadId>, StoreError> {
    let mut gone: Vec<UploadId> = c
        .prepare_cached("SELECT id FROM upload WHERE begun_at < ?1")?
        .query_map([at], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    gone.retain(|id| !running.contains(id));
    gone.iter().try_for_each(|id| forget(c, *id))?;
    Ok(gone)
}

/// Forgets files that no event names and that nobody has uploaded since `at`; which.
pub fn expire_unnamed(c: &Connection, at: i64) -> Result<Vec<FileHash>, StoreError> {
    let gone = c
        .prepare_cached(
            "DELETE FROM file
             WHERE NOT EXISTS (SELECT 1 FROM named WHERE named.blake3 = file.blake3)
               AND NOT EXISTS (SELECT 1 FROM uploader
                               WHERE uploader.blake3 = file.blake3 AND at >= ?1)
             RETURNING blake3",
        )?
        .query_map([at], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(gone)
}
