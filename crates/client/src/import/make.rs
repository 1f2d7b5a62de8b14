//! Makes events out of what is imported: the same ones each time.

use std::collections::HashMap;

use landline_protocol::{Content, Edit, EventId, Message, Pin, Reaction, Refusal, RoomId};
use sha2::{Digest as _, Sha256};

use super::{ChangeKind, ImportChange, ImportMessage, Kind, Origin, Ready};
use crate::ClientError;
use crate::clock::v7;

/// Topics that become threads; messages of a further one stand by themselves.
const TOPICS: usize = 100_000;
/// The last millisecond that a UUIDv7 can hold.
const LATEST: i64 = (1 << 48) - 1;

/// Makes events for a room.
#[derive(Debug)]
pub(super) struct Maker {
    room: RoomId,
    /// The head of each topic's thread, by what its name hashes to.
    threads: HashMap<[u8; 16], EventId>,
    /// The moment of the last message, and how often each one of that moment has come. An export
    /// may hold the same words by the same person at the same moment twice.
    last_at: i64,
    seen: HashMap<[u8; 32], u32>,
}

impl Maker {
    pub(super) fn new(room: RoomId) -> Self {
        Self {
            room,
            threads: HashMap::new(),
            last_at: i64::MIN,
            seen: HashMap::new(),
        }
    }

    pub(super) const fn room(&self) -> RoomId {
        self.room
    }

    /// The id here of a message that is called so elsewhere.
    pub(super) fn id_of(&self, origin: &Origin) -> EventId {
        self.id(origin, "message")
    }

    pub(super) fn message(&mut self, message: ImportMessage) -> Result<Ready, Refusal> {
        let ImportMessage {
            line: _,
            origin,
            topic,
            thread,
            reply_to,
            author,
            at,
            text,
            mentions,
            files,
        } = message;
        if !(0..=LATEST).contains(&at) {
            return Err(Refusal::bad_request(
                "`at` is not a time after 1970 in milliseconds",
            ));
        }
        let topic = topic.filter(|topic| !topic.is_empty());
        let id = match &origin {
            Some(origin) => self.id_of(origin),
            None => {
                let topic = topic.as_deref().unwrap_or_default();
                EventId::from_uuid(v7(at, self.numbered(at, &[topic, &author, &text])))
            }
        };
        let topic = topic.map(|topic| short_hash(&topic));
        let head = topic.and_then(|topic| self.threads.get(&topic).copied());
        let thread = head.or_else(|| thread.map(|head| self.id_of(&head)));
        let reply_to = reply_to.map(|answered| self.id_of(&answered));
        let alone = Message {
            text,
            mentions,
            imported: Some(landline_protocol::Imported { name: author, at }),
            files: files.into_iter().map(|one| one.file).collect(),
            ..Message::default()
        };
        let message = Message {
            reply_to,
            thread,
            ..alone.clone()
        };
        let mut ready = self.ready(id, at, &Content::Message(message), Kind::Message)?;
        if thread.is_some() || reply_to.is_some() {
            let alone = Content::Message(alone).to_raw();
            ready.alone = Some(alone.map_err(ClientError::from)?);
        }
        // Only a message that stands can be the head of a thread.
        if let (Some(topic), None, true) = (topic, thread, self.threads.len() < TOPICS) {
            self.threads.insert(topic, id);
        }
        Ok(ready)
    }

    pub(super) fn change(&self, change: ImportChange) -> Result<Ready, Refusal> {
        let target = self.id_of(&change.target);
        let (id, at, content) = match change.kind {
            ChangeKind::Edit {
                origin,
                text,
                mentions,
            } => {
                let edit = Edit {
                    target,
                    text,
                    mentions,
                };
                (self.id(&origin, "edit"), origin.at, Content::Edit(edit))
            }
            ChangeKind::Reaction(emoji) => {
                let id = self.id(&change.target, &emoji);
                let reaction = Reaction {
                    target,
                    emoji,
                    on: true,
                };
                (id, change.target.at, Content::Reaction(reaction))
            }
            ChangeKind::Pin => {
                let pin = Pin { target, on: true };
                let id = self.id(&change.target, "pin");
                (id, change.target.at, Content::Pin(pin))
            }
        };
        self.ready(id, at.clamp(0, LATEST), &content, Kind::Change)
    }

