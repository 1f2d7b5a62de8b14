//! Where the bytes are. All of this waits for the disk.
//!
//! ```text
//! files/uploads/<upload id>              under way
//! files/<first two hex>/<blake3>         whole, synced before it has this name
//! ```
//! A file counts once the database knows it; one that it does not know (a crash came in between, or
//! the database was put back from a copy) stays for a while, since whoever wrote a message that
//! names it brings it again.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use landline_protocol::FileHash;
use landline_store::uploads::UploadId;
use landline_store::{make_folder, shelf};
use uuid::Uuid;

/// Bytes of the disk that stay free for the log and the host's own work; on a small disk 1 in 20.
const KEPT_FREE: u64 = 1024 * 1024 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Shelf {
    /// Those that are whole.
    pub(super) files: shelf::Shelf,
}

impl Shelf {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self {
            files: shelf::Shelf::new(root, KEPT_FREE),
        }
    }

    pub(super) fn upload(&self, upload: UploadId) -> PathBuf {
        let name = Uuid::from_bytes(upload).to_string();
        self.uploads().join(name)
    }

    fn uploads(&self) -> PathBuf {
        self.files.root().join("uploads")
    }

    pub(super) fn make(&self) -> io::Result<()> {
        make_folder(&self.uploads())
    }

    /// How far an upload is.
    pub(super) fn received(&self, upload: UploadId) -> io::Result<u64> {
        match fs::metadata(self.upload(upload)) {
            Ok(file) => Ok(file.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    pub(super) fn remove_upload(&self, upload: UploadId) -> io::Result<()> {
        shelf::remove(&self.upload(upload))
    }

    /// Uploads that are on the disk.
    pub(super) fn uploads_here(&self) -> io::Result<Vec<UploadId>> {
        Ok(shelf::names(&self.uploads())?
            .into_iter()
            .filter_map(|name| Some(Uuid::parse_str(&name).ok()?.into_bytes()))
            .collect())
    }

    /// Files that are on the disk and were last changed before `at` (milliseconds since 1970).
    pub(super) fn files_before(&self, at: i64) -> io::Result<Vec<FileHash>> {
        let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap_or(0));
        let root = self.files.root();
        let mut files = Vec::new();
        for folder in shelf::names(root)?.iter().filter(|name| name.len() == 2) {
            for name in shelf::names(&root.join(folder))? {
                let Ok(hash) = name.parse() else { continue };
                let file = fs::metadata(self.files.file(hash));
                let changed = file.and_then(|file| file.modified());
                if changed.is_ok_and(|changed| changed < before) {
                    files.push(hash);
                }
            }
        }
        Ok(files)
    }
}
