//! The handle: opens the file, owns the threads, takes jobs.
//!
//! ```text
//! write ──▶ queue (WRITE_QUEUE) ──▶ writer thread ── one transaction for all that waits
//!                                        │ poke, when the log of writes has grown
//!                                        ▼
//!                                   checkpoint thread
//! read  ──▶ queue (READ_QUEUE)  ──▶ reader threads, each with a read-only connection
//! ```
//! Closing drops the queues' senders: what waits is still done, then the readers end, then the
//! writer, who was waiting for them, folds everything into the one file and ends last.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::writer::{Closing, Job, Outcome, Queue};
use crate::{StoreError, copy, open, reader, writer};

/// Steps of SQLite's machine between two looks whether a check is still wanted.
const CHECK_STEPS: c_int = 10_000;

/// What a returned `Ok` of [`Store::write`] is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: survives a power cut (`synchronous=FULL`).
    Full,
    /// In the system's hands: survives the program, may lose the last writes in a power cut.
    Normal,
}

/// Whether a database that was not closed cleanly is looked over, page by page, before it is used:
/// 0.3 s for 60,000 messages, 0.9 s for 200,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    AfterUncleanStop,
    /// The caller asks [`Store::check`] when it has the time.
    NotNow,
}

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub durability: Durability,
    pub check: Check,
    /// Threads with a read-only connection each, 1 to 4.
    pub readers: usize,
}

/// A store that is open. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// None once closed.
    queues: RwLock<Option<Queues>>,
    /// A check under way is given up.
    closing: Arc<AtomicBool>,
}

struct Queues {
    write: Queue,
    read: Queue,
    closing: Closing,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queues")
    }
}

impl Store {
    /// Opens the database at `path`, or makes it; its folder must be there.
    ///
    /// Blocking. A database of an earlier version is copied to `<path>.before-v<version>` and
    /// brought up to date, all or nothing. Refused, before anything is touched: one of a newer
    /// version, a damaged one (see [`Check`] and [`crate::mend`]), a file that is no Landline
    /// database, a file or folder that can't be written.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let connection = open::writer(path, options.durability, options.check)?;
        let (read, readers) = reader::start(path, options.readers.clamp(1, 4))?;
        let (write, closing) = writer::start(path, connection, readers)?;
        let queues = Queues {
            write,
            read,
            closing,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                queues: RwLock::new(Some(queues)),
                closing: Arc::default(),
            }),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs a job on the writer's connection and answers once it is stored.
    ///
    /// All that waits shares one transaction, with a savepoint each: an `Err` of the job undoes
    /// that job alone. [`StoreError::Busy`] at once where too much is waiting.
    pub async fn write<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.queue_write(asked(job, true, move |result| drop(answer.send(result))))?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::write`] for what can be made again: `Ok` is worth [`Durability::Normal`], and no
    /// less than `Full` once a later `write` has answered. It does not wait for the disk, nor does
    /// anybody behind it.
    pub async fn write_unsynced<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.queue_write(asked(job, false, move |result| drop(answer.send(result))))?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs a job on one of the read-only connections, within one snapshot.
    pub async fn read<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.queue_read(asked(job, true, move |result| drop(answer.send(result))))?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::write`] for a thread that may wait. Not for async code.
    pub fn write_blocking<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        self.queue_write(asked(job, true, move |result| drop(answer.send(result))))?;
        answered
            .recv()
            .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::read`] for a thread that may wait. Not for async code.
    pub fn read_blocking<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        self.queue_read(asked(job, true, move |result| drop(answer.send(result))))?;
        answered
            .recv()
            .unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Looks the whole file over; [`StoreError::Damaged`] tells what was found. Given up with
    /// [`StoreError::Closed`] when the store is closed meanwhile.
    pub async fn check(&self) -> Result<(), StoreError> {
        let path = self.inner.path.clone();
        let closing = Arc::clone(&self.inner.closing);
        // On a connection that has read nothing yet: the check compares the full text index with
        // what the connection remembers of it, and calls it damaged where another has written.
        self.read(move |_| {
            let mut connection = open::reader(&path)?;
            let given_up = Arc::clone(&closing);
            connection.progress_handler(CHECK_STEPS, Some(move || given_up.load(Relaxed)))?;
            match open::quick_check(&connection) {
                Err(_) if closing.load(Relaxed) => Err(StoreError::Closed),
                result => result,
            }
        })
        .await
    }

    /// Copies the database to a file, as it stands now, while it stays in use. The file is there
    /// whole or not at all; one that is there already is replaced. Given up with
    /// [`StoreError::Closed`] when the store is closed meanwhile.
    pub async fn backup(&self, to: PathBuf) -> Result<(), StoreError> {
        let closing = Arc::clone(&self.inner.closing);
        let target = to.clone();
        self.read(move |c| {
            // The snapshot begins with the first row that is read, and must hold for all pages:
            // without it each step of the copy would take its own, and whatever is committed between
            // two of them would send the copy back to the first page, for as long as people write.
            // Meanwhile the log of writes can't begin anew and may pass its bound, by what is
            // written in the seconds that the pages take; no copy of one moment can do without.
            c.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            copy::pages(c, &target, || closing.load(Relaxed))
        })
        .await?;
        // A job of its own, which holds no snapshot: the disk may take its time.
        self.read(move |_| copy::keep(&to)).await
    }

    /// Does what still waits, folds everything into the one file and ends the threads. For all
    /// clones: they answer [`StoreError::Closed`] from now on.
    pub async fn close(self) -> Result<(), StoreError> {
        self.inner.closing.store(true, Relaxed);
        let queues = self
            .inner
            .queues
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Queues {
            write,
            read,
            closing,
        }) = queues
        else {
            return Ok(());
        };
        drop((write, read));
        closing.wait().await
    }

    fn queue_write(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.queue(job, |queues| &queues.write)
    }

    fn queue_read(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.queue(job, |queues| &queues.read)
    }

    fn queue(
        &self,
        job: Box<dyn Job>,
        which: impl FnOnce(&Queues) -> &Queue,
    ) -> Result<(), StoreError> {
        let queues = self
            .inner
            .queues
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let queue = which(queues.as_ref().ok_or(StoreError::Closed)?);
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }
}

/// A job with the place where its answer goes.
struct Asked<F, A> {
    job: F,
    synced: bool,
    answer: A,
}

fn asked<T, E, F, A>(job: F, synced: bool, answer: A) -> Box<dyn Job>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    A: FnOnce(Result<T, E>) + Send + 'static,
{
    Box::new(Asked {
        job,
        synced,
        answer,
    })
}

impl<T, E, F, A> Job for Asked<F, A>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    A: FnOnce(Result<T, E>) + Send + 'static,
{
    fn is_synced(&self) -> bool {
        self.synced
    }

    fn run(self: Box<Self>, connection: &Connection) -> Outcome {
        let Self { job, answer, .. } = *self;
        // A job that panics must not take the only writer with it.
        let result = catch_unwind(AssertUnwindSafe(|| job(connection)))
            .unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        Outcome {
            keep: result.is_ok(),
            answer: Box::new(move |stored| {
                answer(match stored {
                    Ok(()) => result,
                    Err(error) => result.and(Err(error.into())),
                });
            }),
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        (self.answer)(Err(error.into()));
    }
}
