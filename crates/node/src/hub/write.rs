//! What waits to be written, one batch at a time, and what is done when it is stored.
//!
//! ```text
//! idle ──▶ appends wait? ─ yes ─▶ batch of all that waits (≤ BATCH_EVENTS) ─▶ stored ─▶ answer, relay
//!            │ no, or the derived rows are DERIVED_BEHIND_MOST events behind           │
//!            └──▶ catch up a few of them ──────────────────────────────────────────────┴──▶ idle
//! ```
//! There is no timer: while one batch is being stored the next gathers.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use landline_protocol::up::{AppendResult, Appended};
use landline_protocol::{Code, MemberId, Refusal};
use landline_store::{StoreError, apply, marks, sessions, settings};
use tokio::time::Instant;
use tracing::{error, warn};

use super::batch::{Batch, Outcome, Work, WorkResult};
use super::{Hub, Nothing, forget_full};
use crate::folder::Seen;
use crate::kept::{LAST_SEEN, PROBE};
use crate::rate::Bucket;
use crate::request::Candidate;
use crate::session::Asker;

/// Events in one transaction.
const BATCH_EVENTS: usize = 500;
/// Bytes of events in one transaction.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Events that wait to be written. Past it: `unavailable`.
const WAITING_EVENTS: usize = 20_000;
/// Bytes of events that wait to be written.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Derived rows made in one transaction.
const DERIVED_AT_ONCE: usize = 500;
/// Events that the derived rows may be behind while appends wait.
const DERIVED_BEHIND_MOST: u64 = 5_000;
/// How long the derived rows rest after a failure.
const DERIVE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long marks and tokens wait to be stored.
const LAZY: Duration = Duration::from_secs(5);

/// What runs beside the Hub and comes back to it.
#[derive(Debug)]
pub(super) enum Done {
    Batch(Result<Outcome, StoreError>),
    CaughtUp {
        more: Result<bool, StoreError>,
        to: u64,
    },
    /// Marks, tokens and the like.
    Lazy(Result<(), StoreError>),
    Tried {
        asker: Asker,
        member: MemberId,
        name: String,
        fits: bool,
    },
    Hashed {
        asker: Asker,
        author: MemberId,
        hash: Option<String>,
    },
}

/// Who waits for a [`Work`].
#[derive(Debug)]
pub(super) enum Waiter {
    Append(Asker),
    Admit { asker: Asker, member: MemberId },
    Passcode { asker: Asker, hash: Option<String> },
}

/// What waits, what is under way, and how far the derived rows are.
#[derive(Debug)]
pub(super) struct Writes {
    waiting: VecDeque<(Waiter, Work)>,
    waiting_events: usize,
    waiting_bytes: usize,
    /// Of the batch under way, in its order.
    under_way: Option<Vec<Waiter>>,
    catching_up: bool,
    lazy_under_way: bool,
    lazy_at: Option<Instant>,
    buckets: HashMap<MemberId, Bucket>,
    /// Events written in this run of the node.
    written: u64,
    /// Of those, how many the derived rows follow.
    derived: u64,
    /// Reads that wait for the derived rows, by what [`Self::written`] was when they came.
    readers: VecDeque<(u64, tokio::sync::oneshot::Sender<()>)>,
    /// After a failure: when the derived rows are tried again.
    derive_at: Option<Instant>,
    stored: bool,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_events: 0,
            waiting_bytes: 0,
            under_way: None,
            catching_up: false,
            lazy_under_way: false,
            lazy_at: None,
            buckets: HashMap::new(),
            written: 0,
            derived: 0,
            readers: VecDeque::new(),
            derive_at: None,
            stored: true,
        }
    }
}

impl Writes {
    pub(super) fn wait(&mut self, waiter: Waiter, work: Work) {
        let (events, bytes) = work.size();
        self.waiting_events += events;
        self.waiting_bytes += bytes;
        self.waiting.push_back((waiter, work));
    }

