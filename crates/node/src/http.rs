//! The HTTP routes beside the socket.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use landline_protocol::SpaceId;
use serde::Serialize;
use tokio::sync::watch;

use crate::hub::Outside;

/// What `/health` needs.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) space: SpaceId,
    pub(crate) version: String,
    pub(crate) outside: watch::Receiver<Outside>,
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    space: SpaceId,
    version: String,
    connections: usize,
}

pub(crate) fn routes(about: About) -> Router {
    Router::new()
        .route("/health", get(health))
        .with_state(about)
}

/// 503 while the store fails or the Hub is gone: something that watches must see it by the status.
async fn health(State(about): State<About>) -> (StatusCode, Json<Report>) {
    let (stores, connections) = {
        let outside = about.outside.borrow();
        (outside.stores, outside.connections)
    };
    let ok = stores && about.outside.has_changed().is_ok();
    let status = if ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let report = Report {
        ok,
        space: about.space,
        version: about.version,
        connections,
    };
    (status, Json(report))
}
