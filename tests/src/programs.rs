//! The real programs, built once for a run of the tests and found beside them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// `landline-node`.
pub fn node() -> PathBuf {
    built().join("landline-node")
}

/// `landline-cli`.
pub fn cli() -> PathBuf {
    built().join("landline-cli")
}

/// The checkout.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Cargo's target folder: a test program lies in `TARGET/PROFILE/deps`, others in `TARGET/PROFILE`.
pub fn target() -> PathBuf {
    profile().parent().unwrap().to_owned()
}

fn profile() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap();
    let of_tests = folder.ends_with("deps");
    let profile = if of_tests {
        folder.parent().unwrap()
    } else {
        folder
    };
    profile.to_owned()
}

/// Builds both into the folder of this test program's profile; nearly free where that was done.
/// `LANDLINE_PROGRAMS` names a folder where they are already.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(folder) = std::env::var_os("LANDLINE_PROGRAMS") {
            return folder.into();
        }
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(workspace());
        cargo.args([
            "build",
            "--quiet",
            "-p",
            "landline-node",
            "-p",
            "landline-cli",
        ]);
        cargo.arg("--target-dir").arg(target());
        if profile().ends_with("release") {
            cargo.arg("--release");
        }
        assert!(
            cargo.status().unwrap().success(),
            "the programs don't build"
        );
        profile()
    })
}
