//! Notices that the computer has slept: the time of day has moved on, the time that waits are
//! measured by has not. Links that looked alive may be long gone then, and waits for the next dial
//! are about a network that may be back; without this both would go on as if nothing had been.

use tokio::time::{Duration, Instant};

use super::Home;
use crate::engine;

/// How often the two are compared; so long it takes at most to notice.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Milliseconds that the time of day is ahead after a sleep that counts. A clock that was set
/// forward looks the same, which costs one question to each node.
const SLEPT: i64 = 4_000;

/// When the two were compared last.
#[derive(Debug)]
pub(super) struct Awake {
    at: Instant,
    /// Milliseconds since 1970.
    time: i64,
}

impl Awake {
    pub(super) fn new(at: Instant, time: i64) -> Self {
        Self { at, time }
    }

    pub(super) fn next_look(&self) -> Instant {
        self.at + LOOK_EVERY
    }

    /// Whether the computer has slept since the last look.
    fn has_slept(&mut self, at: Instant, time: i64) -> bool {
        let waited = at.saturating_duration_since(self.at).as_millis();
        let waited = i64::try_from(waited).unwrap_or(i64::MAX);
        let passed = time.saturating_sub(self.time);
        *self = Self::new(at, time);
        passed.saturating_sub(waited) > SLEPT
    }
}

impl Home {
    pub(super) fn look_whether_awake(&mut self) {
        let time = self.config.clock.now();
        if self.awake.has_slept(Instant::now(), time) {
            tracing::info!("the computer has slept");
            for joined in self.spaces.values() {
                joined.tell(engine::Input::Woke);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_time_of_day_that_is_far_ahead_is_a_sleep() {
        let start = Instant::now();
        for (waited, passed, slept) in [
            (2_000, 2_000, false),
            (2_000, 5_900, false),
            (2_000, 6_100, true),
            (2_000, 8 * 3_600_000, true),
            // Set back, or a machine so busy that both are late.
            (2_000, -86_400_000, false),
            (60_000, 60_000, false),
        ] {
            let mut awake = Awake::new(start, 1_000_000_000_000);
            let at = start + Duration::from_millis(waited);
            let time = 1_000_000_000_000 + passed;
            assert_eq!(awake.has_slept(at, time), slept, "{waited} {passed}");
            assert!(!awake.has_slept(at, time), "told once");
        }
    }
}
