//! Telling the LAN of the space, and asking whether somebody else hosts it.

use std::net::SocketAddr;
use std::time::Duration;

use landline_discovery::{Advert, Discovery, SpaceSeen};
use landline_protocol::SpaceId;
use tokio::sync::watch;

use crate::hub::Outside;

/// For others on the network to say that they host this space.
const SAID_WITHIN: Duration = Duration::from_secs(1);

/// Who else hosts this space, if anybody on the network says so.
pub(crate) async fn host_of(discovery: &Discovery, space: SpaceId) -> Option<SpaceSeen> {
    discovery.is_advertised(space, SAID_WITHIN).await
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
