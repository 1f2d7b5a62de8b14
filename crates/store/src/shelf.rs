//! Files by their hash in a folder, at a node and on a device. All of this waits for the disk.
//!
//! ```text
//! <root>/<first two hex>/<blake3>        whole, synced before it has this name
//! <root>/<another name>/…                what is still coming, as its owner likes
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use landline_protocol::FileHash;

use crate::disk::{for_owner, is_full_with, make_folder, sync_name};

/// A folder of whole files.
#[derive(Debug, Clone)]
pub struct Shelf {
    root: PathBuf,
    /// Bytes that stay free on its disk.
    kept_free: u64,
}

impl Shelf {
    /// `kept_free`: bytes that are to stay free on the disk; of a small one, less.
    pub const fn new(root: PathBuf, kept_free: u64) -> Self {
        Self { root, kept_free }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the file of this hash is, or would be.
    pub fn file(&self, hash: FileHash) -> PathBuf {
        let name = hash.to_string();
        let (first, _) = name.split_at(2);
        self.root.join(first).join(&name)
    }

    /// The file is there, and as long as it should be.
    pub fn has(&self, hash: FileHash, bytes: u64) -> bool {
        fs::metadata(self.file(hash)).is_ok_and(|file| file.len() == bytes)
    }

    /// Gives whole and synced bytes their name, in place of what may be there: the disk may have
    /// damaged that, and whoever brings them again counts on these.
    pub fn place(&self, from: &Path, hash: FileHash, bytes: u64) -> io::Result<()> {
        if fs::metadata(from)?.len() != bytes {
            return Err(io::Error::other(
                "a file is not as long as what was written",
            ));
        }
        let to = self.file(hash);
        if let Some(folder) = to.parent() {
            make_folder(folder)?;
        }
        match fs::rename(from, &to) {
            // Not every system lets go of one that is being read.
            Err(_) if self.has(hash, bytes) => fs::remove_file(from),
            renamed => {
                renamed?;
                sync_name(&to)
            }
        }
    }

    /// Takes a file away that may be there.
    pub fn remove(&self, hash: FileHash) -> io::Result<()> {
        remove(&self.file(hash))
    }

    /// Whether so many bytes more would leave too little room on the disk.
    pub fn is_full_with(&self, bytes: u64) -> bool {
        is_full_with(&self.root, bytes, self.kept_free)
    }
}

/// What is in a folder; nothing, where there is none.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// Takes a file away that may be there.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens a file to read, and to write at its end; made if it is not there, for its owner only.
pub fn open_end(path: &Path) -> io::Result<File> {
    // One that can only be appended to can't be locked everywhere.
    let mut options = for_owner();
    options.create(true).read(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: FileHash = FileHash::from_bytes([7; 32]);

    fn with_new(bytes: &[u8]) -> (tempfile::TempDir, Shelf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().join("files"), 0);
        let new = folder.path().join("new");
        fs::write(&new, bytes).unwrap();
        (folder, shelf, new)
    }

    #[test]
    fn what_is_placed_has_its_hash_for_a_name_and_takes_the_place_of_what_was_damaged() {
        let (_folder, shelf, new) = with_new(b"four");
        shelf.place(&new, HASH, 4).unwrap();
        assert!(shelf.has(HASH, 4) && !new.exists());
        assert!(shelf.file(HASH).starts_with(shelf.root().join("07")));
        fs::write(shelf.file(HASH), b"f0ur").unwrap();
        fs::write(&new, b"four").unwrap();
        shelf.place(&new, HASH, 4).unwrap();
        assert_eq!(fs::read(shelf.file(HASH)).unwrap(), b"four");
        assert!(!new.exists());
        shelf.remove(HASH).unwrap();
        shelf.remove(HASH).unwrap();
        assert!(!shelf.has(HASH, 4));
    }

    #[test]
    fn one_that_the_disk_has_cut_short_is_replaced_and_what_is_short_itself_is_not_placed() {
        let (_folder, shelf, new) = with_new(b"four");
        assert!(shelf.place(&new, HASH, 5).is_err());
        assert!(new.exists());
        make_folder(shelf.file(HASH).parent().unwrap()).unwrap();
        fs::write(shelf.file(HASH), b"fo").unwrap();
        assert!(!shelf.has(HASH, 4));
        shelf.place(&new, HASH, 4).unwrap();
        assert_eq!(fs::read(shelf.file(HASH)).unwrap(), b"four");
    }
}
