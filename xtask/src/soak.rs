//! `cargo xtask soak`: people come and go while a million messages pass; nothing may grow.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{bench, process::Command, workspace::Workspace};

#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// What the soak is given: see `-- --help`.
    #[arg(last = true)]
    args: Vec<String>,
}

impl Soak {
    /// The curves are drawn into `docs/soak.svg`.
    pub(crate) fn perform(self, workspace: &Workspace) -> Result<ExitCode> {
        let program = bench::build(workspace)?;
        let plot = workspace.root.join("docs").join("soak.svg");
        Command::new(&program)
            .arg("soak")
            .arg("--plot")
            .arg(plot)
            .args(&self.args)
            .run()?;
        Ok(ExitCode::SUCCESS)
    }
}
