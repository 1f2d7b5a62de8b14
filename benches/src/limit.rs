//! The practical limit: what a server could carry that does nothing but store and relay.
//!
//! Bare sockets, one frame encoded once for a room and commit, SQLite with `synchronous=FULL` before
//! anything is answered or relayed. No identity, no access, no limits, no order but arrival. It
//! speaks just enough Socket.IO for the same load to drive it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use rusqlite::Connection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};

/// Messages that share a commit at most.
const BATCH: usize = 500;
/// Messages that may wait for the writer.
const QUEUE: usize = 4_096;
/// Frames that may wait for one socket.
const FRAMES: usize = 1_024;

struct Message {
    author: usize,
    ack: u64,
    room: String,
    /// A JSON string, as it arrived.
    text: String,
}

struct Person {
    room: String,
    frames: mpsc::Sender<Bytes>,
}

type People = Rc<RefCell<HashMap<usize, Person>>>;

/// Serves until the process is killed; prints `{"port":N}` when it listens.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let connection = Connection::open(data.path().join("limit.sqlite"))?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE message (seq INTEGER PRIMARY KEY, room TEXT, author INTEGER, text TEXT) STRICT;",
    )?;
    let (write, waiting) = sync_channel(QUEUE);
    let (written, commits) = mpsc::channel(QUEUE);
    std::thread::spawn(move || store(&connection, &waiting, &written));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{{\"port\":{}}}", listener.local_addr()?.port());
    let people = People::default();
    let local = LocalSet::new();
    local.spawn_local(relay(people.clone(), commits));
    local
        .run_until(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (people, write) = (people.clone(), write.clone());
                spawn_local(async move {
                    // Its end is the load's business: it counts what it gets.
                    let _ = attend(number, stream, &people, &write).await;
                    people.borrow_mut().remove(&number);
                });
            }
            anyhow::Ok(())
        })
        .await
}

fn store(
    connection: &Connection,
    waiting: &Receiver<Message>,
    written: &mpsc::Sender<Vec<Message>>,
) {
    const INSERT: &str = "INSERT INTO message (room, author, text) VALUES (?1, ?2, ?3)";
    while let Ok(first) = waiting.recv() {
        let batch: Vec<Message> = std::iter::once(first)
            .chain(waiting.try_iter())
            .take(BATCH)
            .collect();
        let commit = || -> rusqlite::Result<()> {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            let mut insert = connection.prepare_cached(INSERT)?;
            for message in &batch {
                insert.execute((&message.room, message.author as u32, &message.text))?;
            }
            connection.execute_batch("COMMIT")
        };
        if commit().is_err() || written.blocking_send(batch).is_err() {
            return;
        }
    }
}

async fn relay(people: People, mut commits: mpsc::Receiver<Vec<Message>>) {
    while let Some(batch) = commits.recv().await {
        let mut answers: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let mut rooms: BTreeMap<&str, String> = BTreeMap::new();
        for message in &batch {
            let answer = format!("43{}[{{\"ok\":true}}]", message.ack);
            frame(answers.entry(message.author).or_default(), &answer);
            let room = rooms
                .entry(&message.room)
                .or_insert_with(|| "42[\"receive message\",[".into());
            if !room.ends_with('[') {
                room.push(',');
            }
            room.push_str(&message.text);
        }
        let people = people.borrow();
        for (author, answers) in answers {
            if let Some(person) = people.get(&author) {
                let _ = person.frames.try_send(answers.into());
            }
        }
        for (room, mut packet) in rooms {
            packet.push_str("]]");
            let mut bytes = Vec::with_capacity(packet.len() + 10);
            frame(&mut bytes, &packet);
            let bytes = Bytes::from(bytes);
            for person in people.values().filter(|person| person.room == room) {
                let _ = person.frames.try_send(bytes.clone());
            }
        }
    }
}

