//! Why a node can't start or go on.

use std::io;
use std::path::PathBuf;

use landline_store::StoreError;

/// Why a node can't start or go on. Each message is one line for people.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("can't use the data folder {}: {cause}", path.display())]
    Folder { path: PathBuf, cause: io::Error },
    #[error("another node is running on the data folder {}", .0.display())]
    InUse(PathBuf),
    #[error("the node's key in {} is damaged", .0.display())]
    Key(PathBuf),
    #[error("another computer on this network hosts this space already: {0}")]
    HostedElsewhere(String),
    #[error("a new space needs a name")]
    NameMissing,
    #[error("{0}")]
    Name(String),
    #[error("admission by passcode needs a passcode")]
    PasscodeMissing,
    #[error("nobody could join a space by invitation: invitations are not built yet")]
    NoInvitations,
    #[error(
        "the database is damaged ({damage}), and there is no good copy in {}; put back a backup of the whole folder. Nothing in it was changed",
        copies.display()
    )]
    Damaged { damage: String, copies: PathBuf },
    #[error("the database has proved damaged ({0}); the next start puts it right from a good copy")]
    DamagedInUse(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the listener is of no use: {0}")]
    Listener(io::Error),
    #[error("no random numbers from the system: {0}")]
    Random(getrandom::Error),
    #[error("the node stopped by an error in itself")]
    Stopped,
}
