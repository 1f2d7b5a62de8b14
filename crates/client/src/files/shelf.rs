//! Where the bytes of files are on this device. All of this waits for the disk.
//!
//! ```text
//! spaces/<space>/files/new/…                    coming: attached now, or half downloaded
//! spaces/<space>/files/<first two hex>/<blake3> whole, synced before it has this name
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use landline_protocol::FileHash;
use landline_store::{is_full_with, sync_name};

use crate::data::make_folder;

/// Bytes that stay free on the disk, for what people write. On a small disk: 1 in 20.
const KEPT_FREE: u64 = 64 * 1024 * 1024;

/// The files of one space.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// `space`: the folder of the space.
    pub(crate) fn new(space: &Path) -> Self {
        Self {
            root: space.join("files"),
        }
    }

    pub(crate) fn file(&self, hash: FileHash) -> PathBuf {
        let name = hash.to_string();
        let (first, _) = name.split_at(2);
        self.root.join(first).join(&name)
    }

    fn new_files(&self) -> PathBuf {
        self.root.join("new")
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

    pub(crate) fn make(&self) -> io::Result<()> {
        make_folder(&self.new_files())
    }

    /// Gives whole and synced bytes their name. Those that are there already are the same.
    pub(crate) fn place(&self, from: &Path, hash: FileHash) -> io::Result<()> {
        let to = self.file(hash);
        let bytes = fs::metadata(from)?.len();
        if fs::metadata(&to).is_ok_and(|there| there.len() == bytes) {
            return fs::remove_file(from);
        }
        if let Some(folder) = to.parent() {
            make_folder(folder)?;
        }
        fs::rename(from, &to)?;
        // Not every file system can do it.
        let _ = sync_name(&to);
        Ok(())
    }

    pub(crate) fn remove(&self, hash: FileHash) {
        remove(&self.file(hash));
    }

    pub(crate) fn remove_part(&self, hash: FileHash) {
        remove(&self.part(hash));
    }

    /// Takes away what came half and what nothing knows of: a crash came in between. For a start,
    /// before anything comes.
    pub(crate) fn clear(
        &self,
        is_known: impl Fn(FileHash) -> bool,
        is_coming: impl Fn(FileHash) -> bool,
    ) -> io::Result<()> {
        for folder in names(&self.root)? {
            for name in names(&self.root.join(&folder))? {
                let kept = match name.strip_suffix(".part") {
                    Some(hash) => hash.parse().is_ok_and(&is_coming),
                    None => name.parse().is_ok_and(&is_known),
                };
                if !kept {
                    remove(&self.root.join(&folder).join(name));
                }
            }
        }
        Ok(())
    }

    /// Whether so many bytes more would leave too little room for what people write.
    pub(crate) fn is_full_with(&self, bytes: u64) -> bool {
        is_full_with(&self.root, bytes, KEPT_FREE)
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "a file can't be removed");
    }
}

/// Opens a file to read, and to write at its end; made if it is not there, for its owner only.
pub(crate) fn open_end(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    // One that can only be appended to can't be locked everywhere.
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
