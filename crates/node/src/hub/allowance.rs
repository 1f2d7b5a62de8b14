//! How much a member may append: of what is new, and of what the node knows already.

use std::time::Duration;

use landline_protocol::{Code, Refusal};
use tokio::time::Instant;

use crate::rate::Bucket;

/// Appended events at once, in seconds of the rate.
pub(crate) const BURST_SECONDS: u32 = 10;
/// So many events that are known may be appended in the time of one that is new. Whoever lost their
/// answers appends again what was on its way, far less than this; looking events up for ever is for
/// nobody's good.
const KNOWN_PER_NEW: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// What one member may append now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// New events a second; 0: no limit.
    rate: u32,
    new: Bucket,
    known: Bucket,
}

impl Allowance {
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        let bucket = |rate: u32| Bucket::new(rate, SECOND, rate.saturating_mul(BURST_SECONDS), now);
        Self {
            rate,
            new: bucket(rate),
            known: bucket(rate.saturating_mul(KNOWN_PER_NEW)),
        }
    }

    /// So many new events are stored, all or none.
    pub(crate) fn take(&mut self, new: usize, now: Instant) -> Result<(), Refusal> {
        self.new.take(new, now).map_err(|wait| {
            let words = format!("more than {} events a second", self.rate);
            Refusal::new(Code::TooManyRequests, words).retry_after(wait)
        })
    }

    /// So many known events were answered, which is never refused once they have been looked up.
    pub(crate) fn owe(&mut self, known: usize, now: Instant) {
        self.known.owe(known, now);
    }

    /// Nothing is owed for what was answered: the next append may be looked at.
    pub(crate) fn is_paid(&mut self, now: Instant) -> Result<(), Refusal> {
        self.known.take(0, now).map_err(|wait| {
            let words = "too many events that are stored already are appended again";
            Refusal::new(Code::TooManyRequests, words).retry_after(wait)
        })
    }

    /// As it was at the start: forgetting it changes nothing.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.new.is_full(now) && self.known.is_full(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_counted_among_the_new_and_has_an_end_of_its_own() {
        let start = Instant::now();
        let mut allowance = Allowance::new(20, start);
        allowance.take(200, start).unwrap();
        allowance.is_paid(start).unwrap();
        allowance.owe(2_000, start);
        allowance.is_paid(start).unwrap();
        allowance.owe(64, start);
        let refusal = allowance.is_paid(start).unwrap_err();
        assert_eq!(refusal.code, Code::TooManyRequests);
        assert_eq!(refusal.retry_after_ms, Some(320));
        allowance.is_paid(start + SECOND).unwrap();
        allowance.take(20, start + SECOND).unwrap();
        assert!(!allowance.is_full(start + SECOND));
        assert!(allowance.is_full(start + 20 * SECOND));
    }

    #[test]
    fn without_a_rate_nothing_is_owed() {
        let start = Instant::now();
        let mut allowance = Allowance::new(0, start);
        allowance.take(1_000_000, start).unwrap();
        allowance.owe(1_000_000, start);
        allowance.is_paid(start).unwrap();
        assert!(allowance.is_full(start));
    }
}
