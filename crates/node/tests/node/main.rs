//! The node over real sockets and real files.

mod append;
mod client;
mod edge;
mod place;
mod process;
mod read;
mod rooms;
mod sign_in;
mod slow;
