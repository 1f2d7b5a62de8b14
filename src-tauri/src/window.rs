//! The one window. It shows the interface inside the program and goes nowhere else.

use std::path::Path;

use anyhow::{Context, Result};
use tauri::webview::NewWindowResponse;
use tauri::window::Color;
use tauri::{AppHandle, Manager, Theme, Url, WebviewWindow, WebviewWindowBuilder};

use crate::tray;

const LABEL: &str = "main";
/// In the data folder: what the web view keeps for itself. Ours keeps nothing there.
const FOLDER: &str = "window";

/// The interface's paper, light and dark: no flash of white before it has loaded.
const PAPER: Color = Color(0xFB, 0xF9, 0xF5, 0xFF);
const DARK_PAPER: Color = Color(0x18, 0x17, 0x16, 0xFF);

/// Whether a window can be seen at all: else the system's libraries panic.
pub(crate) fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(all(unix, not(target_os = "macos")))) || is_set("WAYLAND_DISPLAY") || is_set("DISPLAY")
}

/// Opens the window that `tauri.conf.json` describes, for whom has this data folder.
///
/// `script` runs in it before the interface.
pub(crate) fn open(app: &AppHandle, data: &Path, script: &str) -> Result<()> {
    let windows = &app.config().app.windows;
    let config = windows
        .iter()
        .find(|window| window.label == LABEL)
        .context("the configuration has no window")?;
    let window = WebviewWindowBuilder::from_config(app, config)?
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
