//! Opens the file: refuses what it must not touch, copies before it changes tables, sets up each
//! connection.

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use refinery::Runner;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::disk::for_owner;
use crate::error::is_full;
use crate::{Check, Durability, StoreError, copy, mend};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// `PRAGMA application_id` of our files: 'LAND'.
const APPLICATION_ID: i64 = 0x4C41_4E44;
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 128;
/// How long a connection waits for another's lock: a checkpoint that the writer must wait for is
/// far shorter, and a stranger's hold on the file must not hang the program for ever.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a checkpoint that keeps the writer waiting waits for readers itself; a backup may read
/// for minutes, and the checkpoint is tried again soon enough.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_millis(100);
/// Pages that a reader keeps, in KiB (SQLite's unit for a negative size). Not `mmap_size`: what is
/// mapped counts as the program's own, and a long history made that 139 MB, for reads that the
/// system's file cache serves as well.
const READER_CACHE_KIB: i64 = 4 * 1024;
/// Bytes to which the write-ahead log is cut when it begins anew.
const WAL_BYTES_KEPT: i64 = 16 * 1024 * 1024;

/// The writer's connection, on tables of this version.
pub(crate) fn writer(
    path: &Path,
    durability: Durability,
    check: Check,
) -> Result<Connection, StoreError> {
    mend::finish(path)?;
    may_write(path)?;
    let found = look(path, check)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(
        None,
        "synchronous",
        match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        },
    )?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What a delete dropped is overwritten where that costs no extra write.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    migrate(path, &mut connection, found, embedded::migrations::runner())?;
    Ok(connection)
}

/// A connection for reading only.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true)?;
    // Not on the writer: there it would keep the journal of a savepoint in memory too, as a list
    // that SQLite walks from end to end at each statement, and a long job would take for ever.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

/// A second connection that may write, for checkpoints.
pub(crate) fn beside(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(CHECKPOINT_TIMEOUT)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// Looks every page over.
pub(crate) fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged(found))
}

/// The path of a file beside another one, named after it.
pub(crate) fn beside_path(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan does not depend on what is bound, or SQLite would prepare the statements that it
    // keeps anew at each use, to look whether another plan suits the new values better.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Says in clear words that the file or its folder can't be written, where SQLite would only say
/// "unable to open database file". Makes the file where there is none, for its owner alone: SQLite
/// makes those beside it readable for whom the file is.
fn may_write(path: &Path) -> Result<(), StoreError> {
    let not_writable = |what: &Path, error: &std::io::Error| {
        StoreError::NotWritable(format!("{}: {error}", what.display()))
    };
    for_owner()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| not_writable(path, &error))?;
    // SQLite keeps two files beside it, so the folder must be writable too.
    let probe = beside_path(path, ".probe");
    for_owner()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&probe)
        .map_err(|error| not_writable(&probe, &error))?;
    std::fs::remove_file(&probe).map_err(|error| not_writable(&probe, &error))
}

/// The version of the tables of a file that is there, 0 of an empty one. Changes nothing.
fn look(path: &Path, check: Check) -> Result<i64, StoreError> {
    // A clean stop folds this file in and removes it.
    let was_killed = beside_path(path, "-wal").exists();
    let found = match header(path) {
        Some((APPLICATION_ID, version)) if !was_killed => version,
        None if !was_killed => return Ok(0),
        Some(_) | None => look_closer(path, check)?,
    };
    let known = known();
    if found > known {
        let path = path.to_owned();
        return Err(StoreError::Newer { path, found, known });
    }
    Ok(found)
}

/// `application_id` and `user_version` as they stand in the file's first 100 bytes: reading them
/// so leaves no trace, where a connection makes files beside it. `None` of a file that is shorter.
fn header(path: &Path) -> Option<(i64, i64)> {
    let mut header = [0; 100];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    let number = |at: usize| -> Option<i64> {
        let bytes = header.get(at..at + 4)?.try_into().ok()?;
        Some(i64::from(i32::from_be_bytes(bytes)))
    };
    Some((number(68)?, number(60)?))
}

/// Reads the version through SQLite, of a file that was not closed cleanly or is not ours.
fn look_closer(path: &Path, check: Check) -> Result<i64, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(0);
    }
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version <= known() && check == Check::AfterUncleanStop {
        quick_check(&connection)?;
    }
    Ok(version)
}

/// The version of the tables that this program works with.
pub(crate) fn known() -> i64 {
    last_version(&embedded::migrations::runner())
}

fn last_version(migrations: &Runner) -> i64 {
    let versions = migrations.get_migrations().iter();
    versions
        .map(|migration| i64::from(migration.version()))
        .max()
        .unwrap_or(0)
}

/// Brings the tables up to date, in one transaction, after a copy of what is there.
fn migrate(
    path: &Path,
    connection: &mut Connection,
    found: i64,
    migrations: Runner,
) -> Result<(), StoreError> {
    let last = last_version(&migrations);
    if found > 0 && found < last {
        let to = beside_path(path, &format!(".before-v{last}"));
        copy::pages(connection, &to, || false)?;
        copy::keep(&to)?;
    }
    migrations
        .set_grouped(true)
        .run(connection)
        .map_err(not_migrated)?;
    Ok(())
}

fn not_migrated(error: refinery::Error) -> StoreError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(is_full) {
            return StoreError::Full;
        }
        cause = error.source();
    }
    StoreError::Migration(error.to_string())
}

#[cfg(test)]
mod tests;
