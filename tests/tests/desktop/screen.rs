//! A screen that nobody sees.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running Xvfb; it ends with this value.
pub(crate) struct Screen {
    /// As in `DISPLAY`.
    pub(crate) display: String,
    _server: Child,
}

impl Screen {
    pub(crate) async fn open() -> Self {
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
}
