//! Files: tus 1.0 at `/files`, and downloads by their BLAKE3 hash.
//!
//! ```text
//! request ──token──▶ Hub: who? ──▶ Visitor (member, world as it stands)
//!    │                                │ uploader, or in a room where it is named?
//!    ├─ POST, PATCH ──▶ uploads/<id> ─┤ whole, synced, hash checked
//!    │                                └──▶ <first two hex>/<blake3>, then the database
//!    └─ GET ◀── pieces of the file, as fast as the client takes them
//! ```
//! The bytes never pass the Hub nor the database's writer; the Hub only says who somebody is. How
//! far an upload is, the length of its file tells, so that it can go on after a kill of either side.
//! The memory for one transfer does not depend on the size of the file.

mod answer;
mod care;
mod download;
mod metadata;
mod range;
mod receive;
mod running;
mod shelf;
mod upload;
mod visit;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, options};
use landline_store::Store;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::config::Rates;
use crate::hub::HubHandle;

use running::Running;
use shelf::Shelf;
use visit::Bounds;

/// What the handlers of files share.
#[derive(Debug, Clone)]
pub(crate) struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hub: HubHandle,
    store: Store,
    shelf: Shelf,
    clock: Clock,
    /// Bytes of files that one member may have.
    quota: u64,
    bounds: Bounds,
    running: Running,
    /// Whoever gives files their names, or takes them away.
    shelf_turn: Semaphore,
}

/// What files need of the node.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) hub: HubHandle,
    pub(crate) store: Store,
    /// Where their bytes are.
    pub(crate) folder: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) quota: u64,
    pub(crate) rates: Rates,
}

impl Files {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            hub: parts.hub,
            store: parts.store,
            shelf: Shelf::new(parts.folder),
            clock: parts.clock,
            quota: parts.quota,
            bounds: Bounds::new(parts.rates.request),
            running: Running::default(),
            shelf_turn: Semaphore::new(1),
        }))
    }

    pub(crate) fn routes(self) -> Router {
        let creation = || options(upload::options).post(upload::create);
        let upload = options(upload::options)
            .head(upload::head)
            .patch(upload::patch)
            .delete(upload::delete)
            .post(upload::overridden);
        Router::new()
            .route("/files", creation())
            .route("/files/", creation())
            .route("/files/uploads/{id}", upload)
            .route("/files/{hash}", get(download::get))
            .with_state(self)
    }
}
