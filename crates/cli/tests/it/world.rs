//! Real programs: a `landline-node`, and people who use `landline-cli`, each with a folder.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take on a busy machine before a test says that it never will.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Lines of a program's output that may wait for the test.
const LINES_WAITING: usize = 100_000;

pub(crate) const CLI: &str = env!("CARGO_BIN_EXE_landline-cli");

/// The node's program beside ours, as it is in the source now: built once in a run.
fn node_program() -> &'static Path {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = Path::new(CLI).parent()?;
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--package",
            "landline-node",
            "--target-dir",
        ]);
        build.arg(folder.parent()?);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let built = build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .ok()?;
        let program = folder.join(format!("landline-node{}", std::env::consts::EXE_SUFFIX));
        (built.success() && program.exists()).then_some(program)
    });
    built.as_deref().expect("landline-node builds")
}

/// A running node. Ended with this.
pub(crate) struct Node {
    child: Child,
    data: TempDir,
    options: Vec<String>,
    pub(crate) address: String,
    pub(crate) space: String,
}

impl Node {
    pub(crate) fn start(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let data = TempDir::new().unwrap();
        let (child, ready) = run(data.path(), &options, 0);
        Self::running(child, data, options, &ready)
    }

    fn running(child: Child, data: TempDir, options: Vec<String>, ready: &Value) -> Self {
        let word = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            child,
            data,
            options,
            address: word("address"),
            space: word("space"),
        }
    }

    /// `kill -9`, as a host that loses power.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Comes back on its folder and port after [`Self::kill`].
    pub(crate) fn restart(&mut self) {
        let (_, port) = self.address.rsplit_once(':').unwrap();
        let (child, ready) = run(self.data.path(), &self.options, port.parse().unwrap());
        self.child = child;
        assert_eq!(ready["space"], self.space.as_str());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a node and waits for the line that says it is ready.
fn run(data: &Path, options: &[String], port: u16) -> (Child, Value) {
    let mut child = Command::new(node_program())
        .arg("--data")
        .arg(data)
        .args([
            "--name",
            "Lab",
            "--bind",
            "127.0.0.1",
            "--no-tls",
            "--no-mdns",
            "--port",
            &port.to_string(),
        ])
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value =
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    assert_eq!(ready["ready"], true);
    (child, ready)
}

/// Somebody with a data folder of their own.
pub(crate) struct Person {
    data: TempDir,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The code and the words of the error that it ended with, of one with `--json`.
    fn error(&self) -> (String, String) {
        let last = self.err.lines().last().unwrap_or_default();
        let error: Value =
            serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        let word = |name: &str| error["error"][name].as_str().unwrap().to_owned();
        (word("code"), word("message"))
    }
}

impl Person {
    pub(crate) fn new() -> Self {
        Self {
            data: TempDir::new().unwrap(),
        }
    }

    /// Somebody who has joined.
    pub(crate) fn joined(node: &Node, name: &str) -> Self {
        let person = Self::new();
        person.ok(&["join", &node.address, "--name", name]);
        person
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(CLI);
        command
            .env("LANDLINE_DATA_DIR", self.data.path())
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        Done::of(self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed. What it wrote for people.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {done:?}");
        done.out
    }

    /// Runs a command that must succeed. Its one object.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let done = self.run(&[args, &["--json"]].concat());
        assert_eq!(done.code, 0, "{args:?}: {done:?}");
        assert_eq!(
            done.out.lines().count(),
            1,
            "one object on one line: {}",
            done.out
        );
        serde_json::from_str(&done.out).unwrap()
    }

    /// Runs a command that must fail so. The code and the words of its error.
    pub(crate) fn fails(&self, exit: i32, args: &[&str]) -> (String, String) {
        let done = self.run(&[args, &["--json"]].concat());
        assert_eq!(done.code, exit, "{args:?}: {done:?}");
        done.error()
    }

    /// [`Self::fails`] of a command that is given this on its standard input.
    pub(crate) fn fails_with(&self, exit: i32, args: &[&str], input: &[u8]) -> (String, String) {
        let mut command = self.command(&[args, &["--json"]].concat());
        let pipes = command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let done = Done::of(child.wait_with_output().unwrap());
        assert_eq!(done.code, exit, "{args:?}: {done:?}");
        done.error()
    }

    /// The texts of a room, oldest first.
    pub(crate) fn texts(&self, room: &str) -> Vec<String> {
        let history = self.json(&["history", room, "--limit", "1000"]);
        let lines = history["lines"].as_array().unwrap().iter();
        lines
            .filter_map(|line| line["text"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// Starts a command that goes on, and waits for its first object.
    pub(crate) fn runs(&self, args: &[&str]) -> (Running, Value) {
        let mut child = self
            .command(&[args, &["--json"]].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let running = Running(child);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        (running, said)
    }

    /// Starts `tail --json` and waits until it follows.
    pub(crate) fn tail(&self, args: &[&str]) -> Tail {
        let mut child = self
            .command(&[&["tail", "--json"], args].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (
            lines_of_out(child.stdout.take().unwrap()),
            lines_of_err(child.stderr.take().unwrap()),
        );
        Tail { child, out, err }
    }
}

/// A command that goes on. Ended with this.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A `tail --json` that runs. Ended with this.
pub(crate) struct Tail {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Tail {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that says something.
    pub(crate) fn next(&self) -> Value {
        serde_json::from_str(&self.out.recv_timeout(DEADLINE).expect("a line of tail")).unwrap()
    }

    /// The texts of the next messages.
    pub(crate) fn texts(&self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            if let Some(text) = self.next()["text"].as_str() {
                texts.push(text.to_owned());
            }
        }
        texts
    }

    /// Reads on until the link stands so.
    pub(crate) fn link(&self, state: &str) {
        loop {
            let line: Value = serde_json::from_str(
                &self
                    .err
                    .recv_timeout(DEADLINE)
                    .expect("a state of the link"),
            )
            .unwrap();
            if line["link"]["state"] == state {
                return;
            }
        }
    }

    /// Waits for its end. What was left, and the exit code.
    pub(crate) fn end(mut self) -> (Vec<String>, Option<i32>) {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (self.out.iter().collect(), status.code());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("tail does not end");
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of_out(out: ChildStdout) -> Receiver<String> {
    lines(BufReader::new(out))
}

fn lines_of_err(err: ChildStderr) -> Receiver<String> {
    lines(BufReader::new(err))
}

fn lines(reader: impl std::io::BufRead + Send + 'static) -> Receiver<String> {
    let (sender, lines) = sync_channel(LINES_WAITING);
    std::thread::spawn(move || {
        reader
            .lines()
            .map_while(Result::ok)
            .all(|line| sender.send(line).is_ok());
    });
    lines
}

/// Looks again and again until it is so.
pub(crate) fn eventually(what: &str, so: impl Fn() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !so() {
        assert!(Instant::now() < until, "waited in vain: {what}");
    }
}
