//! Spaces near this computer, as discovery reports them. A hint from anybody: it is dialled and
//! shown, never trusted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use landline_protocol::{Admission, SpaceId};
use tokio::sync::mpsc;

use crate::ui::NearbySpace;

/// Spaces that are kept at most: a flood of adverts must not fill the memory.
const SPACES: usize = 500;

/// What discovery has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// A space is advertised, or its advert has changed.
    Seen(SeenSpace),
    Gone(SpaceId),
    /// Why nothing can be found (no multicast, port blocked); none: all is well again.
    Problem(Option<String>),
}

/// A space as its advert describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSpace {
    pub space: SpaceId,
    pub name: String,
    pub admission: Admission,
    /// None without TLS.
    pub fingerprint: Option<String>,
    /// `host:port`, best first.
    pub addresses: Vec<String>,
    /// The computer's name, for people.
    pub host: String,
}

/// Discovery, as the core uses it.
pub struct Discovery {
    pub sightings: mpsc::Receiver<Sighting>,
    /// Asks again whether a space is there: a dial to it has failed.
    pub verify: Arc<dyn Fn(SpaceId) + Send + Sync>,
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Discovery")
    }
}

/// The spaces seen now.
#[derive(Debug, Default)]
pub(crate) struct Nearby {
    seen: BTreeMap<SpaceId, SeenSpace>,
}

impl Nearby {
    /// Whether this changed anything.
    pub(crate) fn seen(&mut self, space: SeenSpace) -> bool {
        if self.seen.get(&space.space) == Some(&space)
            || (self.seen.len() >= SPACES && !self.seen.contains_key(&space.space))
        {
            return false;
        }
        self.seen.insert(space.space, space);
        true
    }

    pub(crate) fn gone(&mut self, space: SpaceId) -> bool {
        self.seen.remove(&space).is_some()
    }

    pub(crate) fn get(&self, space: SpaceId) -> Option<&SeenSpace> {
        self.seen.get(&space)
    }

    pub(crate) fn view(&self, joined: impl Fn(SpaceId) -> bool) -> Vec<NearbySpace> {
        self.seen
            .values()
            .map(|seen| NearbySpace {
                space: seen.space,
                name: seen.name.clone(),
                admission: seen.admission,
                addresses: seen.addresses.clone(),
                host: seen.host.clone(),
                joined: joined(seen.space),
            })
            .collect()
    }
}
