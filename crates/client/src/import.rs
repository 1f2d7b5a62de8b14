//! Messages written elsewhere, brought into a room as `imported` messages.
//!
//! ```text
//! lines    ─┐              a room, then what was said in it: made, or found by its name
//! export   ─┼─► Steps ──────────► Importer, one for each room ─────────────► ImportReport
//! Slack's  ─┘ (source.rs)    checked, numbered, threaded, appended 64 at a time
//! ```
//!
//! [`Client::import`] does all of it (`run.rs`). A line is read when the node has taken those
//! before it, but for a few, so memory does not grow with the file. A bad line is told by its
//! number; the rest goes on. What there was and can't be said here is told by its [`Reason`].
//!
//! An id follows from what is imported and where, so the same messages again change nothing: the
//! node knows them. They go past the outbox, one `append` after the other: the file is their queue,
//! and a room's worth of history must not stand before what a person writes meanwhile.

mod export_file;
mod left_out;
mod lines;
mod make;
mod place;
mod plain;
mod report;
mod run;
mod slack;
mod source;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use landline_protocol::limits::APPEND_EVENTS;
use landline_protocol::up::AppendResult;
use landline_protocol::{Code, EventId, File, Mention, Refusal, RoomId, SpaceId};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::Client;
use crate::command::ItemNamed;
use export_file::{ExportFile, name_file};
use left_out::LeftOut;
pub use left_out::Reason;
use lines::{Lines, Numbered};
use make::Maker;
use place::{NewRoom, mark_of};
pub use report::{
    ImportProgress, ImportReport, ImportedRoom, LeftOutLine, RefusedLine, RefusedRoom,
};
use slack::SlackExport;
pub use source::{ImportAbout, ImportKind, ImportSource};

/// Bytes of content in one append, so that the packet stays well under its limit with all that
/// comes on top (ids, signatures).
const APPEND_TEXT_BYTES: usize = 128 * 1024;
/// Refusals that are kept with their reason; the others are only counted.
const REFUSALS: usize = 1_000;
/// How long the node may be away before an import gives up. Running it again goes on.
const AWAY_LIMIT: Duration = Duration::from_secs(60);
/// Before an append that was refused for now is tried again, where the node does not say.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What comes next out of what is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A room; what follows was said in it.
    Room(NewRoom),
    Message(ImportMessage),
    Change(ImportChange),
    /// Something that can't be read: its line, or its number in its file, and why.
    Bad(u64, Refusal),
}

/// What something is called where it comes from: its id here follows from that, and from nothing
/// else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    /// Milliseconds since 1970 UTC, as its name tells.
    pub(crate) at: i64,
    pub(crate) name: String,
}

/// A message as an export has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImportMessage {
    /// Its line in the export, from 1: for the report.
    pub(crate) line: u64,
    /// Where it has none, its id follows from what it says.
    pub(crate) origin: Option<Origin>,
    /// Messages of one topic become a thread, the first of them its head.
    pub(crate) topic: Option<String>,
    /// The first message of its thread, where that is known.
    pub(crate) thread: Option<Origin>,
    pub(crate) reply_to: Option<Origin>,
    /// A name.
    pub(crate) author: String,
    /// Milliseconds since 1970 UTC.
    pub(crate) at: i64,
    /// Markdown.
    pub(crate) text: String,
    pub(crate) mentions: Vec<Mention>,
    /// Only of one that has an origin.
    pub(crate) files: Vec<ImportFile>,
}

/// A file of a message, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportFile {
    pub(crate) file: File,
    pub(crate) from: PathBuf,
}

/// What became of a message later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportChange {
    /// As in [`ImportMessage::line`].
    pub(crate) line: u64,
    pub(crate) target: Origin,
    pub(crate) kind: ChangeKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// It read so from then on. `origin`: of the edit itself.
    Edit {
        origin: Origin,
        text: String,
        mentions: Vec<Mention>,
    },
    /// At least one had reacted so in the end.
    Reaction(String),
    /// It was pinned in the end.
    Pin,
}

/// What came of an import so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    /// Messages that are new in the room.
    pub(crate) imported: u64,
    /// Messages that were in the room before, from an earlier run.
    pub(crate) already: u64,
    /// Edits, reactions and pins that are new in the room.
    pub(crate) changes: u64,
    /// Files that were brought along.
    pub(crate) files: u64,
    /// Messages that stand by themselves, since the one they answer is not in the room.
    pub(crate) alone: u64,
    /// What was refused: messages, their files, and what became of them.
    pub(crate) refused: u64,
    /// The line and reason of each, of the first thousand.
    pub(crate) refusals: Vec<(u64, Refusal)>,
}

/// An event of ours that goes past the outbox; the engine signs it.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) id: EventId,
    pub(crate) room: RoomId,
    pub(crate) sent_at: i64,
    pub(crate) content: Box<RawValue>,
    kind: Kind,
    /// The content without the messages that it names, where it names any.
    alone: Option<Box<RawValue>>,
}

