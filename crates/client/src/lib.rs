//! The client core: what every desktop app and the CLI have in common.
//!
//! [`Client`] is the handle. Behind it, one task per space (`engine.rs`) keeps a replica of the
//! space's logs (`sync.rs`), an outbox, and at most one [`link`] to its node; `home.rs` owns what
//! is above the spaces. A window sends [`command::Command`]s and is told [`ui::UiEvent`]s.
//!
//! Invariant: this crate depends on neither the node nor Tauri.

mod client;
mod clock;
pub mod command;
mod contact;
mod data;
mod dial;
mod engine;
mod error;
pub mod export;
mod files;
mod home;
mod host;
pub mod import;
mod invitation;
mod known;
pub mod link;
mod names;
mod nearby;
mod picture;
mod sync;
pub mod ui;
mod windows;

pub use client::{Client, ClientConfig};
pub use clock::{Clock, Random, SystemClock};
pub use dial::TcpDial;
pub use error::ClientError;
pub use files::{LocalFile, safe_name};
pub use host::{Host, HostRequest, Hosted, Notification, PlainHost, Replied};
pub use link::{Dial, Link, LinkEvent, LinkLoss, Target};
pub use names::{Names, mentions_in, one_of, room_called, title};
pub use picture::Picture;
