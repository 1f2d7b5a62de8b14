//! Messages written elsewhere, brought into a room as `imported` messages.
//!
//! ```text
//! lines of an export ─► Importer: checked, numbered, threaded ─► append, 64 at a time ─► Imported
//! ```
//!
//! An id follows from what is imported and where, so the same messages again change nothing: the
//! node knows them. They go past the outbox, one `append` after the other: the file is their queue,
//! and a room's worth of history must not stand before what a person writes meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use landline_protocol::limits::APPEND_EVENTS;
use landline_protocol::up::AppendResult;
use landline_protocol::{Code, Content, EventId, Message, Refusal, RoomId, SpaceId};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::clock::v7;
use crate::{Client, ClientError};

/// Bytes of text in one append, so that the packet stays well under its limit with all that
/// comes on top (JSON's escapes, ids, signatures).
const APPEND_TEXT_BYTES: usize = 64 * 1024;
/// Topics that become threads; messages of a further one stand by themselves.
const TOPICS: usize = 100_000;
/// Refusals that are kept with their reason; the others are only counted.
const REFUSALS: usize = 1_000;
/// How long the node may be away before an import gives up. Running it again goes on.
const AWAY_LIMIT: Duration = Duration::from_secs(60);
/// Before an append that was refused for now is tried again, where the node does not say.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// The last millisecond that a UUIDv7 can hold.
const LATEST: i64 = (1 << 48) - 1;

/// A message as an export has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportMessage {
    /// Its line in the export, from 1: for the report.
    pub line: u64,
    /// Messages of one topic become a thread, the first of them its head.
    pub topic: Option<String>,
    /// A name.
    pub author: String,
    /// Milliseconds since 1970 UTC.
    pub at: i64,
    /// Markdown.
    pub text: String,
}

/// What came of an import so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Messages that are new in the room.
    pub imported: u64,
    /// Messages that were in the room before, from an earlier run.
    pub already: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// The line and reason of each, of the first thousand.
    pub refusals: Vec<(u64, Refusal)>,
}

/// An event of ours that goes past the outbox; the engine signs it.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) id: EventId,
    pub(crate) room: RoomId,
    pub(crate) sent_at: i64,
    pub(crate) content: Box<RawValue>,
    /// The head of its thread, unless it stands by itself.
    thread: Option<EventId>,
}

/// An import under way. What it holds does not grow with the number of messages.
#[derive(Debug)]
pub struct Importer {
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
    pub fn new(client: Client, space: SpaceId, room: RoomId, head: u64) -> Self {
        Self {
            client,
            space,
            made: Maker {
                room,
                threads: HashMap::new(),
                last_at: i64::MIN,
                seen: HashMap::new(),
            },
            head,
            ready: Vec::new(),
            bytes: 0,
            so_far: Imported::default(),
        }
    }

    /// Takes the next message; appends when enough have come together. An error ends the import:
    /// what was appended stays, and running it again goes on.
    pub async fn add(&mut self, message: ImportMessage) -> Result<(), Refusal> {
        let (line, bytes) = (message.line, message.text.len());
        if self.ready.len() == APPEND_EVENTS || self.bytes + bytes > APPEND_TEXT_BYTES {
            self.append().await?;
        }
        match self.made.event(message) {
            Ok(event) => {
                self.bytes += bytes;
                self.ready.push((line, event));
            }
            Err(refusal) => self.so_far.refuse(line, refusal),
        }
        Ok(())
    }

    /// A line that is no message at all.
    pub fn refuse(&mut self, line: u64, reason: Refusal) {
        self.so_far.refuse(line, reason);
    }

    pub const fn so_far(&self) -> &Imported {
        &self.so_far
    }

