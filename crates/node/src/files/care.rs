//! What runs beside the requests: at the start and every hour, takes away uploads that have expired
//! and files that no message names.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use landline_protocol::limits::UPLOAD_KEPT_MS;
use landline_store::{StoreError, uploads};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::Files;
use super::answer::Refused;
use super::shelf::Shelf;

const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

impl Files {
    /// Makes the folders; a node without them can't start.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        self.0.shelf.make()
    }

    /// Never ends.
    pub(crate) async fn look_after(self) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            if let Err(error) = self.clear_away().await {
                warn!(?error, "files could not be looked after");
            }
        }
    }

    async fn clear_away(&self) -> Result<(), Refused> {
        let before = self.0.clock.now() - UPLOAD_KEPT_MS;
        // No upload is given its name meanwhile: it might be one that is taken away.
        let turn = self.0.shelf_turn.acquire().await;
        let running = self.0.running.uploads();
        let (expired, unnamed) = self
            .0
            .store
            .write(move |c| {
                let expired = uploads::expire(c, before, &running)?;
                Ok::<_, StoreError>((expired, uploads::expire_unnamed(c, before)?))
            })
            .await?;
        if !expired.is_empty() || !unnamed.is_empty() {
            info!(
                uploads = expired.len(),
                files = unnamed.len(),
                "taken away: nobody names them"
            );
        }
        self.at_disk(move |shelf| {
            expired.iter().try_for_each(|id| shelf.remove_upload(*id))?;
            unnamed
                .iter()
                .try_for_each(|hash| shelf.files.remove(*hash))
        })
        .await?;
        self.clear_unknown(before).await?;
        drop(turn);
        Ok(())
    }

    /// What is on the disk and not in the database: a crash came in between, or the database was
    /// put back from a copy.
    async fn clear_unknown(&self, before: i64) -> Result<(), Refused> {
        let (uploads_here, files_here) = self
            .at_disk(move |shelf| Ok((shelf.uploads_here()?, shelf.files_before(before)?)))
            .await?;
        let (strange, unknown) = self
            .0
            .store
            .read(move |c| {
                let mut strange = HashSet::new();
                for id in uploads_here {
                    if uploads::get(c, id)?.is_none_or(|upload| upload.blake3.is_some()) {
                        strange.insert(id);
                    }
                }
                let mut unknown = HashSet::new();
                for hash in files_here {
                    if uploads::bytes_of(c, hash)?.is_none() {
                        unknown.insert(hash);
                    }
                }
                Ok::<_, StoreError>((strange, unknown))
            })
            .await?;
        self.at_disk(move |shelf| {
            strange.iter().try_for_each(|id| shelf.remove_upload(*id))?;
            unknown
                .iter()
                .try_for_each(|hash| shelf.files.remove(*hash))
        })
        .await
    }

    /// Runs what waits for the disk away from the runtime's threads.
    pub(super) async fn at_disk<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shelf) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Refused> {
        let shelf = self.0.shelf.clone();
        let done = tokio::task::spawn_blocking(move || job(&shelf)).await;
        done.unwrap_or_else(|_| Err(io::Error::other("a job at the disk broke off")))
            .map_err(|cause| Refused::disk(&cause))
    }
}
