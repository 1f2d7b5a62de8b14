//! Bytes that come in pieces, from a program or from the node, on their way to the disk: a thread
//! writes and hashes them while the next ones come.
//!
//! The thread outlives whoever brought the bytes by what still waits for the disk, so one that
//! begins anew must not write into the same file beside it: the file is locked while it is written.

use std::fs::TryLockError;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use blake3::Hasher;
use bytes::Bytes;
use landline_protocol::{Code, FileHash, Refusal};
use landline_store::shelf::open_end;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::shelf::Shelf;

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
    /// The first `here` bytes are at `path` already. [`io::ErrorKind::WouldBlock`]: another still
    /// writes there, or has in the meantime.
    pub(crate) fn begin(shelf: Shelf, path: PathBuf, here: u64) -> Self {
        let (pieces, waiting) = mpsc::channel(WAITING);
        let writing = tokio::task::spawn_blocking(move || write(&shelf, &path, here, waiting));
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

fn write(
    shelf: &Shelf,
    path: &Path,
    here: u64,
    mut pieces: mpsc::Receiver<Bytes>,
) -> io::Result<Kept> {
    shelf.make()?;
    let mut file = open_end(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
        // Not every file system can do it.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, "a file can't be locked"),
    }
    let mut bytes = file.metadata()?.len();
    if bytes != here {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let mut hasher = Hasher::new();
    if bytes > 0 {
        // By this handle: some systems keep every other one out while it is locked.
        hasher.update_reader(&file)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> (tempfile::TempDir, Shelf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let part = shelf.part(FileHash::from_bytes([7; 32]));
        (folder, shelf, part)
    }

    #[tokio::test]
    async fn a_second_writer_changes_nothing_while_the_first_writes() {
        let (_folder, shelf, part) = shelf();
        let first = Keeping::begin(shelf.clone(), part.clone(), 0);
        assert!(first.piece(Bytes::from_static(b"one ")).await);
        let written = async {
            while std::fs::read(&part).unwrap_or_default() != b"one " {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        tokio::time::timeout(limit, written).await.unwrap();

        let second = Keeping::begin(shelf, part.clone(), 4);
        second.piece(Bytes::from_static(b"two")).await;
        let refused = second.end().await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);

        assert!(first.piece(Bytes::from_static(b"two")).await);
        let kept = first.end().await.unwrap();
        assert_eq!(kept.hash.to_string(), blake3::hash(b"one two").to_string());
        assert_eq!(std::fs::read(&part).unwrap(), b"one two");
    }

    #[tokio::test]
    async fn what_grew_since_it_was_looked_at_is_left_as_it_is() {
        let (_folder, shelf, part) = shelf();
        let first = Keeping::begin(shelf.clone(), part.clone(), 0);
        first.piece(Bytes::from_static(b"one ")).await;
        first.end().await.unwrap();

        let late = Keeping::begin(shelf.clone(), part.clone(), 0);
        late.piece(Bytes::from_static(b"one ")).await;
        let refused = late.end().await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);

        let goes_on = Keeping::begin(shelf, part.clone(), 4);
        assert!(goes_on.piece(Bytes::from_static(b"two")).await);
        let kept = goes_on.end().await.unwrap();
        assert_eq!(kept.hash.to_string(), blake3::hash(b"one two").to_string());
        assert_eq!(std::fs::read(&part).unwrap(), b"one two");
    }
}
