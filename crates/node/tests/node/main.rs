//! The node over real sockets and real files.

mod append;
mod client;
mod place;
