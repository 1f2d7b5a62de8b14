//! The names under which the node keeps what no log tells, in the store's settings.

/// The space's id.
pub(crate) const SPACE: &str = "space";
/// The epoch: raised when the store was restored from an older copy.
pub(crate) const EPOCH: &str = "epoch";
/// The passcode as an argon2 hash, or null.
pub(crate) const PASSCODE: &str = "passcode";
/// When each member was last connected: an object of member ids and milliseconds since 1970.
pub(crate) const LAST_SEEN: &str = "last_seen";
/// Written to see whether writing works again.
pub(crate) const PROBE: &str = "probe";
