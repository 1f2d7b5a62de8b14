//! The engine against a node in memory that misbehaves when told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod node;
mod notice;
mod screen;

mod damage;
mod drafts;
mod faults;
mod files;
mod fork;
mod gaps;
mod left;
mod my_name;
mod outage;
mod outbox;
mod reply;
mod sign_in;
mod threads;
mod timeline;
