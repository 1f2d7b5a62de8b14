//! What others hold against the node's log: the replicas of the client cores, the logs of the bots.

use std::collections::BTreeMap;
use std::sync::Arc;

use landline_protocol::Content;

use super::*;
use crate::audit::bot::Bot;

/// Differences that are named in full.
const NAMED: usize = 5;

/// Somebody who follows the space.
#[derive(Debug)]
pub enum Held {
    Replica {
        name: String,
        database: PathBuf,
        me: MemberId,
    },
    Bot(Arc<Bot>),
}

impl Held {
    pub fn database(&self) -> Option<&Path> {
        match self {
            Self::Replica { database, .. } => Some(database),
            Self::Bot(_) => None,
        }
    }

    pub(super) fn me(&self) -> MemberId {
        match self {
            Self::Replica { me, .. } => *me,
            Self::Bot(bot) => bot.me,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Replica { name, .. } => name,
            Self::Bot(bot) => &bot.name,
        }
    }

    pub(super) fn compare(&self, ledger: &Ledger, log: &Log, node: &Path, rooms: &HashSet<RoomId>) {
        match self {
            Self::Replica { name, database, .. } => {
                compare_rows(ledger, name, log, &logs::events(database), rooms);
                rows::of_replica(ledger, name, node, database, rooms);
                let waiting = waiting(database);
                if waiting > 0 {
                    let what = format!("{waiting} wait in the outbox of {name}");
                    ledger.broken(Broken::Lost, what);
                }
            }
            Self::Bot(bot) => compare_bot(ledger, bot, log, rooms),
        }
    }

    /// What is still on its way: nothing once this is empty.
    fn lacks(&self, heads: &BTreeMap<RoomId, i64>, rooms: &HashSet<RoomId>) -> Option<String> {
        let (waiting, held) = match self {
            Self::Replica { database, .. } => (waiting(database), counts(database)),
            Self::Bot(bot) => {
                let state = bot.state();
                let logs = state.logs.iter();
                let logs = logs.map(|(room, log)| (*room, log.len() as i64)).collect();
                (state.outbox.len() as i64, logs)
            }
        };
        if waiting > 0 {
            return Some(format!("{}: {waiting} in the outbox", self.name()));
        }
        let of = rooms.iter();
        let mut behind = of.filter(|room| held.get(room) != heads.get(room));
        behind.next().map(|room| {
            let (held, head) = (held.get(room), heads.get(room));
            format!("{}: {room} has {held:?} of {head:?}", self.name())
        })
    }
}

/// Events that wait in outboxes, the rooms that they are for, and the messages that they change.
#[derive(Debug, Default)]
pub struct Waiting {
    pub(super) events: HashSet<EventId>,
    pub(super) rooms: HashSet<RoomId>,
    pub(super) about: HashSet<EventId>,
}

impl Waiting {
    /// In these replicas.
    pub fn read(databases: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut waiting = Self::default();
        for database in databases {
            let connection = logs::open(&database);
            let mut rows = connection
                .prepare("SELECT id, room, content FROM outbox")
                .unwrap();
            let rows = rows.query_map((), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
            });
            for (event, room, content) in rows.unwrap().map(Result::unwrap) {
                waiting.events.insert(EventId::from_bytes(event));
                waiting.rooms.insert(RoomId::from_bytes(room));
                let content: Content = serde_json::from_str(&content).unwrap();
                waiting.about.extend(content.target());
            }
        }
        waiting
    }
}

/// Nothing is on its way any more; else what is.
pub fn settled(node: &Path, held: &[Held]) -> Result<(), String> {
    let behind: i64 = logs::open(node)
        .query_row(
            "SELECT (SELECT coalesce(max(ref), 0) FROM event) - (SELECT ref FROM applied)",
            (),
            |row| row.get(0),
        )
        .unwrap();
    if behind > 0 {
        return Err(format!("the node's tables are {behind} events behind"));
    }
    let heads = counts(node);
    let lacks = held.iter().find_map(|held| {
        let rooms = rooms_of(node, held.me());
        held.lacks(&heads, &rooms)
    });
    lacks.map_or(Ok(()), Err)
}

