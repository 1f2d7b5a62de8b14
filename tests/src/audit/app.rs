//! A person of the audit, seen from outside: a process ([`super::process`]) that can be killed,
//! suspended and started again, with a proxy and a clock of its own.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use landline_client::ui::{Item, ItemBody, ItemState, LinkState, RoomView, UiEvent};
use landline_protocol::{MemberId, RoomId, RoomKind, SpaceId};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::clock::FakeClock;
use super::ledger::{Broken, Ledger};
use crate::logs;
use crate::proxy::Proxy;

/// Orders that wait for a process.
const ORDERS: usize = 64;
/// For a process that is asked to end.
const TO_END: Duration = Duration::from_secs(30);

/// Why an order was not carried out, as far as is known.
#[derive(Debug)]
pub enum NotDone {
    /// The process is gone: it may or may not have been.
    Gone,
    Refused(Value),
}

/// What one window shows, as far as the audit looks.
#[derive(Debug, Default)]
struct View {
    me: Option<MemberId>,
    space: Option<SpaceId>,
    connected: bool,
    rooms: BTreeMap<RoomId, RoomView>,
}

type Order = (Value, oneshot::Sender<Result<Value, Value>>);

/// One life of the process.
#[derive(Debug)]
struct Life {
    pid: Pid,
    orders: mpsc::Sender<Order>,
    /// How it ended.
    ended: watch::Receiver<Option<ExitStatus>>,
    /// By us.
    doomed: Arc<AtomicBool>,
}

/// A person at a computer.
#[derive(Debug)]
pub struct App {
    pub name: String,
    pub proxy: Arc<Proxy>,
    pub clock: FakeClock,
    pub ledger: Arc<Ledger>,
    data: PathBuf,
    hurry: bool,
    life: Mutex<Option<Life>>,
    view: Mutex<View>,
    numbers: AtomicU64,
    away: AtomicBool,
    suspended: AtomicBool,
}

impl App {
    pub fn new(
        name: &str,
        data: &Path,
        proxy: Arc<Proxy>,
        clock: FakeClock,
        ledger: Arc<Ledger>,
        hurry: bool,
    ) -> Self {
        Self {
            name: name.to_owned(),
            proxy,
            clock,
            ledger,
            data: data.to_owned(),
            hurry,
            life: Mutex::default(),
            view: Mutex::default(),
            numbers: AtomicU64::new(1),
            away: AtomicBool::new(false),
            suspended: AtomicBool::new(false),
        }
    }

    // Its lives

