//! Bytes that come in pieces, from a program or from the node, on their way to the disk: a thread
//! writes and hashes them while the next ones come.

use std::io::{self, Write as _};
use std::path::PathBuf;

use blake3::Hasher;
use bytes::Bytes;
use landline_protocol::{Code, FileHash, Refusal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::shelf::{Shelf, open_end};

/// Pieces that wait for the disk; each is at most 400 KiB.
const WAITING: usize = 8;
/// Bytes between two looks at how full the disk is.
const LOOK_EVERY: u64 = 1024 * 1024;

/// A file that comes.
#[derive(Debug)]
pub(crate) struct Keeping {
    pieces: mpsc::Sender<Bytes>,
    writing: JoinHandle<io::Result<Kept>>,
}

/// All of it is on the disk, synced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) hash: FileHash,
    pub(crate) bytes: u64,
}

impl Keeping {
    /// What is at `path` already is the beginning.
    pub(crate) fn begin(shelf: Shelf, path: PathBuf) -> Self {
        let (pieces, waiting) = mpsc::channel(WAITING);
        let writing = tokio::task::spawn_blocking(move || write(&shelf, &path, waiting));
        Self { pieces, writing }
    }

    /// `false`: the disk does not take it, and [`Self::end`] says why.
    pub(crate) async fn piece(&self, piece: Bytes) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    pub(crate) async fn end(self) -> io::Result<Kept> {
        drop(self.pieces);
        let broke_off = |_| io::Error::other("writing a file broke off");
        self.writing.await.map_err(broke_off)?
    }
}

fn write(shelf: &Shelf, path: &PathBuf, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<Kept> {
    shelf.make()?;
    let mut file = open_end(path)?;
    let mut bytes = file.metadata()?.len();
    let mut hasher = Hasher::new();
    if bytes > 0 {
        hasher.update_reader(std::fs::File::open(path)?)?;
    }
    let mut looked = None;
    while let Some(piece) = pieces.blocking_recv() {
        if looked.is_none_or(|at| bytes - at >= LOOK_EVERY) {
            looked = Some(bytes);
            if shelf.is_full_with(0) {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        file.write_all(&piece)?;
        hasher.update(&piece);
        bytes += piece.len() as u64;
    }
    file.sync_all()?;
    Ok(Kept {
        hash: FileHash::from_bytes(*hasher.finalize().as_bytes()),
        bytes,
    })
}

/// A failing disk, in words.
pub(crate) fn disk_words(error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::new(
            Code::Unavailable,
            "The disk of this computer is full: there is no room for the file.",
        ),
        _ => Refusal::new(
            Code::Internal,
            format!("The file can't be kept on this computer: {error}"),
        ),
    }
}
