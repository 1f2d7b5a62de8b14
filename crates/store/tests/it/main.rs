//! The store on real files in folders of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of it is test"
)]

mod apply;
mod backup;
mod files;
mod log;
mod marks;
mod mend;
mod messages;
mod open;
mod orders;
mod outbox;
mod rooms;
mod search;
mod segments;
mod settings;
mod support;
mod threads;
mod writer;
