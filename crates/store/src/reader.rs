//! The threads that read, each with a read-only connection, off one queue.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::writer::{Job, Queue};
use crate::{StoreError, open};

/// Jobs that may wait for a reader; one more is refused as `Busy`.
const READ_QUEUE: usize = 1_024;

type Jobs = Arc<Mutex<Receiver<Box<dyn Job>>>>;

/// Starts the readers. They end when their queue's sender is dropped.
pub(crate) fn start(
    path: &Path,
    readers: usize,
) -> Result<(Queue, Vec<JoinHandle<()>>), StoreError> {
    let (queue, jobs) = sync_channel(READ_QUEUE);
    let jobs: Jobs = Arc::new(Mutex::new(jobs));
    let threads = (0..readers)
        .map(|_| {
            let connection = open::reader(path)?;
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name("store-reader".into())
                .spawn(move || run(&connection, &jobs))
                .map_err(|error| StoreError::NotStored(error.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((queue, threads))
}

fn run(connection: &Connection, jobs: &Jobs) {
    while let Some(job) = next(jobs) {
        if let Err(error) = connection.execute_batch("BEGIN") {
            job.fail(error.into());
            continue;
        }
        // The answer goes out after the snapshot is given back, so that whoever writes next on
        // hearing it finds no old reader in the way of a checkpoint.
        let outcome = job.run(connection);
        let ended = if connection.is_autocommit() {
            Ok(())
        } else {
            connection
                .execute_batch("ROLLBACK")
                .map_err(StoreError::from)
        };
        (outcome.answer)(ended);
    }
}

/// Whoever waits holds the lock; the others wait for the lock, which comes to the same.
fn next(jobs: &Jobs) -> Option<Box<dyn Job>> {
    jobs.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}
