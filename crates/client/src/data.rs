//! The data folder: where things lie, whose it is, and that only one program uses it.
//!
//! ```text
//! identity            the seed of this device's key (32 bytes, readable by its owner only)
//! landline.db         settings, name, known spaces
//! lock                held while a client runs
//! spaces/<space id>/  replica.db, and set-aside.jsonl where a node was restored from a copy
//! spaces/<space id>.left-1/  of a space that was left: on its way out
//! ```
//! A damaged database is set aside beside it, in `<file>.damaged-1/` and so on.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use landline_protocol::{MemberId, SpaceId};
use landline_store::{DataLock, StoreError, make_folder, sync_name};

use crate::{ClientError, Random};

/// A data folder of one's own, for as long as this lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: DataLock,
}

impl DataDir {
    /// Makes the folder where it is not there, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, ClientError> {
        let folder = |error| ClientError::Folder {
            path: path.to_owned(),
            error,
        };
        make_folder(path).map_err(folder)?;
        match DataLock::take(path) {
            Ok(lock) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(StoreError::Locked) => Err(ClientError::InUse(path.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("landline.db")
    }

    pub(crate) fn spaces(&self) -> PathBuf {
        self.path.join("spaces")
    }

    pub(crate) fn space(&self, space: SpaceId) -> PathBuf {
        self.spaces().join(space.to_string())
    }

    /// This device's key; made at the first start.
    pub(crate) fn identity(&self, random: &Random) -> Result<Identity, ClientError> {
        let path = self.path.join("identity");
        let folder = |error| ClientError::Folder {
            path: path.clone(),
            error,
        };
        let seed = match fs::read(&path) {
            Ok(bytes) => {
                <[u8; 32]>::try_from(bytes).map_err(|_| ClientError::Identity(path.clone()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let seed = random.bytes();
                write_secret(&path, &seed).map_err(folder)?;
                seed
            }
            Err(error) => return Err(folder(error)),
        };
        Ok(Identity::from_seed(&seed))
    }
}

/// Who this device is.
#[derive(Clone)]
pub(crate) struct Identity {
    key: Arc<SigningKey>,
    pub(crate) member: MemberId,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.member)
    }
}

impl Identity {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self {
            member: MemberId::from_bytes(key.verifying_key().to_bytes()),
            key: Arc::new(key),
        }
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }
}

/// Written whole or not at all: a key that is cut short would lock its person out.
fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    // The new name must survive a loss of power as well.
    sync_name(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("data");
        let data = DataDir::take(&path).unwrap();
        let first = data.identity(&Random::from_seed([1; 32])).unwrap();
        let again = data.identity(&Random::from_seed([2; 32])).unwrap();
        assert_eq!(first.member, again.member);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path.join("identity")), 0o600);
            assert_eq!(mode(&path), 0o700);
        }
    }

    #[test]
    fn a_second_client_on_the_folder_is_refused_in_clear_words() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::take(folder.path()).unwrap();
        let second = DataDir::take(folder.path()).unwrap_err();
        assert!(second.to_string().contains("running already"), "{second}");
        drop(first);
        DataDir::take(folder.path()).unwrap();
    }

    #[test]
    fn a_key_that_is_cut_short_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("identity"), b"short").unwrap();
        let data = DataDir::take(folder.path()).unwrap();
        let error = data.identity(&Random::from_seed([1; 32])).unwrap_err();
        assert!(matches!(error, ClientError::Identity(_)));
        assert_eq!(fs::read(folder.path().join("identity")).unwrap(), b"short");
    }
}