    const fn is_full(&self) -> bool {
        self.waiting_events >= WAITING_EVENTS || self.waiting_bytes >= WAITING_BYTES
    }

    /// Nothing waits and nothing is under way.
    pub(super) fn are_done(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none() && !self.catching_up
    }

    /// The last write was stored.
    pub(super) const fn are_stored(&self) -> bool {
        self.stored
    }

    pub(super) fn forget(&mut self, now: Instant) {
        forget_full(&mut self.buckets, now);
    }

    /// Resolves once the derived rows have reached what is written now.
    pub(super) fn until_derived(&mut self) -> tokio::sync::oneshot::Receiver<()> {
        let (reached, reaches) = tokio::sync::oneshot::channel();
        if self.derived == self.written {
            let _ = reached.send(());
        } else {
            self.readers.push_back((self.written, reached));
        }
        reaches
    }

    fn derived_to(&mut self, to: u64) {
        self.derived = to;
        while self
            .readers
            .front()
            .is_some_and(|(needed, _)| *needed <= to)
        {
            if let Some((_, reached)) = self.readers.pop_front() {
                let _ = reached.send(());
            }
        }
    }

    /// As much of what waits as makes one batch.
    fn take_batch(&mut self) -> (Vec<Waiter>, Vec<Work>) {
        let (mut waiters, mut works) = (Vec::new(), Vec::new());
        let (mut events, mut bytes) = (0, 0);
        while let Some((_, work)) = self.waiting.front() {
            let size = work.size();
            let full = events + size.0 > BATCH_EVENTS || bytes + size.1 > BATCH_BYTES;
            if full && !works.is_empty() {
                break;
            }
            let Some((waiter, work)) = self.waiting.pop_front() else {
                break;
            };
            (events, bytes) = (events + size.0, bytes + size.1);
            waiters.push(waiter);
            works.push(work);
        }
        self.waiting_events -= events;
        self.waiting_bytes -= bytes;
        (waiters, works)
    }

    /// The buckets of those who append in this batch.
    fn take_buckets(&mut self, works: &[Work]) -> HashMap<MemberId, Bucket> {
        let authors = works.iter().filter_map(|work| match work {
            Work::Append { author, .. } => Some(author),
            Work::Admit { .. } | Work::Passcode { .. } | Work::Own { .. } => None,
        });
        authors
            .filter_map(|author| self.buckets.get_key_value(author))
            .map(|(k, v)| (*k, *v))
            .collect()
    }
}

impl Work {
    /// Events and bytes, roughly.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Append { candidates, .. } => (
                candidates.len(),
                candidates.iter().map(Candidate::bytes).sum(),
            ),
            Self::Admit { .. } | Self::Passcode { .. } | Self::Own { .. } => (1, 1_000),
        }
    }
}

impl Hub {
    pub(super) fn append(&mut self, asker: Asker, author: MemberId, candidates: Vec<Candidate>) {
        if self.writes.is_full() {
            let words = "too much waits to be stored";
            let refusal = Refusal::new(Code::Unavailable, words).retry_after(500);
            return asker.answer::<()>(Err(refusal));
        }
        self.writes
            .wait(Waiter::Append(asker), Work::Append { author, candidates });
    }

    pub(super) fn set_passcode(&mut self, asker: Asker, author: MemberId, passcode: String) {
        // Decided again when it is written; this saves the hashing.
        if let Err(refusal) = landline_protocol::access::may_administer(&self.world.space, &author)
        {
            return asker.answer::<()>(Err(refusal));
        }
        if passcode.is_empty() {
            let waiter = Waiter::Passcode { asker, hash: None };
            return self
                .writes
                .wait(waiter, Work::Passcode { author, hash: None });
        }
        let passcodes = self.passcodes.clone();
        self.tasks.spawn(async move {
            let hash = passcodes.hash(passcode).await;
            Done::Hashed {
                asker,
                author,
                hash,
            }
        });
    }