/// What an event brings in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Change,
}

/// An import under way. What it holds does not grow with the number of messages.
#[derive(Debug)]
pub(crate) struct Importer {
    client: Client,
    space: SpaceId,
    made: Maker,
    /// The room's head at the beginning: what is up to there was there before.
    head: u64,
    ready: Vec<(u64, Ready)>,
    bytes: usize,
    so_far: Imported,
}

impl Importer {
    /// `head`: of the room, as it stands now.
    pub(crate) fn new(client: Client, space: SpaceId, room: RoomId, head: u64) -> Self {
        Self {
            client,
            space,
            made: Maker::new(room),
            head,
            ready: Vec::new(),
            bytes: 0,
            so_far: Imported::default(),
        }
    }

    /// Takes the next message; appends when enough have come together. An error ends the import:
    /// what was appended stays, and running it again goes on.
    pub(crate) async fn add(&mut self, mut message: ImportMessage) -> Result<(), Refusal> {
        self.bring_files(&mut message).await?;
        let (line, made) = (message.line, self.made.message(message));
        self.ready(line, made).await
    }

    /// The node must have its files before it takes a message. One that it never takes is named in
    /// the text instead.
    async fn bring_files(&mut self, message: &mut ImportMessage) -> Result<(), Refusal> {
        if message.files.is_empty() {
            return Ok(());
        }
        let id = message
            .origin
            .as_ref()
            .map(|origin| self.made.id_of(origin));
        let named = id.map(|id| ItemNamed {
            space: self.space,
            id,
        });
        let here = match named {
            Some(named) => self.client.item(named).await?.item.is_some(),
            None => false,
        };
        for one in std::mem::take(&mut message.files) {
            let brought = match id {
                // From an earlier run.
                Some(_) if here => Ok(()),
                Some(id) => self.bring(id, &one).await?,
                None => Err(Refusal::bad_request(
                    "a message without an origin has no files",
                )),
            };
            match brought {
                Ok(()) => {
                    self.so_far.files += u64::from(!here);
                    message.files.push(one);
                }
                Err(refusal) => {
                    let name = &one.file.name;
                    name_file(&mut message.text, name);
                    let words = format!("{name} can't be brought along: {}", refusal.message);
                    self.so_far
                        .refuse(message.line, Refusal::new(refusal.code, words));
                }
            }
        }
        Ok(())
    }

    /// Brings a file, again and again until it is there or refused for good.
    async fn bring(&self, id: EventId, one: &ImportFile) -> Result<Result<(), Refusal>, Refusal> {
        let give_up = Instant::now() + AWAY_LIMIT;
        loop {
            let begun = Instant::now();
            let of = (self.made.room(), id);
            let brought = self
                .client
                .bring(self.space, of, one.file.clone(), one.from.clone());
            match brought.await {
                Err(refusal) if refusal.code.may_be_tried_again() => {
                    // What took long had begun well: it may begin once more.
                    if begun > give_up {
                        return Err(refusal);
                    }
                    let pause = refusal
                        .retry_after_ms
                        .map_or(AGAIN_AFTER, Duration::from_millis);
                    tokio::time::sleep(pause).await;
                }
                brought => return Ok(brought),
            }
        }
    }

    /// Takes what became of a message that was added before; an error as in [`Importer::add`].
    pub(crate) async fn change(&mut self, change: ImportChange) -> Result<(), Refusal> {
        let (line, made) = (change.line, self.made.change(change));
        self.ready(line, made).await
    }

    async fn ready(&mut self, line: u64, made: Result<Ready, Refusal>) -> Result<(), Refusal> {
        let event = match made {
            Ok(event) => event,
            Err(refusal) => {
                self.so_far.refuse(line, refusal);
                return Ok(());
            }
        };
        let bytes = event.content.get().len();
        if self.ready.len() == APPEND_EVENTS || self.bytes + bytes > APPEND_TEXT_BYTES {
            self.append().await?;
        }
        self.bytes += bytes;
        self.ready.push((line, event));
        Ok(())
    }

    /// A line that is no message at all.
    pub(crate) fn refuse(&mut self, line: u64, reason: Refusal) {
        self.so_far.refuse(line, reason);
    }

    pub(crate) const fn so_far(&self) -> &Imported {
        &self.so_far
    }

    /// Appends what is left.
    pub(crate) async fn finish(mut self) -> Result<Imported, Refusal> {
        self.append().await?;
        Ok(self.so_far)
    }

