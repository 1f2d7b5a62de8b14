//! The tray: a menu with Show and Quit. On Linux a tray is a menu and nothing else, and some
//! desktops have none; starting the app again brings the window back everywhere.

use std::panic::{self, AssertUnwindSafe};

use anyhow::{Context, Result, bail};
use tauri::AppHandle;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;

use crate::app;

const ICON: &str = "main";
const SHOW: &str = "show";
const QUIT: &str = "quit";

/// Puts the icon into the tray. The app works without one.
pub(crate) fn place(app: &AppHandle) {
    if let Err(error) = try_place(app) {
        tracing::warn!("no icon in the tray: {error:#}");
    }
}

/// What the icon says under the pointer, where the system lets it say anything.
pub(crate) fn say(app: &AppHandle, words: &str) {
    if let Some(icon) = app.tray_by_id(ICON)
        && let Err(error) = icon.set_tooltip(Some(words))
    {
        tracing::debug!(%error, "the icon in the tray says nothing");
    }
}

fn try_place(app: &AppHandle) -> Result<()> {
    let menu = Menu::with_items(
        app,
        &[
            &MenuItem::with_id(app, SHOW, "Show Landline", true, None::<&str>)?,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, QUIT, "Quit", true, None::<&str>)?,
        ],
    )?;
    let icon = app
        .default_window_icon()
        .context("the app has no icon")?
        .clone();
    let tray = TrayIconBuilder::with_id(ICON)
        .icon(icon)
        .tooltip("Landline")
        .menu(&menu)
        .on_menu_event(|app, event| match event.id().as_ref() {
            SHOW => app::show(app),
            QUIT => app::quit(app),
            other => tracing::warn!(other, "an unknown entry of the tray's menu"),
        });
    // Where the library of tray icons is not installed, loading it panics.
    match panic::catch_unwind(AssertUnwindSafe(|| tray.build(app))) {
        Ok(tray) => tray.map(drop).context("the system refuses it"),
        Err(_) => bail!("libayatana-appindicator is not installed"),
    }
}