    /// Starts the process on its folder.
    pub fn start(self: &Arc<Self>) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.data.with_extension("log"))
            .unwrap();
        let mut command = Command::new(super::program());
        command.args(["person", "--name", &self.name, "--data"]);
        command.arg(&self.data).envs(self.clock.environment());
        if self.hurry {
            command.arg("--hurry");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(log).kill_on_drop(true).spawn().unwrap();
        let pid = Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
        let (orders, waiting) = mpsc::channel(ORDERS);
        let (end, ended) = watch::channel(None);
        let doomed = Arc::new(AtomicBool::new(false));
        let stdin = child.stdin.take().unwrap();
        *self.life.lock().unwrap() = Some(Life {
            pid,
            orders,
            ended,
            doomed: doomed.clone(),
        });
        let app = self.clone();
        tokio::spawn(async move {
            let status = app.attend(child, stdin, waiting).await;
            app.view.lock().unwrap().connected = false;
            if !doomed.load(Ordering::SeqCst) {
                let log = fs::read_to_string(app.data.with_extension("log")).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(3).collect();
                let what = format!("{} ended by itself: {status}, {last:?}", app.name);
                app.ledger.broken(Broken::Otherwise, what);
            }
            let _ = end.send(Some(status));
        });
    }

    /// Carries orders in and words out until the process ends.
    async fn attend(
        &self,
        mut child: Child,
        stdin: ChildStdin,
        mut orders: mpsc::Receiver<Order>,
    ) -> ExitStatus {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut asked = HashMap::new();
        let mut stdin = Some(stdin);
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.hear(&line, &mut asked),
                    Ok(None) | Err(_) => break,
                },
                order = orders.recv(), if stdin.is_some() => {
                    let (Some((command, answer)), Some(into)) = (order, &mut stdin) else {
                        // Nobody will ask again: it may end.
                        stdin = None;
                        continue;
                    };
                    let n = self.numbers.fetch_add(1, Ordering::Relaxed);
                    asked.insert(n, answer);
                    let line = format!("{}\n", json!({ "n": n, "command": command }));
                    // If the process is gone, so will be its output.
                    let _ = into.write_all(line.as_bytes()).await;
                }
            }
        }
        child.wait().await.unwrap()
    }

    fn hear(&self, line: &str, asked: &mut HashMap<u64, oneshot::Sender<Result<Value, Value>>>) {
        // The last line of a killed process may be half of one.
        let Ok(mut heard) = serde_json::from_str::<Value>(line) else {
            return;
        };
        if let Some(answer) = heard["n"].as_u64().and_then(|n| asked.remove(&n)) {
            let result = match heard.get("error") {
                Some(refusal) => Err(refusal.clone()),
                None => Ok(heard["ok"].take()),
            };
            let _ = answer.send(result);
        } else if let Ok(batch) = serde_json::from_value::<Vec<UiEvent>>(heard["ui"].take()) {
            batch.into_iter().for_each(|event| self.see(event));
        }
    }

    /// `kill -9`, from wherever one is: a closure for a trap.
    pub fn executioner(&self) -> impl FnOnce() + Send + 'static {
        let life = self.life.lock().unwrap();
        let life = life.as_ref().map(|life| (life.pid, life.doomed.clone()));
        move || {
            if let Some((pid, doomed)) = life {
                doomed.store(true, Ordering::SeqCst);
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub async fn kill(&self) {
        self.executioner()();
        self.gone().await;
    }

    /// Quits in order.
    pub async fn quit(&self) {
        let mut ended = {
            let mut life = self.life.lock().unwrap();
            let Some(life) = life.take() else { return };
            life.doomed.store(true, Ordering::SeqCst);
            life.ended
        };
        let status = timeout(TO_END, ended.wait_for(Option::is_some)).await;
        let status = status.ok().and_then(|status| *status.ok()?);
        if !status.is_some_and(|status| status.success()) {
            let what = format!("{} did not quit well: {status:?}", self.name);
            self.ledger.broken(Broken::Otherwise, what);
        }
    }

    async fn gone(&self) {
        let life = self.life.lock().unwrap().take();
        if let Some(mut life) = life {
            let _ = life.ended.wait_for(Option::is_some).await;
        }
    }

    /// A laptop that is closed…
    pub fn suspend(&self) {
        self.suspended.store(true, Ordering::SeqCst);
        self.signal(Signal::STOP);
    }

    /// …and opened.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
        self.suspended.store(false, Ordering::SeqCst);
    }

    /// An order would wait until it is opened.
    pub fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::SeqCst)
    }

    fn signal(&self, signal: Signal) {
        if let Some(life) = &*self.life.lock().unwrap() {
            let _ = kill_process(life.pid, signal);
        }
    }

    /// Away for long: nothing else befalls it, and it is not compared.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    pub fn is_running(&self) -> bool {
        let life = self.life.lock().unwrap();
        life.as_ref()
            .is_some_and(|life| life.ended.borrow().is_none())
    }

    // Orders

    /// Has a command carried out.
    pub async fn order(&self, name: &str, request: Value) -> Result<Value, NotDone> {
        let orders = {
            let life = self.life.lock().unwrap();
            life.as_ref().ok_or(NotDone::Gone)?.orders.clone()
        };
        let (answer, answered) = oneshot::channel();
        let command = json!({ "name": name, "request": request });
        let sent = orders.send((command, answer)).await;
        drop(orders);
        sent.map_err(|_| NotDone::Gone)?;
        answered
            .await
            .map_err(|_| NotDone::Gone)?
            .map_err(NotDone::Refused)
    }

    // What it shows

    fn see(&self, event: UiEvent) {
        match event {
            UiEvent::Snapshot(snapshot) => {
                let mut view = self.view.lock().unwrap();
                view.me = Some(snapshot.me.member);
                if let Some(state) = snapshot.spaces.into_iter().next() {
                    view.space = Some(state.space.space);
                    view.connected = state.space.link.state == LinkState::Connected;
                    let rooms = state.rooms.into_iter();
                    view.rooms = rooms.map(|room| (room.room, room)).collect();
                }
            }
            UiEvent::Space { space } => {
                let mut view = self.view.lock().unwrap();
                view.space = Some(space.space);
                view.connected = space.link.state == LinkState::Connected;
            }
            UiEvent::Room { room, .. } => {
                if room.head > 0 && room.kind != RoomKind::Unknown {
                    self.ledger.room(room.room, room.kind == RoomKind::Public);
                }
                self.view.lock().unwrap().rooms.insert(room.room, room);
            }
            UiEvent::Items { room, items, .. } => {
                items.iter().for_each(|item| self.see_item(room, item));
            }
            UiEvent::Notice { refusal } => println!("{} reads: {refusal:?}", self.name),
            _ => {}
        }
    }

    /// A page that it was asked for: in order, and as it was told before.
    pub fn see_page(&self, room: RoomId, items: &[Item]) {
        let seqs: Vec<u64> = items.iter().filter_map(|item| item.seq).collect();
        if !seqs.is_sorted_by(|a, b| a < b) {
            let what = format!("{} shows {room} in this order: {seqs:?}", self.name);
            self.ledger.broken(Broken::OutOfOrder, what);
        }
        items.iter().for_each(|item| self.see_item(room, item));
    }

    fn see_item(&self, room: RoomId, item: &Item) {
        match (&item.state, item.seq) {
            (ItemState::Accepted, Some(seq)) if item.author == self.me() => {
                self.ledger.answered(&self.name, room, seq, item.id);
            }
            (ItemState::Accepted, Some(seq)) => {
                self.ledger.told(&self.name, room, seq, item.id);
            }
            (ItemState::Failed { refusal }, _) => {
                let code = json!(refusal.code);
                let code = code.as_str().unwrap_or_default();
                self.ledger.refused(item.id, code, &refusal.message);
            }
            _ => {}
        }
        if let (ItemBody::Message(message), Some(_)) = (&item.body, item.seq) {
            if message.deleted {
                self.ledger.gone(room, item.id);
            } else {
                self.ledger.message(room, item.id, item.author);
            }
        }
    }

    pub fn me(&self) -> MemberId {
        self.view.lock().unwrap().me.expect("it has started")
    }

    pub fn has_started(&self) -> bool {
        self.view.lock().unwrap().me.is_some()
    }

    pub fn connected(&self) -> bool {
        self.view.lock().unwrap().connected
    }

    pub fn space(&self) -> Option<SpaceId> {
        self.view.lock().unwrap().space
    }

    /// The rooms that one is in.
    pub fn open_rooms(&self) -> Vec<RoomView> {
        let view = self.view.lock().unwrap();
        view.rooms
            .values()
            .filter(|room| room.open)
            .cloned()
            .collect()
    }

    /// Where its replica lies, once it has one.
    pub fn database(&self) -> PathBuf {
        logs::replica(&self.data, self.space().expect("it has joined"))
    }
}
