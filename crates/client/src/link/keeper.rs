//! The one task that watches over a link, whatever carries it.
//!
//! ```text
//! Link::send ─► outgoing ─┐                     ┌─► emit (one at a time, with a limit)
//!                         ├─ keeper: in flight, ┤
//! carrier ───► incoming ──┘  heartbeat, limits  └─► events ─► engine
//! ```
//!
//! It matches replies with requests, asks for a sign of life when nothing comes, and ends the
//! link at the first trouble: what was received before is handed on, `emit` and with it the
//! carrier is dropped, everything below is cut, `Closed` is told last.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use landline_protocol::down;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Dialed, IN_FLIGHT, INCOMING, Link, LinkEvent, LinkLoss, OUTGOING, Peer, Timing};

/// The `rid` of our own question; no number, so that it is none of the engine's.
pub(super) const HEARTBEAT: &str = "heartbeat";
/// How much longer than its limit a request may take while bytes still arrive.
const PATIENCE: u32 = 4;

/// Signs of life of the connection below, written by whoever reads from it.
#[derive(Debug)]
pub(crate) struct Pulse {
    began: Instant,
    heard_ms: AtomicU64,
    ended: CancellationToken,
}

impl Pulse {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            heard_ms: AtomicU64::new(0),
            ended: CancellationToken::new(),
        })
    }

    /// Bytes have arrived.
    pub(crate) fn beat(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_ms.store(ms, Ordering::Relaxed);
    }

    /// The other side has ended the connection, orderly or not. Said before the carrier sees it.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    fn heard(&self) -> Instant {
        self.began + Duration::from_millis(self.heard_ms.load(Ordering::Relaxed))
    }
}

/// What a carrier hands to the keeper. It ends with its sender: nothing of it runs any longer.
#[derive(Debug)]
pub(crate) enum Incoming {
    Event {
        name: String,
        payload: Value,
    },
    /// The other side took its leave.
    Ended,
    /// What came can't be read, or the carrier can't go on.
    Failed(String),
}

