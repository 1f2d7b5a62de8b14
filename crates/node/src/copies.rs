//! Good copies of the database, and coming back from a damaged one.
//!
//! ```text
//! copies/1.sqlite      the newest; copied while the node runs, and looked over before it counts
//! copies/2.sqlite      the one before
//! node.sqlite.damaged-1/   what was damaged once: set aside, never deleted
//! ```
//! A damaged database is made anew from its own log where that is whole; nothing is lost then.
//! Otherwise the newest good copy takes its place, and the epoch is raised: clients bring back
//! what they wrote since. Without a good copy the node does not start.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use landline_store::mend::{self, Logs};
use landline_store::{
    Connection, Options, Store, StoreError, apply, is_full_with, log, make_folder, settings,
    sync_name,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use crate::NodeError;
use crate::clock::Clock;
use crate::folder::{Folder, Seen};
use crate::hub::Outside;
use crate::kept::EPOCH;

/// Good copies that are kept.
const COPIES: u32 = 2;
/// Events whose derived rows are made in one transaction, on the way up.
const DERIVED_AT_ONCE: usize = 5_000;
/// Bytes that must stay free on the disk when a copy is made, besides as much as the copy takes.
const FREE_BYTES: u64 = 64 * 1024 * 1024;
/// From the start to the first look over the whole database.
const CHECK_AFTER: Duration = Duration::from_secs(5);
/// From the start to the first copy, where there is none that is young enough.
const FIRST_COPY_AFTER: Duration = Duration::from_secs(10);
/// Between two looks that failing writes ask for.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// A database that was damaged is in use again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was found.
    pub damage: String,
    /// Where the damaged one is now.
    pub aside: PathBuf,
    /// When the copy was made that is used now, in milliseconds since 1970. `None`: nothing was
    /// lost, it was made anew from its own log.
    pub copied_at: Option<i64>,
    /// Minutes between that copy and the restart.
    pub minutes_ago: Option<i64>,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes_ago {
            None => write!(
                f,
                "The space's database was damaged. It has been made anew from its own log; nothing is lost."
            )?,
            Some(minutes) => write!(
                f,
                "The space's database was damaged. It has been put back from the copy of {minutes} \
                 minutes ago; what was written since comes back as its authors connect."
            )?,
        }
        write!(f, " The damaged one is kept in {}.", self.aside.display())
    }
}

/// Opens the database of this folder, or puts a damaged one right first, and makes the rows that
/// follow from what was stored last. Blocks; called where tokio allows that.
pub(crate) fn open(
    folder: &Folder,
    options: Options,
    clock: &Clock,
) -> Result<(Store, Option<Restored>), NodeError> {
    let path = folder.database();
    let opened = match folder.damage() {
        Some(damage) => Err(StoreError::Damaged(damage)),
        // SQLite would begin an empty one.
        None if folder.lacks_its_database() => Err(StoreError::Damaged("it is gone".into())),
        None => up_to_date(&path, options),
    };
    match opened {
        Ok(store) => Ok((store, None)),
        Err(StoreError::Damaged(damage)) => {
            warn!(damage, "the database is damaged");
            let restored = restore(folder, damage, clock)?;
            warn!("{restored}");
            Ok((up_to_date(&path, options)?, Some(restored)))
        }
        Err(error) => Err(error.into()),
    }
}

fn up_to_date(path: &Path, options: Options) -> Result<Store, StoreError> {
    let store = Store::open(path, options)?;
    let Err(error) = catch_up(&store) else {
        return Ok(store);
    };
    // Nobody may have it open when it is put right.
    Handle::current().block_on(store.close())?;
    Err(error)
}

/// Makes what follows from the log where a node that ended had not come to it.
pub(crate) fn catch_up(store: &Store) -> Result<(), StoreError> {
    while store.write_blocking(|c| apply::catch_up(c, DERIVED_AT_ONCE))? {}
    Ok(())
}

fn restore(folder: &Folder, damage: String, clock: &Clock) -> Result<Restored, NodeError> {
    let (path, seen) = (folder.database(), folder.seen());
    let new = path.with_extension("new");
    let copied_at = if save(&path, &new, seen)? {
        None
    } else {
        let Some(copy) = newest_good(folder) else {
            // Empty; the next start makes it again.
            let _ = fs::remove_file(&new);
            return Err(NodeError::Damaged {
                damage,
                copies: folder.copies(),
            });
        };
        fs::copy(&copy, &new).map_err(|error| not_writable(&new, &error))?;
        Some(made_at(&copy).unwrap_or_default())
    };
    let epoch = seen.map_or(0, |seen| seen.epoch).max(epoch_in(&new)?);
    // Before the copy is in its place: a start in between must not serve it by the old epoch.
    let seen = Seen {
        epoch: epoch + u64::from(copied_at.is_some()),
        events: 0,
        folder: None,
    };
    folder
        .see(seen)
        .map_err(|error| not_writable(&path, &error))?;
    let aside = mend::replace(&path, &new)?;
    folder.is_mended();
    Ok(Restored {
        damage,
        aside,
        copied_at,
        minutes_ago: copied_at.map(|at| (clock.now() - at).max(0) / 60_000),
    })
}

