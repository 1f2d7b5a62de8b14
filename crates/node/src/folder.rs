//! The data folder: one node at a time, the node's key, and how far the logs had come. What is made
//! in it is for its owner alone: whoever else has an account on the host reads no messages there.
//!
//! ```text
//! lock         held while a node runs
//! node.key     the node's Ed25519 key, 32 bytes, for nobody else to read
//! node.sqlite  the logs and what follows from them
//! seen         the epoch, how many events the logs held when this was last written, and which
//!              files these are
//! files/       what people have uploaded (`files/shelf.rs`)
//! copies/      good copies of the database (`copies.rs`)
//! damaged      what was found in a database that proved damaged while it was in use
//! ```
//! `seen` is beside the database and not in it, so that a database restored from an older copy
//! shows: it holds fewer events than have been seen. A whole folder that was put back from a copy
//! shows by its files, which are others for the file system than those that `seen` names. The epoch
//! is raised then, and clients step back to where they and the node agree. A folder that was only
//! moved to another disk looks the same; raising the epoch does no harm.

use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use landline_store::{DataLock, StoreError, make_folder, sync_name};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::NodeError;
use crate::random;

/// A data folder that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: DataLock,
}

/// What `seen` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) epoch: u64,
    /// Events in all logs together.
    pub(crate) events: u64,
    /// [`Folder::files`]; none: not to be compared.
    #[serde(default)]
    pub(crate) folder: Option<u64>,
}

impl Folder {
    /// Makes the folder if need be, for its owner alone, and takes it for this node.
    pub(crate) fn take(path: &Path) -> Result<Self, NodeError> {
        let failed = |cause| NodeError::Folder {
            path: path.to_owned(),
            cause,
        };
        make_folder(path).map_err(failed)?;
        match DataLock::take(path) {
            Ok(lock) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(StoreError::Locked) => Err(NodeError::InUse(path.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("node.sqlite")
    }

    /// The node's own key: made at the first start.
    pub(crate) fn key(&self) -> Result<SigningKey, NodeError> {
        let path = self.path.join("node.key");
        match fs::read(&path) {
            Ok(bytes) => {
                let bytes: [u8; 32] = bytes.try_into().map_err(|_| NodeError::Key(path.clone()))?;
                Ok(SigningKey::from_bytes(&bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = random::bytes::<32>()?;
                replace(&path, &bytes).map_err(|cause| NodeError::Folder {
                    path: self.path.clone(),
                    cause,
                })?;
                Ok(SigningKey::from_bytes(&bytes))
            }
            Err(cause) => Err(NodeError::Folder { path, cause }),
        }
    }

    /// What people have uploaded.
    pub(crate) fn uploaded(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Good copies of the database.
    pub(crate) fn copies(&self) -> PathBuf {
        self.path.join("copies")
    }

    /// No node was here before.
    pub(crate) fn is_new(&self) -> bool {
        !self.database().exists() && self.seen().is_none()
    }

    /// The node was here before, and its database is not, or is empty.
    pub(crate) fn lacks_its_database(&self) -> bool {
        let bytes = fs::metadata(self.database()).map_or(0, |file| file.len());
        // Without events the node never got as far as to make one.
        bytes == 0 && self.seen().is_some_and(|seen| seen.events > 0)
    }

    /// Which files these are to the file system: others once they were put back from a copy.
    /// `None` where it does not tell.
    pub(crate) fn files(&self) -> Option<u64> {
        let mut files = DefaultHasher::new();
        for path in [self.path.join("lock"), self.database()] {
            let file = fs::metadata(path).ok()?;
            let made = file.created().ok();
            #[cfg(unix)]
            std::os::unix::fs::MetadataExt::ino(&file).hash(&mut files);
            #[cfg(not(unix))]
            made?;
            made.hash(&mut files);
        }
        Some(files.finish())
    }

    /// What was found in a database that proved damaged while it was in use.
    pub(crate) fn damage(&self) -> Option<String> {
        fs::read_to_string(self.path.join("damaged")).ok()
    }

    pub(crate) fn set_damaged(&self, damage: &str) {
        if let Err(error) = replace(&self.path.join("damaged"), damage.as_bytes()) {
            // Then the next start finds it out by itself, if it looks.
            warn!(%error, "the damage could not be noted");
        }
    }

    pub(crate) fn is_mended(&self) {
        if let Err(error) = fs::remove_file(self.path.join("damaged"))
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(%error, "the note of the damage is still there");
        }
    }

    /// `None` at the first start, or where the file tells nothing.
    pub(crate) fn seen(&self) -> Option<Seen> {
        serde_json::from_slice(&fs::read(self.path.join("seen")).ok()?).ok()
    }

    pub(crate) fn see(&self, seen: Seen) -> io::Result<()> {
        replace(&self.path.join("seen"), &serde_json::to_vec(&seen)?)
    }
}

/// Writes a whole file or leaves the old one, readable by nobody else.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The new name must survive a loss of power as well; not every file system can do it.
    let _ = sync_name(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_by_one_node_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::take(dir.path()).unwrap();
        assert!(matches!(Folder::take(dir.path()), Err(NodeError::InUse(_))));
        drop(folder);
        Folder::take(dir.path()).unwrap();
    }

    #[test]
    fn the_key_is_made_once_and_is_nobody_elses_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::take(dir.path()).unwrap();
        let key = folder.key().unwrap();
        assert_eq!(folder.key().unwrap(), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(dir.path().join("node.key"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::take(dir.path()).unwrap();
        fs::write(dir.path().join("node.key"), b"short").unwrap();
        assert!(matches!(folder.key(), Err(NodeError::Key(_))));
        assert_eq!(fs::read(dir.path().join("node.key")).unwrap(), b"short");
    }

    #[test]
    fn what_was_seen_is_seen_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::take(dir.path()).unwrap();
        assert_eq!(folder.seen(), None);
        let seen = Seen {
            epoch: 2,
            events: 60_000,
            folder: folder.files(),
        };
        folder.see(seen).unwrap();
        assert_eq!(folder.seen(), Some(seen));
    }
}
