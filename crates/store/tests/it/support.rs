//! People, rooms and logs to test with.

use std::path::PathBuf;
use std::sync::OnceLock;

use landline_protocol::{Content, Event, EventId, MemberId, Message, NewEvent, RoomId, SpaceId};
use landline_store::{Check, Connection, Durability, Options, Store, apply, log};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const OPTIONS: Options = Options {
    durability: Durability::Full,
    check: Check::AfterUncleanStop,
    readers: 2,
};
/// When the first event of a test is accepted: milliseconds.
pub(crate) const START: i64 = 1_763_640_000_000;

pub(crate) fn member(number: u8) -> MemberId {
    MemberId::from_bytes([number; 32])
}

pub(crate) fn ann() -> MemberId {
    member(0xA1)
}

pub(crate) fn ben() -> MemberId {
    member(0xB2)
}

pub(crate) fn cho() -> MemberId {
    member(0xC3)
}

pub(crate) fn space() -> SpaceId {
    SpaceId::from_uuid(Uuid::from_u128(0x5))
}

pub(crate) fn room(number: u128) -> RoomId {
    RoomId::from_uuid(Uuid::from_u128(0x1000 + number))
}

/// The id of the event that [`event`] puts in this place.
pub(crate) fn event_id(room: RoomId, seq: u64) -> EventId {
    EventId::from_uuid(Uuid::from_u128(
        (room.uuid().as_u128() << 64) | u128::from(seq),
    ))
}

pub(crate) fn raw(content: &Content) -> Box<RawValue> {
    content.to_raw().unwrap()
}

pub(crate) fn json(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

pub(crate) fn event(room: RoomId, seq: u64, author: MemberId, content: &Content) -> Event {
    raw_event(room, seq, author, raw(content))
}

pub(crate) fn raw_event(room: RoomId, seq: u64, author: MemberId, content: Box<RawValue>) -> Event {
    let accepted_at = START + i64::try_from(seq).unwrap();
    Event {
        seq,
        id: event_id(room, seq),
        room,
        author,
        sent_at: accepted_at - 7,
        accepted_at,
        content,
        sig: Some("s".repeat(86)),
    }
}

pub(crate) fn new_event(event: &Event) -> NewEvent {
    NewEvent {
        id: event.id,
        room: event.room,
        sent_at: event.sent_at,
        content: event.content.clone(),
        sig: event.sig.clone(),
    }
}

pub(crate) fn text(text: &str) -> Content {
    Content::Message(Message {
        text: text.to_owned(),
        ..Message::default()
    })
}

/// A store in a folder of its own.
pub(crate) fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("space.db"), OPTIONS).unwrap();
    (folder, store)
}

/// The tables of a new store, on a connection of the test's own.
pub(crate) fn tables() -> Tables {
    static NEW: OnceLock<Vec<u8>> = OnceLock::new();
    let new = NEW.get_or_init(|| {
        let (folder, store) = store();
        let path = store.path().to_owned();
        block_on(store.close()).unwrap();
        let bytes = std::fs::read(path).unwrap();
        drop(folder);
        bytes
    });
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("space.db");
    std::fs::write(&path, new).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA synchronous = OFF; BEGIN")
        .unwrap();
    Tables {
        connection,
        _folder: folder,
    }
}

pub(crate) struct Tables {
    connection: Connection,
    _folder: TempDir,
}

impl std::ops::Deref for Tables {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Logs and applies.
pub(crate) fn take(c: &Connection, event: &Event) {
    log::insert(c, event).unwrap();
    apply::apply(c, event).unwrap();
}

/// Logs and applies what these people write in a room, from `seq` 1.
pub(crate) fn write(c: &Connection, room: RoomId, contents: &[(MemberId, Content)]) -> Vec<Event> {
    let mut events = Vec::new();
    for (seq, (author, content)) in (1..).zip(contents) {
        let event = event(room, seq, *author, content);
        take(c, &event);
        events.push(event);
    }
    events
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Every row that follows from the log, and the log, as text; without what only means something
/// within one file (`ref`, `docid`).
pub(crate) fn dump(c: &Connection) -> String {
    const TABLES: &[(&str, &str)] = &[
        (
            "event",
            "room, seq, id, author, sent_at, accepted_at, type, target, content, sig, dropped",
        ),
        (
            "message",
            "room, seq, author, text, edited, deleted, pinned, reply_to, thread, mentions, files,
             imported_name, imported_at",
        ),
        ("mention", "room, seq, member"),
        ("reaction", "target, member, emoji, room, is_on, seq"),
        ("room", "*"),
        ("member", "*"),
        ("person", "*"),
        ("space", "*"),
    ];
    let mut dump = String::new();
    for (table, columns) in TABLES {
        let mut statement = c
            .prepare(&format!("SELECT {columns} FROM {table} ORDER BY 1, 2, 3"))
            .unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            dump += table;
            for column in 0..width {
                dump += &format!(" {:?}", row.get_ref(column).unwrap());
            }
            dump.push('\n');
        }
    }
    dump
}

/// The index holds the words of the messages, no more and no less.
pub(crate) fn check_index(c: &Connection) {
    c.execute_batch("INSERT INTO message_fts (message_fts, rank) VALUES ('integrity-check', 1)")
        .unwrap();
}

/// A file of the tests' own.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}
