//! What waits to be written, one batch at a time, and what is done when it is stored.
//!
//! ```text
//! idle ──▶ appends wait? ─ yes ─▶ batch of all that waits (≤ BATCH_EVENTS) ─▶ stored ─▶ answer, relay
//!            │ no, or it is time for the derived rows                                  │
//!            └──▶ catch up a few of them ──────────────────────────────────────────────┴──▶ idle
//! ```
//! There is no timer: while one batch is being stored the next gathers. The derived rows follow
//! some time later, many events at once, which costs the search index far less than a few at every
//! commit; at once where somebody waits for them, and in steps small enough for appends to pass.

use std::time::Duration;

use landline_protocol::access::may_set_passcode;
use landline_protocol::up::{AppendResult, Appended};
use landline_protocol::{Code, MemberId, Refusal};
use landline_store::{Connection, StoreError, apply};
use tokio::time::Instant;
use tracing::error;

use super::batch::{Batch, Outcome, Work, WorkResult};
use super::waiting::Waiter;
use super::{Hub, Nothing};
use crate::request::Candidate;
use crate::session::Asker;

/// How long the derived rows are behind before they are made, unless somebody waits for them.
const DERIVE_AFTER: Duration = Duration::from_millis(200);
/// How long the derived rows rest after a failure.
const DERIVE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What runs beside the Hub and comes back to it.
#[derive(Debug)]
pub(super) enum Done {
    Batch(Result<Outcome, StoreError>),
    CaughtUp {
        result: Result<(), StoreError>,
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

impl Hub {
    pub(super) fn append(&mut self, asker: Asker, author: MemberId, candidates: Vec<Candidate>) {
        if let Err(refusal) = self.writes.may_wait(&author, Instant::now()) {
            return asker.answer::<()>(Err(refusal));
        }
        self.writes
            .wait(Waiter::Append(asker), Work::Append { author, candidates });
    }

    pub(super) fn set_passcode(&mut self, asker: Asker, author: MemberId, passcode: String) {
        // Decided again when it is written; this saves the hashing.
        if let Err(refusal) = may_set_passcode(&self.world.space, &author, self.clock.now()) {
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
        if let Some(events) = writes.to_derive(Instant::now()) {
            writes.catching_up = true;
            let (store, to) = (self.store.clone(), writes.derived + events as u64);
            self.tasks.spawn(async move {
                let job = move |c: &Connection| apply::catch_up(c, events).map(drop);
                Done::CaughtUp {
                    result: store.write_unsynced(job).await,
                    to,
                }
            });
            return;
        }
        if writes.waiting.is_empty() {
            return;
        }
        let (waiters, works) = writes.take_batch();
        let batch = Batch {
            world: self.world.clone(),
            allowances: writes.allowances_of(&works),
            works,
            rate: self.rates.append,
            node: self.node.clone(),
            owner: self.owner,
            now: self.clock.now(),
            instant: Instant::now(),
        };
        writes.under_way = Some(waiters);
        writes.derived_last = false;
        let store = self.store.clone();
        self.tasks
            .spawn(async move { Done::Batch(store.write(|c| batch.decide(c)).await) });
    }

    pub(super) async fn done(&mut self, done: Done) {
        match done {
            Done::Batch(result) => self.batch_done(result).await,
            Done::CaughtUp { result, to } => {
                self.writes.catching_up = false;
                match result {
                    Ok(()) => self.writes.derived_to(to),
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
                    Ok(()) => {
                        self.tokens.stored();
                        self.write_stored();
                    }
                    Err(error) => {
                        self.marks.store_again();
                        self.tokens.store_again();
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
        if !outcome.accepted.is_empty() {
            let derive_at = &mut self.writes.derive_at;
            derive_at.get_or_insert_with(|| Instant::now() + DERIVE_AFTER);
        }
        self.writes
            .allowances
            .extend(std::mem::take(&mut outcome.allowances));
        self.move_on(&mut outcome);
        // The states are where the log is: the disk may go on with what waits, while this is told.
        self.write_on();
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
        self.tell_outside();
    }

    fn write_failed(&mut self, error: &StoreError) {
        error!(%error, "the store failed");
        self.writes.stored = false;
        self.tell_outside();
    }
}

fn answer_append(asker: Asker, results: Vec<AppendResult>) {
    asker.answer(Ok(Appended { results }));
}
