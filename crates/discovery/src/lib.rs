//! Spaces near, by mDNS (`_landline._tcp.local.`), and telling others of ours.
//!
//! ```text
//! advertise ─► adverts wanted ─┐                        ┌─► sightings (per listener)
//!                              ├─ lookout ── mdns-sd ───┤
//! verify ──────────────────────┘   (one task)           └─► problem
//! ```
//!
//! All of it is a hint, never a requirement, and anybody may have said it: an advert proves
//! nothing. Nothing here fails; where there is no multicast, [`Discovery::problem`] says so and the
//! lookout tries again, and addresses can always be typed in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use landline_protocol::{Admission, SpaceId};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

mod addresses;
mod board;
mod lookout;
mod radio;
mod txt;

use board::Seen;
use lookout::{Lookout, Signs};

/// The UDP port of mDNS.
pub const MDNS_PORT: u16 = 5353;
/// Sightings that wait for one listener; while they are as many, later ones are gathered.
const SIGHTINGS: usize = 64;
/// Requests to look again that wait; more are dropped, since each is only a hint.
const LOOKS: usize = 16;
/// For the goodbyes of [`Discovery::stop`].
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// A space that this computer hosts, as others shall see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advert {
    pub space: SpaceId,
    /// Cut at 200 bytes on the wire.
    pub name: String,
    /// Of the node's certificate; None without TLS (`fp=-`, `tls=0` on the wire).
    pub fingerprint: Option<String>,
    pub admission: Admission,
    /// Where the node really listens. Only addresses at which it can be reached are told: with
    /// `0.0.0.0` all of IPv4, with `::` all, else those of the interface that has this one.
    pub bound: IpAddr,
    /// TCP, the one that the node really listens on.
    pub port: u16,
    /// What people call this computer; letters, digits and hyphens of it become the host name.
    pub host: String,
}

/// A space that is advertised on this network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceSeen {
    pub space: SpaceId,
    pub name: String,
    /// None: without TLS.
    pub fingerprint: Option<String>,
    pub admission: Admission,
    /// `host:port`, best first; never empty.
    pub addresses: Vec<String>,
    /// What people call the computer that hosts it.
    pub host: String,
}

/// Something has changed around this computer.
///
/// A space is told apart by its id *and* fingerprint: whoever copies the id of a space is another
/// sighting, and can't hide the true one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// It is new, or something of it is.
    SpaceSeen(SpaceSeen),
    /// Nobody advertises it any longer.
    SpaceGone {
        space: SpaceId,
        fingerprint: Option<String>,
    },
}

/// The lookout's handle; clones share it. When the last one (and every [`Advertised`]) is gone,
/// the adverts are withdrawn; [`Discovery::stop`] also waits for that.
#[derive(Debug, Clone)]
pub struct Discovery {
    adverts: watch::Sender<BTreeMap<SpaceId, Advert>>,
    looks: mpsc::Sender<SpaceId>,
    stop: watch::Sender<bool>,
    seen: watch::Receiver<Arc<Seen>>,
    problem: watch::Receiver<Option<String>>,
}

impl Discovery {
    /// Begins to look around. Call it within a tokio runtime.
    pub fn start() -> Self {
        Self::new_with_port(MDNS_PORT)
    }

    /// Like [`Discovery::start`], on another UDP port: only those on the same one see each other.
    /// For tests, that must not see the network they run in, nor each other.
    pub fn new_with_port(port: u16) -> Self {
        let (adverts, wanted) = watch::channel(BTreeMap::new());
        let (looks, asked) = mpsc::channel(LOOKS);
        let (stop, stopping) = watch::channel(false);
        let (seen_sender, seen) = watch::channel(Arc::default());
        let (problem_sender, problem) = watch::channel(None);
        let signs = Signs {
            wanted,
            asked,
            stopping,
            seen: seen_sender,
            problem: problem_sender,
        };
        tokio::spawn(Lookout::new(port, signs).run());
        Self {
            adverts,
            looks,
            stop,
            seen,
            problem,
        }
    }

    /// Advertises a space until the handle is dropped. The same space again replaces the advert.
    pub fn advertise(&self, advert: Advert) -> Advertised {
        let space = advert.space;
        self.adverts.send_modify(|adverts| {
            adverts.insert(space, advert);
        });
        Advertised {
            space,
            discovery: self.clone(),
        }
    }

    /// All spaces that are advertised now (ours too).
    pub fn nearby(&self) -> Vec<SpaceSeen> {
        self.seen.borrow().spaces.values().cloned().collect()
    }

    /// What is seen now, and from then on each change. A listener that is slow gets fewer, later
    /// changes, and always the last state of each space.
    pub fn sightings(&self) -> mpsc::Receiver<Sighting> {
        let (sender, sightings) = mpsc::channel(SIGHTINGS);
        tokio::spawn(tell(self.seen.clone(), sender));
        sightings
    }

    /// Why spaces can't be found now, in words for people; None while all is well.
    pub fn problem(&self) -> watch::Receiver<Option<String>> {
        self.problem.clone()
    }

    /// A space could not be reached where it is said to be: ask for it. If nobody answers, a
    /// `SpaceGone` follows within seconds instead of minutes (a host that crashed says no goodbye).
    pub fn verify(&self, space: SpaceId) {
        // A full queue: somebody asks all the time, and is being answered.
        let _ = self.looks.try_send(space);
    }

    /// Listens for `wait` and gives back the adverts of this space that are not our own: a node must
    /// not host what another one hosts. A second suffices on a network that is well. Each is a hint
    /// from anybody: whether a node is there shows who answers.
    pub async fn others(&self, space: SpaceId, wait: Duration) -> Vec<SpaceSeen> {
        sleep(wait).await;
        self.seen.borrow().by_others(space).cloned().collect()
    }

    /// Says goodbye for all adverts and ends, within three seconds.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut seen = self.seen.clone();
        let ended = async { while seen.changed().await.is_ok() {} };
        if timeout(STOP_WITHIN, ended).await.is_err() {
            tracing::warn!("no end of the goodbyes to the network");
        }
    }
}

/// A space is being advertised for as long as this lives.
#[derive(Debug)]
pub struct Advertised {
    space: SpaceId,
    discovery: Discovery,
}

impl Drop for Advertised {
    fn drop(&mut self) {
        self.discovery.adverts.send_modify(|adverts| {
            adverts.remove(&self.space);
        });
    }
}

/// Tells one listener what has changed since it was last told.
async fn tell(mut seen: watch::Receiver<Arc<Seen>>, listener: mpsc::Sender<Sighting>) {
    let mut told = Arc::new(Seen::default());
    loop {
        let now = seen.borrow_and_update().clone();
        for change in now.changes_since(&told) {
            if listener.send(change).await.is_err() {
                return;
            }
        }
        told = now;
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            () = listener.closed() => return,
        }
    }
}
