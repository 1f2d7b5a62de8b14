//! One connection of one client: what the socket edge and the Hub share of it, the way out to it
//! ([`Outlet`]), and a request that waits for its answer ([`Asker`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use landline_protocol::down::{Answer, Goodbye, Reply};
use landline_protocol::{Code, GoodbyeReason, MemberId, Refusal};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::SendError;
use socketioxide::SocketError;
use socketioxide::extract::{AckSender, SocketRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::{debug, error};

use crate::door::Wire;
use crate::rate::Bucket;

/// Packets that may wait for one socket. A socket with more behind it is cut.
pub(crate) const OUTGOING_PACKETS: usize = 1024;
/// Bytes that may wait for one socket.
const OUTGOING_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes waiting for a socket above which no page of a log is read for it yet.
pub(crate) const OUTGOING_BYTES_BEFORE_A_PAGE: u64 = 2 * 1024 * 1024;
/// Bytes of requests of one connection that may wait for their answers. More than the biggest
/// packet, so that a lone request always fits.
const INCOMING_BYTES: usize = 1024 * 1024;
/// What a request costs of them at least, so that their number has a bound too.
const INCOMING_BYTES_LEAST: usize = 4 * 1024;
/// Bytes of requests of all connections together that may wait for their answers.
pub(crate) const INCOMING_BYTES_OF_ALL: usize = 128 * 1024 * 1024;
/// Between `goodbye`, or a client's leaving the namespace, and the end of the connection, for a client
/// that does not close it itself.
const LINGER: Duration = Duration::from_secs(2);
/// Requests a second of a connection on which nobody has signed in, with as many at once.
const STRANGERS_REQUESTS: u32 = 20;

/// A connection's number in this run of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) u64);

/// What the edge and the Hub share of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// What the client signs; serves once.
    pub(crate) nonce: String,
    nonce_served: AtomicBool,
    pub(crate) wire: Arc<Wire>,
    /// Set once, by the Hub, when somebody has signed in.
    who: OnceLock<Who>,
    strangers: Turnstile,
    /// The socket has closed.
    gone: AtomicBool,
    /// `goodbye` was said.
    leaving: AtomicBool,
    incoming: Arc<Semaphore>,
    incoming_of_all: Arc<Semaphore>,
    /// Held by the one page of a log that is being read for it.
    page: Arc<Semaphore>,
}

/// The bytes that a request takes while it waits.
#[derive(Debug)]
pub(crate) struct Permits {
    _mine: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Who has signed in, and how often they may ask.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) member: MemberId,
    pub(crate) requests: Arc<Turnstile>,
}

/// A bucket that several connections share.
#[derive(Debug)]
pub(crate) struct Turnstile(Mutex<Bucket>);

impl Turnstile {
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        Self(Mutex::new(Bucket::new(
            rate,
            Duration::from_secs(1),
            rate,
            now,
        )))
    }

    pub(crate) fn pass(&self, now: Instant) -> Result<(), Refusal> {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(1, now).map_err(|wait| {
            Refusal::new(Code::TooManyRequests, "too many requests a second").retry_after(wait)
        })
    }
}

impl Session {
    pub(crate) fn new(
        id: SessionId,
        nonce: String,
        wire: Arc<Wire>,
        incoming_of_all: Arc<Semaphore>,
        now: Instant,
    ) -> Self {
        Self {
            id,
            nonce,
            nonce_served: AtomicBool::new(false),
            wire,
            who: OnceLock::new(),
            strangers: Turnstile::new(STRANGERS_REQUESTS, now),
            gone: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            incoming: Arc::new(Semaphore::new(INCOMING_BYTES)),
            incoming_of_all,
            page: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whether the nonce may serve now: true once.
    pub(crate) fn take_nonce(&self) -> bool {
        !self.nonce_served.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn who(&self) -> Option<&Who> {
        self.who.get()
    }

    pub(crate) fn is_signed_in_as(&self, who: Who) {
        self.wire.is_known();
        // Only the Hub sets it, and only for a session that has nobody.
        let _ = self.who.set(who);
    }

    /// Takes one of the requests that this connection may make now.
    pub(crate) fn pass(&self, now: Instant) -> Result<(), Refusal> {
        match self.who() {
            Some(who) => who.requests.pass(now),
            None => self.strangers.pass(now),
        }
    }

    /// A request of this many bytes may wait for its answer.
    pub(crate) fn room_for(&self, bytes: usize) -> Result<Permits, Refusal> {
        let bytes = bytes.clamp(INCOMING_BYTES_LEAST, INCOMING_BYTES);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let mine = Arc::clone(&self.incoming)
            .try_acquire_many_owned(bytes)
            .map_err(|_| {
                let words = "too many requests of this connection wait for their answers";
                Refusal::new(Code::TooManyRequests, words).retry_after(50)
            })?;
        let of_all = Arc::clone(&self.incoming_of_all).try_acquire_many_owned(bytes);
        let of_all = of_all.map_err(|_| {
            let words = "too many requests wait for their answers";
            Refusal::new(Code::Unavailable, words).retry_after(200)
        })?;
        Ok(Permits {
            _mine: mine,
            _of_all: of_all,
        })
    }

    /// The turn of one page after the other.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.page).acquire_owned().await.ok()
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// `goodbye` was said, or will be.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    pub(crate) fn has_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Ends the connection after a while, for a client that does not close it itself.
    pub(crate) fn linger(&self) {
        // One that ends meanwhile must not keep its place for that.
        let wire = Arc::downgrade(&self.wire);
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            if let Some(wire) = wire.upgrade() {
                wire.cut();
            }
        });
    }
}

/// The way out to one client.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    pub(crate) socket: SocketRef,
    pub(crate) session: Arc<Session>,
}

