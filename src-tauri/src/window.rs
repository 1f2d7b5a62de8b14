//! The one window. It shows the interface inside the program and goes nowhere else. It opens as large
//! as it was left.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tauri::utils::config::WindowConfig;
use tauri::webview::NewWindowResponse;
use tauri::window::Color;
use tauri::{
    AppHandle, LogicalSize, Manager, Theme, Url, Webview, WebviewWindow, WebviewWindowBuilder,
};

use crate::tray;

const LABEL: &str = "main";
/// In the data folder: what the web view keeps for itself. Ours keeps nothing there.
const FOLDER: &str = "window";
/// In the data folder: how large the window is.
const SIZE: &str = "window.json";
/// Pixels of the interface: more is no window but a damaged file.
const WIDEST: f64 = 16_384.0;

/// The interface's paper, light and dark: no flash of white before it has loaded.
const PAPER: Color = Color(0xFB, 0xF9, 0xF5, 0xFF);
const DARK_PAPER: Color = Color(0x18, 0x17, 0x16, 0xFF);

/// How large the window is, in pixels of the interface, and was before it filled the screen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Size {
    width: f64,
    height: f64,
    maximized: bool,
}

impl Size {
    const fn of(config: &WindowConfig) -> Self {
        Self {
            width: config.width,
            height: config.height,
            maximized: config.maximized,
        }
    }

    /// `None`: none was noted, or nothing that can be one.
    fn read(path: &Path) -> Option<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, "how large the window was can't be read");
                return None;
            }
        };
        let size: Self = serde_json::from_slice(&bytes).ok()?;
        let is_one = |side: f64| (1.0..=WIDEST).contains(&side);
        (is_one(size.width) && is_one(size.height)).then_some(size)
    }

    fn write(self, path: &Path) -> io::Result<()> {
        fs::write(path, serde_json::to_vec(&self)?)
    }
}

/// Whether a window can be seen at all: else the system's libraries panic.
pub(crate) fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(all(unix, not(target_os = "macos")))) || is_set("WAYLAND_DISPLAY") || is_set("DISPLAY")
}

/// Opens the window that `tauri.conf.json` describes, for whom has this data folder.
///
/// `script` runs in it before the interface.
pub(crate) fn open(app: &AppHandle, data: &Path, script: &str) -> Result<()> {
    let config = described(app).context("the configuration has no window")?;
    let size = Size::read(&data.join(SIZE)).unwrap_or_else(|| Size::of(config));
    let window = WebviewWindowBuilder::from_config(app, config)?
        .inner_size(size.width, size.height)
        .maximized(size.maximized)
        .visible(false)
        .data_directory(data.join(FOLDER))
        .initialization_script(script)
        .on_document_title_changed(|window, title| show_unread(&window, &title))
        // What people write may hold links; these are opened by the core's `open_link` alone.
        .on_navigation(is_interface)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    let paper = if window.theme().is_ok_and(|theme| theme == Theme::Dark) {
        DARK_PAPER
    } else {
        PAPER
    };
    window.set_background_color(Some(paper))?;
    window.show()?;
    Ok(())
}

fn described(app: &AppHandle) -> Option<&WindowConfig> {
    let mut windows = app.config().app.windows.iter();
    windows.find(|window| window.label == LABEL)
}

/// Notes how large the window is, for the next start with this data folder.
pub(crate) fn keep_size(app: &AppHandle, data: &Path) {
    let path = data.join(SIZE);
    with_window(app, |window| {
        if !window.is_visible()? || window.is_minimized()? {
            return Ok(());
        }
        let maximized = window.is_maximized()?;
        // What it has then is the screen's; what it had before is what it goes back to.
        let before = if maximized || window.is_fullscreen()? {
            Size::read(&path).or_else(|| described(app).map(Size::of))
        } else {
            None
        };
        let LogicalSize { width, height } = match before {
            Some(size) => LogicalSize::new(size.width, size.height),
            // Under Wayland the window's own size counts the title bar and the shadow.
            None => {
                let web_view: &Webview = window.as_ref();
                web_view.size()?.to_logical(window.scale_factor()?)
            }
        };
        let size = Size {
            width,
            height,
            maximized,
        };
        if let Err(error) = size.write(&path) {
            tracing::warn!(%error, "how large the window is was not noted");
        }
        Ok(())
    });
}

/// The interface's title says what is open, and how much is unread: `(3) Studio · Landline`. The
/// system's own places for both follow it.
fn show_unread(window: &WebviewWindow, title: &str) {
    with_window(window.app_handle(), |window| {
        window.set_title(title)?;
        window.set_badge_count(unread_in(title))
    });
    tray::say(window.app_handle(), title);
}

fn unread_in(title: &str) -> Option<i64> {
    let (count, _) = title.strip_prefix('(')?.split_once(')')?;
    count.parse().ok()
}

/// Brings the window to the front, wherever it was.
pub(crate) fn show(app: &AppHandle) {
    with_window(app, |window| {
        window.show()?;
        window.unminimize()?;
        window.set_focus()
    });
}

pub(crate) fn hide(app: &AppHandle) {
    with_window(app, WebviewWindow::hide);
}

fn with_window(app: &AppHandle, act: impl FnOnce(&WebviewWindow) -> tauri::Result<()>) {
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(error) = act(&window)
    {
        tracing::warn!(%error, "the window does not do as it is told");
    }
}

/// Linux and macOS have a scheme for it, Windows a name.
pub(crate) fn is_interface(url: &Url) -> bool {
    let is_by_name =
        matches!(url.scheme(), "http" | "https") && url.host_str() == Some("tauri.localhost");
    url.scheme() == "tauri" || is_by_name || (cfg!(dev) && url.host_str() == Some("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_says_how_much_is_unread() {
        for (title, unread) in [
            ("(12) Studio · Landline", Some(12)),
            ("Studio · Landline", None),
            ("(Studio) · Landline", None),
            ("(", None),
            ("", None),
        ] {
            assert_eq!(unread_in(title), unread, "{title}");
        }
    }

    #[test]
    fn a_size_that_is_damaged_or_none_is_as_if_there_was_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SIZE);
        assert_eq!(Size::read(&path), None);
        let size = Size {
            width: 900.0,
            height: 700.5,
            maximized: true,
        };
        size.write(&path).unwrap();
        assert_eq!(Size::read(&path), Some(size));
        for content in [
            "",
            "{",
            "null",
            r#"{"width":900,"height":700}"#,
            r#"{"width":0,"height":700,"maximized":false}"#,
            r#"{"width":900,"height":-700,"maximized":false}"#,
            r#"{"width":900,"height":1e300,"maximized":false}"#,
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(Size::read(&path), None, "{content}");
        }
    }

    #[test]
    fn the_window_goes_nowhere_else() {
        for (address, is_ours) in [
            ("tauri://localhost/index.html", true),
            ("http://tauri.localhost/index.html", true),
            ("https://example.org/", false),
            ("http://tauri.localhost.example.org/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,hello", false),
        ] {
            assert_eq!(
                is_interface(&address.parse().unwrap()),
                is_ours,
                "{address}"
            );
        }
    }
}
