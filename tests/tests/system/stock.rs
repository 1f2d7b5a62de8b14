//! Two programs that know nothing but docs/protocol.md, on stock Socket.IO libraries, talk to each
//! other through a node that is killed and started again under them (`tests/stock`).

use std::collections::BTreeMap;
use std::process::Stdio;

use landline_client::command::BrowseRooms;
use landline_protocol::RoomId;
use landline_tests::deadline::{LONG, soon};
use landline_tests::{Dice, Node, Person, logs, programs};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn stock_clients_from_the_page_alone_talk_through_a_node_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::start(&folder.path().join("node"), &[]);
    let mut dice = Dice::new("stock");
    let stock = programs::workspace().join("tests/stock");
    let python = install().await;
    let mut programs = [
        Program::start(
            "node",
            Command::new("node").arg(stock.join("node/main.js")),
            &node,
        ),
        Program::start(
            "python",
            Command::new(python)
                .arg("-B")
                .arg(stock.join("python/main.py")),
            &node,
        ),
    ];

    let ana = Person::join("ana", &folder.path().join("ana"), node.address()).await;
    for program in &mut programs {
        program.until("chatter").await;
    }
    for _ in 0..2 {
        sleep(dice.millis(200..1_500)).await;
        node.kill();
        sleep(dice.millis(0..500)).await;
        node.start_again();
    }
    for program in &mut programs {
        program.until("arrived").await;
    }
    // Our own client reads what the two have done: edits, deletions and all.
    for name in ["room of node", "room of python"] {
        let browse = BrowseRooms {
            space: ana.space(),
            query: name.into(),
        };
        let found = ana.client().browse_rooms(browse).await.unwrap().rooms;
        ana.join_room(found[0].room).await;
    }
    ana.all_sent().await;
    let [node_js, python] = &mut programs;
    let seen = [node_js.finish().await, python.finish().await];
    ana.holds(&logs::events(&node.database())).await;
    node.stop();

    let stored = logs::events(&node.database());
    logs::assert_whole(&stored);
    for Seen { connections, rooms } in &seen {
        assert!(*connections >= 2, "the node was killed under it");
        for (room, events) in rooms {
            let room: RoomId = room.parse().unwrap();
            let of_room: Vec<_> = stored
                .iter()
                .filter(|row| row.room == room.as_bytes())
                .map(shown)
                .collect();
            assert_eq!(
                events, &of_room,
                "what a client holds of {room} is what the node has stored"
            );
        }
    }
    let rooms = |seen: &Seen| seen.rooms.keys().cloned().collect::<Vec<_>>();
    assert_eq!(rooms(&seen[0]), rooms(&seen[1]));
    assert_eq!(
        rooms(&seen[0]).len(),
        5,
        "the directory, general, a room of each, a direct one"
    );
}

/// A stored row as an event on the wire.
fn shown(row: &logs::Row) -> Value {
    let mut event = serde_json::json!({
        "seq": row.seq,
        "id": uuid::Uuid::from_slice(&row.id).unwrap(),
        "room": uuid::Uuid::from_slice(&row.room).unwrap(),
        "author": landline_protocol::MemberId::from_bytes(row.author.clone().try_into().unwrap()),
        "sent_at": row.sent_at,
        "accepted_at": row.accepted_at,
        "content": row.content,
    });
    if let Some(sig) = &row.sig {
        event["sig"] = sig.as_str().into();
    }
    event
}

/// Provides both libraries; the path of the Python that has its own.
async fn install() -> String {
    let script = programs::workspace().join("tests/stock/install.sh");
    let installing = Command::new(script)
        .arg(programs::target())
        .stderr(Stdio::inherit())
        .output();
    let output = timeout(LONG, installing).await.unwrap().unwrap();
    assert!(output.status.success(), "tests/stock/install.sh failed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What a program holds in the end.
#[derive(Debug, Deserialize)]
struct Seen {
    connections: u64,
    rooms: BTreeMap<String, Vec<Value>>,
}

struct Program {
    name: &'static str,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(name: &'static str, command: &mut Command, node: &Node) -> Self {
        let mut child = command
            .arg(node.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} can't be started: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { name, child, lines }
    }

    /// Reads on until this phase, and reports what was checked on the way.
    async fn until(&mut self, phase: &str) {
        while self.line().await["phase"] != phase {}
    }

    async fn finish(&mut self) -> Seen {
        self.child
            .stdin
            .take()
            .unwrap()
            .write_all(b"\n")
            .await
            .unwrap();
        let done = loop {
            let line = self.line().await;
            if line["done"] == true {
                break line;
            }
        };
        let status = soon("the program ends", self.child.wait()).await.unwrap();
        assert!(status.success(), "{}: {status}", self.name);
        serde_json::from_value(done).unwrap()
    }

    async fn line(&mut self) -> Value {
        let line = timeout(LONG, self.lines.next_line()).await;
        let line = line
            .unwrap_or_else(|_| panic!("{} says nothing more", self.name))
            .unwrap();
        let line = line.unwrap_or_else(|| panic!("{} has ended", self.name));
        let line: Value = serde_json::from_str(&line).unwrap();
        if let Some(checked) = line["checked"].as_str() {
            println!("{}: {checked}", self.name);
        }
        line
    }
}