impl Outlet {
    /// Puts a packet behind those that wait. One that finds no place ends the connection: the
    /// client catches up from the log, which a hole in the middle would not let it do.
    pub(crate) fn send<T: Serialize>(&self, event: &'static str, payload: &T) {
        let Some(raw) = to_raw(event, payload) else {
            return;
        };
        let sent = self.socket.emit(event, &*raw);
        self.sent(event, raw.get().len(), sent);
    }

    /// Counts a packet that went to this socket among others. One that found no place there is
    /// counted too: who loses that many is too slow as well.
    pub(crate) fn count(&self, event: &'static str, bytes: usize) {
        if self.session.wire.give(packet_bytes(event, bytes)) > OUTGOING_BYTES {
            self.goodbye(GoodbyeReason::TooSlow);
        }
    }

    fn sent(&self, event: &'static str, bytes: usize, sent: Result<(), SendError>) {
        match sent {
            Ok(()) => self.count(event, bytes),
            Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                self.goodbye(GoodbyeReason::TooSlow);
            }
            // Its end is told by the disconnect handler.
            Err(SendError::Socket(SocketError::Closed)) => {}
            Err(SendError::Serialize(error)) => error!(%error, event, "a packet can't be written"),
        }
    }

    /// Says why, closes the socket, and after a while the connection.
    pub(crate) fn goodbye(&self, reason: GoodbyeReason) {
        if self.session.leaving.swap(true, Ordering::Relaxed) {
            return;
        }
        debug!(session = self.session.id.0, %reason, "goodbye");
        let goodbye = Goodbye {
            reason,
            retry_after_ms: None,
            addresses: Vec::new(),
        };
        if self.socket.emit("goodbye", &goodbye).is_err() {
            // The one place beside the queue; it is read if the client ever catches up.
            let _ = self.socket.volatile().emit("goodbye", &goodbye);
        }
        // With a full queue this does nothing, and the cut below does it.
        let _ = self.socket.clone().disconnect();
        self.session.linger();
    }

    /// Bytes that wait for this client.
    pub(crate) fn waiting(&self) -> u64 {
        self.session.wire.waiting()
    }
}

/// A request and where its answer goes.
pub(crate) struct Asker {
    pub(crate) outlet: Outlet,
    /// Asked for a Socket.IO acknowledgement.
    pub(crate) ack: Option<AckSender>,
    pub(crate) rid: Option<String>,
    /// Given back with the answer.
    pub(crate) permits: Option<Permits>,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker")
            .field("session", &self.session())
            .field("rid", &self.rid)
            .finish()
    }
}

impl Asker {
    pub(crate) fn answer<T: Serialize>(self, result: Result<T, Refusal>) {
        let Some(raw) = result.map(|ok| to_raw("reply", &ok)).transpose() else {
            return;
        };
        if let Some(ack) = self.ack {
            let answer = Answer::from(raw.as_ref().map(|raw| &**raw).map_err(Clone::clone));
            if let Some(raw) = to_raw("ack", &answer) {
                let sent = ack.send(&*raw);
                self.outlet.sent("", raw.get().len(), sent);
            }
        }
        if let Some(rid) = self.rid {
            self.outlet.send("reply", &Reply::new(rid, raw));
        }
    }

    pub(crate) fn session(&self) -> SessionId {
        self.outlet.session.id
    }
}

fn to_raw<T: Serialize>(event: &'static str, payload: &T) -> Option<Box<RawValue>> {
    match to_raw_value(payload) {
        Ok(raw) => Some(raw),
        Err(error) => {
            error!(%error, event, "a packet can't be written");
            None
        }
    }
}

/// How many bytes a packet takes on the wire: `42["event",payload]` in one WebSocket frame.
fn packet_bytes(event: &str, payload: usize) -> usize {
    let text = payload + event.len() + 7;
    let head = match text {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    text + head
}
