//! One program at a time per data folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::StoreError;
use crate::disk::for_owner;

const LOCK_FILE: &str = "lock";

/// Held while a program uses a data folder; given back when dropped, by the system even when the
/// program is killed.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock of this folder, which must be there.
    ///
    /// [`StoreError::Locked`] where another program has it, [`StoreError::NotWritable`] where the
    /// folder can't be written to.
    pub fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(LOCK_FILE);
        let not_writable = |error: &std::io::Error| {
            StoreError::NotWritable(format!("{}: {error}", path.display()))
        };
        let file = for_owner()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| not_writable(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
            Err(TryLockError::Error(error)) => Err(not_writable(&error)),
        }
    }
}
