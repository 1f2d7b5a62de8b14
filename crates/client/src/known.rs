//! What is remembered of the spaces one is in, from start to start.

use landline_protocol::{Admission, Role, SpaceId};
use serde::{Deserialize, Serialize};

/// Addresses remembered of a space.
const ADDRESSES: usize = 8;

/// A space that was joined on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownSpace {
    pub(crate) space: SpaceId,
    pub(crate) name: String,
    pub(crate) admission: Admission,
    pub(crate) role: Role,
    /// `host:port`, the one that worked last first.
    pub(crate) addresses: Vec<String>,
    /// The key that its node showed; none without TLS.
    pub(crate) fingerprint: Option<String>,
    /// The host computer's name, where it was seen.
    pub(crate) host: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) last_connected: Option<i64>,
}

impl KnownSpace {
    /// This address has just worked.
    pub(crate) fn reached_at(&mut self, address: &str) {
        self.addresses.retain(|known| known != address);
        self.addresses.insert(0, address.to_owned());
        self.addresses.truncate(ADDRESSES);
    }
}

/// Addresses to dial: what is seen now before what is remembered, each once.
pub(crate) fn to_dial<'a>(
    seen: impl IntoIterator<Item = &'a String>,
    known: &'a [String],
) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for address in seen.into_iter().chain(known) {
        if addresses.len() < 2 * ADDRESSES && !addresses.contains(address) {
            addresses.push(address.clone());
        }
    }
    addresses
}
