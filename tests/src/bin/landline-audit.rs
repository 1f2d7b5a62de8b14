//! `landline-audit`: what `cargo xtask audit` runs. See [`landline_tests::audit`].
//!
//! Exit codes: 0 every promise was kept, 1 one was broken, 2 bad flags.

#![allow(clippy::print_stdout, reason = "a program for people and logs")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use landline_tests::audit::{self, Plan};

#[derive(Debug, Parser)]
#[command(name = "landline-audit")]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A node and clients under load and faults
    Run {
        /// How long the days are together
        #[arg(long, value_name = "N", default_value_t = 60)]
        minutes: u64,
        /// Repeats what the dice chose in another run
        #[arg(long, value_name = "S")]
        seed: Option<u64>,
        /// The short run of the tests, whatever the minutes
        #[arg(long)]
        short: bool,
    },
    /// One person of it; orders come on standard input
    #[command(hide = true)]
    Person {
        #[arg(long)]
        name: String,
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        hurry: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match Args::parse().what {
        What::Run {
            minutes,
            seed,
            short,
        } => {
            let seed = seed.unwrap_or_else(audit::some_seed);
            let plan = if short {
                Plan::short(seed)
            } else {
                Plan::long(seed, minutes)
            };
            audit::run(&plan).await
        }
        What::Person { name, data, hurry } => match audit::process::live(&name, &data, hurry).await
        {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
    }
}
