//! Clients that mean no good beside two that do: the node stays small, the two notice nothing.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use landline_protocol::limits::{PACKET_TO_NODE_BYTES, TEXT_BYTES};
use landline_protocol::{RoomId, up::SignedIn};
use landline_tests::raw::Raw;
use landline_tests::{Lan, Node, Person, logs};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

/// Each of the two writes so many.
const CHATTER: usize = 60;
/// Memory that the node may have at most while it is abused, unoptimised as in tests: some
/// megabytes of its own, and bounded queues.
const RESIDENT_BYTES: u64 = 128 * 1024 * 1024;
/// Connections that say nothing.
const SILENT: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_neither_grows_the_node_nor_troubles_others() {
    let lan = Lan::with(&["--join-rate", "0"]);
    let (ana, ben) = (lan.person("ana").await, lan.person("ben").await);
    let general = ana.room("general").await;
    let history: Vec<String> = (0..180)
        .map(|n| format!("{n} {}", "x".repeat(TEXT_BYTES - 8)))
        .collect();
    for text in &history {
        ana.write(general, text).await;
    }
    ana.all_sent().await;

    let node = lan.node.address();
    let abuse = async {
        tokio::join!(
            oversized(node),
            nonsense(node),
            silent(node),
            deaf(node, general),
            flood(node, general),
        )
    };
    let chatter = async {
        for n in 1..=CHATTER {
            for person in [&ana, &ben] {
                person
                    .write(general, &format!("{} {n}", person.name()))
                    .await;
                sleep(Duration::from_millis(60)).await;
            }
        }
    };
    let peak = Cell::new(0);
    tokio::select! {
        () = watched(&lan.node, &peak) => {}
        _ = async { tokio::join!(abuse, chatter) } => {}
    }
    println!("the node had at most {} MiB", peak.get() >> 20);

    for person in [&ana, &ben] {
        person.all_sent().await;
        assert_eq!(
            person.proxy().accepted(),
            1,
            "{} was never disconnected",
            person.name()
        );
    }
    let stored = logs::events(&lan.node.database());
    logs::assert_whole(&stored);
    for person in [&ana, &ben] {
        person.holds(&stored).await;
        assert_in_order(person, general).await;
    }
    assert!(
        stored
            .iter()
            .filter_map(logs::Row::text)
            .all(|text| !text.contains("abuse"))
    );
}

/// Goes on until it fails: the node has grown too much, or is gone.
async fn watched(node: &Node, peak: &Cell<u64>) {
    loop {
        let resident = node.resident_bytes();
        assert!(
            resident < RESIDENT_BYTES,
            "the node has grown to {} MiB",
            resident >> 20
        );
        peak.set(peak.get().max(resident));
        sleep(Duration::from_millis(20)).await;
    }
}

async fn assert_in_order(person: &Person, room: RoomId) {
    let texts = person.texts(room).await;
    for name in ["ana", "ben"] {
        let of = texts.iter().filter(|text| text.starts_with(name));
        assert!(
            of.eq(&(1..=CHATTER)
                .map(|n| format!("{name} {n}"))
                .collect::<Vec<_>>())
        );
    }
}

/// Packets over the size, in one frame and in pieces: the connection ends.
async fn oversized(node: SocketAddr) {
    for bytes in [PACKET_TO_NODE_BYTES + 1, 4 << 20, 20 << 20] {
        let (mut raw, _) = Raw::sign_in(node, 1).await;
        let text = "a".repeat(bytes);
        // The node may close before all of it is written.
        let _ = raw
            .emit("append", &json!({ "events": [], "abuse": text }))
            .await;
        raw.is_closed().await;
    }
}

/// What is not HTTP, not WebSocket, not Engine.IO, not Socket.IO, not in its order, not JSON.
async fn nonsense(node: SocketAddr) {
    let deep = format!(
        "42[\"append\",{}{}]",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let texts = [
        "",
        "9",
        "4",
        "42",
        "42[",
        "42[]",
        "42[7,{}]",
        "42[\"append\"]",
        "42[\"append\",null]",
        "451-[\"append\",{\"_placeholder\":true,\"num\":0}]",
        "461-",
        "40/other,",
        "43[]",
        "44{}",
        "42999999999999999999[\"append\",{}]",
        "41",
        "1",
        "3probe",
        "5",
        "\u{0}",
        &deep,
    ];
    for text in texts {
        for connect in [false, true] {
            let mut raw = Raw::open(node).await.unwrap();
            if connect {
                raw.write("40").await.unwrap();
                let _: Value = raw.event("welcome").await;
            }
            // Either may find the connection closed already.
            let _ = raw.write(text).await;
            let _ = raw.emit("append", &json!({ "events": "abuse" })).await;
        }
    }
    for frame in [
        Message::binary(vec![0xff; 64]),
        Message::binary(Vec::new()),
        Message::Pong(vec![0; 125].into()),
    ] {
        let (mut raw, _) = Raw::sign_in(node, 1).await;
        let _ = raw.frame(frame).await;
    }
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        &[0xff; 4096],
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(node).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // An answer, a closed connection or nothing: all the same.
        let _ = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut [0; 64])).await;
    }
}

/// Connections that are opened and never say a word.
async fn silent(node: SocketAddr) {
    let streams = join_all((0..SILENT).map(|_| TcpStream::connect(node))).await;
    sleep(Duration::from_secs(3)).await;
    drop(streams);
}

/// Asks for megabytes again and again and never reads an answer.
async fn deaf(node: SocketAddr, room: RoomId) {
    let (mut raw, _): (_, SignedIn) = Raw::sign_in(node, 2).await;
    for n in 0..600 {
        let fetch = json!({ "room": room, "limit": 500, "after": 0, "rid": n.to_string() });
        let written = tokio::time::timeout(Duration::from_secs(1), raw.emit("fetch", &fetch)).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
        sleep(Duration::from_millis(8)).await;
    }
}

/// Thousands of small requests a second, good and bad, as fast as they can be written.
async fn flood(node: SocketAddr, room: RoomId) {
    let (mut raw, _) = Raw::sign_in(node, 3).await;
    for n in 0..5_000 {
        let (event, payload) = match n % 4 {
            0 => ("typing", json!({ "room": room, "on": n % 8 == 0 })),
            1 => ("append", json!({ "events": [{ "abuse": n }] })),
            2 => ("no_such_event", json!({})),
            _ => ("search", json!({ "query": "abuse OR * \" NEAR(" })),
        };
        if raw.emit(event, &payload).await.is_err() {
            return;
        }
    }
}
