//! `landline-cli` as a person at a terminal runs it: a process a command.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use landline_protocol::SpaceId;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::deadline::{LONG, SOON};
use crate::logs::{self, Row};
use crate::programs;

/// One person's data folder, on this computer or on a [`crate::switch::Computer`].
#[derive(Debug, Clone)]
pub struct Cli {
    data: PathBuf,
    namespace: Option<String>,
}

impl Cli {
    pub fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            namespace: None,
        }
    }

    pub(crate) fn on(data: &Path, namespace: &str) -> Self {
        Self {
            data: data.to_owned(),
            namespace: Some(namespace.to_owned()),
        }
    }

    /// Runs a command with `--json`; it must succeed. Its report.
    pub async fn run(&self, arguments: &[&str]) -> Value {
        self.run_within(LONG, arguments).await
    }

    pub async fn run_within(&self, limit: Duration, arguments: &[&str]) -> Value {
        let output = self.try_run(limit, arguments).await;
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{arguments:?}: {}: {words}",
            output.status
        );
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
    }

    /// Runs a command with `--json`, whatever comes of it.
    pub async fn try_run(&self, limit: Duration, arguments: &[&str]) -> Output {
        let running = self.command(arguments).stderr(Stdio::piped()).output();
        let ended = timeout(limit, running).await;
        ended
            .unwrap_or_else(|_| panic!("{arguments:?} does not end"))
            .unwrap()
    }

    /// Starts a command that is not waited for.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// `tail` of a room from its beginning, until dropped.
    pub fn tail(&self, room: &str) -> Tail {
        let mut command = self.command(&["tail", room, "--since", "0"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Tail {
            child,
            lines,
            texts: Vec::new(),
        }
    }

    /// The event tables of the replica of this space.
    pub fn replica(&self, space: SpaceId) -> Vec<Row> {
        logs::events(&logs::replica(&self.data, space))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &self.namespace {
            None => Command::new(programs::cli()),
            Some(namespace) => {
                let mut inside = Command::new("ip");
                inside
                    .args(["netns", "exec", namespace])
                    .arg(programs::cli());
                inside
            }
        };
        command
            .arg("--data")
            .arg(&self.data)
            .arg("--json")
            .args(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// A running `tail`.
#[derive(Debug)]
pub struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// The texts of the messages told so far.
    texts: Vec<String>,
}

impl Tail {
    /// Waits until these texts, no others, have been told, in this order.
    pub async fn tells(&mut self, expected: &[&str]) {
        while self.texts.len() < expected.len() {
            let Ok(line) = timeout(SOON, self.lines.next_line()).await else {
                panic!("told {:?}\ninstead of {expected:?}", self.texts);
            };
            let line = line.unwrap().expect("the tail goes on");
            let told: Value = serde_json::from_str(&line).unwrap();
            if told["event"] == "new" && told["type"] == "message" {
                self.texts.push(told["text"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(self.texts, expected);
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
