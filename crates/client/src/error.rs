//! What can keep a client from starting or working, in words for the person who has it.

use std::io;
use std::path::PathBuf;

use landline_protocol::{Code, Refusal};
use landline_store::StoreError;

/// Every error of this crate but those of the link (see [`crate::LinkLoss`]).
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("Landline is running already with the data folder {}", .0.display())]
    InUse(PathBuf),
    #[error("the data folder {} can't be used: {error}", path.display())]
    Folder { path: PathBuf, error: io::Error },
    #[error("{} does not hold a key of 32 bytes; put the file back from a copy, or move it away to become somebody new", .0.display())]
    Identity(PathBuf),
    #[error("{}: {error}", path.display())]
    Database { path: PathBuf, error: StoreError },
    /// A file that the person has named.
    #[error("{} can't be read: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("the system has no random bytes: {0}")]
    Random(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("a value can't be written or read as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the client has stopped")]
    Stopped,
}

impl From<rusqlite::Error> for ClientError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) => refusal,
            ClientError::Store(StoreError::Full) => Self::new(
                Code::Unavailable,
                "The disk of this computer is full: nothing can be kept until there is room again.",
            ),
            ClientError::Stopped | ClientError::Store(StoreError::Busy | StoreError::Closed) => {
                Self::new(Code::Unavailable, error.to_string())
            }
            ClientError::File { .. } => Self::bad_request(error.to_string()),
            ClientError::InUse(_)
            | ClientError::Folder { .. }
            | ClientError::Identity(_)
            | ClientError::Database { .. }
            | ClientError::Random(_)
            | ClientError::Store(_)
            | ClientError::Json(_) => Self::new(Code::Internal, error.to_string()),
        }
    }
}
