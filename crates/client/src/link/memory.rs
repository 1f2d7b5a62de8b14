//! Links without a network, for tests of the engine: the test is the node.
//!
//! The same keeper as in the real link runs above it, so heartbeats, limits and their order are
//! the real ones, and all of it works in tokio's paused time.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use landline_protocol::{Refusal, down};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::keeper::{Carried, HEARTBEAT, Incoming, Pulse, keep};
use super::{Dial, Dialed, LinkLoss, Peer, Target, Timing};

/// Events in each direction that the "network" holds.
const HELD: usize = 64;

/// The client's end: hand it to the engine.
#[derive(Debug, Clone)]
pub struct MemoryDial {
    calls: mpsc::Sender<Call>,
    timing: Timing,
}

/// The test's end: everything the engine dials arrives here.
#[derive(Debug)]
pub struct MemoryNode {
    calls: mpsc::Receiver<Call>,
}

/// A network with one node on it.
pub fn network(timing: Timing) -> (MemoryDial, MemoryNode) {
    let (sender, calls) = mpsc::channel(HELD);
    (
        MemoryDial {
            calls: sender,
            timing,
        },
        MemoryNode { calls },
    )
}

impl MemoryNode {
    /// Waits for the next dial. None: the engine's end is gone.
    pub async fn call(&mut self) -> Option<Call> {
        self.calls.recv().await
    }
}

/// Somebody dials. Dropped unanswered it is a refused connection; held, one that never answers.
#[derive(Debug)]
pub struct Call {
    /// What was dialled.
    pub target: Target,
    answer: oneshot::Sender<Result<(Box<down::Welcome>, Ends), LinkLoss>>,
}

impl Call {
    /// The node accepts and says `welcome`.
    pub fn accept(self, welcome: down::Welcome) -> MemorySession {
        let (emitted, requests) = mpsc::channel(HELD);
        let (sender, incoming) = mpsc::channel(HELD);
        let pulse = Pulse::new();
        let ends = Ends {
            emitted,
            incoming,
            pulse: pulse.clone(),
        };
        // A dialler that has given up meanwhile shows as a session that has ended.
        let _ = self.answer.send(Ok((Box::new(welcome), ends)));
        MemorySession {
            requests,
            incoming: sender,
            pulse,
        }
    }

    /// The dial fails.
    pub fn refuse(self, loss: LinkLoss) {
        let _ = self.answer.send(Err(loss));
    }
}

#[derive(Debug)]
struct Ends {
    emitted: mpsc::Sender<Sent>,
    incoming: mpsc::Receiver<Incoming>,
    pulse: Arc<Pulse>,
}

/// One event of the client, as the node got it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub event: &'static str,
    /// There is one if it is a request.
    pub rid: Option<String>,
    /// The whole object, `rid` included.
    pub payload: Value,
}

/// The node's side of one link. Dropping it closes the connection; keeping it and doing nothing
/// is a black hole.
#[derive(Debug)]
pub struct MemorySession {
    requests: mpsc::Receiver<Sent>,
    incoming: mpsc::Sender<Incoming>,
    pulse: Arc<Pulse>,
}

impl MemorySession {
    /// Waits for the next event of the client; None: it has gone. Heartbeats are answered here
    /// and not shown.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            let sent = self.requests.recv().await?;
            if sent.rid.as_deref() != Some(HEARTBEAT) {
                return Some(sent);
            }
            self.reply(HEARTBEAT, Ok(json!({ "rooms": [], "more": false })))
                .await;
        }
    }

    /// Answers a request.
    pub async fn reply(&self, rid: &str, answer: Result<Value, Refusal>) {
        let payload = match answer {
            Ok(ok) => json!({ "rid": rid, "ok": ok }),
            Err(refusal) => json!({ "rid": rid, "error": refusal }),
        };
        self.push("reply", payload).await;
    }

    /// Sends any event. Waits while the client does not take what was sent before.
    pub async fn push(&self, name: &str, payload: Value) {
        self.pulse.beat();
        // A client that has gone gets nothing, as on a network.
        let _ = self
            .incoming
            .send(Incoming::Event {
                name: name.to_owned(),
                payload,
            })
            .await;
    }

    /// Resolves when the client's side has ended.
    pub async fn gone(&self) {
        self.incoming.closed().await;
    }
}

impl Dial for MemoryDial {
    fn dial(&self, target: Target) -> BoxFuture<'static, Result<Dialed, LinkLoss>> {
        let (calls, timing) = (self.calls.clone(), self.timing);
        async move {
            let nobody = || LinkLoss::Unreachable("nobody is there".to_owned());
            let address = target.addresses.first().cloned().unwrap_or_default();
            let (answer, answered) = oneshot::channel();
            calls
                .send(Call { target, answer })
                .await
                .map_err(|_| nobody())?;
            let (welcome, ends) = timeout(timing.connect + timing.welcome, answered)
                .await
                .map_err(|_| LinkLoss::Silent)?
                .map_err(|_| nobody())??;
            Ok(keep(carried(welcome, ends, address), timing))
        }
        .boxed()
    }
}

fn carried(welcome: Box<down::Welcome>, ends: Ends, address: String) -> Carried {
    let Ends {
        emitted,
        incoming,
        pulse,
    } = ends;
    let fingerprint = welcome
        .node
        .fingerprint
        .clone()
        .unwrap_or_else(|| "-".to_owned());
    Carried {
        welcome,
        peer: Peer {
            address,
            fingerprint,
        },
        emit: Box::new(move |event, payload| {
            let emitted = emitted.clone();
            async move {
                let rid = payload
                    .get("rid")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                let sent = Sent {
                    event,
                    rid,
                    payload,
                };
                emitted.send(sent).await.map_err(|_| LinkLoss::Closed)
            }
            .boxed()
        }),
        incoming,
        pulse,
        cut: CancellationToken::new(),
    }
}