    /// Appends what is left.
    pub async fn finish(mut self) -> Result<Imported, Refusal> {
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
        for (line, event) in std::mem::take(&mut self.ready) {
            match answers.get(&event.id) {
                Some(AppendResult::Accepted { seq, .. }) if *seq > self.head => {
                    self.so_far.imported += 1
                }
                Some(AppendResult::Accepted { .. }) => self.so_far.already += 1,
                // Somebody else has imported it.
                Some(AppendResult::Refused { error, .. }) if error.code == Code::Conflict => {
                    self.so_far.already += 1
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
    fn refuse(&mut self, line: u64, reason: Refusal) {
        self.refused += 1;
        if self.refusals.len() < REFUSALS {
            self.refusals.push((line, reason));
        }
    }
}

impl Ready {
    /// A refusal that says something of the person or the room, not of this message.
    fn is_refused_like_all(&self, code: Code) -> bool {
        match code {
            Code::NotAllowed
            | Code::NotAdmitted
            | Code::Banned
            | Code::Muted
            | Code::NotSignedIn => true,
            Code::NotFound => self.thread.is_none(),
            _ => false,
        }
    }
}

/// Makes events out of messages: the same ones each time.
#[derive(Debug)]
struct Maker {
    room: RoomId,
    /// The head of each topic's thread, by what its name hashes to.
    threads: HashMap<[u8; 16], EventId>,
    /// The moment of the last message, and how often each one of that moment has come. An export
    /// may hold the same words by the same person at the same moment twice.
    last_at: i64,
    seen: HashMap<[u8; 32], u32>,
}

impl Maker {
    fn event(&mut self, message: ImportMessage) -> Result<Ready, Refusal> {
        let ImportMessage {
            line: _,
            topic,
            author,
            at,
            text,
        } = message;
        if !(0..=LATEST).contains(&at) {
            return Err(Refusal::bad_request(
                "`at` is not a time after 1970 in milliseconds",
            ));
        }
        let topic = topic.filter(|topic| !topic.is_empty());
        let hash = self.numbered(at, &[topic.as_deref().unwrap_or_default(), &author, &text]);
        let id = EventId::from_uuid(v7(at, hash));
        let topic = topic.map(|topic| short_hash(&topic));
        let thread = topic.and_then(|topic| self.threads.get(&topic).copied());
        let content = Content::Message(Message {
            text,
            thread,
            imported: Some(landline_protocol::Imported { name: author, at }),
            ..Message::default()
        });
        let content = content.to_raw().map_err(ClientError::from)?;
        Content::parse(&content)?;
        // Only a message that stands can be the head of a thread.
        if let (Some(topic), None, true) = (topic, thread, self.threads.len() < TOPICS) {
            self.threads.insert(topic, id);
        }
        Ok(Ready {
            id,
            room: self.room,
            sent_at: at,
            content,
            thread,
        })
    }

    /// What a message hashes to in this room; the second of two equal ones, otherwise.
    fn numbered(&mut self, at: i64, parts: &[&str]) -> [u8; 32] {
        if at != self.last_at {
            self.last_at = at;
            self.seen.clear();
        }
        let mut hash = Sha256::new()
            .chain_update("landline-import-v1")
            .chain_update(self.room.as_bytes())
            .chain_update(at.to_be_bytes());
        for part in parts {
            // With its length before it, no part can pass for the end of the one before.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let times = self.seen.entry(hash.clone().finalize().into()).or_default();
        hash.update(times.to_be_bytes());
        *times += 1;
        hash.finalize().into()
    }
}

fn short_hash(text: &str) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(text).into();
    let mut short = [0; 16];
    short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(room: u8) -> Maker {
        Maker {
            room: RoomId::from_bytes([room; 16]),
            threads: HashMap::new(),
            last_at: i64::MIN,
            seen: HashMap::new(),
        }
    }

    fn message(topic: &str, at: i64, text: &str) -> ImportMessage {
        ImportMessage {
            line: 1,
            topic: Some(topic.into()),
            author: "Member 0001".into(),
            at,
            text: text.into(),
        }
    }

    #[test]
    fn the_same_messages_become_the_same_events() {
        let run = || {
            let mut maker = maker(1);
            let messages = [
                message("a", 5, "one"),
                message("b", 5, "two"),
                message("a", 9, "three"),
            ];
            messages.map(|message| maker.event(message).unwrap().id)
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn ids_are_of_version_7_and_differ_with_the_room_and_every_part() {
        let mut ids = std::collections::BTreeSet::new();
        for (room, topic, at, text) in [
            (1, "a", 5, "x"),
            (2, "a", 5, "x"),
            (1, "b", 5, "x"),
            (1, "a", 6, "x"),
            (1, "a", 5, "y"),
            (1, "", 5, "ax"),
        ] {
            let id = maker(room).event(message(topic, at, text)).unwrap().id;
            assert!(id.is_v7());
            assert!(ids.insert(id));
        }
    }

    #[test]
    fn words_that_were_said_twice_at_one_moment_are_two_messages() {
        let mut maker = maker(1);
        let first = maker.event(message("", 5, "hi")).unwrap().id;
        let second = maker.event(message("", 5, "hi")).unwrap().id;
        assert_ne!(first, second);
    }

    #[test]
    fn the_first_message_of_a_topic_is_the_head_of_its_thread() {
        let mut maker = maker(1);
        let head = maker.event(message("a", 1, "one")).unwrap();
        let other = maker.event(message("b", 2, "two")).unwrap();
        let later = maker.event(message("a", 3, "three")).unwrap();
        let alone = maker.event(message("", 4, "four")).unwrap();
        assert_eq!([&head, &other, &alone].map(|event| event.thread), [None; 3]);
        assert_eq!(later.thread, Some(head.id));
    }

    #[test]
    fn a_message_that_can_not_stand_is_refused_and_heads_no_thread() {
        let mut maker = maker(1);
        for (at, text) in [
            (1, " "),
            (-1, "x"),
            (LATEST + 1, "x"),
            (1, &"x".repeat(17 * 1024)),
        ] {
            maker.event(message("a", at, text)).unwrap_err();
        }
        let head = maker.event(message("a", 1, "x")).unwrap();
        assert_eq!(head.thread, None);
    }
}
