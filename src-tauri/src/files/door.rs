//! Takes the connections to the file server, so that no program of this computer can keep the
//! window out by just connecting.
//!
//! ```text
//! accept → a stranger → its request shows the secret → the window's → answered → ended
//!              └─ cut: after `head_within`, or when newer strangers need its place
//! ```
//!
//! Each connection carries one request. What is the window's own is not hurried: a film that is
//! paused reads nothing for as long as it is paused.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

/// Connections at one time. A window full of films has a few dozen.
const CONNECTIONS: usize = 256;
/// Of these, connections that have not shown the secret yet: the window's do at once.
const STRANGERS: usize = 32;
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// A disk that sleeps or a share on the network may take its time, but not for ever.
const PIECE_WITHIN: Duration = Duration::from_secs(60);
/// Before the next `accept` when one has failed for want of file descriptors or memory.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What whoever connects is held to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) strangers: usize,
    /// For the whole head of a request.
    pub(super) head_within: Duration,
    /// For the next piece of a file that the window sends.
    pub(super) piece_within: Duration,
}

pub(super) const LIMITS: Limits = Limits {
    connections: CONNECTIONS,
    strangers: STRANGERS,
    head_within: HEAD_WITHIN,
    piece_within: PIECE_WITHIN,
};

/// Goes with each request of a connection: says that it is the window's.
#[derive(Debug, Clone, Default)]
pub(super) struct Pass(Arc<AtomicBool>);

impl Pass {
    pub(super) fn is_window(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Stranger {
    pass: Pass,
    task: AbortHandle,
}

/// Serves until the task ends.
pub(super) async fn open(listener: TcpListener, routes: Router, limits: Limits) {
    let mut connections = JoinSet::new();
    let mut strangers: VecDeque<Stranger> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the window's connection can't be accepted");
                sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        strangers.retain(|one| !one.pass.0.load(Ordering::Relaxed) && !one.task.is_finished());
        if strangers.len() >= limits.strangers
            && let Some(oldest) = strangers.pop_front()
        {
            oldest.task.abort();
            // Its place is free once it has ended.
            connections.join_next().await;
        }
        if connections.len() >= limits.connections {
            tracing::warn!("too many connections to the file server");
            continue;
        }
        let pass = Pass::default();
        let routes = routes.clone().layer(Extension(pass.clone()));
        let task = connections.spawn(serve(stream, routes, limits.head_within));
        strangers.push_back(Stranger { pass, task });
    }
}

async fn serve(stream: TcpStream, routes: Router, head_within: Duration) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps the system's options");
    }
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of the window ended early");
    }
}
