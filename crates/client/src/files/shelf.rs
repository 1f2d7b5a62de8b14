//! Where the bytes of files are on this device. All of this waits for the disk.
//!
//! ```text
//! spaces/<space>/files/new/…                    coming: attached now, or half downloaded; and notes
//!                                               of what is written elsewhere (`half.rs`)
//! spaces/<space>/files/<first two hex>/<blake3> whole, synced before it has this name
//! ```

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use landline_protocol::FileHash;
use landline_store::{make_folder, shelf};

/// Bytes that stay free on the disk, for what people write. On a small disk: 1 in 20.
const KEPT_FREE: u64 = 64 * 1024 * 1024;

/// How the names of notes end.
const NOTE: &str = ".note";

/// The files of one space.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    /// Those that are whole.
    files: shelf::Shelf,
}

impl Shelf {
    /// `space`: the folder of the space.
    pub(crate) fn new(space: &Path) -> Self {
        Self {
            files: shelf::Shelf::new(space.join("files"), KEPT_FREE),
        }
    }

    pub(crate) fn file(&self, hash: FileHash) -> PathBuf {
        self.files.file(hash)
    }

    /// The file is here, and as long as it should be: somebody may have cleared it away.
    pub(crate) fn has(&self, hash: FileHash, bytes: u64) -> bool {
        self.files.has(hash, bytes)
    }

    fn new_files(&self) -> PathBuf {
        self.files.root().join("new")
    }

    /// What has come of a download.
    pub(crate) fn part(&self, hash: FileHash) -> PathBuf {
        self.new_files().join(format!("{hash}.part"))
    }

    /// A name for what is attached now.
    pub(crate) fn fresh(&self, random: [u8; 32]) -> PathBuf {
        let name = FileHash::from_bytes(random);
        self.new_files().join(format!("{name}.new"))
    }

    /// A name for the note of what is written elsewhere under this name.
    pub(crate) fn note(&self, half: &OsStr) -> PathBuf {
        let mut name = half.to_owned();
        name.push(NOTE);
        self.new_files().join(name)
    }

    /// The notes that are there.
    pub(crate) fn notes(&self) -> io::Result<Vec<PathBuf>> {
        let mut names = shelf::names(&self.new_files())?;
        names.retain(|name| name.ends_with(NOTE));
        let notes = names.iter().map(|name| self.new_files().join(name));
        Ok(notes.collect())
    }

    pub(crate) fn make(&self) -> io::Result<()> {
        make_folder(&self.new_files())
    }

    /// Gives whole and synced bytes their name, in place of what may be there.
    pub(crate) fn place(&self, from: &Path, hash: FileHash) -> io::Result<()> {
        self.files.place(from, hash, fs::metadata(from)?.len())
    }

    pub(crate) fn remove(&self, hash: FileHash) {
        remove(&self.file(hash));
    }

    pub(crate) fn remove_part(&self, hash: FileHash) {
        remove(&self.part(hash));
    }

    /// Takes away what came half and what nothing knows of, but for notes: a crash came in between.
    /// For a start, before anything comes.
    pub(crate) fn clear(
        &self,
        is_known: impl Fn(FileHash) -> bool,
        is_coming: impl Fn(FileHash) -> bool,
    ) -> io::Result<()> {
        let root = self.files.root();
        for folder in shelf::names(root)? {
            for name in shelf::names(&root.join(&folder))? {
                let kept = match name.strip_suffix(".part") {
                    Some(hash) => hash.parse().is_ok_and(&is_coming),
                    None => name.ends_with(NOTE) || name.parse().is_ok_and(&is_known),
                };
                if !kept {
                    remove(&root.join(&folder).join(name));
                }
            }
        }
        Ok(())
    }

    /// Whether so many bytes more would leave too little room for what people write.
    pub(crate) fn is_full_with(&self, bytes: u64) -> bool {
        self.files.is_full_with(bytes)
    }
}

pub(crate) fn remove(path: &Path) {
    if let Err(error) = shelf::remove(path) {
        tracing::warn!(%error, path = %path.display(), "a file can't be removed");
    }
}