/// Makes the database anew from its own log; `false` where that is not whole.
fn save(path: &Path, new: &Path, seen: Option<Seen>) -> Result<bool, NodeError> {
    if !path.exists() || !mend::save(path, new, Logs::Whole)?.log {
        return Ok(false);
    }
    let c = Connection::open(new).map_err(StoreError::from)?;
    let events = log::count(&c)?;
    let known = settings::get::<uuid::Uuid>(&c, crate::kept::SPACE)?.is_some();
    Ok(known && seen.is_none_or(|seen| events >= seen.events))
}

fn newest_good(folder: &Folder) -> Option<PathBuf> {
    let copies = (1..=COPIES).map(|number| copy(folder, number));
    copies.filter(|copy| copy.exists()).find(|copy| {
        let checked = mend::check(copy);
        if let Err(error) = &checked {
            warn!(%error, copy = %copy.display(), "this copy is of no use");
        }
        checked.is_ok()
    })
}

fn epoch_in(database: &Path) -> Result<u64, StoreError> {
    let c = Connection::open(database)?;
    Ok(settings::get(&c, EPOCH)?.unwrap_or(1))
}

fn copy(folder: &Folder, number: u32) -> PathBuf {
    folder.copies().join(format!("{number}.sqlite"))
}

/// Milliseconds since 1970.
fn made_at(copy: &Path) -> Option<i64> {
    let modified = fs::metadata(copy).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn not_writable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::NotWritable(format!("{}: {error}", path.display()))
}

/// Looks after the database of a node that runs.
#[derive(Debug)]
pub(crate) struct Care {
    pub(crate) store: Store,
    pub(crate) folder: Arc<Folder>,
    /// None: no copies are made.
    pub(crate) every: Option<Duration>,
    pub(crate) clock: Clock,
    pub(crate) outside: watch::Receiver<Outside>,
}

impl Care {
    /// Makes good copies from time to time. Resolves with what was found once the database proves
    /// damaged: looked for a moment after the start, with each copy, and when writes fail.
    pub(crate) async fn look_after(mut self) -> String {
        let begun = Instant::now();
        let mut check_at = Some(begun + CHECK_AFTER);
        let mut checked_at = begun;
        let mut copy_at = self.every.map(|every| begun + self.rest(every));
        let mut copied = self.newest_ref();
        loop {
            let next = check_at.into_iter().chain(copy_at).min();
            let due = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                changed = self.outside.changed() => {
                    if changed.is_err() {
                        // The Hub has ended.
                        return std::future::pending().await;
                    }
                    if !self.outside.borrow().stores {
                        let soon = (checked_at + CHECK_EVERY).max(Instant::now());
                        check_at = Some(check_at.map_or(soon, |at| at.min(soon)));
                    }
                    continue;
                }
            }
            let now = Instant::now();
            let done = if check_at.is_some_and(|at| at <= now) {
                (check_at, checked_at) = (None, now);
                self.store.check().await
            } else {
                copy_at = self.every.map(|every| now + every);
                self.make_copy(&mut copied).await
            };
            match done {
                Ok(()) | Err(StoreError::Closed) => {}
                Err(StoreError::Damaged(damage)) => {
                    error!(damage, "the database is damaged");
                    self.folder.set_damaged(&damage);
                    return damage;
                }
                Err(error) => warn!(%error, "the database could not be looked after"),
            }
        }
    }

    /// How long the newest copy is still young enough; a moment at least, for the start.
    fn rest(&self, every: Duration) -> Duration {
        let age = made_at(&copy(&self.folder, 1)).map(|at| self.clock.now() - at);
        // One from the future tells nothing.
        let age = age.and_then(|age| u64::try_from(age).ok());
        let rest = age.map_or(Duration::ZERO, |age| {
            every.saturating_sub(Duration::from_millis(age))
        });
        rest.max(FIRST_COPY_AFTER.min(every))
    }

    /// The last event that the newest copy holds.
    fn newest_ref(&self) -> Option<i64> {
        let copy = copy(&self.folder, 1);
        let c = copy
            .exists()
            .then(|| Connection::open(copy).ok())
            .flatten()?;
        log::newest_ref(&c).ok()
    }

    /// Copies the database, unless nothing was written since `copied`.
    async fn make_copy(&self, copied: &mut Option<i64>) -> Result<(), StoreError> {
        let newest = self.store.read(log::newest_ref).await?;
        if *copied == Some(newest) {
            return Ok(());
        }
        let (folder, new) = (self.folder.copies(), copy(&self.folder, 0));
        make_folder(&folder).map_err(|error| not_writable(&folder, &error))?;
        let bytes = fs::metadata(self.store.path()).map_or(0, |file| file.len());
        if is_full_with(&folder, 2 * bytes, FREE_BYTES) {
            warn!(
                bytes,
                "too little room on the disk for a copy of the database"
            );
            return Ok(());
        }
        self.store.backup(new.clone()).await?;
        let checked = tokio::task::spawn_blocking({
            let new = new.clone();
            move || mend::check(&new)
        });
        checked.await.unwrap_or(Err(StoreError::Panicked))?;
        for number in (1..=COPIES).rev() {
            let from = copy(&self.folder, number - 1);
            match fs::rename(&from, copy(&self.folder, number)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(not_writable(&from, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        if let Err(error) = sync_name(&copy(&self.folder, 1)) {
            return Err(not_writable(&folder, &error));
        }
        info!(bytes, "a good copy of the database");
        *copied = Some(newest);
        Ok(())
    }
}
