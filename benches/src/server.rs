//! The two servers as real processes, and how a client enters and writes in each.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::raw::Raw;

/// Which program is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// socket.io on Node.js, in memory.
    Tutorial,
    /// `landline-node`, durable before it answers.
    Landline,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tutorial => "tutorial server (Node.js, in memory)",
            Self::Landline => "landline-node (SQLite, FULL)",
        }
    }
}

/// A running server; its process ends with this value.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: String,
    process: Child,
    _data: Option<tempfile::TempDir>,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = match kind {
            Kind::Tutorial => {
                let mut command = Command::new("node");
                command.arg(tutorial_folder().join("server.mjs"));
                command
            }
            Kind::Landline => {
                let mut command = Command::new(beside_this("landline-node")?);
                command
                    .arg("--data")
                    .arg(data.path())
                    .args(["--name", "Bench"]);
                command.args([
                    "--bind",
                    "127.0.0.1",
                    "--port",
                    "0",
                    "--no-tls",
                    "--no-mdns",
                ]);
                command.args([
                    "--append-rate",
                    "0",
                    "--request-rate",
                    "0",
                    "--join-rate",
                    "0",
                ]);
                command.env("LANDLINE_LOG", "warn");
                command
            }
        };
        let mut process = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the server")?;
        let output = process.stdout.take().context("the server's output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let ready: Value = serde_json::from_str(&line.context("the server ended at once")?)?;
        let address = match kind {
            Kind::Tutorial => format!("127.0.0.1:{}", ready["port"]),
            Kind::Landline => ready["address"].as_str().context("an address")?.to_owned(),
        };
        Ok(Self {
            kind,
            address,
            process,
            _data: Some(data),
        })
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<u64> {
        resident_kib(self.process.id().context("the server has ended")?)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.process.kill().await?;
        Ok(())
    }

    /// A client that is in the room; answers the room's id where rooms have one.
    pub(crate) async fn enter(&self, number: usize) -> anyhow::Result<(Raw, String)> {
        let mut raw = Raw::connect(&self.address).await?;
        let name = format!("Person {number}");
        match self.kind {
            Kind::Tutorial => {
                raw.ask("join room", &name).await?;
                Ok((raw, String::new()))
            }
            Kind::Landline => {
                let welcome = raw.event("welcome").await?;
                let mut seed = [7u8; 32];
                seed.iter_mut()
                    .zip(number.to_le_bytes())
                    .for_each(|(byte, n)| *byte = n);
                let key = SigningKey::from_bytes(&seed);
                let text = format!(
                    "landline-sign-in-v1\n-\n{}\n{}",
                    welcome["space"]["id"].as_str().unwrap_or_default(),
                    welcome["nonce"].as_str().unwrap_or_default()
                );
                let answer = raw
                    .ask(
                        "sign_in",
                        &json!({
                            "protocol": 1,
                            "client": {"name": "bench", "version": "1"},
                            "public_key": URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes()),
                            "name": name,
                            "signature": URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes()),
                        }),
                    )
                    .await?;
                ensure!(answer.get("ok").is_some(), "sign_in: {answer}");
                let rooms = answer["ok"]["rooms"].as_array().context("rooms")?;
                let general = rooms
                    .iter()
                    .find(|room| room["everyone"] == true)
                    .context("general")?;
                Ok((raw, general["id"].as_str().context("an id")?.to_owned()))
            }
        }
    }
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
        Kind::Tutorial => raw.emit(ack, "send message", &text).await,
        Kind::Landline => {
            let event = json!({
                "id": uuid::Uuid::now_v7(), "room": room, "sent_at": 1_763_640_000_000_i64,
                "content": {"type": "message", "text": text},
            });
            raw.emit(ack, "append", &json!({"events": [event]})).await
        }
    }
}

pub(crate) fn tutorial_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tutorial")
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("VmRSS")?.parse()?)
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