async fn attend(
    number: usize,
    stream: TcpStream,
    people: &People,
    write: &SyncSender<Message>,
) -> anyhow::Result<()> {
    let (mut reader, writer) = stream.into_split();
    let (frames, waiting) = mpsc::channel(FRAMES);
    let mut read = Vec::new();
    while memchr::memmem::find(&read, b"\r\n\r\n").is_none() {
        more(&mut reader, &mut read).await?;
    }
    read.clear();
    let mut hello =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            .to_vec();
    frame(&mut hello, "0{}");
    frames.send(hello.into()).await?;
    spawn_local(send(writer, waiting));
    let mut room = String::new();
    loop {
        let packet = next(&mut reader, &mut read).await?;
        if packet == "40" {
            let mut connected = Vec::new();
            frame(&mut connected, "40{}");
            frames.send(connected.into()).await?;
            continue;
        }
        let Some((ack, rest)) = packet
            .strip_prefix("42")
            .and_then(|rest| rest.split_once('['))
        else {
            continue;
        };
        let ack = ack.parse()?;
        if let Some(text) = rest.strip_prefix("\"send message\",") {
            let text = text.strip_suffix(']').context("a packet")?.to_owned();
            let room = room.clone();
            // A full queue is the load's own fault here: it never has that many unanswered.
            write
                .try_send(Message {
                    author: number,
                    ack,
                    room,
                    text,
                })
                .map_err(|_| anyhow::anyhow!("too much waits"))?;
        } else if let Some(joined) = rest.strip_prefix("\"join room\",") {
            let joined: serde_json::Value =
                serde_json::from_str(joined.strip_suffix(']').unwrap_or_default())?;
            room = joined["room"].as_str().unwrap_or_default().to_owned();
            let person = Person {
                room: room.clone(),
                frames: frames.clone(),
            };
            people.borrow_mut().insert(number, person);
            let mut answer = Vec::new();
            frame(&mut answer, &format!("43{ack}[{{\"ok\":true}}]"));
            frames.send(answer.into()).await?;
        }
    }
}

/// Writes what waits, joined: one write to a socket costs more than many bytes in it.
async fn send(mut writer: OwnedWriteHalf, mut waiting: mpsc::Receiver<Bytes>) {
    while let Some(first) = waiting.recv().await {
        let written = match waiting.try_recv() {
            Err(_) => writer.write_all(&first).await,
            Ok(second) => {
                let mut joined = [first, second].concat();
                while let Ok(more) = waiting.try_recv() {
                    joined.extend_from_slice(&more);
                }
                writer.write_all(&joined).await
            }
        };
        if written.is_err() {
            return;
        }
    }
}

/// The next text frame of a client whose mask is zeros.
async fn next(reader: &mut OwnedReadHalf, read: &mut Vec<u8>) -> anyhow::Result<String> {
    loop {
        let (head, length) = match read.get(1).map(|length| length & 0x7f) {
            Some(126) => match read.get(2..4).and_then(|bytes| bytes.try_into().ok()) {
                Some(bytes) => (8, usize::from(u16::from_be_bytes(bytes))),
                None => (usize::MAX, 0),
            },
            Some(127) => bail!("a frame above 64 KiB"),
            Some(length) => (6, usize::from(length)),
            None => (usize::MAX, 0),
        };
        if head != usize::MAX && read.len() >= head + length {
            let frame: Vec<u8> = read.drain(..head + length).skip(head).collect();
            return Ok(String::from_utf8(frame)?);
        }
        more(reader, read).await?;
    }
}

async fn more(reader: &mut OwnedReadHalf, read: &mut Vec<u8>) -> anyhow::Result<()> {
    if reader.read_buf(read).await? == 0 {
        bail!("the client has gone");
    }
    Ok(())
}

/// Adds a text frame.
fn frame(out: &mut Vec<u8>, text: &str) {
    out.push(0x81);
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length), _) if length < 126 => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}
