//! Where the node listens, and what others call that place.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// Listens on every network of this computer: on `port`, or any other if that is taken.
pub(super) async fn listen(port: u16) -> std::io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            tracing::warn!(%error, port, "the usual port is not to be had: another one is taken");
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await
        }
    }
}

/// For the client at this computer.
pub(super) fn loopback(port: u16) -> String {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string()
}

/// The addresses of this computer that others can reach: IPv4, since the node listens there.
pub(super) fn addresses() -> impl Iterator<Item = IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the addresses of this computer can't be found out");
        Vec::new()
    });
    let usable = interfaces
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local());
    usable
        .map(|interface| interface.ip())
        .filter(IpAddr::is_ipv4)
}
