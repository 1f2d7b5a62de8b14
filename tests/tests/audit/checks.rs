//! The checks of the audit can fail: each kind of damage, done by hand, is found.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use landline_protocol::{
    Content, Delete, Edit, Event, EventId, MemberId, Message, RoomCreated, RoomId, RoomKind,
};
use landline_store::{Check, Connection, Durability, Options, Store, apply, log};
use landline_tests::Dice;
use landline_tests::audit::check::{self, Depth, Held, Waiting};
use landline_tests::audit::ledger::{Broken, Ledger};
use serde_json::json;
use tempfile::TempDir;

const ANN: MemberId = MemberId::from_bytes([0xA1; 32]);
const ROOM: RoomId = RoomId::from_bytes([7; 16]);

/// A node's database, a replica that is its copy, and what the audit knows of them.
struct World {
    folder: TempDir,
    ledger: Ledger,
}

fn id(seq: u64) -> EventId {
    EventId::from_bytes([seq as u8; 16])
}

fn text(text: &str) -> Content {
    Content::Message(Message {
        text: text.to_owned(),
        ..Message::default()
    })
}

impl World {
    async fn new() -> Self {
        let world = Self {
            folder: TempDir::new().unwrap(),
            ledger: Ledger::default(),
        };
        let options = Options {
            durability: Durability::Full,
            check: Check::AfterUncleanStop,
            readers: 1,
        };
        let store = Store::open(&world.database("node"), options).unwrap();
        store.close().await.unwrap();
        let created = Content::RoomCreated(RoomCreated {
            kind: RoomKind::Private,
            name: "room".into(),
            topic: String::new(),
            members: vec![ANN],
            everyone: false,
        });
        let contents = [
            created,
            text("one zq1qz"),
            text("two zq2qz"),
            text("three zq3qz"),
            Content::Edit(Edit {
                target: id(2),
                text: "one again zq4qz".into(),
                mentions: Vec::new(),
            }),
            Content::Delete(Delete { target: id(3) }),
        ];
        let node = Connection::open(world.database("node")).unwrap();
        for (seq, content) in (1..).zip(&contents) {
            world.append(&node, seq, content);
        }
        while apply::catch_up(&node, 100).unwrap() {}
        drop(node);
        fs::copy(world.database("node"), world.database("replica")).unwrap();
        world
    }

    fn append(&self, node: &Connection, seq: u64, content: &Content) {
        let event = Event {
            seq,
            id: id(seq),
            room: ROOM,
            author: ANN,
            sent_at: 1_000,
            accepted_at: 2_000 + seq as i64,
            content: content.to_raw().unwrap(),
            sig: None,
        };
        log::insert(node, &event).unwrap();
        self.ledger.wrote(event.id, ANN, ROOM, json!(content));
        self.ledger.answered("ann", ROOM, seq, event.id);
    }

    fn database(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.sqlite"))
    }

    /// What the checks complain of after this was done to a database.
    fn broken_by(&self, name: &str, sql: &str) -> BTreeSet<Broken> {
        let database = Connection::open(self.database(name)).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        let held = [Held::Replica {
            name: "replica".into(),
            database: self.database("replica"),
            me: ANN,
        }];
        let (node, folder) = (self.database("node"), self.folder.path());
        let mut dice = Dice::seeded(1);
        let nobody = Waiting::default();
        check::all(
            &self.ledger,
            &node,
            &held,
            &nobody,
            Depth::All,
            &mut dice,
            folder,
        );
        self.ledger.violations().into_keys().collect()
    }
}

#[tokio::test]
async fn where_nothing_is_wrong_nothing_is_found() {
    let broken = World::new().await.broken_by("node", "");
    assert_eq!(broken, BTreeSet::new());
}

#[tokio::test]
async fn an_edit_that_the_next_took_the_place_of_is_not_lost_and_the_last_one_is() {
    let world = World::new().await;
    world.ledger.edited(id(2), "zq8qz".into());
    world.ledger.edited(id(2), "zq4qz".into());
    assert_eq!(world.broken_by("node", ""), BTreeSet::new());
    world.ledger.edited(id(2), "zq9qz".into());
    assert_eq!(world.broken_by("node", ""), BTreeSet::from([Broken::Lost]));
}

#[tokio::test]
async fn each_kind_of_damage_is_found() {
    use Broken::{Differing, Lost, OutOfOrder, Twice};
    let damages = [
        ("node", "DELETE FROM event WHERE seq = 4", Lost),
        (
            "node",
            r#"UPDATE event SET content = '{"type":"message","text":"other"}' WHERE seq = 4"#,
            Lost,
        ),
        (
            "node",
            "UPDATE event SET dropped = zeroblob(32) WHERE seq = 3",
            Lost,
        ),
        (
            "node",
            "UPDATE event SET author = zeroblob(32) WHERE seq = 2",
            Lost,
        ),
        (
            "node",
            "UPDATE event SET seq = 9 WHERE seq = 2; UPDATE event SET seq = 2 WHERE seq = 4;
             UPDATE event SET seq = 4 WHERE seq = 9",
            OutOfOrder,
        ),
        (
            "node",
            "UPDATE event SET accepted_at = 1 WHERE seq = 4",
            OutOfOrder,
        ),
        (
            "node",
            "INSERT INTO event (room, seq, id, author, sent_at, accepted_at, type, content)
             SELECT room, 7, randomblob(16), author, sent_at, 3000, type, content FROM event
             WHERE seq = 4",
            Twice,
        ),
        (
            "node",
            "UPDATE message SET text = 'other' WHERE seq = 4",
            Differing,
        ),
        ("node", "UPDATE member SET seq = 2", Differing),
        (
            "node",
            "INSERT INTO message_fts (message_fts, rowid, text)
             SELECT 'delete', docid, text FROM message WHERE seq = 4",
            Differing,
        ),
        ("replica", "DELETE FROM event WHERE seq = 4", Differing),
        (
            "replica",
            "UPDATE event SET sent_at = 7 WHERE seq = 4",
            Differing,
        ),
        (
            "replica",
            "UPDATE message SET pinned = 1 WHERE seq = 4",
            Differing,
        ),
        (
            "replica",
            "INSERT INTO message_fts (rowid, text)
             SELECT docid, 'zq2qz' FROM message WHERE seq = 3",
            Differing,
        ),
        (
            "replica",
            "INSERT INTO outbox (id, position, room, sent_at, content, state, tries)
             VALUES (randomblob(16), 1, randomblob(16), 1, '{}', 'queued', 0)",
            Lost,
        ),
    ];
    for (database, sql, expected) in damages {
        let broken = World::new().await.broken_by(database, sql);
        assert!(broken.contains(&expected), "{broken:?} by {sql}");
    }
}
