//! The data folder: identity, replicas, outbox, settings, hosted spaces, logs.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::{Context, Result};

/// Names another data folder: for tests, and for two people at one computer.
const CHOSEN_BY: &str = "LANDLINE_DATA_DIR";

/// The data folder, made if it is not there, for this person's eyes only.
pub(crate) fn open() -> Result<PathBuf> {
    let folder = match env::var_os(CHOSEN_BY).filter(|value| !value.is_empty()) {
        Some(chosen) => std::path::absolute(chosen)?,
        None => dirs::data_local_dir()
            .context("this account has no folder for data")?
            .join("landline"),
    };
    make(&folder).with_context(|| format!("the data folder {} can't be made", folder.display()))?;
    Ok(folder)
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
