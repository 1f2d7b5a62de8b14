//! What can go wrong, in words for the person, with a code and an exit code for scripts.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use landline_client::ClientError;
use landline_protocol::{Code, Refusal};
use serde::Serialize;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Offline(String),
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    NotFound(String),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("this computer has no folder for programs' data; name one with --data")]
    NoDataFolder,
    #[error(transparent)]
    Client(ClientError),
    #[error("can't write: {0}")]
    Output(io::Error),
    #[error("standard input can't be read: {0}")]
    Input(io::Error),
    #[error("can't begin: {0}")]
    Start(io::Error),
    #[error("can't write as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("interrupted")]
    Interrupted,
    /// What went wrong was reported with the result; only the exit code is left to say.
    #[error("some were refused")]
    Partly,
}

impl CliError {
    pub(crate) fn exit(&self) -> ExitCode {
        ExitCode::from(match self.code() {
            "usage" => 2,
            "offline" => 3,
            "not_found" => 5,
            "in_use" => 6,
            // It is a failure of a program and no answer of the space, which are other codes.
            "internal" => 1,
            _ if matches!(self, Self::Refused(_) | Self::Partly) => 4,
            _ => 1,
        })
    }

    /// One word for scripts: the protocol's, or one of ours.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Offline(_) => "offline",
            Self::NotFound(_) => "not_found",
            Self::Refused(refusal) | Self::Client(ClientError::Refused(refusal)) => {
                refused(refusal.code)
            }
            Self::File { error, .. } if error.kind() == io::ErrorKind::NotFound => "not_found",
            Self::Client(ClientError::InUse(_)) => "in_use",
            Self::Interrupted => "interrupted",
            Self::Partly => "partly_refused",
            Self::File { .. }
            | Self::NoDataFolder
            | Self::Client(_)
            | Self::Output(_)
            | Self::Input(_)
            | Self::Start(_)
            | Self::Json(_) => "failed",
        }
    }

    /// Whoever read our output has gone, as `head` does: not a failure.
    pub(crate) fn is_reader_gone(&self) -> bool {
        match self {
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// What a core without a link answers is no refusal by the space.
fn refused(code: Code) -> &'static str {
    match code {
        Code::Unavailable => "offline",
        Code::Unknown => "internal",
        known => known.as_str(),
    }
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) => Self::Refused(refusal),
            ClientError::File { path, error } => Self::File { path, error },
            other => Self::Client(other),
        }
    }
}

/// `{"error": {"code", "message"}}`
#[derive(Debug, Serialize)]
pub(crate) struct ErrorLine {
    error: ErrorWords,
}

/// What went wrong, as scripts read it.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorWords {
    code: &'static str,
    pub(crate) message: String,
}

impl From<&CliError> for ErrorLine {
    fn from(error: &CliError) -> Self {
        Self {
            error: error.into(),
        }
    }
}

impl From<&CliError> for ErrorWords {
    fn from(error: &CliError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_exit_code() {
        let refused = |code| CliError::Refused(Refusal::new(code, "words"));
        let table = [
            (CliError::Interrupted, 1),
            (CliError::Usage("words".into()), 2),
            (CliError::Offline("words".into()), 3),
            (refused(Code::Unavailable), 3),
            (refused(Code::WrongPasscode), 4),
            (refused(Code::NotAllowed), 4),
            (CliError::Partly, 4),
            (CliError::NotFound("words".into()), 5),
            (refused(Code::NotFound), 5),
            (CliError::Client(ClientError::InUse("/folder".into())), 6),
        ];
        for (error, code) in table {
            assert_eq!(error.exit(), ExitCode::from(code), "{error:?}");
        }
    }
}