    /// Starts what may be started.
    pub(super) fn write_on(&mut self) {
        let writes = &mut self.writes;
        if writes.under_way.is_some() || writes.catching_up {
            return;
        }
        let behind = writes.written - writes.derived;
        let rests = writes.derive_at.is_some_and(|at| at > Instant::now());
        if behind > 0 && !rests && (writes.waiting.is_empty() || behind > DERIVED_BEHIND_MOST) {
            writes.catching_up = true;
            let (store, to) = (self.store.clone(), writes.written);
            self.tasks.spawn(async move {
                let more = store.write(|c| apply::catch_up(c, DERIVED_AT_ONCE)).await;
                Done::CaughtUp { more, to }
            });
            return;
        }
        if writes.waiting.is_empty() {
            return;
        }
        let (waiters, works) = writes.take_batch();
        let batch = Batch {
            world: self.world.clone(),
            buckets: writes.take_buckets(&works),
            works,
            rate: self.rates.append,
            node: self.node.clone(),
            owner: self.owner,
            now: self.clock.now(),
            instant: Instant::now(),
        };
        writes.under_way = Some(waiters);
        let store = self.store.clone();
        self.tasks
            .spawn(async move { Done::Batch(store.write(|c| batch.decide(c)).await) });
    }

    pub(super) async fn done(&mut self, done: Done) {
        match done {
            Done::Batch(result) => self.batch_done(result).await,
            Done::CaughtUp { more, to } => {
                self.writes.catching_up = false;
                match more {
                    // What is left is taken up by the next round.
                    Ok(true) => self.writes.derived += DERIVED_AT_ONCE as u64,
                    Ok(false) => self.writes.derived_to(to),
                    Err(error) => {
                        self.writes.derive_at = Some(Instant::now() + DERIVE_AGAIN_AFTER);
                        // Dropped, which tells them.
                        self.writes.readers.clear();
                        self.write_failed(&error);
                    }
                }
            }
            Done::Lazy(result) => {
                self.writes.lazy_under_way = false;
                match result {
                    Ok(()) => self.write_stored(),
                    Err(error) => {
                        self.marks.store_again();
                        self.write_failed(&error);
                    }
                }
            }
            Done::Tried {
                asker,
                member,
                name,
                fits,
            } => self.tried(asker, member, name, fits),
            Done::Hashed {
                asker,
                author,
                hash: Some(hash),
            } => {
                let hash = Some(hash);
                let waiter = Waiter::Passcode {
                    asker,
                    hash: hash.clone(),
                };
                self.writes.wait(waiter, Work::Passcode { author, hash });
            }
            Done::Hashed {
                asker, hash: None, ..
            } => {
                let words = "the passcode could not be hashed";
                asker.answer::<()>(Err(Refusal::new(Code::Internal, words)));
            }
        }
    }

