//! The real app, driven as a person would: on a screen that nobody sees, with a session bus and a
//! network of its own.
//!
//! Behind the feature `desktop`: it needs Xvfb, D-Bus, WebKitWebDriver, and in `LANDLINE_APP` and
//! `LANDLINE_TAURI_DRIVER` the programs, which `cargo xtask` builds and names.

pub mod app;
pub mod bus;
pub mod network;
pub mod screen;

pub use app::{App, tool};
pub use bus::Bus;
pub use screen::Screen;
