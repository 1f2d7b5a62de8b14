//! The project's own commands: `cargo xtask run`, `cargo xtask test` and a few more.
//!
//! Both find out what the machine lacks, say so, install it and go on, so that a fresh Debian or
//! Ubuntu with Rust and Node.js needs nothing else.
#![allow(clippy::print_stdout, reason = "a program for people and logs")]

mod audit;
mod bench;
mod bindings;
mod machine;
mod process;
mod run;
mod soak;
mod step;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Build, run, test and measure Landline.")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build and open the app; without a display, the headless node.
    Run(run::Run),
    /// Run every check and test there is.
    Test(test::Test),
    /// Measure speed and memory, beside a plain Node.js server.
    Bench(bench::Bench),
    /// People come and go while a million messages pass: does anything grow?
    Soak(soak::Soak),
    /// Kill and cut off a node and its clients, then look for all that was answered.
    Audit(audit::Audit),
    /// Write the TypeScript types of the window from the Rust ones.
    Bindings,
    /// Check what no compiler checks: sizes of files, who may depend on whom.
    Tidy,
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Run(run) => run.perform(&workspace),
        Task::Test(test) => test.perform(&workspace),
        Task::Bench(bench) => bench.perform(&workspace),
        Task::Soak(soak) => soak.perform(&workspace),
        Task::Audit(audit) => audit.perform(&workspace),
        Task::Bindings => bindings::write(&workspace).map(|()| ExitCode::SUCCESS),
        Task::Tidy => tidy::check(&workspace).map(|()| ExitCode::SUCCESS),
    }
}
