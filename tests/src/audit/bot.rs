//! A member who speaks plain Socket.IO, as docs/protocol.md describes it: an outbox of its own, a
//! log of each room, `fetch` after every interruption, and again what was not answered.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use landline_protocol::down::{Events, Heads, RoomClosed, RoomOpened, Welcome};
use landline_protocol::limits::APPEND_EVENTS;
use landline_protocol::up::{AppendResult, Appended, Fetched, RoomInfo, SignedIn};
use landline_protocol::{Content, Event, EventId, MemberId, NewEvent, RoomId, RoomKind};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::ledger::{Broken, Ledger};
use crate::proxy::Proxy;
use crate::raw::{Raw, sign_in_request};

mod session;

use session::Session;

/// Between two tries to connect.
const AGAIN: Duration = Duration::from_millis(300);
/// For a connection, a sign-in, an answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// What it has, kept over its connections.
#[derive(Debug, Default)]
pub struct State {
    pub outbox: VecDeque<NewEvent>,
    /// The rooms it is in, and where their logs were last said to stand.
    pub rooms: BTreeMap<RoomId, u64>,
    pub logs: HashMap<RoomId, Vec<Event>>,
    /// Its own messages that stand and can be edited or deleted.
    pub mine: Vec<(RoomId, EventId)>,
    /// Events that were answered, to be appended again on a whim.
    pub answered: VecDeque<NewEvent>,
    /// Searches that wait for their turn.
    pub searches: VecDeque<String>,
    epoch: Option<u64>,
}

/// A stock member.
#[derive(Debug)]
pub struct Bot {
    pub name: String,
    pub me: MemberId,
    pub proxy: Arc<Proxy>,
    state: Arc<Mutex<State>>,
    _living: AbortOnDropHandle<()>,
}

impl Bot {
    pub fn start(name: &str, seed: u8, proxy: Arc<Proxy>, ledger: Arc<Ledger>) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let me = MemberId::from_bytes(key.verifying_key().to_bytes());
        let state = Arc::<Mutex<State>>::default();
        let life = Life {
            name: name.to_owned(),
            key,
            node: proxy.address(),
            state: state.clone(),
            ledger,
        };
        Self {
            name: name.to_owned(),
            me,
            proxy,
            state,
            _living: AbortOnDropHandle::new(tokio::spawn(life.run())),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

struct Life {
    name: String,
    key: SigningKey,
    node: SocketAddr,
    state: Arc<Mutex<State>>,
    ledger: Arc<Ledger>,
}

impl Life {
    async fn run(self) {
        loop {
            // However it ended: dial anew.
            let _ = self.session().await;
            sleep(AGAIN).await;
        }
    }

    async fn session(&self) -> Option<()> {
        let raw = timeout(PATIENCE, Raw::open(self.node)).await.ok()?.ok()?;
        let mut session = Session::new(self, raw);
        timeout(PATIENCE, session.sign_in()).await.ok()??;
        session.run().await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// An event of a log; passed over where what is before is missing, or it is there.
    fn take(&self, room: RoomId, event: Event) {
        self.ledger.told(&self.name, room, event.seq, event.id);
        match Content::read(&event.content) {
            Content::Message(message) if !message.text.is_empty() => {
                self.ledger.message(room, event.id, event.author);
            }
            Content::Delete(delete) => self.ledger.gone(room, delete.target),
            Content::RoomCreated(created) => {
                self.ledger.room(room, created.kind == RoomKind::Public);
            }
            _ => {}
        }
        let mut state = self.state();
        let log = state.logs.entry(room).or_default();
        if event.seq == log.len() as u64 + 1 {
            log.push(event);
        }
    }
}
