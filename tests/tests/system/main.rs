//! Whole-system tests: `cargo test -p landline-tests --test system`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]
#![allow(clippy::print_stdout, reason = "what a test has checked is its report")]

mod admission;
mod carry;
mod cli;
mod delivery;
mod files;
mod hostile;
mod import;
mod import_cut;
mod lan;
mod marks;
mod membership;
mod mix;
mod notices;
mod offline;
mod restore;
mod rooms;
mod search;
mod stock;
mod talk;
mod threads;
mod tokens;
