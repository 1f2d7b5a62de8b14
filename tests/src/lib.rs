//! The harness of the whole-system tests: real programs, real sockets, real folders.
//!
//! A test says who is there (`Node`, people), what happens between them, and what must hold in the
//! end. It waits with the deadlines of [`deadline`], and leaves nothing behind.
//!
//! `LANDLINE_SEED` repeats what chance did in a run (the seed is printed), `LANDLINE_PROGRAMS` is a
//! folder with the programs to test, `LANDLINE_CONVERSATION` a file to import.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]
#![allow(clippy::print_stdout, reason = "what a test prints is its report")]

pub mod acts;
pub mod audit;
pub mod cli;
pub mod conversation;
pub mod deadline;
pub mod desk;
#[cfg(feature = "desktop")]
pub mod desktop;
pub mod dice;
pub mod lan;
pub mod logs;
pub mod node;
pub mod person;
pub mod programs;
pub mod proxy;
pub mod raw;
pub mod screen;
pub mod switch;

pub use dice::Dice;
pub use lan::Lan;
pub use node::Node;
pub use person::Person;
