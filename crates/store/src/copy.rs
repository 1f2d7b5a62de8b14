//! A copy of a database, made while it stays in use.
//!
//! ```text
//! pages   the source, as it stands ──▶ <target>.partial
//! keep    <target>.partial ──▶ synced ──▶ <target>
//! ```
//! The two are apart so that the source is held for the first only.

use std::ffi::c_int;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::disk::{for_owner, sync_name};
use crate::{StoreError, open};

/// Pages of 4 KiB copied between two looks whether a copy is still wanted: 16 MiB.
const COPY_PAGES: c_int = 4_096;

/// Copies all pages to the file beside `to`, through a connection on which nobody else's writes
/// show meanwhile: SQLite begins anew from the first page where they do.
pub(crate) fn pages(
    from: &Connection,
    to: &Path,
    given_up: impl Fn() -> bool,
) -> Result<(), StoreError> {
    let partial = partial(to);
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(not_writable(to, &error));
        }
        Ok(()) | Err(_) => {}
    }
    // SQLite takes an empty file for a new database, and leaves it readable for whom it was.
    for_owner()
        .create_new(true)
        .write(true)
        .open(&partial)
        .map_err(|error| not_writable(to, &error))?;
    let mut target = Connection::open(&partial)?;
    // One that breaks off is begun anew, and it is synced before it counts: what would make it safe
    // at each step only made the source wait longer.
    target.pragma_update(None, "journal_mode", "OFF")?;
    target.pragma_update(None, "synchronous", "OFF")?;
    let backup = Backup::new(from, &mut target)?;
    loop {
        match backup.step(COPY_PAGES)? {
            StepResult::Done => break,
            StepResult::More if given_up() => return Err(StoreError::Closed),
            StepResult::More => {}
            _ => {
                return Err(StoreError::NotStored(
                    "the copy was held up by another program".into(),
                ));
            }
        }
    }
    drop(backup);
    target.close().map_err(|(_, error)| error.into())
}

/// Gives a copy whose pages are all there its name. One that is there already is replaced.
pub(crate) fn keep(to: &Path) -> Result<(), StoreError> {
    let partial = partial(to);
    File::options()
        .write(true)
        .open(&partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&partial, to))
        .and_then(|()| sync_name(to))
        .map_err(|error| not_writable(to, &error))
}

fn partial(to: &Path) -> PathBuf {
    open::beside_path(to, ".partial")
}

fn not_writable(to: &Path, error: &io::Error) -> StoreError {
    StoreError::NotWritable(format!("{}: {error}", to.display()))
}
