//! The node over real sockets and real files.

// Clippy knows `#[test]` functions only; all of this is test code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod append;
mod client;
mod clock;
mod damage;
mod edge;
mod files;
mod http;
#[cfg(unix)]
mod owner;
mod pages;
mod place;
mod process;
mod read;
mod rooms;
mod sign_in;
mod slow;
