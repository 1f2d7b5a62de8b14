//! What the audit knows by itself: what was written, what was answered, what was shown. In the end
//! the disks must agree with it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard};

use landline_protocol::{EventId, MemberId, RoomId};
use serde_json::Value;

use crate::Dice;

/// Messages of a room that may be replied to, edited, deleted, …
const RECENT: usize = 100;
/// Violations of a kind that are told in words; all are counted.
const TOLD: u64 = 20;

/// A broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Broken {
    /// Answered, shown as sent or typed, and not stored, not as sent, or not there.
    Lost,
    Twice,
    OutOfOrder,
    /// A replica, a table or an index that is not what the node's log says.
    Differing,
    /// Anything else that must not be.
    Otherwise,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Twice => "twice",
            Self::OutOfOrder => "out of order",
            Self::Differing => "differing",
            Self::Otherwise => "otherwise wrong",
        })
    }
}

/// An event as its author wrote it.
#[derive(Debug, Clone)]
pub struct Written {
    pub author: MemberId,
    pub room: RoomId,
    pub content: Value,
    /// Rises in the order in which the author wrote.
    pub place: u64,
    pub fate: Fate,
}

/// What must have become of an event in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Stored, once.
    Stored,
    /// Taken back by its author: not stored, or deleted.
    Discarded,
    /// Refused with this code: not stored.
    Refused(String),
}

#[derive(Debug, Default)]
struct Records {
    written: HashMap<EventId, Written>,
    /// Messages that were edited, and the word that the edit brought.
    edits: Vec<(EventId, String)>,
    deletes: Vec<EventId>,
    /// Of those that are not to be stored; it may be known before the author's program has answered.
    fates: HashMap<EventId, Fate>,
    answered: HashSet<EventId>,
    at: HashMap<(RoomId, u64), EventId>,
    places: HashMap<EventId, (RoomId, u64)>,
    recent: HashMap<RoomId, VecDeque<(EventId, MemberId)>>,
    public: Vec<RoomId>,
    rooms: HashSet<RoomId>,
    needed: HashSet<RoomId>,
    people: Vec<MemberId>,
    tally: BTreeMap<&'static str, u64>,
    broken: BTreeMap<Broken, u64>,
}

/// Written by everybody who takes part.
#[derive(Debug, Default)]
pub struct Ledger {
    records: Mutex<Records>,
}

