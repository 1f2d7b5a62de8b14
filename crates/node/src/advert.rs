//! Telling the LAN of the space, and asking whether somebody else hosts it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use landline_discovery::{Advert, Discovery, SpaceSeen};
use landline_protocol::SpaceId;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::hub::Outside;

/// For others on the network to say that they host this space.
const SAID_WITHIN: Duration = Duration::from_secs(1);
/// For a node that is said to host it to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// Adverts whose addresses are dialled, and addresses of one: who hangs up many must not have us
/// dial the whole network.
const ADVERTS_DIALLED: usize = 16;
const ADDRESSES_DIALLED: usize = 4;
/// Bytes of an answer of `/health`.
const HEALTH_BYTES: usize = 4 * 1024;

/// What `/health` says, as far as it matters.
#[derive(Debug, Deserialize)]
struct Health {
    space: SpaceId,
}

/// The computer on the network that hosts this space, if there is one besides us.
///
/// An advert is a hint from anybody, and names an id that is no secret: only a node of the space
/// that answers counts. Else one packet would keep the true host from coming back.
pub(crate) async fn host_of(discovery: &Discovery, space: SpaceId) -> Option<String> {
    let mut dials = JoinSet::new();
    let others = discovery.others(space, SAID_WITHIN).await;
    for SpaceSeen {
        host, addresses, ..
    } in others.into_iter().take(ADVERTS_DIALLED)
    {
        for address in addresses.into_iter().take(ADDRESSES_DIALLED) {
            let host = host.clone();
            dials.spawn(async move {
                let answer = timeout(ANSWERED_WITHIN, space_at(&address)).await;
                (answer.ok()?? == space).then_some(host)
            });
        }
    }
    while let Some(dialled) = dials.join_next().await {
        if let Ok(Some(host)) = dialled {
            return Some(host);
        }
    }
    None
}

/// The space whose node answers at this address, if one does.
async fn space_at(address: &str) -> Option<SpaceId> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut link, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // Ends with `link`.
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::get("/health").header(header::HOST, address);
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let answer = link.send_request(request).await.ok()?;
    let body = Limited::new(answer.into_body(), HEALTH_BYTES);
    let body = body.collect().await.ok()?.to_bytes();
    let health: Health = serde_json::from_slice(&body).ok()?;
    Some(health.space)
}

/// Advertises the space, as it is called now, until the Hub is gone.
pub(crate) async fn advertise(
    discovery: Discovery,
    mut outside: watch::Receiver<Outside>,
    at: SocketAddr,
) {
    loop {
        let space = outside.borrow_and_update().space.clone();
        let _advertised = discovery.advertise(Advert {
            space: space.id,
            name: space.name.clone(),
            fingerprint: None,
            admission: space.admission,
            bound: at.ip(),
            port: at.port(),
            host: host_name(),
        });
        let renamed = outside.wait_for(|outside| outside.space != space).await;
        if renamed.is_err() {
            return;
        }
    }
}

/// What people call this computer.
fn host_name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use landline_protocol::Admission;
    use tokio::net::TcpListener;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::{Node, NodeConfig};

    /// For adverts to be heard.
    const SOON: Duration = Duration::from_secs(30);

    fn advert(space: SpaceId, port: u16) -> Advert {
        Advert {
            space,
            name: "Lab".into(),
            fingerprint: None,
            admission: Admission::Open,
            bound: Ipv4Addr::UNSPECIFIED.into(),
            port,
            host: "another".into(),
        }
    }

    /// Whether so many adverts of the space by others are heard.
    async fn heard(by: &Discovery, space: SpaceId, count: usize) -> bool {
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            if by.others(space, Duration::from_millis(50)).await.len() == count {
                return true;
            }
        }
        false
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn only_a_node_that_answers_for_the_space_is_its_host() {
        let udp = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
        let port = udp.local_addr().unwrap().port();
        drop(udp);
        let lookout = || Discovery::new_with_port(port);
        let (us, liar, host) = (lookout(), lookout(), lookout());

        let folder = tempfile::tempdir().unwrap();
        let config = NodeConfig {
            name: Some("Lab".into()),
            advertise: false,
            ..NodeConfig::new(folder.path())
        };
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let node = Node::start(config, listener, std::future::pending()).await;
        let node = node.expect("started");

        // Nobody answers there; somebody listens and says nothing; a node of another space does.
        let closed = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let closed_port = closed.local_addr().unwrap().port();
        drop(closed);
        let silent = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let silent_port = silent.local_addr().unwrap().port();
        let another: SpaceId = "0193e0f0-1111-7222-8333-444455556666".parse().unwrap();

        let _nobody = liar.advertise(advert(node.space(), closed_port));
        if !heard(&us, node.space(), 1).await {
            println!("skipped: no multicast here");
            return;
        }
        assert_eq!(host_of(&us, node.space()).await, None);
        let _silent = liar.advertise(advert(node.space(), silent_port));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(host_of(&us, node.space()).await, None);
        let _other = liar.advertise(advert(another, node.address().port()));
        assert!(heard(&us, another, 1).await);
        assert_eq!(host_of(&us, another).await, None);

        let _true = host.advertise(advert(node.space(), node.address().port()));
        assert!(heard(&us, node.space(), 2).await);
        let found = host_of(&us, node.space()).await;
        assert_eq!(found.as_deref(), Some("another"));
        node.stop().await.unwrap();
    }
}
