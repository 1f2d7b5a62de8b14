//! `cargo xtask audit`: a real node and real clients, killed and cut off for an hour.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::{
    machine::{self, FOR_AUDIT, TO_BUILD},
    process::Command,
    workspace::{Profile, Workspace},
};

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// How long people work and things break; the comparisons in between come on top.
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,
    /// Repeats what the dice chose in another run.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Audit {
    pub(crate) fn perform(self, workspace: &Workspace) -> Result<ExitCode> {
        machine::provide(&[TO_BUILD, FOR_AUDIT])?;
        let packages = ["landline-node", "landline-tests"];
        workspace
            .cargo()
            .arg("build")
            .args(Profile::Release.args())
            .args(packages.iter().flat_map(|package| ["--package", package]))
            .arg("--bins")
            .run()?;
        let program = workspace.program(Profile::Release, "landline-audit");
        let mut audit = Command::new(&program).args(["run", "--minutes"]);
        audit = audit.arg(self.minutes.to_string());
        if let Some(seed) = self.seed {
            audit = audit.arg("--seed").arg(seed.to_string());
        }
        if let Some(programs) = program.parent() {
            audit = audit.env("LANDLINE_PROGRAMS", programs);
        }
        let kept = audit.status()?.success();
        Ok(if kept {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
