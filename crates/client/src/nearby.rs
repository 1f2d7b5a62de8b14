//! Spaces near this computer, as discovery reports them. A hint from anybody: it is dialled and
//! shown, never trusted.

use std::collections::BTreeMap;

use landline_discovery::SpaceSeen;
use landline_protocol::SpaceId;

use crate::ui::NearbySpace;

/// Whoever copies the id of a space shows another key, and can't hide the true one.
type Shown = (SpaceId, Option<String>);

/// The spaces seen now. How many there may be is bounded where they are heard.
#[derive(Debug, Default)]
pub(crate) struct Nearby {
    seen: BTreeMap<Shown, SpaceSeen>,
}

impl Nearby {
    /// Whether this changed anything.
    pub(crate) fn seen(&mut self, space: SpaceSeen) -> bool {
        let shown = (space.space, space.fingerprint.clone());
        let before = self.seen.insert(shown.clone(), space);
        before.as_ref() != self.seen.get(&shown)
    }

    pub(crate) fn gone(&mut self, space: SpaceId, fingerprint: Option<String>) -> bool {
        self.seen.remove(&(space, fingerprint)).is_some()
    }

    /// The space where it is seen with this key; `None` for the key: with any.
    pub(crate) fn get(&self, space: SpaceId, fingerprint: Option<&str>) -> Option<&SpaceSeen> {
        self.seen.values().find(|seen| {
            seen.space == space
                && (fingerprint.is_none() || seen.fingerprint.as_deref() == fingerprint)
        })
    }

    /// What is shown: of a space that is known, only what shows its key. `known` answers whether a
    /// space is known, and with which key.
    pub(crate) fn view(
        &self,
        known: impl Fn(SpaceId) -> Option<Option<String>>,
    ) -> Vec<NearbySpace> {
        let mut views = Vec::new();
        for seen in self.seen.values() {
            let joined = known(seen.space);
            let another_key = |key: &Option<String>| key.is_some() && *key != seen.fingerprint;
            if joined.as_ref().is_some_and(another_key) {
                continue;
            }
            views.push(NearbySpace {
                space: seen.space,
                name: seen.name.clone(),
                admission: seen.admission,
                addresses: seen.addresses.clone(),
                host: seen.host.clone(),
                joined: joined.is_some(),
            });
        }
        views
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::Admission;

    use super::*;

    fn seen(space: u8, fingerprint: Option<&str>) -> SpaceSeen {
        SpaceSeen {
            space: SpaceId::from_bytes([space; 16]),
            name: "Studio".into(),
            fingerprint: fingerprint.map(str::to_owned),
            admission: Admission::Open,
            addresses: vec!["10.0.0.2:7717".into()],
            host: "desk".into(),
        }
    }

    #[test]
    fn of_a_known_space_only_what_shows_its_key_is_shown() {
        let mut nearby = Nearby::default();
        assert!(nearby.seen(seen(1, Some("true"))));
        assert!(nearby.seen(seen(1, Some("copied"))));
        assert!(nearby.seen(seen(2, None)));
        assert!(!nearby.seen(seen(2, None)), "nothing new");
        let first = SpaceId::from_bytes([1; 16]);
        let shown = nearby.view(|space| (space == first).then(|| Some("true".to_owned())));
        assert_eq!(
            shown.iter().map(|space| space.joined).collect::<Vec<_>>(),
            [true, false]
        );
        assert_eq!(nearby.view(|_| None).len(), 3);
        assert_eq!(
            nearby
                .get(first, Some("true"))
                .unwrap()
                .fingerprint
                .as_deref(),
            Some("true")
        );
        assert!(nearby.gone(first, Some("copied".into())));
        assert_eq!(nearby.view(|_| None).len(), 2);
    }
}
