//! The body of one `PATCH`, on its way to the disk.
//!
//! ```text
//! connection ──pieces──▶ (WAITING of them) ──▶ a thread: write, hash ──▶ file
//!                                                  └── now and then ──▶ a thread: sync
//! ```
//! The disk is synced behind the writing, or a gigabyte would be written at its end, and the log's
//! own sync would wait behind it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::body::Body;
use blake3::Hasher;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use landline_store::shelf::open_end;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use super::running::Slot;
use super::shelf::Shelf;

/// Pieces that wait for the disk; each is at most 400 KiB, as much as the HTTP library reads.
const WAITING: usize = 8;
/// A peer that sends nothing for this long is gone.
const SILENT: Duration = Duration::from_secs(60);
/// Bytes between two syncs.
const SYNC_EVERY: u64 = 32 * 1024 * 1024;
/// Bytes between two looks at how full the disk is, which something else may fill meanwhile: all
/// that may write at a time together write less than what stays free.
const LOOK_EVERY: u64 = 8 * 1024 * 1024;

/// Why a body did not come to its end.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection ended, or brought nothing for too long.
    Gone,
    /// A later request took over.
    Superseded,
    /// More than there should be.
    TooMuch,
    /// The disk would be too full.
    Full,
    Disk(io::Error),
}

/// What a body came to.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) slot: Slot,
    /// Bytes that are there now; of a broken one, ask the disk.
    pub(super) bytes: u64,
    /// The hash of them, where it is known.
    pub(super) hasher: Option<Hasher>,
    pub(super) end: Result<(), Broken>,
}

/// What is to be written where.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) slot: Slot,
    pub(super) shelf: Shelf,
    pub(super) path: std::path::PathBuf,
    /// Bytes that are there.
    pub(super) from: u64,
    /// Bytes that will be there at the end.
    pub(super) bytes: u64,
    pub(super) hasher: Option<Hasher>,
}

/// Takes a body to the disk. The place is held until the last piece is written, also when whoever
/// waits for this is gone.
pub(super) async fn receive(target: Target, mut body: Body) -> Option<Received> {
    let (pieces, waiting) = mpsc::channel(WAITING);
    let stop = target.slot.stop.clone();
    let writing = tokio::task::spawn_blocking(move || write(target, waiting));
    let came = loop {
        let frame = tokio::select! {
            biased;
            () = stop.cancelled() => break Err(Broken::Superseded),
            frame = timeout(SILENT, body.frame()) => frame,
        };
        let piece = match frame {
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(piece) => piece,
                // Trailers say nothing that we want to know.
                Err(_) => continue,
            },
            Ok(None) => break Ok(()),
            Ok(Some(Err(error))) => {
                debug!(%error, "an upload broke off");
                break Err(Broken::Gone);
            }
            Err(_) => break Err(Broken::Gone),
        };
        if pieces.send(piece).await.is_err() {
            // The thread says why.
            break Ok(());
        }
    };
    drop(pieces);
    let mut received = writing.await.ok()?;
    received.end = received.end.and(came);
    Some(received)
}

fn write(target: Target, mut pieces: mpsc::Receiver<Bytes>) -> Received {
    let Target {
        slot,
        shelf,
        path,
        from,
        bytes,
        hasher,
    } = target;
    let mut writing = Writing {
        at: from,
        hasher,
        looked: from,
        synced: from,
    };
    let end = writing.all(&slot, &shelf, &path, bytes, &mut pieces);
    // What was written of a piece that failed is not in the hash.
    let hasher = writing.hasher.filter(|_| end.is_ok());
    Received {
        slot,
        bytes: writing.at,
        hasher,
        end,
    }
}

struct Writing {
    at: u64,
    hasher: Option<Hasher>,
    /// Up to here the disk has been asked for room.
    looked: u64,
    /// Up to here it has been asked to sync.
    synced: u64,
}

impl Writing {
    fn all(
        &mut self,
        slot: &Slot,
        shelf: &Shelf,
        path: &Path,
        bytes: u64,
        pieces: &mut mpsc::Receiver<Bytes>,
    ) -> Result<(), Broken> {
        let mut file = open_end(path).map_err(Broken::Disk)?;
        let mut syncing: Option<Syncing> = None;
        while let Some(piece) = pieces.blocking_recv() {
            if piece.len() as u64 > bytes.saturating_sub(self.at) {
                return Err(Broken::TooMuch);
            }
            if self.at - self.looked >= LOOK_EVERY {
                self.looked = self.at;
                if shelf.files.is_full_with(0) {
                    return Err(Broken::Full);
                }
            }
            if self.at - self.synced >= SYNC_EVERY {
                self.synced = self.at;
                if syncing.is_none() {
                    syncing = Some(Syncing::start(&file).map_err(Broken::Disk)?);
                }
                if let Some(syncing) = &syncing {
                    syncing.ask();
                }
            }
            file.write_all(&piece).map_err(Broken::Disk)?;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&piece);
            }
            self.at += piece.len() as u64;
            slot.wrote(piece.len() as u64);
        }
        drop(syncing);
        if self.at == bytes {
            file.sync_all().map_err(Broken::Disk)?;
        }
        Ok(())
    }
}

/// A thread that syncs a file while more is written to it.
#[derive(Debug)]
struct Syncing {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncing {
    fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (ask, asked) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("files-sync".into())
            .spawn(move || {
                while asked.recv().is_ok() {
                    // A failure shows at the end, where the whole is synced.
                    let _ = file.sync_data();
                }
            })?;
        Ok(Self {
            ask: Some(ask),
            thread: Some(thread),
        })
    }

    /// Unless it has not come to the last one yet.
    fn ask(&self) {
        if let Some(ask) = &self.ask {
            let _ = ask.try_send(());
        }
    }
}

impl Drop for Syncing {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
