//! The client core.

mod dial;
pub mod link;

pub use dial::TcpDial;
