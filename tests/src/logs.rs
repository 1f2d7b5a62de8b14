//! What lies on the disks: the event tables of nodes and replicas, to be compared.

use std::path::{Path, PathBuf};

use landline_protocol::{RoomId, SpaceId};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::deadline::{LONG, within};

/// One row of `event`, all of it but `ref`, which is each database's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub room: Vec<u8>,
    pub seq: i64,
    pub id: Vec<u8>,
    pub author: Vec<u8>,
    pub sent_at: i64,
    pub accepted_at: i64,
    pub kind: String,
    pub target: Option<Vec<u8>>,
    /// Parsed: a client's Socket.IO library may have put the fields into another order.
    pub content: Value,
    pub sig: Option<String>,
}

impl Row {
    /// For messages of failed tests.
    pub fn in_short(&self) -> String {
        let content: String = self.content.to_string().chars().take(60).collect();
        let room = uuid::Uuid::from_slice(&self.room).unwrap();
        format!("{room} {} {content} sig {}", self.seq, self.sig.is_some())
    }

    /// The text of a message; else nothing.
    pub fn text(&self) -> Option<String> {
        (self.kind == "message").then(|| self.content["text"].as_str().unwrap().to_owned())
    }
}

/// Where a client with this data folder keeps its replica of a space.
pub fn replica(data: &Path, space: SpaceId) -> PathBuf {
    data.join("spaces")
        .join(space.to_string())
        .join("replica.db")
}

/// Events that wait in a replica's outbox.
pub fn outbox(database: &Path) -> i64 {
    let count = "SELECT count(*) FROM outbox";
    open(database)
        .query_row(count, (), |row| row.get(0))
        .unwrap()
}

/// To read; the program it belongs to may be running.
pub fn open(database: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(database, flags)
        .unwrap_or_else(|error| panic!("{}: {error}", database.display()));
    connection.busy_timeout(crate::deadline::SOON).unwrap();
    connection
}

/// All logs of a database, by room and seq.
pub fn events(database: &Path) -> Vec<Row> {
    let connection = open(database);
    let mut rows = connection
        .prepare(
            "SELECT room, seq, id, author, sent_at, accepted_at, type, target, content, sig
             FROM event ORDER BY room, seq",
        )
        .unwrap();
    let rows = rows.query_map((), |row| {
        Ok(Row {
            room: row.get(0)?,
            seq: row.get(1)?,
            id: row.get(2)?,
            author: row.get(3)?,
            sent_at: row.get(4)?,
            accepted_at: row.get(5)?,
            kind: row.get(6)?,
            target: row.get(7)?,
            content: serde_json::from_str(row.get_ref(8)?.as_str()?).unwrap(),
            sig: row.get(9)?,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// All logs of a node that runs, once all that follows from them does: that a delete has dropped
/// contents, among others.
pub async fn at_rest(database: &Path) -> Vec<Row> {
    within(LONG, "the node's tables follow its logs", async || {
        let behind = "SELECT (SELECT max(ref) FROM event) - (SELECT ref FROM applied)";
        let behind: i64 = open(database)
            .query_row(behind, (), |row| row.get(0))
            .unwrap();
        (behind == 0).then_some(())
    })
    .await;
    events(database)
}

/// The log of one room.
pub fn room_events(database: &Path, room: RoomId) -> Vec<Row> {
    let mut rows = events(database);
    rows.retain(|row| row.room == room.as_bytes());
    rows
}

/// Every log must be numbered 1, 2, 3, … and hold no id twice.
pub fn assert_whole(rows: &[Row]) {
    let mut ids: Vec<_> = rows.iter().map(|row| &row.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), rows.len(), "an id stands twice");
    for room in rows.chunk_by(|a, b| a.room == b.room) {
        let seqs: Vec<i64> = room.iter().map(|row| row.seq).collect();
        assert_eq!(
            seqs,
            (1..=room.len() as i64).collect::<Vec<_>>(),
            "a log has a hole"
        );
    }
}

/// What follows from a room's log, as text: messages as they read now, mentions, reactions, the
/// room itself and who is in it. Without what means something in one file only.
pub fn derived(database: &Path, room: RoomId) -> Vec<String> {
    const TABLES: &[(&str, &str)] = &[
        (
            "message",
            "seq, author, text, edited, deleted, pinned, reply_to, thread, mentions, files",
        ),
        ("mention", "seq, member"),
        ("reaction", "target, member, emoji, is_on, seq"),
        ("room", "kind, everyone, creator, name, topic, archived"),
        ("member", "member, present, removed, seq"),
    ];
    let connection = open(database);
    let mut rows = Vec::new();
    for (table, columns) in TABLES {
        let sql = format!("SELECT {columns} FROM {table} WHERE room = ?1");
        let mut statement = connection.prepare(&sql).unwrap();
        let width = statement.column_count();
        let mut found = statement.query([room.as_bytes()]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values: Vec<String> = (0..width)
                .map(|column| format!("{:?}", row.get_ref(column).unwrap()))
                .collect();
            rows.push(format!("{table} {}", values.join(" ")));
        }
    }
    rows.sort();
    rows
}
