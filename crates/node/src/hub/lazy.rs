//! What need not be stored at once: marks, tokens, when people were last seen, how far the logs have
//! come. A crash takes the last few seconds of it, and nothing that was answered with a `seq`.

use std::collections::HashMap;
use std::time::Duration;

use landline_protocol::MemberId;
use landline_store::{Connection, StoreError, marks, sessions, settings};
use tokio::time::Instant;
use tracing::warn;

use super::Hub;
use super::write::Done;
use crate::folder::Seen;
use crate::kept::{LAST_SEEN, PROBE};

/// How long marks and tokens wait to be stored.
const LAZY: Duration = Duration::from_secs(5);

impl Hub {
    /// Stores what need not be stored at once; while the store fails, tries whether it still does.
    pub(super) fn write_lazily(&mut self, now: Instant) {
        if self.writes.lazy_under_way || self.writes.lazy_at.is_some_and(|at| at > now) {
            return;
        }
        self.writes.lazy_at = Some(now + LAZY);
        self.see();
        let last_seen = self.people.take_last_seen(self.clock.now());
        let Some(job) = self.lazy_job(last_seen) else {
            return;
        };
        self.writes.lazy_under_way = true;
        let store = self.store.clone();
        self.tasks
            .spawn(async move { Done::Lazy(store.write_unsynced(job).await) });
    }

    /// The last of it, when the node stops.
    pub(super) async fn write_at_last(&mut self) {
        while let Some(done) = self.tasks.join_next().await {
            if let Ok(Done::Lazy(Err(error))) = done {
                warn!(%error, "marks were not stored");
                self.marks.store_again();
                self.tokens.store_again();
            }
        }
        let last_seen = self.people.last_seen(self.clock.now());
        if let Some(job) = self.lazy_job(Some(last_seen))
            && let Err(error) = self.store.write(job).await
        {
            warn!(%error, "marks were not stored");
        }
        self.see();
        self.reads.wait().await;
    }

    fn lazy_job(
        &mut self,
        last_seen: Option<HashMap<MemberId, i64>>,
    ) -> Option<impl FnOnce(&Connection) -> Result<(), StoreError> + use<>> {
        let now = self.clock.now();
        let rows = self.marks.take_unstored();
        let tokens = self.tokens.take_unstored(now);
        let probe = !self.writes.stored;
        if rows.is_empty() && tokens.is_empty() && last_seen.is_none() && !probe {
            return None;
        }
        Some(move |c: &Connection| {
            for row in rows {
                marks::set(c, row.room, row.change)?;
            }
            for member in tokens.revoked {
                sessions::remove_of(c, member)?;
            }
            for session in &tokens.given {
                sessions::insert(c, session)?;
            }
            for token in &tokens.ended {
                sessions::remove(c, token)?;
            }
            sessions::remove_expired(c, now)?;
            if let Some(last_seen) = last_seen {
                settings::set(c, LAST_SEEN, &last_seen)?;
            }
            if probe {
                settings::set(c, PROBE, &now)?;
            }
            Ok(())
        })
    }

    /// Notes beside the database how far the logs have come.
    fn see(&mut self) {
        let seen = Seen {
            epoch: self.world.epoch,
            events: self.world.events(),
            folder: self.files,
        };
        if self.seen == Some(seen) {
            return;
        }
        self.seen = Some(seen);
        let folder = self.folder.clone();
        let write = move || {
            if let Err(error) = folder.see(seen) {
                warn!(%error, "can't note how far the logs have come");
            }
        };
        self.reads.spawn_blocking(write);
    }
}
