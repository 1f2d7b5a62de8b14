//! Tools that a task needs and that are installed beside the build, never on the machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{process::Command, workspace::Workspace};

/// The oldest Node.js that the interface builds with.
const NODE_MIN: (u32, u32) = (20, 19);

/// Fits WebKitWebDriver of Debian 12 and Tauri 2.
pub(crate) const TAURI_DRIVER: Crate = Crate {
    name: "tauri-driver",
    version: "2.1.0",
};
pub(crate) const CARGO_DENY: Crate = Crate {
    name: "cargo-deny",
    version: "0.20.2",
};

/// A program that is installed from crates.io.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crate {
    name: &'static str,
    version: &'static str,
}

impl Crate {
    /// Where the program is; built at the first call.
    pub(crate) fn provide(self, workspace: &Workspace) -> Result<PathBuf> {
        let root = workspace
            .tools()
            .join(format!("{}-{}", self.name, self.version));
        let program = root
            .join("bin")
            .join(self.name)
            .with_extension(std::env::consts::EXE_EXTENSION);
        if !program.exists() {
            println!(
                "Installing {} {} under {}.",
                self.name,
                self.version,
                root.display()
            );
            let install = workspace.cargo().args([
                "install",
                "--quiet",
                "--locked",
                self.name,
                "--version",
                self.version,
            ]);
            install
                .arg("--root")
                .arg(&root)
                .arg("--target-dir")
                .arg(workspace.tools().join("build"))
                .run()?;
        }
        Ok(program)
    }
}

/// `rustfmt` and `clippy` belong to the toolchain, but a minimal one comes without them.
pub(crate) fn provide_rust_components(workspace: &Workspace) -> Result<()> {
    for (component, probe) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !workspace.cargo().args([probe, "--version"]).works() {
            println!("Rust's {component} is missing: adding it.");
            Command::new("rustup")
                .args(["component", "add", component])
                .folder(&workspace.root)
                .run()?;
        }
    }
    Ok(())
}

pub(crate) fn require_node() -> Result<()> {
    let advice = "Node.js 20.19 or newer with npm is needed: https://nodejs.org";
    let version = Command::new("node")
        .arg("--version")
        .read()
        .context(advice)?;
    let mut parts = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < NODE_MIN {
        bail!("{advice} (found {})", version.trim());
    }
    Ok(())
}

/// `npm ci` in `folder`, unless what is there is what its lock file asks for.
pub(crate) fn provide_packages(folder: &Path) -> Result<()> {
    let lock = fs::read(folder.join("package-lock.json")).context("package-lock.json is there")?;
    let installed = folder.join("node_modules").join(".installed-for");
    if fs::read(&installed).is_ok_and(|of| of == lock) {
        return Ok(());
    }
    // The browser's tests use the machine's Chromium.
    Command::npm(folder)
        .args(["ci", "--no-fund", "--no-audit"])
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .run()?;
    fs::write(installed, lock)?;
    Ok(())
}
