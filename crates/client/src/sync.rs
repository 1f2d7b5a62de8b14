//! Pure: which parts of a room's log are here, what the node has of it, and what to fetch next.
//!
//! ```text
//!            told            same at our head
//! Unknown ─────────► Search ─────────────────► Checked ─► newest first, then the holes behind
//!    ▲                 │ not the same             │
//!    │                 ▼ (binary search by ids)   │
//!    │              Back ────────────────────────►│
//!    └───────────────── lost ─────────────────────┘
//! ```
//!
//! Logs that agree at one `seq` agree at every lower one, so the last common event is found by
//! halving. What is here is a list of [`Span`]s; the holes between them are filled newest first.

use landline_protocol::EventId;
use landline_protocol::limits::FETCH_EVENTS;

/// Events behind the node up to which the gap itself is fetched before anything newer is taken.
pub(crate) const SMALL_GAP: u64 = 500;
/// Events fetched at the end of a log whose gap is larger: what a person sees first.
pub(crate) const NEWEST: u64 = 200;
/// Events in one fetch.
const PAGE: u64 = FETCH_EVENTS as u64;

/// A part of a log without holes; both ends are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Span {
    const fn len(self) -> u64 {
        self.to - self.from + 1
    }
}

/// What the node says of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeLog {
    /// The lowest seq that the node holds.
    pub(crate) first: u64,
    pub(crate) head: u64,
    /// Unknown of the directory until the first fetch.
    pub(crate) head_id: Option<EventId>,
}

/// What is to be done next; all but `Back` are one `fetch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Is the node's event at this seq ours? (`after: seq - 1`, one event)
    Probe {
        seq: u64,
    },
    /// Set aside everything beyond `to` (0: the whole log).
    Back {
        to: u64,
    },
    After {
        seq: u64,
        limit: u64,
    },
    Newest {
        limit: u64,
    },
    Before {
        seq: u64,
        limit: u64,
    },
}

/// The order of steps of several rooms: lower first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Without it nothing else can be done.
    Check,
    /// Somebody looks at it.
    Wanted,
    /// New events.
    New,
    /// Old events, filled in behind.
    Old,
}

/// An answer that does not fit its question; the room is left alone until the next link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the node's answer does not fit: {0}")]
pub(crate) struct Misfit(pub(crate) &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Not compared since the link came up.
    Unknown,
    /// The last common event is the `low`th to the `high`th of those here, counted from 1.
    Search { low: u64, high: u64, begun: bool },
    /// Ours is the node's log, as far as it goes.
    Checked,
}

/// One room's log, here and at the node.
#[derive(Debug, Clone)]
pub(crate) struct Sync {
    /// Rising, none touching the next.
    spans: Vec<Span>,
    /// Of the newest event that is here.
    head_id: Option<EventId>,
    node: Option<NodeLog>,
    trust: Trust,
    in_flight: Option<Step>,
    /// The node's answers do not lead on.
    stuck: bool,
    /// Somebody wants what lies just before this seq.
    wanted: Option<u64>,
    /// Never starts a new span at the newest events: for the directory, whose beginning holds names.
    from_the_start: bool,
}

impl Sync {
    /// Of a log whose parts are here. `head_id` is that of the newest event.
    pub(crate) fn new(spans: Vec<Span>, head_id: Option<EventId>) -> Self {
        Self {
            spans,
            head_id,
            node: None,
            trust: Trust::Unknown,
            in_flight: None,
            stuck: false,
            wanted: None,
            from_the_start: false,
        }
    }

    /// Of a log that is followed from its first event on.
    pub(crate) fn from_the_start(spans: Vec<Span>, head_id: Option<EventId>) -> Self {
        Self {
            from_the_start: true,
            ..Self::new(spans, head_id)
        }
    }

