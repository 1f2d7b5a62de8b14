//! The two things that tests must own: the time of day, and chance.
//!
//! Waiting is by `tokio::time`, which tests can pause; what is written down is by [`Clock`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use landline_protocol::{AttachmentId, EventId, RoomId, TransferId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::ClientError;

/// The time of day.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since 1970 UTC.
    fn now(&self) -> i64;
}

/// The computer's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the clock"
    )]
    fn now(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A source of random bytes: SHA-256 of a secret seed and a counter. Clones share the counter, so
/// that no bytes come twice.
#[derive(Clone)]
pub struct Random {
    seed: [u8; 32],
    counter: Arc<AtomicU64>,
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    /// Seeded by the operating system.
    pub fn from_system() -> Result<Self, ClientError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| ClientError::Random(error.to_string()))?;
        Ok(Self::from_seed(seed))
    }

    /// The same seed gives the same bytes: for tests.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self {
            seed,
            counter: Arc::new(AtomicU64::new(0)),
        }
    }

    /// 32 fresh bytes.
    pub fn bytes(&self) -> [u8; 32] {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        Sha256::new()
            .chain_update(self.seed)
            .chain_update(counter.to_be_bytes())
            .finalize()
            .into()
    }

    /// Evenly spread from 0 up to, but without, 1.
    pub fn fraction(&self) -> f64 {
        let [a, b, c, d, ..] = self.bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / 4_294_967_296.0
    }

    /// A new event's id: a UUIDv7 of this time.
    pub fn event_id(&self, now: i64) -> EventId {
        EventId::from_uuid(v7(now, self.bytes()))
    }

    /// A new attachment's id.
    pub fn attachment_id(&self, now: i64) -> AttachmentId {
        AttachmentId::from_uuid(v7(now, self.bytes()))
    }

    /// A new transfer's id.
    pub fn transfer_id(&self, now: i64) -> TransferId {
        TransferId::from_uuid(v7(now, self.bytes()))
    }

    /// A new room's id: a UUIDv7 of this time.
    pub fn room_id(&self, now: i64) -> RoomId {
        RoomId::from_uuid(v7(now, self.bytes()))
    }
}

/// The UUIDv7 of a time (milliseconds since 1970) and bytes in place of chance.
pub(crate) fn v7(at: i64, bytes: [u8; 32]) -> Uuid {
    let [a, b, c, d, e, f, g, h, i, j, ..] = bytes;
    let millis = u64::try_from(at).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_version_7_that_never_repeat() {
        let random = Random::from_seed([7; 32]);
        let ids: std::collections::BTreeSet<_> = (0..1000)
            .map(|_| random.clone().event_id(1_763_640_000_000))
            .collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.is_v7()));
    }
}
