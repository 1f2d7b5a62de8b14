//! A file that is imported: which kind it is, and what it holds, step by step.
//!
//! It is read on a thread that may wait for the disk, a little ahead of what is brought in.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;
use ts_rs::TS;

use super::plain::PlainLines;
use super::{ExportFile, LeftOut, Lines, SlackExport, Step};
use crate::ClientError;
use crate::home::blocking;

/// Steps that are read at once.
const STEPS_AT_ONCE: usize = 64;
/// Bytes of a file that tell a ZIP file.
const FIRST_BYTES: u64 = 4;

/// What a file that is imported is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ImportKind {
    /// An export of ours.
    Landline,
    /// A ZIP file of Slack's.
    Slack,
    /// Lines of `{room, topic, author, at, text}`.
    Lines,
}

/// What a file is, before any of it is brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct ImportAbout {
    /// The file's name, without its folder.
    pub name: String,
    pub kind: ImportKind,
    /// The room that its first message is of. Null where it has several, or names none.
    pub room: Option<String>,
}

/// A file that is imported, at its beginning.
#[derive(Debug)]
pub struct ImportSource {
    path: PathBuf,
    /// All of it goes into this room.
    into: Option<String>,
    held: Held,
    /// Bytes that are read of it, and that it has.
    read: Arc<AtomicU64>,
    bytes: u64,
}

#[derive(Debug)]
enum Held {
    Landline(Box<ExportFile>),
    Slack(Box<SlackExport>),
    Lines(Box<PlainLines>),
}

impl ImportSource {
    /// By what the file begins with, not by its name; refused where it is nothing that can be
    /// imported. `into`: all of it goes into the room of that name, whatever the file says.
    pub async fn open(path: PathBuf, into: Option<String>) -> Result<Self, ClientError> {
        blocking(move || {
            let (begins, bytes) = beginning(&path).map_err(|error| failed(&path, error))?;
            let read = Arc::default();
            let held = Held::open(&path, &begins, &read, into.is_some())?;
            Ok(Self {
                path,
                into,
                held,
                read,
                bytes,
            })
        })
        .await
    }

    pub fn about(&self) -> ImportAbout {
        let name = self.path.file_name().unwrap_or_default();
        ImportAbout {
            name: name.to_string_lossy().into_owned(),
            kind: self.kind(),
            room: match &self.held {
                Held::Lines(lines) => lines.room().map(str::to_owned),
                Held::Landline(_) | Held::Slack(_) => None,
            },
        }
    }

    pub(super) fn kind(&self) -> ImportKind {
        match &self.held {
            Held::Landline(_) => ImportKind::Landline,
            Held::Slack(_) => ImportKind::Slack,
            Held::Lines(_) => ImportKind::Lines,
        }
    }

    /// Neither the file nor who imports it says where to.
    pub fn needs_room(&self) -> bool {
        match &self.held {
            Held::Lines(lines) => self.into.is_none() && lines.room().is_none(),
            Held::Landline(_) | Held::Slack(_) => false,
        }
    }

    /// All of it goes into this room.
    pub(super) fn one_room(&self) -> Option<&str> {
        self.into.as_deref()
    }

    fn step(&mut self) -> Result<Option<Step>, ClientError> {
        match &mut self.held {
            Held::Landline(export) => Ok(export.step()?),
            Held::Slack(slack) => Ok(slack.step()?),
            Held::Lines(lines) => lines.step(),
        }
    }

    /// What comes next; nothing at the end. An error is the last.
    fn some(&mut self) -> VecDeque<Result<Step, ClientError>> {
        let mut some = VecDeque::with_capacity(STEPS_AT_ONCE);
        while some.len() < STEPS_AT_ONCE {
            match self.step().transpose() {
                Some(Ok(step)) => some.push_back(Ok(step)),
                Some(Err(error)) => {
                    some.push_back(Err(error));
                    break;
                }
                None => break,
            }
        }
        some
    }

    /// How much of it is read, and of how much: bytes, or files of Slack's days.
    fn progress(&self) -> (u64, u64) {
        match &self.held {
            Held::Slack(slack) => slack.progress(),
            Held::Landline(_) | Held::Lines(_) => (self.read.load(Relaxed), self.bytes),
        }
    }

    fn left_out(&self) -> Option<&LeftOut> {
        match &self.held {
            Held::Landline(export) => Some(export.left_out()),
            Held::Slack(slack) => Some(slack.left_out()),
            Held::Lines(_) => None,
        }
    }
}

impl Held {
    fn open(
        path: &Path,
        begins: &[u8],
        read: &Arc<AtomicU64>,
        any_room: bool,
    ) -> Result<Self, ClientError> {
        if SlackExport::begins(begins) {
            let file = File::open(path).map_err(|error| failed(path, error))?;
            return Ok(Self::Slack(Box::new(SlackExport::open(file)?)));
        }
        let looked = || lines(path, &Arc::default());
        let first = looked()?;
        let is_ours = first_line(first, ExportFile::begins).map_err(|error| failed(path, error))?;
        let from_the_beginning = lines(path, read)?;
        Ok(if is_ours {
            Self::Landline(Box::new(ExportFile::read(from_the_beginning, path)?))
        } else {
            let plain = PlainLines::read(path, from_the_beginning, looked()?, any_room)?;
            Self::Lines(Box::new(plain))
        })
    }
}

/// What a source holds, in order.
#[derive(Debug)]
pub(super) struct Steps {
    /// None only while it is being read.
    source: Option<ImportSource>,
    ahead: VecDeque<Result<Step, ClientError>>,
}

impl Steps {
    pub(super) fn new(source: ImportSource) -> Self {
        Self {
            source: Some(source),
            ahead: VecDeque::new(),
        }
    }

    /// `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Step>, ClientError> {
        if self.ahead.is_empty()
            && let Some(mut source) = self.source.take()
        {
            let (source, ahead) = blocking(move || {
                let ahead = source.some();
                Ok((source, ahead))
            })
            .await?;
            (self.source, self.ahead) = (Some(source), ahead);
        }
        self.ahead.pop_front().transpose()
    }

    /// How much of the source is read, and of how much: bytes, or files of Slack's days.
    pub(super) fn progress(&self) -> (u64, u64) {
        self.source.as_ref().map_or((0, 0), ImportSource::progress)
    }

    /// What there was and is left out, so far.
    pub(super) fn left_out(&self) -> LeftOut {
        let source = self.source.as_ref();
        source
            .and_then(ImportSource::left_out)
            .cloned()
            .unwrap_or_default()
    }
}

/// A file that tells how much of it was read.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.fetch_add(bytes as u64, Relaxed);
        Ok(bytes)
    }
}

fn lines(path: &Path, read: &Arc<AtomicU64>) -> Result<Lines, ClientError> {
    let opened = || {
        let (file, read) = (File::open(path)?, Arc::clone(read));
        Lines::new(Counted { file, read })
    };
    opened().map_err(|error| failed(path, error))
}

/// The first bytes of a file, and how many it has.
fn beginning(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let mut first = Vec::new();
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    file.take(FIRST_BYTES).read_to_end(&mut first)?;
    Ok((first, bytes))
}

/// Whether the first line is so.
fn first_line(mut lines: Lines, is: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    Ok(matches!(lines.next()?, Some((_, Ok(line))) if is(line)))
}

fn failed(path: &Path, error: io::Error) -> ClientError {
    ClientError::File {
        path: path.to_owned(),
        error,
    }
}
