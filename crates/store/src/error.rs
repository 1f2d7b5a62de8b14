//! What can go wrong with a store, in words for the person who has it.

use std::path::PathBuf;

use landline_protocol::{EventId, RoomId};
use rusqlite::{ErrorCode, ffi};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{} was written by a newer Landline (its tables are version {found}, this program knows {known}); update Landline on this computer",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "the database is damaged ({0}); put back a backup, or set the file aside to start anew"
    )]
    Damaged(String),
    #[error("{} is not a Landline database", .0.display())]
    Foreign(PathBuf),
    #[error("the data folder is in use by another Landline; close that one first")]
    Locked,
    #[error("can't write there: {0}")]
    NotWritable(String),
    #[error("the disk is full")]
    Full,
    #[error("too much is waiting to be stored; try again in a moment")]
    Busy,
    #[error("the store is closed")]
    Closed,
    #[error("the tables could not be brought up to date: {0}")]
    Migration(String),
    /// The write itself was sound, but the transaction that it shared with others was not stored.
    #[error("not stored: {0}")]
    NotStored(String),
    #[error("a job on the store broke off")]
    Panicked,
    /// Another event has this id or this place in the log.
    #[error("event {id} or place {seq} of room {room} is taken")]
    Taken { room: RoomId, seq: u64, id: EventId },
    /// Only what is in the log can be applied.
    #[error("event {0} is not in the log")]
    NotLogged(EventId),
    #[error("event {0} is in the outbox already")]
    Waits(EventId),
    /// It was handed to the link: the node may have it.
    #[error("event {0} may be with the node already")]
    Unsettled(EventId),
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("database: {0}")]
    Sql(rusqlite::Error),
}

/// Whether there was no room on the disk. What SQLite can't lengthen the file of its shared memory
/// for, at the first reading or writing, it calls an error of the disk.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    })
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable(error.to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            _ => Self::Sql(error),
        }
    }
}

impl StoreError {
    /// The same failure for each of the jobs that shared a transaction.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Locked => Self::Locked,
            Self::Damaged(detail) => Self::Damaged(detail.clone()),
            Self::NotStored(detail) => Self::NotStored(detail.clone()),
            other => Self::NotStored(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_broken_one() {
        for (code, is_full) in [
            (ffi::SQLITE_FULL, true),
            (ffi::SQLITE_IOERR_SHMSIZE, true),
            (ffi::SQLITE_IOERR_READ, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = StoreError::from(error);
            assert_eq!(matches!(error, StoreError::Full), is_full, "{error}");
        }
    }
}
