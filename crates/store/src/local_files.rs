//! Files whose bytes are on a client's device, whole. The bytes are beside the database.

use std::collections::BTreeSet;

use landline_protocol::FileHash;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::bytes::{Blob, id, seq, sql_seq};

/// A file that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    pub bytes: u64,
    /// As the bytes say, not as anybody says.
    pub media_type: String,
}

pub fn add(c: &Connection, file: FileHash, local: &LocalFile) -> Result<(), StoreError> {
    c.prepare_cached(
        "INSERT INTO local_file (blake3, bytes, type) VALUES (?1, ?2, ?3)
         ON CONFLICT (blake3) DO UPDATE SET bytes = excluded.bytes, type = excluded.type",
    )?
    .execute(params![Blob(file), sql_seq(local.bytes), local.media_type])?;
    Ok(())
}

pub fn get(c: &Connection, file: FileHash) -> Result<Option<LocalFile>, StoreError> {
    Ok(
        c.prepare_cached("SELECT bytes, type FROM local_file WHERE blake3 = ?1")?
            .query_row([Blob(file)], |row| {
                Ok(LocalFile {
                    bytes: seq(row, 0)?,
                    media_type: row.get(1)?,
                })
            })
            .optional()?,
    )
}

/// All that are here.
pub fn all(c: &Connection) -> Result<BTreeSet<FileHash>, StoreError> {
    let all = c
        .prepare_cached("SELECT blake3 FROM local_file")?
        .query_map([], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(all)
}

/// Forgets files that no message names, no draft has and nothing sends; which.
pub fn remove_unnamed(c: &Connection) -> Result<Vec<FileHash>, StoreError> {
    let gone = c
        .prepare_cached(
            "DELETE FROM local_file
             WHERE NOT EXISTS (SELECT 1 FROM named WHERE named.blake3 = local_file.blake3)
               AND NOT EXISTS (SELECT 1 FROM attachment
                               WHERE attachment.blake3 = local_file.blake3)
               AND NOT EXISTS (SELECT 1 FROM transfer WHERE transfer.blake3 = local_file.blake3)
             RETURNING blake3",
        )?
        .query_map([], |row| id(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(gone)
}
