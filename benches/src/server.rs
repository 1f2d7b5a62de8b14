//! The servers as real processes, and how a client enters and writes in each.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use landline_protocol::sign_in_text;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::machine::{self, Side};
use crate::raw::Raw;

/// Which program is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// socket.io on Node.js, in memory.
    Tutorial,
    /// `landline-node`, durable before it answers.
    Landline,
    /// See [`crate::limit`].
    Limit,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tutorial => "tutorial server (Node.js, in memory)",
            Self::Landline => "landline-node (SQLite, FULL)",
            Self::Limit => "practical limit (bare sockets, SQLite, FULL)",
        }
    }

    /// How the packets begin that bring a room's messages.
    pub(crate) fn relays(self, room: &str) -> Vec<u8> {
        match self {
            Self::Tutorial | Self::Limit => b"42[\"receive message\"".to_vec(),
            Self::Landline => format!("42[\"events\",{{\"room\":\"{room}\"").into_bytes(),
        }
    }
}

/// A running server; its process ends with this value.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: String,
    process: Child,
    data: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> anyhow::Result<Self> {
        Self::start_with(kind, None).await
    }

    /// On whatever core there is: where server and load are one pipeline, no core is idle.
    pub(crate) async fn start_anywhere(kind: Kind) -> anyhow::Result<Self> {
        Self::spawn(kind, None, false).await
    }

    /// With `slow_fsync.c` loaded before all others, and the microseconds it waits.
    pub(crate) async fn start_with(
        kind: Kind,
        slow_fsync: Option<(&Path, &str)>,
    ) -> anyhow::Result<Self> {
        Self::spawn(kind, slow_fsync, true).await
    }

    async fn spawn(
        kind: Kind,
        slow_fsync: Option<(&Path, &str)>,
        on_its_core: bool,
    ) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = command(kind, data.path())?;
        if let Some((library, microseconds)) = slow_fsync {
            command.env("LD_PRELOAD", library);
            command.env("SLOW_FSYNC_US", microseconds);
        }
        // A child runs where its parent does at its birth.
        if on_its_core {
            machine::run_on(Side::Server)?;
        }
        let spawned = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the server");
        if on_its_core {
            machine::run_on(Side::Load)?;
        }
        let mut process = spawned?;
        let output = process.stdout.take().context("the server's output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let ready: Value = serde_json::from_str(&line.context("the server ended at once")?)?;
        let address = match kind {
            Kind::Tutorial | Kind::Limit => format!("127.0.0.1:{}", ready["port"]),
            Kind::Landline => ready["address"].as_str().context("an address")?.to_owned(),
        };
        Ok(Self {
            kind,
            address,
            process,
            data,
        })
    }

    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        self.process.id().context("the server has ended")
    }

    /// The folder that a node was given.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Ends it as a person would, and answers what it leaves behind.
    pub(crate) async fn end(mut self) -> anyhow::Result<tempfile::TempDir> {
        let process = i32::try_from(self.process()?)?;
        let process = Pid::from_raw(process).context("a process")?;
        kill_process(process, Signal::TERM)?;
        let status = self.process.wait().await?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(self.data)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.process.kill().await?;
        Ok(())
    }

    /// A client that is in one of the rooms, the first of them (number `0`) being there for all.
    /// Answers what the room is called on the wire.
    pub(crate) async fn enter(
        &self,
        person: &Person,
        room: usize,
    ) -> anyhow::Result<(Raw, String)> {
        let raw = Raw::connect(&self.address).await?;
        self.enter_on(raw, person, room).await
    }

    /// Makes members of all of them, each being there alone: an admission is told to everybody who
    /// is connected, happens once in a member's life, and is no part of any figure.
    pub(crate) async fn admit(&self, people: impl Iterator<Item = &Person>) -> anyhow::Result<()> {
        if self.kind == Kind::Landline {
            for person in people {
                sign_in(&mut Raw::connect(&self.address).await?, person).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn enter_on(
        &self,
        mut raw: Raw,
        person: &Person,
        room: usize,
    ) -> anyhow::Result<(Raw, String)> {
        if self.kind == Kind::Landline {
            let general = sign_in(&mut raw, person).await?;
            if room == 0 {
                return Ok((raw, general));
            }
            let id = room_id(room).to_string();
            let created =
                json!({"type": "room_created", "kind": "public", "name": format!("Room {room}")});
            let mut answer = append(&mut raw, &id, &created).await?;
            if answer["error"]["code"] == "conflict" {
                answer = append(&mut raw, &id, &json!({"type": "joined"})).await?;
            }
            ensure!(answer["error"].is_null(), "room {room}: {answer}");
            return Ok((raw, id));
        }
        let room = format!("room {room}");
        raw.ask("join room", &json!({"name": person.name, "room": room}))
            .await?;
        Ok((raw, room))
    }
}

/// Somebody with a key, made before the clock runs.
pub(crate) struct Person {
    pub(crate) name: String,
    key: SigningKey,
}

impl Person {
    pub(crate) fn new(number: usize) -> Self {
        let mut seed = [7u8; 32];
        for (byte, digit) in seed.iter_mut().zip(number.to_le_bytes()) {
            *byte = digit;
        }
        Self {
            name: format!("Person {number}"),
            key: SigningKey::from_bytes(&seed),
        }
    }
}

/// Answers the id of the room for everyone.
async fn sign_in(raw: &mut Raw, person: &Person) -> anyhow::Result<String> {
    let welcome = raw.event("welcome").await?;
    let space = welcome["space"]["id"]
        .as_str()
        .context("a space")?
        .parse()?;
    let nonce = welcome["nonce"].as_str().context("a nonce")?;
    let text = sign_in_text(None, space, nonce);
    let request = json!({
        "protocol": 1,
        "client": {"name": "bench", "version": "1"},
        "public_key": URL_SAFE_NO_PAD.encode(person.key.verifying_key().to_bytes()),
        "name": person.name,
        "signature": URL_SAFE_NO_PAD.encode(person.key.sign(text.as_bytes()).to_bytes()),
    });
    let answer = raw.ask("sign_in", &request).await?;
    let rooms = answer["ok"]["rooms"].as_array();
    let rooms = rooms.with_context(|| format!("sign_in: {answer}"))?;
    let general = rooms.iter().find(|room| room["everyone"] == true);
    Ok(general.context("general")?["id"]
        .as_str()
        .context("an id")?
        .to_owned())
}

/// One event, waited for; answers its result.
pub(crate) async fn append(raw: &mut Raw, room: &str, content: &Value) -> anyhow::Result<Value> {
    let event = json!({"id": Uuid::now_v7(), "room": room, "sent_at": 1_763_640_000_000_i64, "content": content});
    let answer = raw.ask("append", &json!({"events": [event]})).await?;
    Ok(answer["ok"]["results"][0].clone())
}

/// The same in every run of one server.
fn room_id(room: usize) -> Uuid {
    let mut random = [0; 10];
    // The first bytes make room for the version and the variant.
    for (byte, digit) in random.iter_mut().skip(3).zip(room.to_le_bytes()) {
        *byte = digit;
    }
    uuid::Builder::from_unix_timestamp_millis(1_763_640_000_000, &random).into_uuid()
}

/// Writes one message; its acknowledgement has this number.
pub(crate) async fn post(
    kind: Kind,
    raw: &mut Raw,
    room: &str,
    ack: u64,
    text: &str,
) -> anyhow::Result<()> {
    match kind {
        Kind::Tutorial | Kind::Limit => raw.emit(ack, "send message", &text).await,
        Kind::Landline => {
            let event = json!({
                "id": Uuid::now_v7(), "room": room, "sent_at": 1_763_640_000_000_i64,
                "content": {"type": "message", "text": text},
            });
            raw.emit(ack, "append", &json!({"events": [event]})).await
        }
    }
}

fn command(kind: Kind, data: &Path) -> anyhow::Result<Command> {
    Ok(match kind {
        Kind::Tutorial => {
            let mut command = Command::new("node");
            command.arg(tutorial_folder().join("server.mjs"));
            command
        }
        Kind::Limit => {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("limit");
            command
        }
        Kind::Landline => {
            let mut command = Command::new(beside_this("landline-node")?);
            command.arg("--data").arg(data).args(["--name", "Bench"]);
            command.args([
                "--bind",
                "127.0.0.1",
                "--port",
                "0",
                "--no-tls",
                "--no-mdns",
            ]);
            for rate in ["--append-rate", "--request-rate", "--join-rate"] {
                command.args([rate, "0"]);
            }
            command.env("LANDLINE_LOG", "warn");
            command
        }
    })
}

pub(crate) fn tutorial_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tutorial")
}

pub(crate) fn beside_this(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(
        path.exists(),
        "{} is missing: `cargo xtask bench` builds it",
        path.display()
    );
    Ok(path)
}
