//! What this machine has, what it lacks for a task, and how it gets it.
//!
//! On Debian, Ubuntu and their relatives missing packages are named and installed. Elsewhere on
//! Linux they are named; macOS and Windows come with all that is needed but Rust and Node.js.

use std::{env, fs, io::IsTerminal};

use anyhow::{Result, bail};

use crate::process::Command;

/// One thing that a task needs, as Debian calls it and as people do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    package: &'static str,
    is: &'static str,
}

const fn need(package: &'static str, is: &'static str) -> Need {
    Need { package, is }
}

/// To build anything: SQLite is compiled from C, the link uses the system's TLS.
pub(crate) const TO_BUILD: &[Need] = &[
    need("build-essential", "C compiler"),
    need("pkg-config", "pkg-config"),
    need("libssl-dev", "OpenSSL"),
];

/// To build and open the desktop app, and to play in it what people send.
pub(crate) const FOR_DESKTOP: &[Need] = &[
    need("libwebkit2gtk-4.1-dev", "WebKitGTK 4.1"),
    need("libgtk-3-dev", "GTK 3"),
    need("libayatana-appindicator3-dev", "tray icon"),
    need("librsvg2-dev", "SVG icons"),
    need("libdbus-1-dev", "D-Bus"),
    need("gstreamer1.0-libav", "films and sounds in H.264 and AAC"),
];

/// To run every test: a screen and a session bus of their own, a browser, a network in a box.
pub(crate) const FOR_TESTS: &[Need] = &[
    need("xvfb", "screen for tests"),
    need("xauth", "keys for that screen"),
    need("dbus", "session bus"),
    need("webkit2gtk-driver", "driver of the app's window"),
    need("chromium", "browser for the interface's tests"),
    need("fonts-dejavu-core", "fonts"),
    need("fonts-noto-color-emoji", "emoji"),
    need("iproute2", "network namespaces"),
    need("python3-venv", "Python for the stock client"),
    need("xdotool", "keys and clicks"),
    need("imagemagick", "screenshots"),
];

/// To move the clocks of a node and its clients; also in the short audit of the tests.
pub(crate) const FOR_AUDIT: &[Need] = &[need("faketime", "clocks that jump")];

/// Says what of it is missing and installs it.
pub(crate) fn provide(needs: &[&[Need]]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let needs: Vec<Need> = needs.iter().flat_map(|part| part.iter().copied()).collect();
    if !Command::new("dpkg-query").arg("--version").works() {
        return name_for_other_linux(&needs);
    }
    let missing: Vec<Need> = needs
        .into_iter()
        .filter(|need| !is_installed(need.package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("This machine lacks:");
    for need in &missing {
        println!("  {:<32} {}", need.package, need.is);
    }
    install(&missing)
}

fn is_installed(package: &str) -> bool {
    // An unknown package is an error of dpkg-query; a removed one has another status.
    let query = Command::new("sh").args([
        "-c",
        "dpkg-query -W -f '${Status}' \"$0\" 2>/dev/null || true",
        package,
    ]);
    query
        .read()
        .is_ok_and(|status| status == "install ok installed")
}

fn install(missing: &[Need]) -> Result<()> {
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let by_hand = format!("apt-get install {}", packages.join(" "));
    let Some(apt) = apt_get() else {
        bail!("neither root nor sudo: as root, run `{by_hand}`, then try again");
    };
    println!("Installing them.");
    // Package lists may be old or absent; a failed update shows in the install, in clearer words.
    let _ = apt.clone().args(["update", "--quiet"]).status()?;
    let install = apt
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(&packages);
    if !install.status()?.success() {
        bail!(
            "the packages could not be installed: run `{by_hand}` as root to see why, then try again"
        );
    }
    Ok(())
}

/// `apt-get` as root, without questions; `None` where one can't become root.
fn apt_get() -> Option<Command> {
    let is_root = Command::new("id")
        .arg("-u")
        .read()
        .is_ok_and(|id| id.trim() == "0");
    if is_root {
        return Some(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive"));
    }
    let may_ask = std::io::stdin().is_terminal();
    let has_sudo = if may_ask {
        Command::new("sudo").arg("--version")
    } else {
        Command::new("sudo").args(["-n", "true"])
    };
    has_sudo
        .works()
        .then(|| Command::new("sudo").args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]))
}

fn name_for_other_linux(needs: &[Need]) -> Result<()> {
    let has_webkit = Command::new("pkg-config")
        .args(["--exists", "webkit2gtk-4.1"])
        .works();
    let wants_webkit = needs
        .iter()
        .any(|need| need.package == "libwebkit2gtk-4.1-dev");
    if wants_webkit && !has_webkit {
        println!("On this Linux, install with its own package tool what Debian calls:");
        for need in needs {
            println!("  {:<32} {}", need.package, need.is);
        }
        bail!("WebKitGTK 4.1 is missing");
    }
    Ok(())
}

/// Whether a window can be opened.
pub(crate) fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// The computer's name, for people.
pub(crate) fn host_name() -> String {
    let name = fs::read_to_string("/etc/hostname")
        .ok()
        .or_else(|| Command::new("hostname").read().ok());
    name.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this computer".into())
}
