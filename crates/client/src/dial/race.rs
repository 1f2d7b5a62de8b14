//! Tries all addresses of a node, the best first, and takes the first connection.

use std::io;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::address::Address;
use crate::link::{LinkLoss, Timing};

/// Addresses of one target that are tried; an advert may hold any number.
const ADDRESSES_MAX: usize = 16;
/// A connection without a word for so long is asked for a sign of life by the system.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
/// How often it then asks.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
/// Sent bytes that are not acknowledged for so long end the connection. The keeper notices
/// earlier; this is for the system's half of a connection that nobody reads any more.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);

/// The first connection, with the address as it was given.
///
/// The next address is tried when one has failed, or has not answered within [`Timing::stagger`];
/// the others are dropped when one has answered.
pub(super) async fn first(
    addresses: &[String],
    timing: Timing,
) -> Result<(String, TcpStream), LinkLoss> {
    let mut waiting = addresses.iter().take(ADDRESSES_MAX);
    let mut tries = FuturesUnordered::new();
    let mut first_error = None;
    loop {
        if let Some(address) = waiting.next() {
            tries.push(connect(address, timing.connect));
        }
        if tries.is_empty() {
            let error = first_error.unwrap_or_else(|| "no address is known".to_owned());
            return Err(LinkLoss::Unreachable(error));
        }
        tokio::select! {
            Some((address, connected)) = tries.next() => match connected {
                Ok(stream) => return Ok((address.to_owned(), stream)),
                Err(error) => {
                    debug!(address, %error, "no connection");
                    first_error.get_or_insert_with(|| format!("{address}: {error}"));
                }
            },
            () = sleep(timing.stagger), if waiting.len() > 0 => {}
        }
    }
}

async fn connect(address: &str, limit: Duration) -> (&str, io::Result<TcpStream>) {
    let connected = async {
        let stream = match Address::parse(address) {
            Some(Address::Literal(address)) => TcpStream::connect(address).await?,
            Some(Address::Named { host, port }) => {
                let found: Vec<_> = lookup_host((host, port)).await?.collect();
                TcpStream::connect(found.as_slice()).await?
            }
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "is not an address",
                ));
            }
        };
        stream.set_nodelay(true)?;
        watch_over(&stream);
        Ok(stream)
    };
    let overdue = || io::Error::new(io::ErrorKind::TimedOut, "no answer");
    (
        address,
        timeout(limit, connected)
            .await
            .unwrap_or_else(|_| Err(overdue())),
    )
}

/// Lets the system notice a dead peer too. It may refuse: the keeper does not depend on it.
fn watch_over(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    if let Err(error) = socket.set_tcp_keepalive(&keepalive) {
        debug!(%error, "no keepalive");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX)) {
        debug!(%error, "no limit for unacknowledged bytes");
    }
}
