//! What waits to be written, what is under way, and how far the derived rows are.

use std::collections::{HashMap, VecDeque};

use landline_protocol::{Code, MemberId, Refusal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::allowance::Allowance;
use super::batch::Work;
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
/// Events of one member that wait to be written: a tenth, or one alone could fill the queue that all
/// wait in. Past it: `too_many_requests`.
const WAITING_EVENTS_OF_ONE: usize = WAITING_EVENTS / 10;
/// Bytes of events of one member that wait to be written.
const WAITING_BYTES_OF_ONE: usize = WAITING_BYTES / 10;
/// Milliseconds until some of it has been written.
const WRITTEN_SOON_MS: u64 = 500;
/// Events whose derived rows are made in one transaction, at least and at most: appends that come
/// meanwhile wait for it.
const DERIVED_AT_ONCE: std::ops::RangeInclusive<usize> = 32..=500;
/// Steps in which the derived rows catch up, while they are a few events behind.
const DERIVED_STEPS: usize = 4;
/// How far the derived rows may be behind before they take turns with appends that wait, in events.
const DERIVED_BEHIND_MOST: u64 = 10_000;

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
    pub(super) waiting: VecDeque<(Waiter, Work)>,
    waiting_events: usize,
    waiting_bytes: usize,
    /// Events and bytes of each author, of those that wait.
    of_author: HashMap<MemberId, (usize, usize)>,
    /// Of the batch under way, in its order.
    pub(super) under_way: Option<Vec<Waiter>>,
    pub(super) catching_up: bool,
    pub(super) lazy_under_way: bool,
    pub(super) lazy_at: Option<Instant>,
    pub(super) allowances: HashMap<MemberId, Allowance>,
    /// Events written in this run of the node.
    pub(super) written: u64,
    /// Of those, how many the derived rows follow.
    pub(super) derived: u64,
    /// Reads that wait for the derived rows, by what [`Self::written`] was when they came.
    pub(super) readers: VecDeque<(u64, oneshot::Sender<()>)>,
    /// When the derived rows follow; `None` while they are where the log is.
    pub(super) derive_at: Option<Instant>,
    /// The derived rows had the last turn.
    pub(super) derived_last: bool,
    pub(super) stored: bool,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_events: 0,
            waiting_bytes: 0,
            of_author: HashMap::new(),
            under_way: None,
            catching_up: false,
            lazy_under_way: false,
            lazy_at: None,
            allowances: HashMap::new(),
            written: 0,
            derived: 0,
            readers: VecDeque::new(),
            derive_at: None,
            derived_last: false,
            stored: true,
        }
    }
}

impl Writes {
    pub(super) fn wait(&mut self, waiter: Waiter, work: Work) {
        let (events, bytes) = work.size();
        self.waiting_events += events;
        self.waiting_bytes += bytes;
        if let Work::Append { author, .. } = &work {
            let mine = self.of_author.entry(*author).or_default();
            *mine = (mine.0 + events, mine.1 + bytes);
        }
        self.waiting.push_back((waiter, work));
    }

    /// Whether an append of this member may wait, before anything of it is looked up.
    pub(super) fn may_wait(&mut self, author: &MemberId, now: Instant) -> Result<(), Refusal> {
        let (events, bytes) = self.of_author.get(author).copied().unwrap_or_default();
        if events >= WAITING_EVENTS_OF_ONE || bytes >= WAITING_BYTES_OF_ONE {
            let words = "too much of yours waits to be stored";
            return Err(Refusal::new(Code::TooManyRequests, words).retry_after(WRITTEN_SOON_MS));
        }
        if let Some(allowance) = self.allowances.get_mut(author) {
            allowance.is_paid(now)?;
        }
        if self.waiting_events >= WAITING_EVENTS || self.waiting_bytes >= WAITING_BYTES {
            let words = "too much waits to be stored";
            return Err(Refusal::new(Code::Unavailable, words).retry_after(WRITTEN_SOON_MS));
        }
        Ok(())
    }

    /// Nothing waits, nothing is under way, and the derived rows are where the log is (unless they
    /// could not be made; the next start does it then).
    pub(super) fn are_done(&self) -> bool {
        let idle = self.waiting.is_empty() && self.under_way.is_none() && !self.catching_up;
        idle && (self.derived == self.written || !self.stored)
    }

    /// The last write was stored.
    pub(super) const fn are_stored(&self) -> bool {
        self.stored
    }

    pub(super) fn forget(&mut self, now: Instant) {
        self.allowances
            .retain(|_, allowance| !allowance.is_full(now));
    }

    /// Resolves once the derived rows have reached what is written now.
    pub(super) fn until_derived(&mut self) -> oneshot::Receiver<()> {
        let (reached, reaches) = oneshot::channel();
        if self.derived == self.written {
            let _ = reached.send(());
        } else {
            self.readers.push_back((self.written, reached));
        }
        reaches
    }

    /// How many events the derived rows should follow now, if it is their turn.
    pub(super) fn to_derive(&self, now: Instant) -> Option<usize> {
        let behind = self.written - self.derived;
        let waited_for = !self.readers.is_empty();
        if behind == 0 || !waited_for && self.derive_at.is_some_and(|at| at > now) {
            return None;
        }
        let takes_turns = waited_for || behind > DERIVED_BEHIND_MOST;
        let its_turn = self.waiting.is_empty() || takes_turns && !self.derived_last;
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        let (least, most) = (*DERIVED_AT_ONCE.start(), *DERIVED_AT_ONCE.end());
        its_turn.then_some((behind / DERIVED_STEPS).clamp(least, most).min(behind))
    }

    pub(super) fn derived_to(&mut self, to: u64) {
        self.derived = to;
        self.derived_last = true;
        if self.derived == self.written {
            self.derive_at = None;
        }
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
    pub(super) fn take_batch(&mut self) -> (Vec<Waiter>, Vec<Work>) {
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
            if let Work::Append { author, .. } = &work {
                self.no_longer_waits(author, size);
            }
            waiters.push(waiter);
            works.push(work);
        }
        self.waiting_events -= events;
        self.waiting_bytes -= bytes;
        (waiters, works)
    }

    fn no_longer_waits(&mut self, author: &MemberId, size: (usize, usize)) {
        if let Some(mine) = self.of_author.get_mut(author) {
            *mine = (mine.0 - size.0, mine.1 - size.1);
            if *mine == (0, 0) {
                self.of_author.remove(author);
            }
        }
    }

    /// How much those who append in this batch may.
    pub(super) fn allowances_of(&self, works: &[Work]) -> HashMap<MemberId, Allowance> {
        let authors = works.iter().filter_map(|work| match work {
            Work::Append { author, .. } => Some(author),
            Work::Admit { .. } | Work::Passcode { .. } | Work::Own { .. } => None,
        });
        authors
            .filter_map(|author| self.allowances.get_key_value(author))
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

impl Waiter {
    pub(super) fn asker(self) -> Asker {
        match self {
            Self::Append(asker) | Self::Admit { asker, .. } | Self::Passcode { asker, .. } => asker,
        }
    }
}
