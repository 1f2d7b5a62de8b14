//! The desktop shell: a window, a tray, notifications, a node inside the program. No chat rule
//! lives here; the client core (`crates/client`) has them, and the window shows what it says.
//!
//! ```text
//! main ─ Instance::claim ─┬─ another one runs: it shows its window, we end
//!                         └─ App: window ── listen, call ──▶ Core ──▶ Client
//!                                   └── FileServer, save, import ───▶┘
//!                                 tray                        ▲         │ trait Host
//!                                 Notices ── a click ─────────┤ ◀───────┤ notify
//!                                 Hosting ── what is hosted ──┘ ◀───────┘ host_space, set_hosting
//! ```

mod app;
mod away;
mod core;
mod dialog;
mod files;
mod folder;
mod hosting;
mod import;
mod instance;
mod ipc;
mod launch;
mod log;
mod notices;
mod person;
mod save;
mod shell;
mod tray;
mod web_view;
mod window;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::instance::{Claim, Instance};
use crate::launch::Launch;

/// Runs the app until it is quit.
pub fn main() -> ExitCode {
    let launch = Launch::parse();
    web_view::prepare();
    let is_to_quit = launch.quit;
    match start(launch) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let why = format!("{error:#}");
            // Nobody is left to be told where the terminal is gone.
            let _ = writeln!(io::stderr(), "Landline can't start: {why}");
            // Whoever clicked on an icon sees no terminal: for them, nothing would happen.
            if !is_to_quit && !io::stderr().is_terminal() && window::has_display() {
                dialog::say_why_not_started(&why);
            }
            ExitCode::FAILURE
        }
    }
}

fn start(launch: Launch) -> Result<()> {
    let data = folder::open()?;
    match Instance::claim(&data, &launch)? {
        Claim::HandedOver => Ok(()),
        // Nobody runs who could be quit.
        Claim::First(_) if launch.quit => Ok(()),
        Claim::First(instance) => {
            ensure!(
                window::has_display(),
                "there is no display (landline-node hosts a space without one)"
            );
            let _log = log::start(&data).context("the log can't be opened")?;
            app::run(data, instance).inspect_err(|error| tracing::error!("can't start: {error:#}"))
        }
    }
}
