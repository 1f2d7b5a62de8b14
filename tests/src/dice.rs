//! Chance that can be repeated: the seed is printed, and `LANDLINE_SEED` sets it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::ops::Range;
use std::time::Duration;

/// Random numbers from one seed (SplitMix64).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Prints the seed, so that a failed run can be thrown again.
    pub fn new(test: &str) -> Self {
        let seed = match std::env::var("LANDLINE_SEED") {
            Ok(seed) => seed.parse().expect("LANDLINE_SEED is a number"),
            Err(_) => RandomState::new().build_hasher().finish(),
        };
        println!("{test}: LANDLINE_SEED={seed}");
        Self(seed)
    }

    /// The same numbers every time.
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.throw() % (range.end - range.start)
    }

    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// One of these; none of none.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        match of.len() {
            0 => None,
            some => of.get(self.within(0..some as u64) as usize),
        }
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, of_a_hundred: u64) -> bool {
        self.within(0..100) < of_a_hundred
    }
}
