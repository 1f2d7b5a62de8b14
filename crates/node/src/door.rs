//! The door: takes connections, sets their options, counts them, and hands each to HTTP.
//!
//! TCP → (TLS will stand here, between [`greet`] and [`serve`]) → [`wire::Metered`] → hyper → the
//! routes, among them the upgrade to a WebSocket. A connection carries its [`Wire`] through HTTP as
//! an extension of the request; that is how a socket comes to know its own bytes.

mod wire;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use wire::Metered;
pub(crate) use wire::Wire;

/// Connections at one time. Each costs memory before it has said who it is.
const CONNECTIONS: usize = 16_384;
/// Connections at one time from one address on which nobody has signed in yet: one machine of the
/// LAN must not be able to take every place by just connecting.
const STRANGERS_PER_ADDRESS: usize = 256;
/// For the head of a request: else a peer that sends a byte now and then keeps its place for ever.
const REQUEST_HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Bytes sent that nobody acknowledges for this long end a connection, in place of the kernel's
/// quarter of an hour.
const UNACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(20);
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
/// Before the next `accept` when one has failed for want of file descriptors or memory.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Takes connections until `stop`, each served by its own task of `tasks`.
pub(crate) async fn open(
    listener: TcpListener,
    routes: Router,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let keeper = Doorkeeper::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "can't accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let peer = peer.ip().to_canonical();
        let Some(place) = keeper.admit(peer) else {
            debug!(%peer, "no place for another connection");
            continue;
        };
        greet(&stream);
        let wire = Arc::new(Wire::new(peer, place));
        tasks.spawn(serve(stream, wire, routes.clone(), stop.clone()));
    }
}

/// Sets a fresh connection's options. They are improvements: one that a system lacks is no reason
/// to turn somebody away.
fn greet(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_AFTER / 3);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive));
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let set = set.and_then(|()| socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_WITHIN)));
    if let Err(error) = set {
        debug!(%error, "a connection keeps the system's socket options");
    }
}

async fn serve(stream: TcpStream, wire: Arc<Wire>, routes: Router, stop: CancellationToken) {
    let io = TokioIo::new(Metered::new(stream, wire.clone()));
    let service = service_fn(move |mut request: Request<Incoming>| {
        own_head(&mut request);
        request.extensions_mut().insert(wire.clone());
        let mut routes = routes.clone();
        async move {
            use tower_service::Service as _;
            Ok::<_, Infallible>(match routes.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_HEAD_WITHIN)
        .serve_connection(io, service)
        .with_upgrades();
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        ended = connection => if let Err(error) = ended {
            debug!(%error, "an HTTP connection ended early");
        }
    }
}

/// Copies what the head of a request says. As it comes, each part is a slice of hyper's read buffer
/// of 8 KiB, and Socket.IO keeps the head, and so the buffer, for as long as the connection.
fn own_head(request: &mut Request<Incoming>) {
    for value in request.headers_mut().values_mut() {
        if let Ok(own) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = own;
        }
    }
    if let Ok(own) = Uri::try_from(request.uri().to_string()) {
        *request.uri_mut() = own;
    }
}

/// Counts who is inside and who of them is still a stranger.
#[derive(Debug, Default, Clone)]
pub(super) struct Doorkeeper(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    connections: usize,
    strangers: HashMap<IpAddr, usize>,
}

impl Doorkeeper {
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Place> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let strangers = inside.strangers.get(&peer).copied().unwrap_or(0);
        if inside.connections >= CONNECTIONS || strangers >= STRANGERS_PER_ADDRESS {
            return None;
        }
        inside.connections += 1;
        inside.strangers.insert(peer, strangers + 1);
        Some(Place {
            keeper: self.clone(),
            peer,
            stranger: AtomicBool::new(true),
        })
    }

    fn one_stranger_less(&self, peer: IpAddr) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(strangers) = inside.strangers.get_mut(&peer) {
            *strangers -= 1;
            if *strangers == 0 {
                inside.strangers.remove(&peer);
            }
        }
    }
}

/// A connection's place among those inside; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    keeper: Doorkeeper,
    peer: IpAddr,
    stranger: AtomicBool,
}

impl Place {
    fn is_known(&self) {
        if self.stranger.swap(false, Ordering::Relaxed) {
            self.keeper.one_stranger_less(self.peer);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_known();
        self.keeper
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .connections -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_can_not_take_every_place_without_signing_in() {
        let keeper = Doorkeeper::default();
        let here = IpAddr::from([10, 0, 0, 1]);
        let mut places: Vec<Place> = (0..STRANGERS_PER_ADDRESS)
            .map(|_| keeper.admit(here).unwrap())
            .collect();
        assert!(keeper.admit(here).is_none());
        assert!(keeper.admit(IpAddr::from([10, 0, 0, 2])).is_some());
        places[0].is_known();
        assert!(keeper.admit(here).is_some());
        places.pop();
        assert!(keeper.admit(here).is_some());
    }

    #[test]
    fn a_place_is_given_back_once() {
        let keeper = Doorkeeper::default();
        let place = keeper.admit(IpAddr::from([10, 0, 0, 1])).unwrap();
        place.is_known();
        drop(place);
        let inside = keeper.0.lock().unwrap();
        assert_eq!(inside.connections, 0);
        assert!(inside.strangers.is_empty());
    }
}
