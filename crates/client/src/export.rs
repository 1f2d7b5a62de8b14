//! Rooms as files: what this device has of them, for another program ([`lines`]) or for a reader
//! ([`page`]).
//!
//! ```text
//! replica ─► a page of the log at a time ─► <folder>/.landline-… ─► synced, renamed to its name
//! ```
//!
//! What is held in memory does not grow with the rooms. The file is there whole or not at all, and
//! never in the place of another one unless that was asked for.

pub(crate) mod attachments;
mod escape;
mod lines;
mod markdown;
mod page;

pub(crate) use lines::FORMAT;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use jiff::tz::TimeZone;
use landline_protocol::{Code, MemberId, Refusal, RoomId, RoomKind, SpaceId};
use landline_store::{Connection, Store, StoreError, log, rooms};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::files::half::Half;
use crate::files::shelf::Shelf;
use crate::{Client, ClientError};
use attachments::{Attachments, beside_lines, beside_page};

/// Bytes of a log that are read at once.
const PAGE_BYTES: usize = 1024 * 1024;
/// Events that are read at once.
const PAGE_EVENTS: usize = 500;

/// What an export is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ExportFormat {
    /// Another program: JSON Lines, every event as it is.
    Jsonl,
    /// A reader: one page.
    Html,
}

/// What is exported, and where to.
#[derive(Debug, Clone)]
pub struct ExportTo {
    pub space: SpaceId,
    /// None: all that are here.
    pub rooms: Vec<RoomId>,
    pub path: PathBuf,
    pub format: ExportFormat,
    /// A file that is there is replaced.
    pub replace: bool,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct Exported {
    pub rooms: u64,
    pub messages: u64,
    pub bytes: u64,
    /// All that the space is known to have of these rooms is in it.
    pub complete: bool,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events that are written, or lines where it is for a reader.
    pub done: u64,
    pub of: u64,
}

/// What is exported, and out of what.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) store: Store,
    pub(crate) space: SpaceId,
    pub(crate) space_name: String,
    pub(crate) me: MemberId,
    pub(crate) rooms: Vec<Room>,
    /// Where the files of messages are.
    pub(crate) shelf: Shelf,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

/// A room that is exported.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) kind: RoomKind,
    /// Of a direct room: its people.
    pub(crate) name: String,
    pub(crate) topic: String,
    pub(crate) archived: bool,
    /// All that the node has of it is here.
    pub(crate) complete: bool,
}

impl Client {
    /// Writes rooms to a file; `progress` is told how far it is. Given up when this is dropped.
    ///
    /// Refused with `conflict` where the file is there already and not to be replaced.
    pub async fn export(
        &self,
        request: ExportTo,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Exported, Refusal> {
        let source = self
            .export_source(request.space, request.rooms.clone())
            .await?;
        let given_up = GivenUp(Arc::default());
        let asked = Arc::clone(&given_up.0);
        // On a thread that may wait for the disk.
        let work = move || write(&source, &request, progress, &asked);
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| Refusal::from(ClientError::Stopped))?
    }
}

/// Whoever waited for an export has gone: it ends, and leaves nothing behind.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn write(
    source: &Source,
    request: &ExportTo,
    progress: impl FnMut(Progress),
    given_up: &AtomicBool,
) -> Result<Exported, Refusal> {
    let to = request.path.as_path();
    let failed = |error: io::Error| not_written(to, &error);
    if to.is_dir() {
        return Err(Refusal::bad_request(format!(
            "{} is a folder; name a file in it",
            to.display()
        )));
    }
    if !request.replace && to.exists() {
        return Err(there_already(to));
    }
    let half = Half::begin(to, &source.shelf).map_err(failed)?;
    let rooms: Vec<RoomId> = source.rooms.iter().map(|room| room.id).collect();
    let space = source.space;
    let (names, of) = source
        .store
        .read_blocking(move |c| Ok::<_, ClientError>((Names::of(c, space)?, count(c, &rooms)?)))?;
    let mut writing = Writing {
        source,
        names,
        out: BufWriter::new(half),
        to,
        messages: 0,
        so_far: Progress { done: 0, of },
        progress,
        given_up,
    };
    let beside = match request.format {
        ExportFormat::Jsonl => beside_lines(to),
        ExportFormat::Html => beside_page(to),
    };
    if !request.replace && beside.exists() {
        return Err(there_already(&beside));
    }
    let mut files = Attachments::new(beside, source.shelf.clone());
    match request.format {
        ExportFormat::Jsonl => lines::write(&mut writing, &mut files)?,
        ExportFormat::Html => page::write(&mut writing, &mut files, &TimeZone::system())?,
    }
    let messages = writing.messages;
    let half = writing.out.into_inner();
    let half = half.map_err(|error| failed(error.into_error()))?;
    let bytes = if request.replace {
        half.replace(to).map_err(failed)?
    } else {
        half.put(to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => there_already(to),
            _ => failed(error),
        })?
    };
    files.keep();
    Ok(Exported {
        rooms: source.rooms.len() as u64,
        messages,
        bytes,
        complete: source.rooms.iter().all(|room| room.complete),
    })
}

/// A file that is being written.
struct Writing<'w, P> {
    source: &'w Source,
    names: Names,
    out: BufWriter<Half>,
    to: &'w Path,
    messages: u64,
    so_far: Progress,
    progress: P,
    given_up: &'w AtomicBool,
}

impl<P: FnMut(Progress)> Writing<'_, P> {
    fn put(&mut self, text: &str) -> Result<(), Refusal> {
        self.out
            .write_all(text.as_bytes())
            .map_err(|error| not_written(self.to, &error))
    }

    /// So much more is done. Refused where nobody waits for the rest.
    fn step(&mut self, done: usize) -> Result<(), Refusal> {
        self.so_far.done += done as u64;
        (self.progress)(self.so_far);
        if self.given_up.load(Relaxed) {
            return Err(Refusal::new(Code::Unavailable, "the export was given up"));
        }
        Ok(())
    }

    fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        Ok(self
            .source
            .store
            .read_blocking(job)
            .map_err(ClientError::from)?)
    }
}

/// The names of all who are or were in the space.
#[derive(Debug)]
pub(crate) struct Names(BTreeMap<MemberId, String>);

impl Names {
    pub(crate) fn of(c: &Connection, space: SpaceId) -> Result<Self, StoreError> {
        let people = rooms::people(c, space)?.into_iter();
        Ok(Self(people.map(|row| (row.member, row.name)).collect()))
    }

    /// A person's name, or the beginning of the id of one who is not known.
    pub(crate) fn get(&self, member: MemberId) -> String {
        match self.0.get(&member) {
            Some(name) => name.clone(),
            None => member.to_string().chars().take(4).collect(),
        }
    }
}

/// Events of these rooms that are here.
fn count(c: &Connection, rooms: &[RoomId]) -> Result<u64, StoreError> {
    let mut count = 0;
    for room in rooms {
        count += log::count_in(c, *room)?;
    }
    Ok(count)
}

fn there_already(to: &Path) -> Refusal {
    Refusal::new(Code::Conflict, format!("{} is there already", to.display()))
}

fn not_written(to: &Path, error: &io::Error) -> Refusal {
    Refusal::bad_request(match error.kind() {
        io::ErrorKind::StorageFull => format!(
            "there is no room for {}: the disk is full; nothing was left behind",
            to.display()
        ),
        // The system's own words are about a name that nobody has chosen: see the module's head.
        io::ErrorKind::NotFound => {
            format!("can't write {}: there is no such folder", to.display())
        }
        kind => format!("can't write {}: {kind}", to.display()),
    })
}
