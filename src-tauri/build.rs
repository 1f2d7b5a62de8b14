//! Declares the shell's commands, so that the window is allowed these and nothing else, and
//! makes sure that there is an interface to embed.

use std::{error::Error, fs, path::Path};

/// What `tauri.conf.json` names as `frontendDist`.
const INTERFACE: &str = "ui/dist";

/// What the window may ask of the shell.
const COMMANDS: &[&str] = &[
    "listen",
    "call",
    "save_file",
    "save_export",
    "choose_import",
    "start_import",
    "cancel_import",
];

/// Stands in for the interface until `npm run build` has made it, so that Rust builds alone.
const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Landline</title>\
<h1>The interface is not built yet</h1>\
<p>Run <code>cargo xtask run</code>, or <code>npm ci &amp;&amp; npm run build</code> in <code>ui</code>, then build again.</p>\n";

fn main() -> Result<(), Box<dyn Error>> {
    let page = Path::new(INTERFACE).join("index.html");
    if !page.exists() {
        fs::create_dir_all(INTERFACE)?;
        fs::write(&page, NOT_BUILT)?;
    }
    println!("cargo::rerun-if-changed={INTERFACE}");

    let commands = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands))?;
    Ok(())
}
