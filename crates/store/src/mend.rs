//! What becomes of a damaged database: what can be read of it is saved into a new one, and that
//! takes its place. Nothing of the damaged one is ever deleted.
//!
//! ```text
//! save     damaged file ──▶ a new file, whole and closed
//! replace  new file ──▶ <file>.restored          from here on it will be done
//!          damaged file and its log of writes ──▶ <file>.damaged-1/
//!          <file>.restored ──▶ <file>
//! ```
//! A replacement that was cut off is finished by whoever opens the file next.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::{Check, Durability, StoreError, apply, make_folder, open, sync_name};

/// What does not follow from the log and can't be had again.
const KEPT: &[Table] = &[
    Table("setting", "key"),
    Table("mark", "room, member"),
    Table("listing", "room"),
    Table("outbox", "id"),
    Table("outbox_need", "id, needs"),
    Table("draft", "room"),
    Table("thread_draft", "thread"),
    Table("thread_mark", "thread"),
    Table("choice", "room"),
    Table("session", "token_hash"),
    Table("file", "blake3"),
    Table("uploader", "member, blake3"),
    Table("upload", "id"),
    Table("local_file", "blake3"),
    Table("attachment", "id"),
    Table("transfer", "id"),
];
/// Where nothing beside the log can be had again: without a log, marks point at nothing.
const OF_LOGS: &[&str] = &["mark", "thread_mark"];
const LOG: Table = Table("event", "ref");
/// Rows written in one transaction.
const ROWS_AT_ONCE: usize = 5_000;
/// Folders for damaged files beside one database.
const DAMAGED_MOST: u32 = 10_000;

/// A table and its primary key.
#[derive(Debug, Clone, Copy)]
struct Table(&'static str, &'static str);

/// Whose logs they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// A node's: from the first event to the last.
    Whole,
    /// A replica's: the parts that are here.
    Parts,
}

/// What could be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// The log is whole, and with it all that follows from it: nothing of it is lost. Else there
    /// is no event in the new file.
    pub log: bool,
    /// Events in the outbox.
    pub waiting: usize,
    /// Of rooms and of threads.
    pub drafts: usize,
    /// All else that no log tells could be read to the last row.
    pub complete: bool,
}

/// A table whose rows are saved as they are, since they follow from no log.
pub fn is_kept(table: &str) -> bool {
    KEPT.iter().any(|kept| kept.0 == table)
}

/// Looks a database that is not in use over, page by page; [`StoreError::Damaged`] tells what was
/// found.
pub fn check(path: &Path) -> Result<(), StoreError> {
    // May write, so that what SQLite keeps beside it goes when it is closed.
    let connection = open::beside(path)?;
    open::quick_check(&connection)?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Makes a database at `to` of what can be read of the damaged one at `from`. Blocking; takes
/// seconds where the log is long.
pub fn save(from: &Path, to: &Path, logs: Logs) -> Result<Saved, StoreError> {
    remove_with_log(to).map_err(|error| not_writable(to, &error))?;
    let new = open::writer(to, Durability::Full, Check::NotNow)?;
    let mut saved = Saved {
        log: false,
        waiting: 0,
        drafts: 0,
        complete: false,
    };
    if let Ok(old) = open::reader(from) {
        saved.log = save_log(&old, &new, logs)?;
        saved.complete = true;
        for table in KEPT {
            let wanted = saved.log || !OF_LOGS.contains(&table.0);
            if wanted && !came_later(&old, *table) {
                saved.complete &= copy_both_ways(&old, &new, *table)?;
            }
        }
        // What needs an event that could not be saved would wait for ever.
        new.execute_batch(
            "DELETE FROM outbox_need WHERE id NOT IN (SELECT id FROM outbox)
                OR needs NOT IN (SELECT id FROM outbox)",
        )?;
        let count = |table: &str| {
            new.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get::<_, i64>(0)
            })
        };
        saved.waiting = usize::try_from(count("outbox")?).unwrap_or(0);
        saved.drafts = usize::try_from(count("draft")? + count("thread_draft")?).unwrap_or(0);
    }
    new.close().map_err(|(_, error)| error)?;
    Ok(saved)
}

/// Puts `new`, a database that is closed, in the place of the one at `path`, which must not be
/// open. Answers the folder into which what was there has been set aside.
pub fn replace(path: &Path, new: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| not_writable(path, &error);
    File::open(new)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    fs::rename(new, restored(path)).map_err(failed)?;
    sync_name(path).map_err(failed)?;
    swap(path).map_err(failed)
}

/// There is a database, or a replacement for it that the next start puts in its place.
pub fn is_there(path: &Path) -> bool {
    path.exists() || restored(path).exists()
}

/// Does the rest of a replacement that was cut off.
pub(crate) fn finish(path: &Path) -> Result<(), StoreError> {
    if restored(path).exists() {
        let aside = swap(path).map_err(|error| not_writable(path, &error))?;
        tracing::warn!(aside = %aside.display(), "a damaged database was set aside");
    }
    Ok(())
}

fn restored(path: &Path) -> PathBuf {
    open::beside_path(path, ".restored")
}

