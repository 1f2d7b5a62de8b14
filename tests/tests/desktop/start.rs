//! A start that fails is said where it is read: in the terminal, or in a window.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use landline_tests::deadline::{eventually, soon};
use landline_tests::desktop::{Bus, Screen, tool};
use tokio::process::Command;

fn app(data: &Path) -> Command {
    let mut app = Command::new(tool("LANDLINE_APP"));
    app.env("LANDLINE_DATA_DIR", data)
        .env("NO_AT_BRIDGE", "1")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    app
}

#[tokio::test]
async fn without_a_display_it_says_so_in_one_line() {
    let data = tempfile::tempdir().unwrap();
    let ended = soon("the app ends", app(data.path()).output()).await;
    let ended = ended.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr),
        "Landline can't start: there is no display (landline-node hosts a space without one)\n"
    );
}

#[tokio::test]
async fn who_reads_no_terminal_is_told_in_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no folder");
    fs::write(&file, "").unwrap();
    let screen = Screen::open().await;
    let mut app = app(&file).env("DISPLAY", &screen.display).spawn().unwrap();
    screen.type_in("Landline can't start", "").await;
    let ended = soon("the app ends once it is read", app.wait()).await;
    assert_eq!(ended.unwrap().code(), Some(1));
}

#[tokio::test]
async fn all_that_it_keeps_is_in_its_data_folder() {
    let (data, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (screen, bus) = (Screen::open().await, Bus::open().await);
    let mut app = app(data.path())
        .env("DISPLAY", &screen.display)
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
        .env("XDG_DATA_HOME", others.path())
        .env("XDG_CACHE_HOME", others.path())
        .spawn()
        .unwrap();
    eventually("the web view keeps something", async || {
        let kept = fs::read_dir(data.path().join("window")).ok()?;
        (kept.count() > 0).then_some(())
    })
    .await;
    let quit = soon("it is quit", self::app(data.path()).arg("--quit").status()).await;
    assert!(quit.unwrap().success());
    assert!(soon("it ends", app.wait()).await.unwrap().success());
    let names = fs::read_dir(others.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ours: Vec<String> = names.filter(|name| name.contains("landline")).collect();
    assert_eq!(ours, [] as [&str; 0]);
}
