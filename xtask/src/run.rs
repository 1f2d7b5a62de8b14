//! `cargo xtask run`: from a checkout to the open app.

use std::{env, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Args;

use crate::{
    machine::{self, FOR_DESKTOP, TO_BUILD},
    tools,
    workspace::{Profile, Workspace},
};

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Build optimised: several minutes more, and what users get.
    #[arg(long)]
    release: bool,
    /// Start the headless node even where there is a display.
    #[arg(long)]
    headless: bool,
    /// What the program is given.
    #[arg(last = true)]
    args: Vec<String>,
}

impl Run {
    pub(crate) fn perform(self, workspace: &Workspace) -> Result<ExitCode> {
        if self.headless {
            self.start_node(workspace)
        } else if machine::has_display() {
            self.open_app(workspace)
        } else {
            println!(
                "No display here (neither DISPLAY nor WAYLAND_DISPLAY is set): starting the headless node."
            );
            self.start_node(workspace)
        }
    }

    fn open_app(&self, workspace: &Workspace) -> Result<ExitCode> {
        machine::provide(&[TO_BUILD, FOR_DESKTOP])?;
        tools::require_node()?;
        build_interface(workspace)?;
        build(workspace, self.profile(), "landline")?;
        let app = crate::process::Command::new(workspace.program(self.profile(), "landline"))
            .args(&self.args);
        println!("Opening the app.");
        exit_code(app.status()?)
    }

    fn start_node(&self, workspace: &Workspace) -> Result<ExitCode> {
        machine::provide(&[TO_BUILD])?;
        build(workspace, self.profile(), "landline-node")?;
        let mut node =
            crate::process::Command::new(workspace.program(self.profile(), "landline-node"));
        if self.args.is_empty() {
            let (data, name) = (node_data(), machine::host_name());
            println!("Hosting the space \"{name}\", kept in {}.", data.display());
            println!("To choose: cargo xtask run --headless -- --data DIR --name NAME");
            node = node.arg("--data").arg(data).arg("--name").arg(name);
        }
        println!("People on this network find it by its name. Ctrl-C stops it.");
        exit_code(node.args(&self.args).status()?)
    }

    fn profile(&self) -> Profile {
        if self.release {
            Profile::Release
        } else {
            Profile::Dev
        }
    }
}

/// The page that the app's window shows, as `ui/dist`.
pub(crate) fn build_interface(workspace: &Workspace) -> Result<()> {
    tools::provide_packages(&workspace.ui())?;
    workspace.npm().args(["run", "build"]).run()
}

pub(crate) fn build(workspace: &Workspace, profile: Profile, package: &str) -> Result<()> {
    workspace
        .cargo()
        .arg("build")
        .args(profile.args())
        .args(["--package", package])
        .run()
}

/// Where a node that nobody gave a place keeps its space.
fn node_data() -> PathBuf {
    let given = env::var_os("XDG_DATA_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let base = given.or_else(|| env::home_dir().map(|home| home.join(".local").join("share")));
    base.unwrap_or_else(env::temp_dir).join("landline-node")
}

fn exit_code(status: std::process::ExitStatus) -> Result<ExitCode> {
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}