/// The rooms that a member is in by the node's tables, and the directory. A room for everyone has no
/// members of its own.
pub fn rooms_of(node: &Path, me: MemberId) -> HashSet<RoomId> {
    let connection = logs::open(node);
    let mut rooms = connection
        .prepare(
            "SELECT room FROM member WHERE member = ?1 AND present = 1
             UNION SELECT room FROM room WHERE everyone = 1",
        )
        .unwrap();
    let rooms = rooms.query_map([me.as_bytes()], |row| row.get::<_, [u8; 16]>(0));
    let rooms = rooms.unwrap().map(Result::unwrap);
    rooms.map(RoomId::from_bytes).collect()
}

fn counts(database: &Path) -> BTreeMap<RoomId, i64> {
    let connection = logs::open(database);
    let mut rows = connection
        .prepare("SELECT room, count(*) FROM event GROUP BY room")
        .unwrap();
    let rows = rows.query_map((), |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?)));
    let rows = rows.unwrap().map(Result::unwrap);
    rows.map(|(room, count)| (RoomId::from_bytes(room), count))
        .collect()
}

/// Events that are still to go out. One that was refused for good waits for its author's word.
fn waiting(database: &Path) -> i64 {
    let count = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'unsettled')";
    logs::open(database)
        .query_row(count, (), |row| row.get(0))
        .unwrap()
}

fn compare_rows(ledger: &Ledger, name: &str, log: &Log, held: &[Row], rooms: &HashSet<RoomId>) {
    let mine = log.rows.iter().filter(|row| rooms.contains(&room(row)));
    let there: HashMap<&[u8], &Row> = held.iter().map(|row| (row.id.as_slice(), row)).collect();
    let differing = mine.filter(|row| there.get(row.id.as_slice()) != Some(row));
    tell(
        ledger,
        name,
        "differ or are missing",
        differing.map(Row::in_short),
    );
    // A room that one has left stays as it was: what is in it must be true, deletes apart.
    let beyond = held.iter().filter(|row| {
        let of_node = log.row(id(&row.id));
        of_node.is_none_or(|of_node| (of_node.seq, &of_node.room) != (row.seq, &row.room))
    });
    tell(
        ledger,
        name,
        "are not the node's",
        beyond.map(Row::in_short),
    );
}

fn compare_bot(ledger: &Ledger, bot: &Bot, log: &Log, rooms: &HashSet<RoomId>) {
    let state = bot.state();
    let empty = Vec::new();
    let mut differing = Vec::new();
    for rows in log.rows.chunk_by(|a, b| a.room == b.room) {
        let room = room(&rows[0]);
        if !rooms.contains(&room) {
            continue;
        }
        let held = state.logs.get(&room).unwrap_or(&empty);
        if held.len() != rows.len() {
            differing.push(format!("{room}: {} of {}", held.len(), rows.len()));
        }
        for (row, event) in rows.iter().zip(held) {
            let content: Value = serde_json::from_str(event.content.get()).unwrap();
            let same = id(&row.id) == event.id
                && row.seq as u64 == event.seq
                && row.author == event.author.as_bytes()
                && (row.sent_at, row.accepted_at) == (event.sent_at, event.accepted_at)
                // A bot does not drop what is deleted after it was told of it.
                && (row.content == content || log.dropped.contains_key(&event.id));
            if !same {
                differing.push(row.in_short());
            }
        }
    }
    tell(ledger, &bot.name, "differ or are missing", differing);
}

/// One violation for a replica, with some of its differences.
pub(super) fn tell(
    ledger: &Ledger,
    name: &str,
    what: &str,
    rows: impl IntoIterator<Item = String>,
) {
    let rows: Vec<String> = rows.into_iter().collect();
    if !rows.is_empty() {
        let some: Vec<_> = rows.iter().take(NAMED).collect();
        let what = format!("{name}: {} {what}: {some:#?}", rows.len());
        ledger.broken(Broken::Differing, what);
    }
}
