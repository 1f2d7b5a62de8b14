//! Whether the person is at this computer: the core shows them as away while they are not.
//!
//! Asked every few seconds, since no one signal comes from all systems. A locked screen counts at
//! once; a key or a movement of the pointer is noticed within [`AWAY_LOOKS_EVERY`].

use std::time::Duration;

use tauri::async_runtime;
use tokio::time::sleep;

use crate::core::Core;

#[cfg_attr(all(unix, not(target_os = "macos")), path = "away/freedesktop.rs")]
#[cfg_attr(not(all(unix, not(target_os = "macos"))), path = "away/elsewhere.rs")]
mod system;

/// Without a key or a movement for so long, one is away.
const AWAY_AFTER: Duration = Duration::from_secs(5 * 60);
/// Between two looks at somebody who is there.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at somebody who is away.
const AWAY_LOOKS_EVERY: Duration = Duration::from_secs(1);

/// What a system tells; `None`: it does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    /// Since the last key or movement.
    idle: Option<Duration>,
    locked: Option<bool>,
}

impl Seen {
    fn is_away(self) -> bool {
        self.locked == Some(true) || self.idle.is_some_and(|idle| idle >= AWAY_AFTER)
    }
}

/// Looks until the program ends.
pub(crate) fn watch(core: Core) {
    async_runtime::spawn(async move {
        let mut system = system::System::open().await;
        let mut away = false;
        loop {
            sleep(if away { AWAY_LOOKS_EVERY } else { LOOKS_EVERY }).await;
            let now = system.look().await.is_away();
            if now == away {
                continue;
            }
            // Not up yet: told at a later look.
            let Some(client) = core.running() else {
                continue;
            };
            away = now;
            client.away(away).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_away_behind_a_locked_screen_or_after_five_minutes() {
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        for (idle, locked, away) in [
            (None, None, false),
            (minutes(4), None, false),
            (minutes(5), None, true),
            (minutes(0), Some(true), true),
            (minutes(4), Some(false), false),
            (None, Some(true), true),
        ] {
            assert_eq!(Seen { idle, locked }.is_away(), away, "{idle:?} {locked:?}");
        }
    }
}