    async fn batch_done(&mut self, result: Result<Outcome, StoreError>) {
        let waiters = self.writes.under_way.take().unwrap_or_default();
        let mut outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.write_failed(&error);
                let words = "the node could not store it";
                let refusal = Refusal::new(Code::Unavailable, words).retry_after(1000);
                for waiter in waiters {
                    waiter.asker().answer::<()>(Err(refusal.clone()));
                }
                return;
            }
        };
        self.write_stored();
        self.writes.written += outcome.accepted.len() as u64;
        self.writes
            .buckets
            .extend(std::mem::take(&mut outcome.buckets));
        self.move_on(&mut outcome);
        let mut comers = Vec::new();
        for (waiter, result) in waiters.into_iter().zip(outcome.results) {
            match (waiter, result) {
                (Waiter::Append(asker), WorkResult::Appended(results)) => {
                    answer_append(asker, results);
                }
                (Waiter::Admit { asker, member }, WorkResult::Done(Ok(()))) => {
                    comers.push((asker, member));
                }
                (Waiter::Passcode { asker, hash }, WorkResult::Done(Ok(()))) => {
                    self.admissions.passcode = hash;
                    asker.answer(Ok(Nothing {}));
                }
                (waiter, WorkResult::Done(Err(refusal))) => {
                    waiter.asker().answer::<()>(Err(refusal));
                }
                (waiter, WorkResult::Appended(_) | WorkResult::Done(Ok(()))) => {
                    error!(?waiter, "a batch answered something else than was asked");
                }
            }
        }
        self.relay(outcome.accepted).await;
        // They hear of what comes after their own admission, which their answer includes.
        for (asker, member) in comers {
            self.enter(asker, member);
        }
    }

    fn write_stored(&mut self) {
        self.writes.stored = true;
        self.tell_health();
    }

    fn write_failed(&mut self, error: &StoreError) {
        error!(%error, "the store failed");
        self.writes.stored = false;
        self.tell_health();
    }

    /// Stores what need not be stored at once; while the store fails, tries whether it still does.
    pub(super) fn write_lazily(&mut self, now: Instant) {
        if self.writes.lazy_under_way || self.writes.lazy_at.is_some_and(|at| at > now) {
            return;
        }
        self.writes.lazy_at = Some(now + LAZY);
        self.see();
        let Some(job) = self.lazy_job() else { return };
        self.writes.lazy_under_way = true;
        let store = self.store.clone();
        self.tasks
            .spawn(async move { Done::Lazy(store.write(job).await) });
    }

    /// The last of it, when the node stops.
    pub(super) async fn write_at_last(&mut self) {
        while let Some(done) = self.tasks.join_next().await {
            if let Ok(Done::Lazy(Err(error))) = done {
                warn!(%error, "marks were not stored");
            }
        }
        if let Some(job) = self.lazy_job()
            && let Err(error) = self.store.write(job).await
        {
            warn!(%error, "marks were not stored");
        }
        self.see();
    }

    fn lazy_job(
        &mut self,
    ) -> Option<impl FnOnce(&landline_store::Connection) -> Result<(), StoreError> + use<>> {
        let now = self.clock.now();
        let rows = self.marks.take_unstored();
        let (revoked, given) = self.tokens.take_unstored();
        let last_seen = self.people.take_last_seen(now);
        let probe = !self.writes.stored;
        if rows.is_empty()
            && revoked.is_empty()
            && given.is_empty()
            && last_seen.is_none()
            && !probe
        {
            return None;
        }
        Some(move |c: &landline_store::Connection| {
            for row in rows {
                marks::set(c, row.room, row.change)?;
            }
            for member in revoked {
                sessions::remove_of(c, member)?;
            }
            for token in given {
                sessions::insert(c, &token.hash, token.member, token.expires_at)?;
            }
            sessions::remove_expired(c, now)?;
            if let Some(last_seen) = last_seen {
                settings::set(c, LAST_SEEN, &last_seen)?;
            }
            if probe {
                settings::set(c, PROBE, &now)?;
            }
            Ok(())
        })
    }

    /// Notes beside the database how far the logs have come.
    fn see(&mut self) {
        let seen = Seen {
            epoch: self.world.epoch,
            events: self.world.events(),
        };
        if self.seen == Some(seen) {
            return;
        }
        self.seen = Some(seen);
        let folder = self.folder.clone();
        let write = move || {
            if let Err(error) = folder.see(seen) {
                warn!(%error, "can't note how far the logs have come");
            }
        };
        self.reads.spawn_blocking(write);
    }
}

impl Waiter {
    fn asker(self) -> Asker {
        match self {
            Self::Append(asker) | Self::Admit { asker, .. } | Self::Passcode { asker, .. } => asker,
        }
    }
}

fn answer_append(asker: Asker, results: Vec<AppendResult>) {
    asker.answer(Ok(Appended { results }));
}
