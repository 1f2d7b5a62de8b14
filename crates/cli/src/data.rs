//! Where the command keeps what it knows, unless told otherwise.

use std::path::PathBuf;

use directories::ProjectDirs;

use crate::error::CliError;

/// The folder of `--data` or `LANDLINE_DATA_DIR`, else the platform's own for this program:
/// `~/.local/share/landline-cli`, `~/Library/Application Support/landline-cli`,
/// `%APPDATA%\landline-cli\data`. Not the desktop app's: the two would lock each other out.
pub(crate) fn folder(wanted: Option<PathBuf>) -> Result<PathBuf, CliError> {
    match wanted.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => Ok(folder),
        None => ProjectDirs::from("", "", "landline-cli")
            .map(|dirs| dirs.data_dir().to_owned())
            .ok_or(CliError::NoDataFolder),
    }
}