    fn ready(
        &self,
        id: EventId,
        sent_at: i64,
        content: &Content,
        kind: Kind,
    ) -> Result<Ready, Refusal> {
        let content = content.to_raw().map_err(ClientError::from)?;
        Content::parse(&content)?;
        Ok(Ready {
            id,
            room: self.room,
            sent_at,
            content,
            kind,
            alone: None,
        })
    }

    /// The id here of what is called so elsewhere. `what` it is there: one thing may stand for
    /// several events.
    fn id(&self, origin: &Origin, what: &str) -> EventId {
        let mut hash = Sha256::new()
            .chain_update("landline-import-of-v1")
            .chain_update(self.room.as_bytes())
            .chain_update(origin.at.to_be_bytes());
        for part in [what, &origin.name] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        EventId::from_uuid(v7(origin.at.clamp(0, LATEST), hash.finalize().into()))
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
        Maker::new(RoomId::from_bytes([room; 16]))
    }

    fn message(topic: &str, at: i64, text: &str) -> ImportMessage {
        ImportMessage {
            line: 1,
            topic: Some(topic.into()),
            author: "Member 0001".into(),
            at,
            text: text.into(),
            ..ImportMessage::default()
        }
    }

    fn thread(ready: &Ready) -> Option<EventId> {
        match Content::read(&ready.content) {
            Content::Message(message) => message.thread,
            other => panic!("{other:?}"),
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
            messages.map(|message| maker.message(message).unwrap().id)
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
            let id = maker(room).message(message(topic, at, text)).unwrap().id;
            assert!(id.is_v7());
            assert!(ids.insert(id));
        }
    }

    #[test]
    fn words_that_were_said_twice_at_one_moment_are_two_messages() {
        let mut maker = maker(1);
        let first = maker.message(message("", 5, "hi")).unwrap().id;
        let second = maker.message(message("", 5, "hi")).unwrap().id;
        assert_ne!(first, second);
    }

    #[test]
    fn the_first_message_of_a_topic_is_the_head_of_its_thread() {
        let mut maker = maker(1);
        let head = maker.message(message("a", 1, "one")).unwrap();
        let other = maker.message(message("b", 2, "two")).unwrap();
        let later = maker.message(message("a", 3, "three")).unwrap();
        let alone = maker.message(message("", 4, "four")).unwrap();
        assert_eq!([&head, &other, &alone].map(thread), [None; 3]);
        assert_eq!(thread(&later), Some(head.id));
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
            maker.message(message("a", at, text)).unwrap_err();
        }
        let head = maker.message(message("a", 1, "x")).unwrap();
        assert_eq!(thread(&head), None);
    }

    #[test]
    fn what_has_a_name_elsewhere_is_found_by_it() {
        let origin = |name: &str| Origin {
            at: 5,
            name: name.into(),
        };
        let mut maker = maker(1);
        let head = ImportMessage {
            origin: Some(origin("a")),
            ..message("", 7, "one")
        };
        let head = maker.message(head).unwrap().id;
        let reply = ImportMessage {
            origin: Some(origin("b")),
            thread: Some(origin("a")),
            ..message("", 8, "two")
        };
        assert_eq!(thread(&maker.message(reply).unwrap()), Some(head));
        let change = |kind| {
            let change = ImportChange {
                line: 1,
                target: origin("a"),
                kind,
            };
            let ready = maker.change(change).unwrap();
            assert_eq!(Content::read(&ready.content).target(), Some(head));
            ready.id
        };
        let ids = [
            change(ChangeKind::Pin),
            change(ChangeKind::Reaction("👍".into())),
            change(ChangeKind::Reaction("🫖".into())),
        ];
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && !ids.contains(&head));
    }
}
