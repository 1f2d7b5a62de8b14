//! A real `landline-node` process with a data folder of its own.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use landline_protocol::SpaceId;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::deadline::SOON;
use crate::programs;

/// What the spaces of the tests are called.
pub const SPACE: &str = "Test Lab";

/// The line that a node prints when it is ready.
#[derive(Debug, Clone, Deserialize)]
pub struct Ready {
    pub ready: bool,
    pub address: SocketAddr,
    pub space: SpaceId,
    pub name: String,
    pub fingerprint: Option<String>,
}

/// A node process. Dropping it kills it; its folder belongs to the test.
#[derive(Debug)]
pub struct Node {
    place: Place,
    ready: Ready,
    child: Child,
}

/// Where it runs and how.
#[derive(Debug)]
struct Place {
    data: PathBuf,
    namespace: Option<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Node {
    /// Starts one on a free loopback port, without mDNS, and waits until it is ready.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let here = ["--bind", "127.0.0.1", "--no-tls", "--no-mdns"];
        Self::start_at(Place::new(data, None, &[&here, more].concat()), 0)
    }

    /// [`Self::start`] with more environment variables, of all its lives.
    pub fn start_with(data: &Path, more: &[&str], environment: &[(String, String)]) -> Self {
        let here = ["--bind", "127.0.0.1", "--no-tls", "--no-mdns"];
        let mut place = Place::new(data, None, &[&here, more].concat());
        place.environment = environment.to_vec();
        Self::start_at(place, 0)
    }

    /// Starts one in a network namespace, on all its addresses, with mDNS.
    pub(crate) fn start_on(data: &Path, namespace: &str, more: &[&str]) -> Self {
        let place = Place::new(data, Some(namespace), more);
        Self::start_at(place, landline_protocol::DEFAULT_PORT)
    }

    fn start_at(place: Place, port: u16) -> Self {
        let (child, ready) = place.run(port).unwrap_or_else(|why| panic!("{why}"));
        Self {
            place,
            ready,
            child,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.ready.address
    }

    pub fn space(&self) -> SpaceId {
        self.ready.space
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn data(&self) -> &Path {
        &self.place.data
    }

    pub fn database(&self) -> PathBuf {
        self.place.data.join("node.sqlite")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; it must end well.
    pub fn stop(&mut self) {
        let status = terminate(&mut self.child);
        assert!(
            status.success(),
            "the node ended with {status}\n{}",
            self.log()
        );
    }

    /// On the same folder and port. It must have been ended before.
    pub fn start_again(&mut self) {
        self.try_start_again().unwrap_or_else(|why| panic!("{why}"));
    }

    /// [`Self::start_again`] where it may not be able to; then why.
    pub fn try_start_again(&mut self) -> Result<(), String> {
        let (child, ready) = self.place.run(self.address().port())?;
        assert_eq!(
            ready.space, self.ready.space,
            "the folder has another space now"
        );
        (self.child, self.ready) = (child, ready);
        Ok(())
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Memory that is in RAM now, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        resident_bytes(self.child.id())
    }

    /// What it has written on standard error, in all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.log_file()).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("what {} wrote:\n{}", self.place.data.display(), self.log());
        }
    }
}

impl Place {
    fn new(data: &Path, namespace: Option<&str>, arguments: &[&str]) -> Self {
        fs::create_dir_all(data).unwrap();
        Self {
            data: data.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: Vec::new(),
        }
    }

    /// The process, once it is ready; else what became of it.
    fn run(&self, port: u16) -> Result<(Child, Ready), String> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .unwrap();
        let mut command = match &self.namespace {
            None => Command::new(programs::node()),
            Some(namespace) => {
                let mut inside = Command::new("ip");
                inside
                    .args(["netns", "exec", namespace])
                    .arg(programs::node());
                inside
            }
        };
        command
            .arg("--data")
            .arg(&self.data)
            .args(["--name", SPACE]);
        command
            .args(["--port", &port.to_string()])
            .args(&self.arguments);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().unwrap();
        let line = first_line(&mut child);
        let ready = line.and_then(|line| serde_json::from_str::<Ready>(&line).ok());
        let Some(ready) = ready.filter(|ready| ready.ready) else {
            // It may have ended by itself.
            let _ = child.kill();
            let log = fs::read_to_string(self.log_file()).unwrap_or_default();
            return Err(format!("no node came up: {:?}\n{log}", child.wait()));
        };
        Ok((child, ready))
    }

    /// Beside the folder, which is the node's own.
    fn log_file(&self) -> PathBuf {
        self.data.with_extension("log")
    }
}

/// The first line that a child prints; `None` if it ends or stays silent.
fn first_line(child: &mut Child) -> Option<String> {
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (line, printed) = sync_channel(1);
    thread::spawn(move || {
        let mut lines = stdout.lines();
        // Gone after the limit: then nobody is told.
        let _ = line.send(lines.next().and_then(Result::ok));
        lines.for_each(drop);
    });
    printed.recv_timeout(SOON).ok().flatten()
}

/// SIGTERM, and the status with which it ends.
fn terminate(child: &mut Child) -> ExitStatus {
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < SOON, "does not end by SIGTERM");
        thread::sleep(Duration::from_millis(20));
    }
}

fn resident_bytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