fn swap(path: &Path) -> io::Result<PathBuf> {
    let aside = aside(path)?;
    make_folder(&aside)?;
    // The file itself last: as long as it is here, the rest is still to be done.
    for ending in ["-wal", "-shm", ""] {
        let from = open::beside_path(path, ending);
        if let Some(name) = from.file_name() {
            match fs::rename(&from, aside.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    sync_name(&aside.join("in it"))?;
    fs::rename(restored(path), path)?;
    sync_name(path)?;
    Ok(aside)
}

/// A folder for the damaged file: a new one, or the last one where that is not complete yet.
fn aside(path: &Path) -> io::Result<PathBuf> {
    let folder = |number: u32| open::beside_path(path, &format!(".damaged-{number}"));
    let last = (1..DAMAGED_MOST).take_while(|number| folder(*number).exists());
    let last = last.last();
    let complete = |number: u32| {
        let name = path.file_name().unwrap_or_default();
        folder(number).join(name).exists()
    };
    match last {
        Some(number) if !complete(number) || !path.exists() => Ok(folder(number)),
        Some(number) if number + 1 < DAMAGED_MOST => Ok(folder(number + 1)),
        Some(_) => Err(io::Error::other("too many damaged files were set aside")),
        None => Ok(folder(1)),
    }
}

/// The log, if all of it can be read and has no holes, and the rows that follow from it.
fn save_log(old: &Connection, new: &Connection, logs: Logs) -> Result<bool, StoreError> {
    let sound = old.query_row("PRAGMA quick_check(event)", [], |row| {
        row.get::<_, String>(0)
    });
    let read = sound.is_ok_and(|found| found == "ok") && copy(old, new, LOG, "ASC")?;
    if !read || (logs == Logs::Whole && has_holes(new)?) {
        new.execute_batch("DELETE FROM event")?;
        return Ok(false);
    }
    if logs == Logs::Parts {
        // Events that follow each other are one part.
        new.execute_batch(
            "INSERT INTO segment (room, from_seq, to_seq)
             SELECT room, min(seq), max(seq) FROM (
                 SELECT room, seq, seq - row_number() OVER (PARTITION BY room ORDER BY seq) AS part
                 FROM event)
             GROUP BY room, part",
        )?;
    }
    loop {
        new.execute_batch("BEGIN")?;
        let more = apply::catch_up(new, ROWS_AT_ONCE);
        new.execute_batch(if more.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        if !more? {
            return Ok(true);
        }
    }
}

fn has_holes(c: &Connection) -> Result<bool, StoreError> {
    Ok(
        c.prepare(
            "SELECT 1 FROM event GROUP BY room HAVING min(seq) <> 1 OR max(seq) <> count(*)",
        )?
        .exists([])?,
    )
}

/// The file is of an earlier version, which had no such table: nothing of it is lost.
fn came_later(old: &Connection, table: Table) -> bool {
    let version: i64 = old
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap_or(0);
    let is_earlier = (1..open::known()).contains(&version);
    is_earlier && columns(old, table.0).is_ok_and(|columns| columns.is_empty())
}

/// Copies what can be read: from the front up to the damage, and from the end back to it.
fn copy_both_ways(old: &Connection, new: &Connection, table: Table) -> Result<bool, StoreError> {
    let whole = copy(old, new, table, "ASC")?;
    if !whole {
        copy(old, new, table, "DESC")?;
    }
    Ok(whole)
}

/// Copies rows until one can't be read; `false` where that happened.
fn copy(old: &Connection, new: &Connection, table: Table, way: &str) -> Result<bool, StoreError> {
    let Table(name, key) = table;
    let (Ok(had), has) = (columns(old, name), columns(new, name)?) else {
        return Ok(false);
    };
    let both: Vec<&str> = had.intersection(&has).map(String::as_str).collect();
    if both.is_empty() {
        return Ok(false);
    }
    let list = both.join(", ");
    let order: Vec<String> = key.split(", ").map(|key| format!("{key} {way}")).collect();
    let order = order.join(", ");
    // By the table itself: the damage may be in an index.
    let select = format!("SELECT {list} FROM {name} NOT INDEXED ORDER BY {order}");
    let places = vec!["?"; both.len()].join(", ");
    let mut insert = new.prepare(&format!(
        "INSERT OR IGNORE INTO {name} ({list}) VALUES ({places})"
    ))?;
    let Ok(mut select) = old.prepare(&select) else {
        return Ok(false);
    };
    let Ok(mut rows) = select.query([]) else {
        return Ok(false);
    };
    new.execute_batch("PRAGMA foreign_keys = OFF; BEGIN")?;
    let mut copied = 0_usize;
    let whole = loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break true,
            Err(_) => break false,
        };
        let values: Result<Vec<Value>, _> = (0..both.len()).map(|column| row.get(column)).collect();
        // A row that no table would take was not written by us.
        match values.map(|values| insert.execute(params_from_iter(values))) {
            Ok(Ok(_)) => copied += 1,
            Ok(Err(error)) if is_of_the_disk(&error) => {
                new.execute_batch("ROLLBACK")?;
                return Err(error.into());
            }
            Ok(Err(_)) | Err(_) => break false,
        }
        if copied.is_multiple_of(ROWS_AT_ONCE) {
            new.execute_batch("COMMIT; BEGIN")?;
        }
    };
    new.execute_batch("COMMIT")?;
    Ok(whole)
}

/// The new file can't be written: that says nothing about the row.
fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::TypeMismatch)
    )
}

fn columns(c: &Connection, table: &str) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = c.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let columns = statement
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(columns)
}

fn remove_with_log(path: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(open::beside_path(path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn not_writable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::NotWritable(format!("{}: {error}", path.display()))
}
