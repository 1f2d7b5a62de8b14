//! Transfers that are under way: how many there may be, and that an upload is written by one
//! request at a time. A client that lost its connection comes again before the node has noticed, so
//! the later request ends the earlier one.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use blake3::Hasher;
use landline_protocol::{Code, MemberId, Refusal};
use landline_store::uploads::UploadId;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Files;
use super::answer::{Refused, SOON_MS};

/// Transfers of one member at a time.
const PER_MEMBER: usize = 8;
/// Transfers at a time. Each takes a thread now and then, and about a megabyte.
const AT_ONCE: usize = 64;
/// For an earlier request on the same upload to end.
const TURN_WITHIN: Duration = Duration::from_secs(10);
/// Uploads between two requests whose hash so far is remembered; of others it is made anew from the
/// file. 2 KiB each.
const HASHES_KEPT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Running {
    now: Mutex<Now>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Now {
    /// Who writes to which upload.
    uploads: HashMap<UploadId, Writer>,
    members: HashMap<MemberId, usize>,
    all: usize,
    hashes: HashMap<UploadId, Hashed>,
}

#[derive(Debug)]
struct Writer {
    /// Ends it.
    stop: CancellationToken,
    to_come: Arc<AtomicU64>,
}

/// The hash of the first bytes of an upload.
#[derive(Debug, Clone)]
pub(super) struct Hashed {
    pub(super) bytes: u64,
    pub(super) hasher: Hasher,
}

/// A place among those that are under way; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    files: Files,
    member: MemberId,
    upload: Option<UploadId>,
    /// A later request wants this upload.
    pub(super) stop: CancellationToken,
    /// Bytes that are still to be written.
    to_come: Arc<AtomicU64>,
}

impl Slot {
    /// So many bytes are to be written; how many the others that were admitted before are still to
    /// write. Together they must find room.
    pub(super) fn expect(&self, bytes: u64) -> u64 {
        let now = self.files.0.running.lock();
        let others = now.to_come();
        self.to_come.store(bytes, Ordering::Relaxed);
        others
    }

    /// So many bytes of them are written.
    pub(super) fn wrote(&self, bytes: u64) {
        self.to_come.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let running = &self.files.0.running;
        let mut now = running.lock();
        now.all = now.all.saturating_sub(1);
        if let Some(count) = now.members.get_mut(&self.member) {
            *count -= 1;
            if *count == 0 {
                now.members.remove(&self.member);
            }
        }
        if let Some(upload) = self.upload {
            now.uploads.remove(&upload);
        }
        drop(now);
        running.freed.notify_waiters();
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hash of what is there of an upload, if it is known; taken out.
    pub(super) fn take_hash(&self, upload: UploadId, bytes: u64) -> Option<Hasher> {
        if bytes == 0 {
            return Some(Hasher::new());
        }
        let known = self.lock().hashes.remove(&upload)?;
        (known.bytes == bytes).then_some(known.hasher)
    }

    /// Uploads that somebody writes to.
    pub(super) fn uploads(&self) -> HashSet<UploadId> {
        self.lock().uploads.keys().copied().collect()
    }

    /// Bytes that are still to be written by those that are under way.
    pub(super) fn to_come(&self) -> u64 {
        self.lock().to_come()
    }

    pub(super) fn keep_hash(&self, upload: UploadId, hashed: Hashed) {
        let mut now = self.lock();
        if now.hashes.len() >= HASHES_KEPT {
            now.hashes.clear();
        }
        now.hashes.insert(upload, hashed);
    }
}

impl Now {
    fn to_come(&self) -> u64 {
        let writers = self.uploads.values();
        writers.fold(0, |sum, writer| {
            sum.saturating_add(writer.to_come.load(Ordering::Relaxed))
        })
    }

    fn enter(&mut self, member: MemberId) -> Result<(), Refused> {
        let mine = self.members.entry(member).or_default();
        if *mine >= PER_MEMBER {
            let words = format!("more than {PER_MEMBER} transfers at a time");
            let refusal = Refusal::new(Code::TooManyRequests, words);
            return Err(refusal.retry_after(SOON_MS).into());
        }
        if self.all >= AT_ONCE {
            if *mine == 0 {
                self.members.remove(&member);
            }
            let words = "the node has too many transfers at a time";
            return Err(Refusal::new(Code::Unavailable, words)
                .retry_after(SOON_MS)
                .into());
        }
        *mine += 1;
        self.all += 1;
        Ok(())
    }
}

impl Files {
    /// A place for a download.
    pub(super) fn slot(&self, member: MemberId) -> Result<Slot, Refused> {
        self.0.running.lock().enter(member)?;
        Ok(Slot {
            files: self.clone(),
            member,
            upload: None,
            stop: CancellationToken::new(),
            to_come: Arc::default(),
        })
    }

    /// A place for the one request that may write to this upload, once an earlier one has ended.
    pub(super) async fn turn(&self, member: MemberId, upload: UploadId) -> Result<Slot, Refused> {
        let until = Instant::now() + TURN_WITHIN;
        let running = &self.0.running;
        loop {
            let freed = running.freed.notified();
            tokio::pin!(freed);
            // Before looking: what is freed in between is heard, too.
            freed.as_mut().enable();
            if let Some(slot) = self.try_turn(member, upload)? {
                return Ok(slot);
            }
            if timeout_at(until, freed).await.is_err() {
                return Err(Refused::locked());
            }
        }
    }

    /// `None` where another request is at it still, which is told to end.
    fn try_turn(&self, member: MemberId, upload: UploadId) -> Result<Option<Slot>, Refused> {
        let mut now = self.0.running.lock();
        if let Some(earlier) = now.uploads.get(&upload) {
            earlier.stop.cancel();
            return Ok(None);
        }
        now.enter(member)?;
        let (stop, to_come) = (CancellationToken::new(), Arc::default());
        let writer = Writer {
            stop: stop.clone(),
            to_come: Arc::clone(&to_come),
        };
        now.uploads.insert(upload, writer);
        Ok(Some(Slot {
            files: self.clone(),
            member,
            upload: Some(upload),
            stop,
            to_come,
        }))
    }
}
