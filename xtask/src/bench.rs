//! `cargo xtask bench`: speed and memory in numbers, never in a test.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure; without it, everything.
    #[arg(value_enum)]
    what: Option<What>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Node,
    Client,
}

impl Bench {
    pub(crate) fn perform(self, workspace: &Workspace) -> Result<ExitCode> {
        for what in What::value_variants() {
            if self.what.is_none_or(|chosen| chosen == *what) {
                let package = match what {
                    What::Node => "landline-node",
                    What::Client => "landline-client",
                };
                workspace
                    .cargo()
                    .args(["bench", "--package", package])
                    .run()?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
