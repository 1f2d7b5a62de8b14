//! How much one may do in a time: a bucket of tokens that fills with time.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of tokens. It starts full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    tokens: f64,
    /// The most it holds; 0: it never runs out.
    size: f64,
    per_second: f64,
    filled: Instant,
}

impl Bucket {
    /// `rate` tokens in each `period`, at most `size` at once. A rate of 0 is no limit.
    pub(crate) fn new(rate: u32, period: Duration, size: u32, now: Instant) -> Self {
        let size = if rate == 0 { 0.0 } else { f64::from(size) };
        let per_second = f64::from(rate) / period.as_secs_f64();
        Self {
            tokens: size,
            size,
            per_second,
            filled: now,
        }
    }

    /// Takes all `count` tokens or none; refused: how many milliseconds until they may be there.
    pub(crate) fn take(&mut self, count: usize, now: Instant) -> Result<(), u64> {
        if self.size == 0.0 {
            return Ok(());
        }
        self.fill(now);
        // More than the bucket holds is given once it is full, or it would never be.
        let wanted = (count as f64).min(self.size);
        if self.tokens >= wanted {
            self.tokens -= wanted;
            return Ok(());
        }
        let seconds = (wanted - self.tokens) / self.per_second;
        Err((seconds * 1000.0).ceil() as u64)
    }

    /// Takes tokens that need not be there: none are given until what is missing has filled in.
    pub(crate) fn owe(&mut self, count: usize, now: Instant) {
        if self.size == 0.0 {
            return;
        }
        self.fill(now);
        self.tokens -= count as f64;
    }

    /// One that was taken was not used.
    pub(crate) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.size);
    }

    /// As full as at the start: forgetting it changes nothing.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= self.size
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_is_given_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(20, SECOND, 200, start);
        assert_eq!(bucket.take(200, start), Ok(()));
        assert_eq!(bucket.take(1, start), Err(50));
        assert_eq!(bucket.take(20, start + SECOND), Ok(()));
        assert_eq!(bucket.take(10, start + SECOND), Err(500));
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, SECOND, 10, start);
        assert_eq!(bucket.take(8, start), Ok(()));
        assert_eq!(bucket.take(3, start), Err(100));
        assert_eq!(bucket.take(2, start), Ok(()));
    }

    #[test]
    fn more_than_the_bucket_holds_is_given_once_it_is_full() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, SECOND, 10, start);
        assert_eq!(bucket.take(64, start), Ok(()));
        assert_eq!(bucket.take(64, start), Err(1000));
        assert_eq!(bucket.take(64, start + SECOND), Ok(()));
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let start = Instant::now();
        let mut bucket = Bucket::new(0, SECOND, 0, start);
        assert_eq!(bucket.take(1_000_000, start), Ok(()));
        assert_eq!(bucket.take(1, start), Ok(()));
    }
}