    /// Appends all that is ready, again and again until each was taken or refused for good.
    async fn append(&mut self) -> Result<(), Refusal> {
        let mut give_up = Instant::now() + AWAY_LIMIT;
        while !self.ready.is_empty() {
            let events = self.ready.iter().map(|(_, event)| event.clone()).collect();
            let again = match self.client.append(self.space, events).await {
                Ok(results) => {
                    let before = self.ready.len();
                    let again = self.take(&results)?;
                    if self.ready.len() < before {
                        give_up = Instant::now() + AWAY_LIMIT;
                    }
                    again
                }
                Err(refusal) => Some(refusal),
            };
            if let Some(refusal) = again {
                let pause = refusal
                    .retry_after_ms
                    .map_or(AGAIN_AFTER, Duration::from_millis);
                if !refusal.code.may_be_tried_again() || Instant::now() + pause > give_up {
                    return Err(refusal);
                }
                tokio::time::sleep(pause).await;
            }
        }
        self.bytes = 0;
        Ok(())
    }

    /// Counts what was answered. What may be tried again stays ready: the answer says why.
    fn take(&mut self, results: &[AppendResult]) -> Result<Option<Refusal>, Refusal> {
        let mut again = None;
        let answers: HashMap<EventId, &AppendResult> =
            results.iter().map(|result| (result.id(), result)).collect();
        let mut left = Vec::new();
        for (line, mut event) in std::mem::take(&mut self.ready) {
            match answers.get(&event.id) {
                Some(AppendResult::Accepted { seq, .. }) => {
                    self.so_far.count(event.kind, *seq > self.head);
                }
                // Somebody else has imported it.
                Some(AppendResult::Refused { error, .. }) if error.code == Code::Conflict => {
                    self.so_far.count(event.kind, false);
                }
                // What it answers has been refused, or was never there: better alone than lost.
                Some(AppendResult::Refused { error, .. })
                    if error.code == Code::NotFound && event.alone.is_some() =>
                {
                    event.content = event.alone.take().unwrap_or(event.content);
                    self.so_far.alone += 1;
                    left.push((line, event));
                }
                // No other message would fare better.
                Some(AppendResult::Refused { error, .. })
                    if event.is_refused_like_all(error.code) =>
                {
                    return Err(error.clone());
                }
                Some(AppendResult::Refused { error, .. }) if !error.code.may_be_tried_again() => {
                    self.so_far.refuse(line, error.clone());
                }
                Some(AppendResult::Refused { error, .. }) => {
                    again = Some(error.clone());
                    left.push((line, event));
                }
                None => {
                    again = Some(Refusal::new(
                        Code::Unavailable,
                        "the host has not answered for every message",
                    ));
                    left.push((line, event));
                }
            }
        }
        self.ready = left;
        Ok(again)
    }
}

impl Imported {
    /// Adds what came of another room.
    pub(crate) fn add(&mut self, other: Self) {
        self.imported += other.imported;
        self.already += other.already;
        self.changes += other.changes;
        self.files += other.files;
        self.alone += other.alone;
        self.refused += other.refused;
        let room = REFUSALS.saturating_sub(self.refusals.len());
        self.refusals.extend(other.refusals.into_iter().take(room));
    }

    fn count(&mut self, kind: Kind, new: bool) {
        match (kind, new) {
            (Kind::Message, true) => self.imported += 1,
            (Kind::Message, false) => self.already += 1,
            (Kind::Change, true) => self.changes += 1,
            (Kind::Change, false) => {}
        }
    }

    /// Something that can't be brought in.
    pub(crate) fn refuse(&mut self, line: u64, reason: Refusal) {
        self.refused += 1;
        if self.refusals.len() < REFUSALS {
            self.refusals.push((line, reason));
        }
    }
}

impl Ready {
    /// A refusal that says something of the person or the room, not of this message. A change is
    /// not allowed where another admin has imported its message: that says nothing of the next.
    fn is_refused_like_all(&self, code: Code) -> bool {
        match code {
            Code::NotAdmitted | Code::Banned | Code::Muted | Code::NotSignedIn => true,
            Code::NotAllowed | Code::NotFound => self.kind == Kind::Message,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_is_not_allowed_says_nothing_of_the_next() {
        let origin = || Origin {
            at: 5,
            name: "one".into(),
        };
        let mut maker = Maker::new(RoomId::from_bytes([1; 16]));
        let change = maker.change(ImportChange {
            line: 2,
            target: origin(),
            kind: ChangeKind::Edit {
                origin: origin(),
                text: "later".into(),
                mentions: Vec::new(),
            },
        });
        let message = maker.message(ImportMessage {
            line: 1,
            origin: Some(origin()),
            author: "Ana".into(),
            text: "first".into(),
            ..ImportMessage::default()
        });
        let (change, message) = (change.unwrap(), message.unwrap());
        for (code, ends_with_change, ends_with_message) in [
            (Code::NotAllowed, false, true),
            (Code::NotFound, false, true),
            (Code::Muted, true, true),
            (Code::Banned, true, true),
            (Code::TooLarge, false, false),
        ] {
            assert_eq!(
                change.is_refused_like_all(code),
                ends_with_change,
                "{code:?}"
            );
            assert_eq!(
                message.is_refused_like_all(code),
                ends_with_message,
                "{code:?}"
            );
        }
    }
}
