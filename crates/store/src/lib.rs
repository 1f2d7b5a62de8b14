//! The log and the tables that follow from it, in SQLite: one schema for the node and its clients.
//!
//! [`log`] is the truth. [`apply`] keeps the tables that follow from it: [`rooms`], [`messages`],
//! [`threads`], [`named`], the index that [`search`] reads. Beside them stands what no log tells:
//! [`marks`], [`settings`], and what only a client has ([`segments`], [`listing`], [`outbox`],
//! [`drafts`], [`attachments`], [`transfers`], [`local_files`], [`choices`]) or only a
//! node ([`sessions`], [`uploads`]). All of these are plain functions on a [`Connection`], so that
//! they work in a read, a transaction or a savepoint; [`Store`] only owns the threads and files.
//! The bytes of what people send are beside the database, on a [`shelf`].
//!
//! Invariant: this crate knows no network and reads no clock.

pub mod apply;
pub mod attachments;
mod bytes;
mod checkpoint;
pub mod choices;
mod copy;
mod disk;
pub mod drafts;
mod error;
mod forget;
pub mod listing;
pub mod local_files;
mod lock;
pub mod log;
pub mod marks;
pub mod mend;
pub mod messages;
pub mod named;
mod open;
pub mod outbox;
mod reader;
pub mod rooms;
pub mod search;
pub mod segments;
pub mod sessions;
pub mod settings;
pub mod shelf;
mod store;
pub mod threads;
pub mod transfers;
pub mod uploads;
mod writer;

pub use disk::{is_full_with, make_folder, sync_name};
pub use error::StoreError;
pub use forget::forget;
pub use lock::DataLock;
pub use rusqlite::Connection;
pub use store::{Check, Durability, Options, Store};