impl Ledger {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap()
    }

    /// The author's program has said that it keeps this event: from now on it must not be lost.
    pub fn wrote(&self, id: EventId, author: MemberId, room: RoomId, content: Value) {
        let mut records = self.records();
        let written = Written {
            author,
            room,
            content,
            place: records.written.len() as u64,
            fate: Fate::Stored,
        };
        if records.written.insert(id, written).is_some() {
            drop(records);
            self.broken(Broken::Twice, format!("two events were given the id {id}"));
        }
    }

    pub fn discarded(&self, id: EventId) {
        self.seal(id, Fate::Discarded);
    }

    pub fn refused(&self, id: EventId, code: &str, words: &str) {
        if !["not_found", "not_allowed", "conflict"].contains(&code) {
            let what = format!("{id} was refused for good: {code}, {words}");
            self.broken(Broken::Otherwise, what);
        }
        self.seal(id, Fate::Refused(code.to_owned()));
    }

    /// The author's program has said that it keeps this change of a message.
    pub fn edited(&self, message: EventId, word: String) {
        self.records().edits.push((message, word));
    }

    pub fn all_edits(&self) -> Vec<(EventId, String)> {
        self.records().edits.clone()
    }

    pub fn deleted(&self, message: EventId) {
        self.records().deletes.push(message);
    }

    pub fn all_deletes(&self) -> Vec<EventId> {
        self.records().deletes.clone()
    }

    fn seal(&self, id: EventId, fate: Fate) {
        self.records().fates.insert(id, fate);
    }

    /// The node has answered an `append` of this event, or its author's screen shows it as sent.
    pub fn answered(&self, by: &str, room: RoomId, seq: u64, id: EventId) {
        self.told(by, room, seq, id);
        self.records().answered.insert(id);
    }

    /// Somebody was told that this event stands there. It is for ever.
    pub fn told(&self, by: &str, room: RoomId, seq: u64, id: EventId) {
        let mut records = self.records();
        let there = *records.at.entry((room, seq)).or_insert(id);
        let place = *records.places.entry(id).or_insert((room, seq));
        drop(records);
        if there != id {
            let what = format!("{by} was told that {room} {seq} is {id}; it was {there} before");
            self.broken(Broken::OutOfOrder, what);
        }
        if place != (room, seq) {
            let what = format!("{by} was told that {id} is {room} {seq}; it was {place:?} before");
            self.broken(Broken::Twice, what);
        }
    }

    /// A message that others may be about.
    pub fn message(&self, room: RoomId, id: EventId, author: MemberId) {
        let mut records = self.records();
        let recent = records.recent.entry(room).or_default();
        if recent.iter().all(|(known, _)| *known != id) {
            recent.push_back((id, author));
            if recent.len() > RECENT {
                recent.pop_front();
            }
        }
    }

    pub fn gone(&self, room: RoomId, id: EventId) {
        if let Some(recent) = self.records().recent.get_mut(&room) {
            recent.retain(|(known, _)| *known != id);
        }
    }

    /// One of the last messages of a room, by this author if given.
    pub fn some_message(
        &self,
        dice: &mut Dice,
        room: RoomId,
        by: Option<MemberId>,
    ) -> Option<EventId> {
        let records = self.records();
        let of = records.recent.get(&room)?.iter();
        let fit: Vec<_> = of
            .filter(|(_, author)| by.is_none_or(|by| by == *author))
            .collect();
        dice.one_of(&fit).map(|(id, _)| *id)
    }

    /// A room that was made.
    pub fn room(&self, room: RoomId, public: bool) {
        let mut records = self.records();
        if records.rooms.insert(room) && public {
            records.public.push(room);
        }
    }

    /// Its creator's program has said that it keeps the creation of this room.
    pub fn must_be_there(&self, room: RoomId) {
        self.records().needed.insert(room);
    }

    pub fn all_needed_rooms(&self) -> HashSet<RoomId> {
        self.records().needed.clone()
    }

    pub fn person(&self, member: MemberId) {
        self.records().people.push(member);
    }

    pub fn people(&self) -> Vec<MemberId> {
        self.records().people.clone()
    }

    pub fn rooms(&self) -> usize {
        self.records().rooms.len()
    }

    pub fn some_public_room(&self, dice: &mut Dice) -> Option<RoomId> {
        dice.one_of(&self.records().public).copied()
    }

    pub fn count(&self, what: &'static str) {
        *self.records().tally.entry(what).or_default() += 1;
    }

    pub fn tally(&self) -> BTreeMap<&'static str, u64> {
        self.records().tally.clone()
    }

    pub fn broken(&self, what: Broken, words: impl fmt::Display) {
        let mut records = self.records();
        let number = records.broken.entry(what).or_default();
        *number += 1;
        if *number <= TOLD {
            println!("VIOLATION {what}: {words}");
        }
    }

    pub fn violations(&self) -> BTreeMap<Broken, u64> {
        self.records().broken.clone()
    }

    pub fn answers(&self) -> usize {
        self.records().answered.len()
    }

    /// Everything that was written, by id.
    pub fn all_written(&self) -> HashMap<EventId, Written> {
        let records = self.records();
        let mut written = records.written.clone();
        for (id, fate) in &records.fates {
            if let Some(written) = written.get_mut(id) {
                written.fate = fate.clone();
            }
        }
        written
    }

    /// Everything that somebody was told the place of.
    pub fn all_places(&self) -> HashMap<EventId, (RoomId, u64)> {
        self.records().places.clone()
    }
}
