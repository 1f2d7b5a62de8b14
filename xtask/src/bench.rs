//! `cargo xtask bench`: speed and memory in numbers, never in a test.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{
    machine::{self, FOR_DESKTOP, FOR_TESTS, TO_BUILD},
    process::Command,
    run,
    tools::{self, TAURI_DRIVER},
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
    /// The real window with a long room, on a screen that nobody sees. Linux only.
    Window,
}

impl Bench {
    pub(crate) fn perform(self, workspace: &Workspace) -> Result<ExitCode> {
        tools::require_node()?;
        tools::provide_packages(&workspace.root.join("benches").join("tutorial"))?;
        for what in What::value_variants() {
            if !self
                .what
                .map_or(what.is_for_all(), |chosen| chosen == *what)
            {
                continue;
            }
            match what {
                What::Node => self.run("node", workspace)?,
                What::Client => self.run("client", workspace)?,
                What::Files => self.run("files", workspace)?,
                What::Window => self.run_window(workspace)?,
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn run(&self, name: &str, workspace: &Workspace) -> Result<()> {
        let program = build(workspace)?;
        Command::new(program).arg(name).args(&self.args).run()
    }

    /// The app as it is shipped, driven as in its tests.
    fn run_window(&self, workspace: &Workspace) -> Result<()> {
        machine::provide(&[TO_BUILD, FOR_DESKTOP, FOR_TESTS])?;
        let driver = TAURI_DRIVER.provide(workspace)?;
        run::build_interface(workspace)?;
        run::build(workspace, Profile::Release, "landline")?;
        let program = build_with(workspace, &["--features", "landline-benches/window"])?;
        let bench = Command::new(program).arg("window").args(&self.args);
        let bench = bench.env(
            "LANDLINE_APP",
            workspace.program(Profile::Release, "landline"),
        );
        bench.env("LANDLINE_TAURI_DRIVER", driver).run()
    }
}

impl What {
    /// Is measured where nothing is named.
    const fn is_for_all(self) -> bool {
        cfg!(target_os = "linux") || !matches!(self, Self::Window)
    }
}

/// The program that measures, beside those that it measures, all as they are shipped.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    machine::provide(&[TO_BUILD])?;
    build_with(workspace, &[])
}

fn build_with(workspace: &Workspace, features: &[&str]) -> Result<PathBuf> {
    let packages = ["landline-node", "landline-cli", "landline-benches"];
    workspace
        .cargo()
        .arg("build")
        .args(Profile::Release.args())
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .args(features)
        .run()?;
    Ok(workspace.program(Profile::Release, "landline-bench"))
}
