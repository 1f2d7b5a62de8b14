//! A screen that nobody sees.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::deadline::{eventually, soon};

/// A running Xvfb; it ends with this value.
#[derive(Debug)]
pub struct Screen {
    /// As in `DISPLAY`.
    pub display: String,
    _server: Child,
}

impl Screen {
    pub async fn open() -> Self {
        let mut server = Command::new("Xvfb")
            // It chooses a free number and tells it.
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x860x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Xvfb is installed");
        let output = server.stdout.take().unwrap();
        let number = BufReader::new(output).lines().next_line().await.unwrap();
        let display = format!(":{}", number.expect("Xvfb tells its number"));
        Self {
            display,
            _server: server,
        }
    }

    /// Gives the app's window the keyboard, as a window manager would.
    pub async fn focus(&self) {
        eventually("the window takes the focus", async || {
            let mut tool = self.tool();
            tool.args([
                "search",
                "--onlyvisible",
                "--name",
                "Landline",
                "windowfocus",
            ]);
            tool.status().await.unwrap().success().then_some(())
        })
        .await;
    }

    /// Types a line into the window with this in its title.
    pub async fn type_in(&self, title: &str, line: &str) {
        let window = eventually(format!("a window {title}"), async || {
            let mut tool = self.tool();
            let found = tool.args(["search", "--onlyvisible", "--name", title]);
            let output = found.output().await.unwrap();
            let ids = String::from_utf8(output.stdout).unwrap();
            ids.lines().next().map(str::to_owned)
        })
        .await;
        for arguments in [
            &["windowfocus", "--sync", &window][..],
            &["key", "ctrl+a"],
            &["type", "--delay", "20", line],
            &["key", "Return"],
        ] {
            let mut tool = self.tool();
            let status = soon("a key is pressed", tool.args(arguments).status()).await;
            assert!(status.unwrap().success(), "{arguments:?}");
        }
    }

    /// Turns the wheel in the middle of the window, so many times.
    pub async fn wheel(&self, up: bool, times: u32, every: Duration) {
        let mut tool = self.tool();
        // The wheel is two buttons to X.
        tool.args(["mousemove", "700", "350", "click", "--repeat"])
            .args([
                &times.to_string(),
                "--delay",
                &every.as_millis().to_string(),
            ])
            .arg(if up { "4" } else { "5" });
        assert!(tool.status().await.unwrap().success(), "the wheel turns");
    }

    fn tool(&self) -> Command {
        let mut tool = Command::new("xdotool");
        tool.env("DISPLAY", &self.display).stderr(Stdio::null());
        tool
    }

    pub async fn picture(&self, file: &Path) {
        let mut tool = Command::new("import");
        tool.args(["-display", &self.display, "-window", "root"])
            .arg(file)
            .kill_on_drop(true);
        let taken = soon("a picture of the screen", tool.status()).await;
        assert!(taken.unwrap().success(), "{}", file.display());
    }
}
