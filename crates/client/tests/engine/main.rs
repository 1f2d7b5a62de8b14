//! The engine against a node in memory that misbehaves when told.

mod node;
mod screen;

mod fork;
mod outage;
mod outbox;
mod sign_in;
mod timeline;
