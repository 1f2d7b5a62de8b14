//! Opens the file: refuses what it must not touch, copies before it changes tables, sets up each
//! connection.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::store::copy;
use crate::{Durability, StoreError};

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
/// Bytes of the file that a reader may map into memory.
const MMAP_BYTES: i64 = 128 * 1024 * 1024;
/// Bytes to which the write-ahead log is cut when it begins anew.
const WAL_BYTES_KEPT: i64 = 16 * 1024 * 1024;

/// The writer's connection, on tables of this version.
pub(crate) fn writer(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    may_write(path)?;
    let found = look(path)?;
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
    migrate(path, &mut connection, found)?;
    Ok(connection)
}

/// A connection for reading only.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
    Ok(connection)
}

/// A second connection that may write, for checkpoints.
pub(crate) fn beside(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
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

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Says in clear words that the file or its folder can't be written, where SQLite would only say
/// "unable to open database file". Makes the file where there is none.
fn may_write(path: &Path) -> Result<(), StoreError> {
    let not_writable = |what: &Path, error: &std::io::Error| {
        StoreError::NotWritable(format!("{}: {error}", what.display()))
    };
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| not_writable(path, &error))?;
    // SQLite keeps two files beside it, so the folder must be writable too.
    let mut probe = path.as_os_str().to_owned();
    probe.push(".probe");
    let probe = PathBuf::from(probe);
    File::create(&probe).map_err(|error| not_writable(&probe, &error))?;
    std::fs::remove_file(&probe).map_err(|error| not_writable(&probe, &error))
}

/// The version of the tables of a file that is there, 0 of an empty one. Changes nothing.
fn look(path: &Path) -> Result<i64, StoreError> {
    let length = std::fs::metadata(path).map_or(0, |meta| meta.len());
    let wal = {
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        PathBuf::from(wal)
    };
    // A clean stop folds this file in and removes it.
    let was_killed = wal.exists();
    if length == 0 && !was_killed {
        return Ok(0);
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let has_tables: bool =
        connection.query_row("SELECT count(*) > 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })?;
    if !has_tables {
        return Ok(0);
    }
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let found: i64 = connection
        .query_row(
            "SELECT max(version) FROM refinery_schema_history",
            [],
            |row| row.get(0),
        )
        .optional()?
        .unwrap_or(0);
    let known = known();
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    if was_killed {
        quick_check(&connection)?;
    }
    Ok(found)
}

/// The version of the tables that this program works with.
fn known() -> i64 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()))
        .max()
        .unwrap_or(0)
}

fn migrate(path: &Path, connection: &mut Connection, found: i64) -> Result<(), StoreError> {
    if found > 0 && found < known() {
        let mut backup = path.as_os_str().to_owned();
        backup.push(format!(".before-v{}", known()));
        copy(connection, Path::new(&backup))?;
    }
    embedded::migrations::runner()
        .set_grouped(true)
        .run(connection)
        .map_err(|error| StoreError::Migration(error.to_string()))?;
    Ok(())
}
