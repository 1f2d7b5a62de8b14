//! The computer that hosts the space: the node's process, its disk, its clock, and what befalls them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};

use super::Day;
use super::clock::{FakeClock, library};
use super::disk::Disk;
use super::fate::{Pace, some_error, sprung};
use super::ledger::{Broken, Ledger};
use crate::proxy::{Point, Proxy};
use crate::{Dice, Node};

/// For a node to come up, once there is room on its disk.
const TO_COME_UP: Duration = Duration::from_secs(60);

/// `kill -9` of the node, by the moment.
pub const KILLS: [&str; 5] = [
    "node killed at random",
    "node killed as an append was written",
    "node killed shortly after an append was written",
    "node killed before the answer was passed on",
    "node killed as the answer was passed on",
];

/// The node and what is its own.
#[derive(Debug)]
pub struct Host {
    pub node: Node,
    clock: FakeClock,
    disk: Option<Disk>,
    ledger: Arc<Ledger>,
    full: bool,
    /// It does not come up any more.
    given_up: bool,
}

impl Host {
    /// `megabytes`: of its disk, if it is to have one of its own.
    pub fn start(scratch: &Path, megabytes: u64, ledger: Arc<Ledger>) -> Self {
        let data = scratch.join("node");
        let disk = Disk::mount(&data, megabytes);
        let disk = disk
            .inspect_err(|why| println!("full disks are passed over: no small tmpfs: {why}"))
            .ok();
        let clock = FakeClock::new(&scratch.join("node.clock"));
        if library().is_none() {
            println!("clock jumps are passed over: no libfaketime (Debian: faketime)");
        }
        let node = Node::start_with(&data, &["--join-rate", "0"], &clock.environment());
        Self {
            node,
            clock,
            disk,
            ledger,
            full: false,
            given_up: false,
        }
    }

    pub fn database(&self) -> PathBuf {
        self.node.database()
    }

    /// Copies the database to where it stays.
    pub fn keep_evidence(&mut self, folder: &Path) {
        self.node.kill();
        for file in ["node.sqlite", "node.sqlite-wal", "seen"] {
            // The log of writes is there only where the node did not fold it in.
            let _ = std::fs::copy(self.node.data().join(file), folder.join(file));
        }
    }

    /// Ends the node before its disk goes.
    pub fn end(self) {
        let Self { node, disk, .. } = self;
        drop(node);
        drop(disk);
    }

    fn come_up(&mut self) {
        let begun = Instant::now();
        loop {
            match self.node.try_start_again() {
                Ok(()) => return,
                Err(_) if self.full => {
                    self.ledger.count("starts refused on a full disk");
                    self.free();
                }
                Err(why) if begun.elapsed() > TO_COME_UP => {
                    self.ledger.broken(Broken::Otherwise, &why);
                    self.given_up = true;
                    return;
                }
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }

    fn free(&mut self) {
        if let Some(disk) = &self.disk {
            disk.free();
        }
        self.full = false;
    }

    async fn befall(&mut self, proxies: &[Arc<Proxy>], dice: &mut Dice, pace: Pace) {
        match dice.within(0..100) {
            0..25 => self.kill(KILLS[0], dice, pace).await,
            25..65 => {
                let kinds = [
                    (Point::AppendWritten, 0),
                    (Point::AppendWritten, dice.within(1..12)),
                    (Point::AnswerSeen, 0),
                    (Point::AnswerPassed, 0),
                ];
                let kind = dice.within(0..4) as usize;
                let (point, delay) = kinds[kind];
                let proxy = dice.one_of(proxies).unwrap();
                let strike = strike(self.node.pid());
                if sprung(proxy, point, false, delay, strike).await {
                    self.kill(KILLS[kind + 1], dice, pace).await;
                }
            }
            65..75 => {
                let _ = kill_process(self.node.pid(), Signal::STOP);
                sleep(pace.while_(dice)).await;
                let _ = kill_process(self.node.pid(), Signal::CONT);
                self.ledger.count("node stalled (as by a slow disk)");
            }
            75..85 if self.disk.is_some() => self.fill_up(dice, pace).await,
            85..95 if library().is_some() => {
                self.clock.jump_to(some_error(dice));
                self.ledger.count("clock jumps of the node");
            }
            95..100 => {
                block_in_place(|| self.node.stop());
                self.ledger.count("node stopped in order");
                block_in_place(|| self.come_up());
            }
            _ => {}
        }
        if let Some(status) = self.node.ended().filter(|_| !self.given_up) {
            let what = format!("the node ended by itself: {status}");
            self.ledger.broken(Broken::Otherwise, what);
            block_in_place(|| self.come_up());
        }
    }

    async fn kill(&mut self, kind: &'static str, dice: &mut Dice, pace: Pace) {
        block_in_place(|| self.node.kill());
        self.ledger.count(kind);
        sleep(pace.while_(dice) / 4).await;
        block_in_place(|| self.come_up());
    }

    async fn fill_up(&mut self, dice: &mut Dice, pace: Pace) {
        let but = dice.within(0..200_000);
        if let Some(disk) = &self.disk {
            block_in_place(|| disk.fill(but));
        }
        self.full = true;
        sleep(pace.lasting / 4 + pace.while_(dice)).await;
        if dice.percent(30) {
            self.kill("node killed on a full disk", dice, pace).await;
            sleep(pace.while_(dice)).await;
        }
        self.free();
        self.ledger.count("disk full");
    }
}

fn strike(node: Pid) -> impl FnOnce() + Send + 'static {
    move || {
        let _ = kill_process(node, Signal::KILL);
    }
}

/// The node, until the day ends.
pub async fn fate(
    mut host: Host,
    proxies: Vec<Arc<Proxy>>,
    mut dice: Dice,
    day: Day,
    pace: Pace,
) -> Host {
    loop {
        sleep(pace.pause(&mut dice)).await;
        let Some(_until_over) = day.at_work().await else {
            return host;
        };
        host.befall(&proxies, &mut dice, pace).await;
        if host.given_up {
            return host;
        }
    }
}
