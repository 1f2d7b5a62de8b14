//! `cargo xtask bench`: speed and memory in numbers, never in a test.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{
    machine::{self, TO_BUILD},
    process::Command,
    tools,
    workspace::{Profile, Workspace},
};

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure; without it, everything.
    #[arg(value_enum)]
    what: Option<What>,
    /// What the benchmark is given: see `-- --help`.
    #[arg(last = true)]
    args: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A node under load, beside the server of the chat tutorials.
    Node,
    /// The client core with a long history.
    Client,
    /// A large file up and down, beside a plain copy.
    Files,
}

impl Bench {
    pub(crate) fn perform(self, workspace: &Workspace) -> Result<ExitCode> {
        tools::require_node()?;
        tools::provide_packages(&workspace.root.join("benches").join("tutorial"))?;
        let program = build(workspace)?;
        for what in What::value_variants() {
            if self.what.is_none_or(|chosen| chosen == *what) {
                let name = match what {
                    What::Node => "node",
                    What::Client => "client",
                    What::Files => "files",
                };
                Command::new(&program).arg(name).args(&self.args).run()?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The program that measures, beside those that it measures, all as they are shipped.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    machine::provide(&[TO_BUILD])?;
    let packages = ["landline-node", "landline-cli", "landline-benches"];
    workspace
        .cargo()
        .arg("build")
        .args(Profile::Release.args())
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .run()?;
    Ok(workspace.program(Profile::Release, "landline-bench"))
}
