//! Overload and accidents, with real nodes and real clients: nothing is lost, nothing comes twice,
//! and people are told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]
#![allow(clippy::print_stdout, reason = "what is passed over is said")]

#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/overload.rs"]
mod overload;
#[path = "faults/twice.rs"]
mod twice;
