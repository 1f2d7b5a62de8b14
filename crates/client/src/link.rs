//! One connection to a node, on a short leash: what the engine sees of it.
//!
//! ```text
//! engine ── Dial::dial ──► Welcome ─► (Reply | Push)* ─► Closed      one bounded channel, in order
//!    └───── Link::send ──► node                                      never waits
//! ```
//!
//! A link is made once, lives until its first trouble and is never mended: the engine dials anew
//! (see [`Backoff`]). [`crate::TcpDial`] is the real one; [`memory`] is for tests of the engine.
//! Both are watched over by the same task (`keeper.rs`), so limits behave alike in both.

use std::time::Duration;

use futures_util::future::BoxFuture;
use landline_protocol::{Refusal, down};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

mod backoff;
mod keeper;
pub mod memory;
pub(crate) mod socketio;
#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub(crate) use backoff::spread;
pub(crate) use keeper::{Pulse, keep};

/// Events that wait to be written; one more is refused with [`LinkLoss::Busy`].
pub const OUTGOING: usize = 256;
/// Events that wait for the engine. When they are as many, the node is held back (TCP), and cuts
/// us if that lasts: we catch up from the log then. The last place is kept for `Closed`.
pub const INCOMING: usize = 256;
/// Requests that wait for their answers; more stay in the outgoing queue.
pub const IN_FLIGHT: usize = 1_024;

/// How long a link waits for what. Tests shorten it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between starting the tries of two addresses, while none has answered.
    pub stagger: Duration,
    /// For one address to accept a TCP connection, resolving its name included.
    pub connect: Duration,
    /// From an accepted TCP connection to the node's `welcome`.
    pub welcome: Duration,
    /// For one event to be taken by the connection.
    pub write: Duration,
    /// For the answer to a request. While bytes still arrive (a slow network and large answers),
    /// up to four times as long.
    pub request: Duration,
    /// Nothing was received for so long: ask something cheap.
    pub heartbeat_every: Duration,
    /// For the answer to that, or for a connection on which answers are due to show any sign of life.
    pub heartbeat: Duration,
    /// For what a closing node has said last to be read.
    pub drain: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            stagger: Duration::from_millis(150),
            connect: Duration::from_secs(5),
            welcome: Duration::from_secs(10),
            write: Duration::from_secs(10),
            request: Duration::from_secs(15),
            heartbeat_every: Duration::from_secs(10),
            heartbeat: Duration::from_secs(5),
            drain: Duration::from_secs(1),
        }
    }
}

/// What a link tells the engine, in the order in which it arrived.
#[derive(Debug)]
pub enum LinkEvent {
    /// Always first.
    Welcome(Box<down::Welcome>),
    /// The answer to the request with this `rid`; one each.
    Reply {
        rid: u64,
        answer: Result<Value, Refusal>,
    },
    /// Anything else from the node (`events`, `heads`, `goodbye`, …), known to us or not; the
    /// payload is one JSON object.
    Push { name: String, payload: Value },
    /// Always last. Requests without a reply have none.
    Closed(LinkLoss),
}

/// Why there is no link, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkLoss {
    /// No address accepted a connection; what the first one said.
    #[error("can't be reached: {0}")]
    Unreachable(String),
    /// An answer (or `welcome`, or room to write) was overdue: cable, Wi-Fi, a hanging node.
    #[error("does not answer")]
    Silent,
    /// The connection ended from the other side.
    #[error("has closed the connection")]
    Closed,
    /// Whatever is there does not speak our protocol.
    #[error("does not speak Landline: {0}")]
    Protocol(String),
    /// The key seen on the connection is not the one that was expected.
    #[error("shows another key than expected ({seen})")]
    OtherKey { seen: String },
    /// By us: [`Link::cut`], or the handle or the receiver was dropped.
    #[error("was cut")]
    Cut,
    /// Of [`Link::send`] only: [`OUTGOING`] events wait already. The link itself goes on.
    #[error("has too much to send at once")]
    Busy,
}

/// Where a space is expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// `host:port` or `host` (then the default port), best first; names are resolved.
    pub addresses: Vec<String>,
    /// The fingerprint that the node must show, where known. `-`: none, TLS is not expected.
    pub fingerprint: Option<String>,
}

/// Who is at the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The one of the target's addresses that answered, as it was given: worth remembering.
    pub address: String,
    /// Of the certificate seen on this connection, as `sign_in` wants it; `-` without TLS.
    pub fingerprint: String,
}

/// Makes links.
pub trait Dial: Send + Sync + 'static {
    /// Resolves when the node's `welcome` has arrived (then it is the receiver's first event), or
    /// with the reason why not, within [`Timing`]'s limits for each address that accepts a
    /// connection. Dropping the future leaves nothing behind.
    fn dial(&self, target: Target) -> BoxFuture<'static, Result<Dialed, LinkLoss>>;

    /// A connection to the same node for files, by the same addresses and to the same key. None
    /// where links are no connections.
    fn stream(&self, target: Target) -> BoxFuture<'static, Result<Box<dyn Stream>, LinkLoss>> {
        let _ = target;
        Box::pin(async { Err(LinkLoss::Unreachable("there is no way for files".into())) })
    }
}

/// A connection that carries plain bytes.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A link and what it will tell.
pub type Dialed = (Box<dyn Link>, mpsc::Receiver<LinkEvent>);

/// A connection that was welcomed. Dropping it cuts it.
pub trait Link: Send + Sync + 'static {
    /// Queues one event for the node; never waits. `payload` is one JSON object. With a `rid`
    /// (unique on this link) it is a request: it gets one [`LinkEvent::Reply`], or the link ends.
    fn send(&self, event: &'static str, rid: Option<u64>, payload: Value) -> Result<(), LinkLoss>;

    /// Asks the node for a sign of life now, rather than when nothing has come for
    /// [`Timing::heartbeat_every`]: the computer has slept, the network may be another.
    fn probe(&self);

    /// Ends everything that belongs to the link; `Closed(Cut)` follows unless it had ended before.
    fn cut(&self);

    /// Who is at the other end.
    fn peer(&self) -> &Peer;
}