    /// The newest seq that is here; 0: none.
    pub(crate) fn head(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.to)
    }

    /// The newest seq that is known of, here or at the node.
    pub(crate) fn known_head(&self) -> u64 {
        self.head().max(self.node.map_or(0, |node| node.head))
    }

    /// Whether the log is compared with the node's, and so may be written to.
    pub(crate) fn is_checked(&self) -> bool {
        self.trust == Trust::Checked
    }

    pub(crate) fn is_searching(&self) -> bool {
        matches!(self.trust, Trust::Search { .. }) && !self.stuck
    }

    /// Everything up to the node's head is here, older holes aside.
    pub(crate) fn is_live(&self) -> bool {
        self.is_checked() && self.node.is_some_and(|node| self.head() >= node.head)
    }

    /// Events that the node has and this device has not.
    pub(crate) fn missing(&self) -> u64 {
        let Some(node) = self.node else { return 0 };
        let here: u64 = self.spans.iter().map(|span| span.len()).sum();
        (node.head + 1)
            .saturating_sub(node.first.max(1))
            .saturating_sub(here)
    }

    /// The start of the span that `seq` is in or, where it is in a hole, of the next one.
    pub(crate) fn span_start(&self, seq: u64) -> Option<u64> {
        self.spans
            .iter()
            .find(|span| span.to >= seq)
            .map(|span| span.from)
    }

    /// All after this seq is here up to and with the one that this gives back: the last before the
    /// first hole.
    pub(crate) fn whole_after(&self, seq: u64) -> u64 {
        let next = seq.saturating_add(1);
        let next = next.max(self.node.map_or(next, |node| node.first));
        self.span_of(next).map_or(seq, |span| span.to)
    }

    /// The part that this seq is in.
    pub(crate) fn span_of(&self, seq: u64) -> Option<Span> {
        self.spans
            .iter()
            .copied()
            .find(|span| (span.from..=span.to).contains(&seq))
    }

    /// The node has said where its log stands, on a new link or of a new room.
    pub(crate) fn told(&mut self, node: NodeLog) {
        let ours = self.head();
        let same = node.head == ours && node.head_id.is_some() && node.head_id == self.head_id;
        self.trust = if ours == 0 || same {
            Trust::Checked
        } else {
            Trust::Search {
                low: 0,
                high: self.count_up_to(node.head),
                begun: false,
            }
        };
        self.node = Some(node);
        self.stuck = false;
        self.in_flight = None;
    }

    /// The node's log has grown at least to here.
    pub(crate) fn raised(&mut self, head: u64) {
        if let Some(node) = &mut self.node
            && head > node.head
        {
            node.head = head;
            node.head_id = None;
        }
    }

    /// The link is gone.
    pub(crate) fn lost(&mut self) {
        self.node = None;
        self.trust = Trust::Unknown;
        self.in_flight = None;
        self.stuck = false;
    }

    /// Somebody looks at what is just before this seq.
    pub(crate) fn want_before(&mut self, seq: u64) {
        self.wanted = Some(seq);
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// What to do next, and how urgent it is. None while a step is under way.
    pub(crate) fn next(&self) -> Option<(Urgency, Step)> {
        let node = self.node?;
        if self.in_flight.is_some() || self.stuck {
            return None;
        }
        match self.trust {
            Trust::Unknown => None,
            Trust::Search { low, high, .. } if low == high => {
                Some((Urgency::Check, Step::Back { to: self.nth(low) }))
            }
            Trust::Search { low, high, begun } => {
                // The first question is about the newest event: nearly always it settles it.
                let nth = if begun {
                    low + (high - low).div_ceil(2)
                } else {
                    high
                };
                Some((Urgency::Check, Step::Probe { seq: self.nth(nth) }))
            }
            Trust::Checked if self.head() < node.head => Some((Urgency::New, self.newer(node))),
            Trust::Checked => self.older(node),
        }
    }

    /// A step was begun.
    pub(crate) fn begun(&mut self, step: Step) {
        self.in_flight = Some(step);
    }

    /// A step came to nothing (refused, or the answer was of no use now); it may be tried again.
    pub(crate) fn gave_up(&mut self) {
        self.in_flight = None;
    }

    /// The node's answers lead nowhere: nothing more until the next link.
    pub(crate) fn stop(&mut self) {
        self.in_flight = None;
        self.stuck = true;
    }

    /// The answer to a probe.
    pub(crate) fn probed(&mut self, seq: u64, same: bool) {
        self.in_flight = None;
        let Trust::Search { low, high, .. } = self.trust else {
            return;
        };
        let nth = self.count_up_to(seq);
        let (low, high) = if same {
            (nth.max(low), high)
        } else {
            (low, nth.saturating_sub(1).max(low))
        };
        self.trust = if low == high && self.nth(low) == self.head() {
            Trust::Checked
        } else {
            Trust::Search {
                low,
                high,
                begun: true,
            }
        };
    }

    /// Everything beyond `to` was set aside; `head_id` is that of the event at `to`.
    pub(crate) fn stepped_back(&mut self, to: u64, head_id: Option<EventId>) {
        self.spans.retain(|span| span.from <= to);
        if let Some(last) = self.spans.last_mut() {
            last.to = last.to.min(to);
        }
        self.head_id = head_id;
        self.in_flight = None;
        if self.node.is_some() {
            self.trust = Trust::Checked;
        }
    }

    /// Whether the answer to a fetch is what was asked for: its seqs, and the node's head in it.
    pub(crate) fn fits(&self, step: Step, seqs: &[u64], node: NodeLog) -> Result<(), Misfit> {
        let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else {
            return Err(Misfit("it is empty"));
        };
        if !without_holes(seqs) {
            return Err(Misfit("it has holes"));
        }
        let begins = match step {
            Step::After { seq, .. } => *first == seq + 1,
            Step::Probe { seq } => *first == seq,
            Step::Newest { .. } => *last == node.head,
            Step::Before { seq, .. } => *last + 1 == seq,
            Step::Back { .. } => false,
        };
        if begins {
            Ok(())
        } else {
            Err(Misfit("it is about other events"))
        }
    }

    /// These events are stored now (without holes, at least one).
    pub(crate) fn took(&mut self, from: u64, to: u64, last_id: EventId) {
        if to > self.head() {
            self.head_id = Some(last_id);
        }
        self.insert(Span { from, to });
        self.raised(to);
        // Nothing wanted is missing any more.
        if let Some(seq) = self.wanted
            && self.hole_before(seq).is_none()
        {
            self.wanted = None;
        }
    }

    /// The answer to a fetch has been stored.
    pub(crate) fn finished(&mut self, node: NodeLog) {
        self.in_flight = None;
        self.raised(node.head);
    }

    /// The hole that ends just before this seq.
    pub(crate) fn hole_before(&self, seq: u64) -> Option<Span> {
        let lowest = self.node.map_or(1, |node| node.first.max(1));
        let start = self.span_start(seq)?;
        let below = self
            .spans
            .iter()
            .rev()
            .find(|span| span.to < start)
            .map_or(0, |span| span.to);
        let from = (below + 1).max(lowest);
        (from < start).then(|| Span {
            from,
            to: start - 1,
        })
    }

    fn newer(&self, node: NodeLog) -> Step {
        // An empty log whose beginning the node no longer holds starts where the node's does.
        let from = self.head().max(node.first.max(1) - 1);
        if node.head - from <= SMALL_GAP || self.from_the_start {
            Step::After {
                seq: from,
                limit: PAGE,
            }
        } else {
            Step::Newest { limit: NEWEST }
        }
    }

    fn older(&self, node: NodeLog) -> Option<(Urgency, Step)> {
        let before = |hole: Span| Step::Before {
            seq: hole.to + 1,
            limit: hole.len().min(PAGE),
        };
        if let Some(hole) = self.wanted.and_then(|seq| self.hole_before(seq)) {
            return Some((Urgency::Wanted, before(hole)));
        }
        let lowest = node.first.max(1);
        let newest = self.spans.iter().rev().find_map(|span| {
            (span.from > lowest)
                .then(|| self.hole_before(span.from))
                .flatten()
        })?;
        Some((Urgency::Old, before(newest)))
    }

    fn insert(&mut self, mut new: Span) {
        self.spans.retain(|span| {
            let touches = span.from <= new.to + 1 && new.from <= span.to + 1;
            if touches {
                new = Span {
                    from: new.from.min(span.from),
                    to: new.to.max(span.to),
                };
            }
            !touches
        });
        let at = self.spans.partition_point(|span| span.from < new.from);
        self.spans.insert(at, new);
    }

    /// How many of the events that are here have a seq up to this.
    fn count_up_to(&self, seq: u64) -> u64 {
        self.spans
            .iter()
            .take_while(|span| span.from <= seq)
            .map(|span| span.to.min(seq) - span.from + 1)
            .sum()
    }

    /// The seq of the nth event that is here, counted from 1; 0 for none.
    fn nth(&self, mut n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        for span in &self.spans {
            if n <= span.len() {
                return span.from + n - 1;
            }
            n -= span.len();
        }
        self.head()
    }
}

/// Each seq is the one before it plus one.
pub(crate) fn without_holes(seqs: &[u64]) -> bool {
    seqs.windows(2)
        .all(|pair| matches!(pair, [a, b] if *b == *a + 1))
}

#[cfg(test)]
mod tests;
