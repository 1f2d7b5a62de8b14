//! The one thread that writes: takes what waits, runs it in one transaction, then answers.
//!
//! Group commit without a timer: while one batch is being made durable the next one gathers, so a
//! lone write costs one commit, and under load the cost of a commit is shared by the batch. What
//! need not be on the disk at once never makes anybody wait for the disk.

use std::ffi::c_int;
use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use rusqlite::hooks::Wal;
use tokio::sync::oneshot;

use crate::StoreError;
use crate::checkpoint::{self, Checkpoints};

/// Jobs that may wait for the writer; one more is refused as `Busy`.
const WRITE_QUEUE: usize = 1_024;
/// Jobs that share one transaction.
const WRITE_BATCH: usize = 256;

/// Where jobs are handed in.
pub(crate) type Queue = SyncSender<Box<dyn Job>>;

/// A job that knows where its answer goes.
pub(crate) trait Job: Send {
    /// Is on the disk before it is answered, as far as the connection promises that.
    fn is_synced(&self) -> bool;
    fn run(self: Box<Self>, connection: &Connection) -> Outcome;
    /// Answers without running.
    fn fail(self: Box<Self>, error: StoreError);
}

/// A job that has run, and whose answer waits for the commit.
pub(crate) struct Outcome {
    /// The job did not fail.
    pub(crate) keep: bool,
    pub(crate) answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// The end of the writer thread.
pub(crate) struct Closing {
    ended: oneshot::Receiver<Result<(), StoreError>>,
    thread: JoinHandle<()>,
}

impl Closing {
    pub(crate) async fn wait(self) -> Result<(), StoreError> {
        let result = self.ended.await.unwrap_or(Err(StoreError::Panicked));
        // It has nothing left to do but to end.
        self.thread.join().map_err(|_| StoreError::Panicked)?;
        result
    }
}

/// Starts the writer. It ends when its queue's sender is dropped, after the readers.
pub(crate) fn start(
    path: &Path,
    mut connection: Connection,
    readers: Vec<JoinHandle<()>>,
) -> Result<(Queue, Closing), StoreError> {
    let pages = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&pages);
    connection.wal_hook(Some(move |_: &mut Wal, now: c_int| {
        seen.store(u32::try_from(now).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    let checkpoints = checkpoint::start(path, pages)?;
    let (queue, jobs) = sync_channel(WRITE_QUEUE);
    let (end, ended) = oneshot::channel();
    let thread = thread::Builder::new()
        .name("store-writer".into())
        .spawn(move || drop(end.send(run(connection, &jobs, checkpoints, readers))))
        .map_err(|error| StoreError::NotStored(error.to_string()))?;
    Ok((queue, Closing { ended, thread }))
}

fn run(
    connection: Connection,
    jobs: &Receiver<Box<dyn Job>>,
    mut checkpoints: Checkpoints,
    readers: Vec<JoinHandle<()>>,
) -> Result<(), StoreError> {
    while let Ok(first) = jobs.recv() {
        let mut is_stored = true;
        if first.is_synced() {
            // What comes once the batch is answered begins another, whose first says of what kind.
            let mut batch = iter::once(first)
                .chain(jobs.try_iter())
                .fuse()
                .take(WRITE_BATCH)
                .peekable();
            while batch.peek().is_some() {
                is_stored &= transact(&connection, &mut batch);
            }
        } else {
            is_stored = unsynced(&connection, |c| transact(c, &mut iter::once(first)));
        }
        checkpoints.after(is_stored);
    }
    // The last connection to close folds the log of writes into the file and removes it, which is
    // how the next start knows that this stop was clean: so the others go first.
    for reader in readers {
        reader.join().map_err(|_| StoreError::Panicked)?;
    }
    checkpoints.end()?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Commits without waiting for the disk. The log of writes is one sequence, so the next synced
/// commit carries this one with it.
fn unsynced<T>(connection: &Connection, transact: impl FnOnce(&Connection) -> T) -> T {
    const SYNCHRONOUS: &str = "synchronous";
    let usual = connection.pragma_query_value(None, SYNCHRONOUS, |row| row.get::<_, i64>(0));
    let Ok(usual) = usual else {
        return transact(connection);
    };
    // Where it can't be changed the commit is merely slower.
    let _ = connection.pragma_update(None, SYNCHRONOUS, "NORMAL");
    let done = transact(connection);
    if let Err(error) = connection.pragma_update(None, SYNCHRONOUS, usual) {
        tracing::error!(%error, "commits no longer wait for the disk");
    }
    done
}

/// Runs what waits in one transaction, each job in a savepoint of its own, and answers. Whether the
/// transaction was stored.
///
/// Ends early, with jobs left over, where SQLite gave up the whole transaction in a job's midst.
fn transact(connection: &Connection, batch: &mut impl Iterator<Item = Box<dyn Job>>) -> bool {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        let error = StoreError::from(error);
        batch.for_each(|job| job.fail(error.for_another()));
        return false;
    }
    let mut outcomes = Vec::new();
    let mut stored = Ok(());
    for job in batch {
        if let Err(error) = connection.execute_batch("SAVEPOINT job") {
            let error = StoreError::from(error);
            job.fail(error.for_another());
            stored = Err(error);
            break;
        }
        let outcome = job.run(connection);
        stored = end_savepoint(connection, outcome.keep);
        outcomes.push(outcome);
        if stored.is_err() {
            break;
        }
    }
    let stored = stored.and_then(|()| Ok(connection.execute_batch("COMMIT")?));
    if stored.is_err() && !connection.is_autocommit() {
        // Nothing of it is stored either way; what matters is that the next batch can begin.
        if let Err(error) = connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "a failed batch could not be rolled back");
        }
    }
    for outcome in outcomes {
        (outcome.answer)(stored.as_ref().map(drop).map_err(StoreError::for_another));
    }
    stored.is_ok()
}

/// `Err` where the whole transaction is lost.
fn end_savepoint(connection: &Connection, keep: bool) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        // A full disk or a failing one makes SQLite roll back everything by itself.
        let reason = "a write that it shared a transaction with met a full or failing disk";
        return Err(StoreError::NotStored(reason.into()));
    }
    let end = if keep {
        "RELEASE job"
    } else {
        "ROLLBACK TO job; RELEASE job"
    };
    Ok(connection.execute_batch(end)?)
}
