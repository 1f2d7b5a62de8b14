//! What must hold at every quiet moment, by what lies on the disks.
//!
//! ```text
//! ledger (written, answered, shown) ──► the node's log ──► its tables, its index, every replica
//! ```
//! The log is compared with what the audit knows by itself; everything else with the log.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use landline_protocol::{EventId, MemberId, RoomId, content_hash};
use rusqlite::Connection;
use serde_json::Value;

use super::ledger::{Broken, Fate, Ledger, Written};
use super::words;
use crate::Dice;
use crate::logs::{self, Row};

mod log;
mod replica;
mod rows;
mod search;

pub use replica::{Held, Waiting, rooms_of, settled};
use search::Search;
pub use search::Wanted;

/// The node's log, read once.
#[derive(Debug)]
pub struct Log {
    pub rows: Vec<Row>,
    /// Where an id stands in `rows`.
    by_id: HashMap<EventId, usize>,
    /// Hashes of contents that a delete has dropped.
    dropped: HashMap<EventId, [u8; 32]>,
    /// Messages that somebody has deleted.
    deleted: HashSet<EventId>,
}

/// What a message must read like, by the log alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reads {
    text: String,
    edited: bool,
    deleted: bool,
}

impl Log {
    pub fn read(database: &Path) -> Self {
        let rows = logs::events(database);
        let by_id = rows.iter().enumerate();
        let by_id = by_id.map(|(at, row)| (id(&row.id), at)).collect();
        let deletes = rows.iter().filter(|row| row.kind == "delete");
        let deleted = deletes.filter_map(|row| row.target.as_deref().map(id));
        Self {
            deleted: deleted.collect(),
            by_id,
            dropped: dropped(database),
            rows,
        }
    }

    fn row(&self, id: EventId) -> Option<&Row> {
        self.by_id.get(&id).and_then(|at| self.rows.get(*at))
    }

    /// Every message as it must read now.
    fn messages(&self) -> HashMap<(RoomId, i64), Reads> {
        let mut messages = HashMap::new();
        let mut seqs = HashMap::new();
        for row in &self.rows {
            let target = row.target.as_ref().and_then(|target| seqs.get(target));
            match row.kind.as_str() {
                "message" => {
                    seqs.insert(row.id.clone(), row.seq);
                    let reads = Reads {
                        text: row.content["text"].as_str().unwrap_or_default().to_owned(),
                        edited: false,
                        deleted: self.dropped.contains_key(&id(&row.id)),
                    };
                    messages.insert((room(row), row.seq), reads);
                }
                "edit" => {
                    let message = target.and_then(|seq| messages.get_mut(&(room(row), *seq)));
                    if let Some(message) = message.filter(|message| !message.deleted) {
                        message.text = row.content["text"].as_str().unwrap_or_default().to_owned();
                        message.edited = true;
                    }
                }
                "delete" => {
                    if let Some(message) =
                        target.and_then(|seq| messages.get_mut(&(room(row), *seq)))
                    {
                        message.deleted = true;
                    }
                }
                _ => {}
            }
        }
        messages
    }
}

fn dropped(database: &Path) -> HashMap<EventId, [u8; 32]> {
    let connection = logs::open(database);
    let mut rows = connection
        .prepare("SELECT id, dropped FROM event WHERE dropped IS NOT NULL")
        .unwrap();
    let rows = rows.query_map((), |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)));
    let rows = rows.unwrap().map(Result::unwrap);
    rows.map(|(of, hash)| (id(&of), hash)).collect()
}

fn id(bytes: &[u8]) -> EventId {
    EventId::from_bytes(bytes.try_into().expect("an id has 16 bytes"))
}

fn room(row: &Row) -> RoomId {
    RoomId::from_bytes(row.room.as_slice().try_into().expect("an id has 16 bytes"))
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// In between: of the index, some words.
    Sample,
    /// In the end: every word, the files themselves, and the tables made anew.
    All,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Events that the node holds.
    pub events: usize,
    /// Some of the words that must be found by asking, and where: those without a place by nobody.
    pub words: Vec<Wanted>,
}

/// Compares everything. `away`: what those who are away have still to send.
pub fn all(
    ledger: &Ledger,
    node: &Path,
    held: &[Held],
    away: &Waiting,
    depth: Depth,
    dice: &mut Dice,
    scratch: &Path,
) -> Found {
    let log = Log::read(node);
    log::is_whole(ledger, &log);
    log::keeps_what_was_written(ledger, &log, away);
    log::keeps_what_was_changed(ledger, &log, away);
    log::is_what_was_told(ledger, &log);
    log::keeps_the_order_of_authors(ledger, &log);
    let messages = log.messages();
    rows::of_node(ledger, &log, &messages, node);
    let search = Search::new(ledger, &messages, depth);
    search.finds(ledger, "node", node, None, dice);
    for held in held {
        let rooms = replica::rooms_of(node, held.me());
        held.compare(ledger, &log, node, &rooms);
        if let Held::Replica { name, database, .. } = held {
            search.finds(ledger, name, database, Some(&rooms), dice);
        }
    }
    if depth == Depth::All {
        rows::are_the_same_made_anew(ledger, node, scratch);
        let databases = held.iter().filter_map(Held::database).chain([node]);
        databases.for_each(|database| rows::file_is_sound(ledger, database));
    }
    Found {
        events: log.rows.len(),
        words: search.some(dice),
    }
}
