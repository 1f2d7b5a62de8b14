//! The start and the end: a start that fails is said where it is read, in the terminal or in a window;
//! all is kept in one folder; the window is as large as it was.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use landline_tests::deadline::{eventually, soon};
use landline_tests::desktop::{App, Bus, Screen, tool};
use serde_json::{Value, json};
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

#[tokio::test]
async fn the_window_opens_as_large_as_it_was_left() {
    let bus = Bus::open().await;
    let mut app = App::start("Ana", &bus, false).await;
    let kept = app.data().join("window.json");
    for size in [(1160, 760), (900, 640)] {
        eventually("the window has its size", async || {
            (inner_size(&app).await == size).then_some(())
        })
        .await;
        app.quit().await;
        let noted: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        let expected = json!({ "width": width, "height": height, "maximized": false });
        assert_eq!(noted, expected);
        let other = json!({ "width": 900, "height": 640, "maximized": false });
        fs::write(&kept, other.to_string()).unwrap();
        app.start_again(&bus).await;
    }
    app.close().await;
}

/// Width and height of what the window shows.
async fn inner_size(app: &App) -> (u32, u32) {
    let script = "arguments[0]([window.innerWidth, window.innerHeight])";
    let size = app.run(script, Vec::new()).await;
    serde_json::from_value(size).unwrap()
}
