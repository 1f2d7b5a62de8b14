//! `cargo xtask test`: everything that must hold before a change is taken.
//!
//! First what the machine lacks is installed. Then each step runs, also after one that failed;
//! the list at the end says which.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    bindings,
    machine::{self, FOR_AUDIT, FOR_DESKTOP, FOR_TESTS, TO_BUILD},
    process::Command,
    run,
    step::{self, Step},
    tidy,
    tools::{self, CARGO_DENY, TAURI_DRIVER},
    workspace::{Profile, Workspace},
};

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Only these steps, in the order of the list.
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    only: Vec<String>,
    /// Name the steps and stop.
    #[arg(long)]
    list: bool,
}

/// Quick ones first. The interface is built before anything compiles the desktop, which embeds it.
const STEPS: &[Step] = &[
    Step {
        name: "tidy",
        is: "sizes of files, who may depend on whom",
        perform: tidy::check,
    },
    Step {
        name: "fmt",
        is: "Rust is formatted",
        perform: fmt,
    },
    Step {
        name: "ui-check",
        is: "the interface's types, lints and format",
        perform: ui_check,
    },
    Step {
        name: "ui-unit",
        is: "the interface's unit tests",
        perform: ui_unit,
    },
    Step {
        name: "ui-build",
        is: "the interface builds",
        perform: run::build_interface,
    },
    Step {
        name: "ui-browser",
        is: "the interface in a browser, on the fake backend",
        perform: ui_browser,
    },
    Step {
        name: "clippy",
        is: "lints of all Rust, tests too",
        perform: clippy,
    },
    Step {
        name: "bindings",
        is: "the window's types are those of Rust",
        perform: bindings::compare,
    },
    Step {
        name: "rust",
        is: "tests of all but the desktop",
        perform: rust,
    },
    Step {
        name: "shell",
        is: "tests inside the desktop shell",
        perform: shell,
    },
    Step {
        name: "desktop",
        is: "two real apps on a private screen and session bus",
        perform: desktop,
    },
    Step {
        name: "deny",
        is: "licences, sources and known flaws of what we depend on",
        perform: deny,
    },
];

impl Test {
    pub(crate) fn perform(self, workspace: &Workspace) -> Result<ExitCode> {
        if self.list {
            STEPS
                .iter()
                .for_each(|step| println!("{:<16} {}", step.name, step.is));
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(unknown) = self
            .only
            .iter()
            .find(|name| STEPS.iter().all(|step| step.name != name.as_str()))
        {
            bail!("there is no step `{unknown}`: see `cargo xtask test --list`");
        }
        let is_named = |name| self.only.iter().any(|only| only == name);
        let is_chosen = |step: &&Step| {
            let is_needed = step.name == "ui-build" && is_named("desktop");
            self.only.is_empty() || is_named(step.name) || is_needed
        };
        let steps: Vec<Step> = STEPS.iter().filter(is_chosen).copied().collect();

        machine::provide(&[TO_BUILD, FOR_DESKTOP, FOR_TESTS, FOR_AUDIT])?;
        tools::require_node()?;
        tools::provide_rust_components(workspace)?;
        tools::provide_packages(&workspace.ui())?;

        let all_passed = step::perform(&steps, workspace);
        Ok(if all_passed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn fmt(workspace: &Workspace) -> Result<()> {
    workspace.cargo().args(["fmt", "--all", "--check"]).run()
}

fn ui_check(workspace: &Workspace) -> Result<()> {
    workspace.npm().args(["run", "check"]).run()
}

fn ui_unit(workspace: &Workspace) -> Result<()> {
    workspace.npm().args(["run", "test"]).run()
}

fn ui_browser(workspace: &Workspace) -> Result<()> {
    let browser = workspace.npm().args(["run", "test:e2e"]);
    browser.env("CI", "1").run()
}

/// All at once: cargo then chooses one set of features, and checks what is underneath once.
fn clippy(workspace: &Workspace) -> Result<()> {
    let clippy = workspace
        .cargo()
        .args(["clippy", "--workspace", "--all-targets"]);
    let desktop = "landline-tests/desktop,landline-benches/window";
    let clippy = clippy.args(["--features", desktop]);
    clippy.args(["--", "--deny", "warnings"]).run()
}

fn rust(workspace: &Workspace) -> Result<()> {
    tested(workspace, windowless_tests(workspace)).run()
}

fn shell(workspace: &Workspace) -> Result<()> {
    workspace
        .cargo()
        .args(["test", "--package", "landline"])
        .run()
}

/// `tests/tests/desktop`: the harness starts its own screen, session bus and driver.
fn desktop(workspace: &Workspace) -> Result<()> {
    let driver = TAURI_DRIVER.provide(workspace)?;
    run::build(workspace, Profile::Dev, "landline")?;
    let test = windowless_tests(workspace).args([
        "--features",
        "landline-tests/desktop",
        "--test",
        "desktop",
    ]);
    let test = test.env("LANDLINE_APP", workspace.program(Profile::Dev, "landline"));
    test.env("LANDLINE_TAURI_DRIVER", driver).run()
}

/// `cargo test` of all that builds without GTK. Always of all, and narrowed by what is run: another
/// choice of packages is another choice of features, and most would be compiled again.
pub(crate) fn windowless_tests(workspace: &Workspace) -> Command {
    workspace.cargo().args([
        "test",
        "--no-fail-fast",
        "--workspace",
        "--exclude",
        "landline",
    ])
}

/// With types written where nobody looks: a test run changes nothing in the checkout.
fn tested(workspace: &Workspace, test: Command) -> Command {
    test.env("TS_RS_EXPORT_DIR", workspace.target.join("bindings"))
}

fn deny(workspace: &Workspace) -> Result<()> {
    let deny = CARGO_DENY.provide(workspace)?;
    let check = |what: &[&str]| {
        Command::new(&deny)
            .arg("check")
            .args(what)
            .folder(&workspace.root)
    };
    check(&["licenses", "bans", "sources"]).run()?;
    // The list of known flaws is fetched from GitHub, and this project is often built without internet.
    if Command::new(&deny)
        .args(["fetch", "db"])
        .folder(&workspace.root)
        .works()
    {
        check(&["--disable-fetch", "advisories"]).run()
    } else {
        println!(
            "The list of known flaws (github.com/rustsec/advisory-db) can't be reached: not checked now."
        );
        Ok(())
    }
}
