//! The server of a space: gives the events of each room their order, makes them durable, and
//! relays them to who may see them.
//!
//! ```text
//! door ──▶ HTTP routes ──▶ /health, files
//!               └──▶ socket edge: decode, size, rate ──HubCommand──▶ Hub ──Batch──▶ store
//!                                                       answers, events ◀──┘
//! ```
//! [`Node::start`] puts these together on a listener; the binary `landline-node` and the desktop's
//! embedded node are the same code. [`look_into`] tells which space a folder holds without serving it.
//!
//! Invariant: this crate depends on neither the client nor Tauri.

mod advert;
mod clock;
mod config;
mod copies;
mod door;
mod error;
mod files;
mod folder;
mod http;
mod hub;
mod kept;
mod key;
mod node;
mod passcode;
mod random;
mod rate;
mod request;
mod session;
mod socket;
mod space;
mod world;

pub use clock::Clock;
pub use config::{COPY_EVERY, NodeConfig, Rates};
pub use copies::Restored;
pub use error::NodeError;
pub use node::Node;
pub use space::{Held, look_into};