/// Writes one event; resolves when the connection has taken it.
pub(crate) type Emit =
    Box<dyn Fn(&'static str, Value) -> BoxFuture<'static, Result<(), LinkLoss>> + Send>;

/// A carrier that was welcomed.
pub(crate) struct Carried {
    pub(crate) welcome: Box<down::Welcome>,
    pub(crate) peer: Peer,
    pub(crate) emit: Emit,
    pub(crate) incoming: mpsc::Receiver<Incoming>,
    pub(crate) pulse: Arc<Pulse>,
    /// Ends all that is below.
    pub(crate) cut: CancellationToken,
}

/// Starts the keeper: from here on the link lives until its first trouble.
pub(crate) fn keep(carried: Carried, timing: Timing) -> Dialed {
    let (events, told) = mpsc::channel(INCOMING);
    let (outgoing, queued) = mpsc::channel(OUTGOING);
    let probe = Arc::new(Notify::new());
    let link = KeptLink {
        outgoing,
        probe: probe.clone(),
        cut: carried.cut.clone(),
        peer: carried.peer,
    };
    let now = Instant::now();
    let keeper = Keeper {
        emit: carried.emit,
        incoming: carried.incoming,
        queued,
        pulse: carried.pulse,
        cut: carried.cut,
        timing,
        in_flight: HashMap::new(),
        heartbeat: None,
        last_event: now,
        next_check: now + timing.heartbeat_every,
        probe,
        probing: false,
        exhausted: false,
    };
    tokio::spawn(keeper.run(carried.welcome, events));
    (Box::new(link), told)
}

/// The engine's handle.
#[derive(Debug)]
struct KeptLink {
    outgoing: mpsc::Sender<Outgoing>,
    probe: Arc<Notify>,
    cut: CancellationToken,
    peer: Peer,
}

impl Link for KeptLink {
    fn send(&self, event: &'static str, rid: Option<u64>, payload: Value) -> Result<(), LinkLoss> {
        if self.cut.is_cancelled() {
            return Err(LinkLoss::Cut);
        }
        let Value::Object(mut fields) = payload else {
            return Err(LinkLoss::Protocol(
                "a payload is one JSON object".to_owned(),
            ));
        };
        if let Some(rid) = rid {
            fields.insert("rid".to_owned(), Value::String(rid.to_string()));
        }
        let outgoing = Outgoing {
            event,
            rid,
            payload: Value::Object(fields),
        };
        self.outgoing
            .try_send(outgoing)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => LinkLoss::Busy,
                mpsc::error::TrySendError::Closed(_) => LinkLoss::Closed,
            })
    }

    fn probe(&self) {
        self.probe.notify_one();
    }

    fn cut(&self) {
        self.cut.cancel();
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for KeptLink {
    fn drop(&mut self) {
        self.cut.cancel();
    }
}

#[derive(Debug)]
struct Outgoing {
    event: &'static str,
    rid: Option<u64>,
    payload: Value,
}

type Writing = BoxFuture<'static, Result<(), LinkLoss>>;

struct Keeper {
    emit: Emit,
    incoming: mpsc::Receiver<Incoming>,
    queued: mpsc::Receiver<Outgoing>,
    pulse: Arc<Pulse>,
    cut: CancellationToken,
    timing: Timing,
    /// When each request that has no answer yet was handed to the carrier.
    in_flight: HashMap<u64, Instant>,
    /// When our own question was asked, while it has no answer.
    heartbeat: Option<Instant>,
    last_event: Instant,
    next_check: Instant,
    /// Somebody wants a sign of life now.
    probe: Arc<Notify>,
    probing: bool,
    /// The carrier has said its last.
    exhausted: bool,
}

impl Keeper {
    async fn run(mut self, welcome: Box<down::Welcome>, events: mpsc::Sender<LinkEvent>) {
        // Both places are there, the channel is new: the last one is kept for `Closed`.
        let Ok(last) = events.clone().try_reserve_owned() else {
            return;
        };
        if events.try_send(LinkEvent::Welcome(welcome)).is_err() {
            self.cut.cancel();
            return;
        }
        let loss = self.watch(&events).await;
        debug!(%loss, "link ended");

        // Nothing but the carrier's own task holds it from here on.
        self.emit = Box::new(|_, _| Box::pin(async { Err(LinkLoss::Cut) }));
        if loss == LinkLoss::Closed && !self.exhausted {
            // A goodbye may still wait between the socket and us.
            let _ = timeout(self.timing.drain, self.hand_on_the_rest(&events)).await;
        }
        self.cut.cancel();
        drop(events);
        last.send(LinkEvent::Closed(loss));
        self.see_it_end().await;
    }

    /// Until the first trouble.
    async fn watch(&mut self, events: &mpsc::Sender<LinkEvent>) -> LinkLoss {
        let mut writing: Option<Writing> = None;
        loop {
            let may_write = writing.is_none();
            tokio::select! {
                () = self.cut.cancelled() => return LinkLoss::Cut,
                () = events.closed() => return LinkLoss::Cut,
                () = self.pulse.ended.cancelled() => return LinkLoss::Closed,
                written = written(&mut writing) => match written {
                    Ok(()) => writing = None,
                    Err(loss) => return loss,
                },
                (place, incoming) = next(events, &mut self.incoming) => {
                    if let Err(loss) = self.take(incoming, place) {
                        return loss;
                    }
                }
                outgoing = self.queued.recv(), if may_write && self.in_flight.len() < IN_FLIGHT => {
                    match outgoing {
                        Some(outgoing) => writing = Some(self.write(outgoing)),
                        None => return LinkLoss::Cut,
                    }
                }
                () = self.probe.notified() => {
                    self.probing = true;
                    self.next_check = Instant::now();
                }
                () = sleep_until(self.next_check) => match self.check(may_write) {
                    Ok(None) => {}
                    Ok(heartbeat) => writing = heartbeat,
                    Err(loss) => return loss,
                },
            }
        }
    }

    fn write(&mut self, outgoing: Outgoing) -> Writing {
        if let Some(rid) = outgoing.rid {
            let now = Instant::now();
            self.in_flight.insert(rid, now);
            self.next_check = self.next_check.min(now + self.timing.request);
        }
        self.emit_within(outgoing.event, outgoing.payload)
    }

    fn emit_within(&self, event: &'static str, payload: Value) -> Writing {
        let written = timeout(self.timing.write, (self.emit)(event, payload));
        Box::pin(async move { written.await.unwrap_or(Err(LinkLoss::Silent)) })
    }

    fn take(
        &mut self,
        incoming: Option<Incoming>,
        place: Option<mpsc::Permit<'_, LinkEvent>>,
    ) -> Result<(), LinkLoss> {
        let place = place.ok_or(LinkLoss::Cut)?;
        match incoming {
            Some(Incoming::Event { name, payload }) => {
                self.last_event = Instant::now();
                if name == "reply" {
                    self.settle(payload, place)?;
                } else {
                    place.send(LinkEvent::Push { name, payload });
                }
                Ok(())
            }
            // The tunnel says first that it has ended; what the carrier says then only follows.
            Some(Incoming::Failed(text)) if !self.pulse.has_ended() => {
                self.exhausted = true;
                Err(LinkLoss::Protocol(text))
            }
            Some(Incoming::Failed(_) | Incoming::Ended) | None => {
                self.exhausted = true;
                Err(LinkLoss::Closed)
            }
        }
    }

    fn settle(
        &mut self,
        payload: Value,
        place: mpsc::Permit<'_, LinkEvent>,
    ) -> Result<(), LinkLoss> {
        let reply: down::Reply<Value> = serde_json::from_value(payload)
            .map_err(|error| LinkLoss::Protocol(format!("a reply that can't be read: {error}")))?;
        if reply.rid == HEARTBEAT {
            self.heartbeat = None;
            return Ok(());
        }
        let rid = reply
            .rid
            .parse()
            .ok()
            .filter(|rid| self.in_flight.remove(rid).is_some());
        let answer = match (reply.ok, reply.error) {
            (_, Some(refusal)) => Err(refusal),
            (Some(ok), None) => Ok(ok),
            (None, None) => return Err(LinkLoss::Protocol("a reply that says nothing".to_owned())),
        };
        match rid {
            Some(rid) => place.send(LinkEvent::Reply { rid, answer }),
            None => debug!(rid = reply.rid, "a reply that nobody waits for"),
        }
        Ok(())
    }

    /// Is anything overdue, is it time for a heartbeat? Sets the next time to look.
    fn check(&mut self, may_write: bool) -> Result<Option<Writing>, LinkLoss> {
        let now = Instant::now();
        let oldest = self
            .in_flight
            .values()
            .min()
            .map(|sent| self.due(*sent, self.timing.request));
        let asked = self
            .heartbeat
            .map(|sent| self.due(sent, self.timing.heartbeat));
        if oldest.into_iter().chain(asked).any(|due| due <= now) {
            return Err(LinkLoss::Silent);
        }
        let mut heartbeat = None;
        let mut next = if self.probing {
            now
        } else {
            self.last_event + self.timing.heartbeat_every
        };
        if self.heartbeat.is_some() {
            self.probing = false;
            next = now + self.timing.heartbeat_every;
        } else if next <= now && may_write {
            self.heartbeat = Some(now);
            self.probing = false;
            heartbeat = Some(self.emit_within("my_rooms", json!({ "limit": 1, "rid": HEARTBEAT })));
            next = now + self.timing.heartbeat;
        } else if next <= now {
            // Something is being written, and that has a limit of its own.
            next = now + self.timing.heartbeat / 2;
        }
        self.next_check = oldest.into_iter().chain(asked).fold(next, Instant::min);
        Ok(heartbeat)
    }

    /// When a question counts as unanswered: after its limit, but not while bytes still arrive (a
    /// large answer on a slow network), unless that has gone on for too long.
    fn due(&self, sent: Instant, limit: Duration) -> Instant {
        (sent + limit)
            .max(self.pulse.heard() + self.timing.heartbeat)
            .min(sent + self.timing.request * PATIENCE)
    }

    async fn hand_on_the_rest(&mut self, events: &mpsc::Sender<LinkEvent>) {
        while let (place, Some(incoming)) = next(events, &mut self.incoming).await {
            if self.take(Some(incoming), place).is_err() {
                return;
            }
        }
    }

    /// The carrier's task holds the sender of `incoming`: when that is gone, nothing is left.
    async fn see_it_end(&mut self) {
        let ended = async { while self.incoming.recv().await.is_some() {} };
        if timeout(self.timing.drain, ended).await.is_err() {
            warn!("a link's task has not ended after it was cut");
        }
    }
}

/// A place with the engine first, then what to put there: while the engine is slow, the carrier
/// waits, and through it the node.
async fn next<'a>(
    events: &'a mpsc::Sender<LinkEvent>,
    incoming: &mut mpsc::Receiver<Incoming>,
) -> (Option<mpsc::Permit<'a, LinkEvent>>, Option<Incoming>) {
    let place = events.reserve().await.ok();
    (place, incoming.recv().await)
}

async fn written(writing: &mut Option<Writing>) -> Result<(), LinkLoss> {
    match writing {
        Some(written) => written.await,
        None => std::future::pending().await,
    }
}
