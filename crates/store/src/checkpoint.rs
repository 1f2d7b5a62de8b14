//! Moves what was written from the write-ahead log into the database, out of the writer's way: on
//! a thread and a connection of its own, so that no commit waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::{StoreError, open};

/// Pages of 4 KiB that the write-ahead log grows by between two checkpoints: 4 MiB.
const CHECKPOINT_PAGES: u32 = 1_024;
/// Pages from which the writer is made to wait for one whole checkpoint, after which the log of
/// writes begins anew: 32 MiB. Under a load without a pause it would grow for ever.
const RESTART_PAGES: u32 = 8 * CHECKPOINT_PAGES;
/// Pages from which the writer itself waits for that: 64 MiB. A checkpoint that must find the
/// database free for a moment may look for it in vain, while commit follows on commit.
const WAIT_PAGES: u32 = 2 * RESTART_PAGES;

/// The writer's end of the checkpoint thread.
pub(crate) struct Checkpoints {
    /// Pages in the write-ahead log after the last commit.
    pages: Arc<AtomicU32>,
    /// Pages at the last poke.
    poked_at: u32,
    pokes: SyncSender<Poke>,
    thread: JoinHandle<()>,
}

/// There is enough to move; where somebody waits, they are told when it is done.
struct Poke(Option<SyncSender<()>>);

pub(crate) fn start(path: &Path, pages: Arc<AtomicU32>) -> Result<Checkpoints, StoreError> {
    let connection = open::beside(path)?;
    let (pokes, poked) = sync_channel(1);
    let thread = thread::Builder::new()
        .name("store-checkpoint".into())
        .spawn(move || run(&connection, &poked))
        .map_err(|error| StoreError::NotStored(error.to_string()))?;
    Ok(Checkpoints {
        pages,
        poked_at: 0,
        pokes,
        thread,
    })
}

impl Checkpoints {
    /// After a batch. Wakes the thread where enough has been written since the last time; waits for
    /// it only where far too much has. A reader that stays for long makes it wait in vain, but no
    /// more than once in [`CHECKPOINT_PAGES`].
    ///
    /// It is woken too where the batch was not stored: on a full disk the write-ahead log grows no
    /// more, and may itself be what fills it until it begins anew.
    pub(crate) fn after(&mut self, is_stored: bool) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.poked_at {
            self.poked_at = 0;
        }
        if is_stored && pages - self.poked_at < CHECKPOINT_PAGES {
            return;
        }
        self.poked_at = pages;
        if pages >= WAIT_PAGES {
            let (done, is_done) = sync_channel(1);
            if self.pokes.send(Poke(Some(done))).is_ok() {
                // It fails where the thread has ended; then nobody is left to be waited for.
                let _ = is_done.recv();
            }
            return;
        }
        match self.pokes.try_send(Poke(None)) {
            // Full: it is at work and will look again.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Waits for a checkpoint under way, and closes its connection.
    pub(crate) fn end(self) -> Result<(), StoreError> {
        drop(self.pokes);
        self.thread.join().map_err(|_| StoreError::Panicked)
    }
}

fn run(connection: &Connection, poked: &Receiver<Poke>) {
    while let Ok(Poke(done)) = poked.recv() {
        if let Err(error) = checkpoint(connection) {
            // Nothing is lost: it is all in the write-ahead log, and is tried again after the next
            // batch that is not stored, or with the next pages.
            tracing::warn!(%error, "a checkpoint failed");
        }
        if let Some(done) = done {
            let _ = done.try_send(());
        }
    }
}

fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    let pages: i64 =
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
    if pages >= i64::from(RESTART_PAGES) {
        connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
    }
    Ok(())
}
