//! Where the bytes are. All of this waits for the disk.
//!
//! ```text
//! files/uploads/<upload id>              under way
//! files/<first two hex>/<blake3>         whole, synced before it has this name
//! ```
//! A file counts once the database knows it; one that it does not know (a crash came in between, or
//! the database was put back from a copy) stays for a while, since whoever wrote a message that
//! names it brings it again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use landline_protocol::FileHash;
use landline_store::uploads::UploadId;
use landline_store::{is_full_with, sync_name};
use uuid::Uuid;

/// Bytes of the disk that stay free for the log and the host's own work; on a small disk 1 in 20.
const KEPT_FREE: u64 = 1024 * 1024 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Shelf {
    root: PathBuf,
}

impl Shelf {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn file(&self, hash: FileHash) -> PathBuf {
        let name = hash.to_string();
        let (first, _) = name.split_at(2);
        self.root.join(first).join(&name)
    }

    pub(super) fn upload(&self, upload: UploadId) -> PathBuf {
        let name = Uuid::from_bytes(upload).to_string();
        self.uploads().join(name)
    }

    fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    pub(super) fn make(&self) -> io::Result<()> {
        make_folder(&self.root)?;
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

    /// Gives a whole and synced upload of so many bytes its name among the files. One that is there
    /// already is the same.
    pub(super) fn place(&self, upload: UploadId, hash: FileHash, bytes: u64) -> io::Result<()> {
        let (from, to) = (self.upload(upload), self.file(hash));
        if fs::metadata(&from)?.len() != bytes {
            return Err(io::Error::other("an upload's file is not what was written"));
        }
        if self.has(hash, bytes) {
            return fs::remove_file(from);
        }
        if let Some(folder) = to.parent() {
            make_folder(folder)?;
        }
        fs::rename(&from, &to)?;
        sync_name(&to)
    }

    /// The file is on the disk, and as long as it should be.
    pub(super) fn has(&self, hash: FileHash, bytes: u64) -> bool {
        fs::metadata(self.file(hash)).is_ok_and(|file| file.len() == bytes)
    }

    pub(super) fn remove_upload(&self, upload: UploadId) -> io::Result<()> {
        remove(&self.upload(upload))
    }

    pub(super) fn remove(&self, hash: FileHash) -> io::Result<()> {
        remove(&self.file(hash))
    }

    /// Whether the disk would have too little room left with so many bytes more.
    pub(super) fn is_full_with(&self, bytes: u64) -> bool {
        is_full_with(&self.root, bytes, KEPT_FREE)
    }

    /// Uploads that are on the disk.
    pub(super) fn uploads_here(&self) -> io::Result<Vec<UploadId>> {
        Ok(names(&self.uploads())?
            .into_iter()
            .filter_map(|name| Some(Uuid::parse_str(&name).ok()?.into_bytes()))
            .collect())
    }

    /// Files that are on the disk and were last changed before `at` (milliseconds since 1970).
    pub(super) fn files_before(&self, at: i64) -> io::Result<Vec<FileHash>> {
        let before = UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap_or(0));
        let mut files = Vec::new();
        for folder in names(&self.root)?.iter().filter(|name| name.len() == 2) {
            for name in names(&self.root.join(folder))? {
                let Ok(hash) = name.parse() else { continue };
                let changed = fs::metadata(self.file(hash)).and_then(|file| file.modified());
                if changed.is_ok_and(|changed| changed < before) {
                    files.push(hash);
                }
            }
        }
        Ok(files)
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

/// Makes a folder for nobody else to look into, and its name durable.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    sync_name(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens an upload's file to write at its end; made if it is not there.
pub(super) fn open_end(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
