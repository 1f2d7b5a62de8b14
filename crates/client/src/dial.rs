//! The real dial: a connection of our own, given to rust_socketio through a tunnel.
//!
//! ```text
//! race: every address ─► first TCP connection ─► secure ─► tunnel ◄─ ws://127.0.0.1 ─ rust_socketio
//!   ▲                                                                     │ no `welcome`
//!   └────────────────────── without that address ─────────────────────────┘
//! ```
//!
//! rust_socketio can't be stopped, has no connect timeout, leaves Nagle on and knows only native
//! TLS. So the connection to the node is ours, and it only ever sees a loopback socket: whatever
//! state it is in, cutting the tunnel ends it.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::link::socketio::{self, Line};
use crate::link::{Dial, Dialed, LinkLoss, Peer, Stream, Target, Timing, keep};

mod address;
mod race;
mod tunnel;

/// Dials nodes over TCP.
#[derive(Debug, Clone, Default)]
pub struct TcpDial {
    timing: Timing,
}

impl TcpDial {
    /// [`Timing::default`] is what people get; tests shorten it.
    pub const fn new(timing: Timing) -> Self {
        Self { timing }
    }
}

impl Dial for TcpDial {
    fn dial(&self, target: Target) -> BoxFuture<'static, Result<Dialed, LinkLoss>> {
        dial(target, self.timing).boxed()
    }

    fn stream(&self, target: Target) -> BoxFuture<'static, Result<Box<dyn Stream>, LinkLoss>> {
        let timing = self.timing;
        let connected = async move {
            let (_, stream) = race::first(&target.addresses, timing).await?;
            let (stream, _) = secure(stream, &target)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        };
        connected.boxed()
    }
}

/// What accepts a connection may be no node by now, or one that hangs: then the other addresses
/// have their turn. Where none is welcomed, what the first one that accepted came to.
async fn dial(mut target: Target, timing: Timing) -> Result<Dialed, LinkLoss> {
    let mut first_loss = None;
    loop {
        let (address, stream) = match race::first(&target.addresses, timing).await {
            Ok(connected) => connected,
            Err(loss) => return Err(first_loss.unwrap_or(loss)),
        };
        match welcomed(address.clone(), stream, &target, timing).await {
            Ok(dialed) => return Ok(dialed),
            Err(loss) => {
                debug!(address, %loss, "no welcome");
                target.addresses.retain(|other| *other != address);
                first_loss.get_or_insert(loss);
            }
        }
    }
}

async fn welcomed(
    address: String,
    stream: TcpStream,
    target: &Target,
    timing: Timing,
) -> Result<Dialed, LinkLoss> {
    let cut = CancellationToken::new();
    // Whoever drops this future, or any error below, takes the tunnel down with it.
    let unless_welcomed = cut.clone().drop_guard();
    let welcomed = async {
        let (stream, fingerprint) = secure(stream, target)?;
        let peer = Peer {
            address,
            fingerprint,
        };
        let (url, pulse) = tunnel::open(stream, cut.clone()).await?;
        socketio::connect(Line {
            url,
            pulse,
            cut,
            peer,
        })
        .await
    };
    let carried = timeout(timing.welcome, welcomed)
        .await
        .map_err(|_| LinkLoss::Silent)??;
    unless_welcomed.disarm();
    Ok(keep(carried, timing))
}

/// The one place where TLS comes in: what the tunnel carries, and the fingerprint seen on it.
fn secure(stream: TcpStream, target: &Target) -> Result<(TcpStream, String), LinkLoss> {
    let seen = "-".to_owned();
    match &target.fingerprint {
        Some(expected) if *expected != seen => Err(LinkLoss::OtherKey { seen }),
        Some(_) | None => Ok((stream, seen)),
    }
}
