//! How long to wait before dialling again.

use std::time::Duration;

/// After the first failure.
const FIRST: Duration = Duration::from_millis(200);
/// At most, jitter included.
const LONGEST: Duration = Duration::from_secs(15);

/// Doubles from [`FIRST`] to [`LONGEST`], each time shortened by up to half at random: a thousand
/// clients that lost their node at one moment must not come back at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more failure: the time to wait now. `random` is evenly spread over 0.0 to 1.0.
    pub fn next(&mut self, random: f64) -> Duration {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
        // `max` last: it also turns a NaN, on which `mul_f64` would panic, into "not shortened".
        whole.mul_f64(1.0 - (random.clamp(0.0, 1.0) / 2.0).max(0.0))
    }

    /// Signed in: the next failure is a first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last success.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

/// What a node has asked everybody to wait, longer by up to half: it asks all of them at one
/// moment. `random` is evenly spread over 0.0 to 1.0.
pub(crate) fn spread(asked: Duration, random: f64) -> Duration {
    asked.mul_f64(1.0 + (random.clamp(0.0, 1.0) / 2.0).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_asks_is_never_cut_short_and_at_most_half_as_long_again() {
        for (random, wait) in [(0.0, 1_000), (0.5, 1_250), (1.0, 1_500), (f64::NAN, 1_000)] {
            let asked = Duration::from_millis(1_000);
            assert_eq!(spread(asked, random).as_millis(), wait, "{random}");
        }
    }

    #[test]
    fn doubles_from_a_fifth_of_a_second_to_fifteen_and_stays_there() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.next(0.0).as_millis()).collect();
        assert_eq!(
            waits,
            [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]
        );
        assert_eq!(backoff.failures(), 9);
    }

    #[test]
    fn jitter_shortens_by_at_most_half() {
        for random in [-1.0, 0.0, 0.3, 0.999, 1.0, 7.0, f64::NAN] {
            let mut backoff = Backoff::default();
            for whole in [200, 400, 800] {
                let wait = backoff.next(random).as_millis();
                assert!(
                    (whole / 2..=whole).contains(&wait),
                    "{random}: {wait} of {whole}"
                );
            }
        }
    }

    #[test]
    fn a_success_starts_it_over_and_a_million_failures_do_not_overflow() {
        let mut backoff = Backoff::default();
        for _ in 0..1_000_000 {
            assert!(backoff.next(0.5) <= LONGEST);
        }
        backoff.reset();
        assert_eq!(backoff.next(0.0), FIRST);
    }
}
