//! Where things are: the checkout and the target folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::Command;

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the person has put it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        // Cargo's own word comes first: with a target folder shared by several checkouts, the
        // program that runs may have been compiled in another.
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&xtask)
            .parent()
            .context("xtask lies in the checkout")?
            .to_owned();
        let metadata = Command::cargo(&root)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .read()?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let target = metadata
            .get("target_directory")
            .and_then(Value::as_str)
            .context("cargo names its target folder")?;
        Ok(Self {
            root,
            target: target.into(),
        })
    }

    pub(crate) fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// What these commands install for themselves, kept apart from the machine.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A program that the workspace has built.
    pub(crate) fn program(&self, profile: Profile, name: &str) -> PathBuf {
        self.target
            .join(profile.folder())
            .join(name)
            .with_extension(std::env::consts::EXE_EXTENSION)
    }

    pub(crate) fn cargo(&self) -> Command {
        Command::cargo(&self.root)
    }

    pub(crate) fn npm(&self) -> Command {
        Command::npm(&self.ui())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    pub(crate) fn args(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
        }
    }
}
