//! Waiting for what must come: look again and again, up to a generous limit. Never a plain sleep.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// For anything that takes milliseconds on a machine at rest, and for a client that was kept away to
/// dial again (15 s at most) and to read what it has missed.
pub const SOON: Duration = Duration::from_secs(120);
/// For work on many thousand events.
pub const LONG: Duration = Duration::from_secs(600);

const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What `look` finds, within [`SOON`].
#[track_caller]
pub fn eventually<T>(
    what: impl Display,
    look: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    within(SOON, what, look)
}

/// What `look` finds, within `limit`.
pub async fn within<T>(
    limit: Duration,
    what: impl Display,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < limit, "waited in vain: {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// Waits for a future, within [`SOON`].
pub async fn soon<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    timeout(SOON, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}
