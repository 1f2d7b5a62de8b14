#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]
//! The commands, as a person or a script uses them: real programs, real sockets, real files.

mod commands;
mod export;
mod failures;
mod import;
mod offline;
mod tail;
mod talk;
mod world;
