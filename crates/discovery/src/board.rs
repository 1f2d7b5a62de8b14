//! What has been heard, by whom, and what follows from it. No network here.

use std::collections::BTreeMap;

use landline_protocol::SpaceId;

use crate::addresses::{Heard, Interfaces, best_first};
use crate::txt::Words;
use crate::{Sighting, SpaceSeen};

/// Adverts that are kept; a flood of them must not fill the memory. The first ones stay.
const ADVERTS_MAX: usize = 512;
/// Addresses of one space that are passed on.
const ADDRESSES_MAX: usize = 16;

/// One advert as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heralded {
    pub(crate) words: Words,
    /// The host's name on the network.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) addresses: Vec<Heard>,
}

/// A space by id and fingerprint.
type Key = (SpaceId, Option<String>);

/// All spaces that are seen at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) spaces: BTreeMap<Key, SpaceSeen>,
    /// The adverts by others than us.
    others: Vec<SpaceSeen>,
}

impl Seen {
    /// Every advert of this space that is not our own: anybody may hang up one more.
    pub(crate) fn by_others(&self, space: SpaceId) -> impl Iterator<Item = &SpaceSeen> {
        self.others.iter().filter(move |seen| seen.space == space)
    }

    pub(crate) fn changes_since(&self, before: &Self) -> Vec<Sighting> {
        let gone = before
            .spaces
            .keys()
            .filter(|key| !self.spaces.contains_key(*key));
        let gone = gone.map(|(space, fingerprint)| Sighting::SpaceGone {
            space: *space,
            fingerprint: fingerprint.clone(),
        });
        let seen = self
            .spaces
            .iter()
            .filter(|(key, seen)| before.spaces.get(*key) != Some(*seen));
        gone.chain(seen.map(|(_, seen)| Sighting::SpaceSeen(seen.clone())))
            .collect()
    }
}

/// The adverts that are up, by their full name on the network. The name says nothing about the
/// space: two nodes may want the same one, and then it is changed.
#[derive(Debug, Default)]
pub(crate) struct Board {
    adverts: BTreeMap<String, Pinned>,
    round: u64,
}

#[derive(Debug)]
struct Pinned {
    heralded: Heralded,
    round: u64,
}

impl Board {
    pub(crate) fn heard(&mut self, fullname: String, heralded: Heralded) {
        if self.adverts.len() < ADVERTS_MAX || self.adverts.contains_key(&fullname) {
            self.adverts.insert(
                fullname,
                Pinned {
                    heralded,
                    round: self.round,
                },
            );
        }
    }

    pub(crate) fn removed(&mut self, fullname: &str) {
        self.adverts.remove(fullname);
    }

    /// Listening has begun anew: what is not heard again until [`Board::end_round`] is gone.
    pub(crate) fn begin_round(&mut self) {
        self.round += 1;
    }

    pub(crate) fn end_round(&mut self) {
        let round = self.round;
        self.adverts.retain(|_, pinned| pinned.round == round);
    }

    /// Two nodes wanted the name, and one of them was given another: `x.…` and `x (2).…`.
    pub(crate) fn has_namesake(&self, fullname: &str) -> bool {
        let wanted = wanted_name(fullname);
        let mut names = self.adverts.keys();
        names.any(|name| name != fullname && wanted_name(name) == wanted)
    }

    /// The names under which this space is advertised.
    pub(crate) fn names_of(&self, space: SpaceId) -> Vec<String> {
        let of = self
            .adverts
            .iter()
            .filter(|(_, pinned)| pinned.heralded.words.space == space);
        of.map(|(name, _)| name.clone()).collect()
    }

    /// All that is seen from a computer with these interfaces, whose own host names end so.
    pub(crate) fn seen(&self, interfaces: &Interfaces, own_end: &str) -> Seen {
        let mut seen = Seen::default();
        for Pinned { heralded, .. } in self.adverts.values() {
            let addresses = best_first(&heralded.addresses, heralded.port, interfaces);
            if addresses.is_empty() {
                continue;
            }
            let space = heralded.space_seen(addresses);
            let is_own = heralded.host.to_ascii_lowercase().ends_with(own_end);
            if !is_own {
                seen.others.push(space.clone());
            }
            let key = (space.space, space.fingerprint.clone());
            match seen.spaces.get_mut(&key) {
                Some(known) => merge(&mut known.addresses, space.addresses),
                None => {
                    seen.spaces.insert(key, space);
                }
            }
        }
        seen
    }
}

impl Heralded {
    fn space_seen(&self, mut addresses: Vec<String>) -> SpaceSeen {
        addresses.truncate(ADDRESSES_MAX);
        let Words {
            space,
            name,
            fingerprint,
            admission,
        } = self.words.clone();
        SpaceSeen {
            space,
            name,
            fingerprint,
            admission,
            addresses,
            host: host_for_people(&self.host),
        }
    }
}

fn wanted_name(fullname: &str) -> &str {
    let instance = fullname
        .split_once('.')
        .map_or(fullname, |(instance, _)| instance);
    instance
        .split_once(" (")
        .map_or(instance, |(wanted, _)| wanted)
}

/// The same space under two names: one node that was renamed on one of its networks, or two nodes.
fn merge(into: &mut Vec<String>, more: Vec<String>) {
    for address in more {
        if into.len() < ADDRESSES_MAX && !into.contains(&address) {
            into.push(address);
        }
    }
}

/// `annas-laptop-1a2b3c4d.local.` → `annas-laptop`; see [`crate::radio::host_name`].
fn host_for_people(host: &str) -> String {
    let host = host.trim_end_matches('.');
    let host = host.strip_suffix(".local").unwrap_or(host);
    let unique = |end: &str| end.len() == 8 && end.bytes().all(|b| b.is_ascii_hexdigit());
    let host = match host.rsplit_once('-') {
        Some((computer, end)) if unique(end) => computer,
        _ => host,
    };
    host.chars().filter(|c| !c.is_control()).take(63).collect()
}

#[cfg(test)]
mod tests {
    use landline_protocol::Admission;

    use super::*;

    fn space(number: u8) -> SpaceId {
        SpaceId::from_bytes([number; 16])
    }

    fn herald(number: u8, fingerprint: Option<&str>, host: &str, ip: &str) -> Heralded {
        let words = Words {
            space: space(number),
            name: format!("Space {number}"),
            fingerprint: fingerprint.map(str::to_owned),
            admission: Admission::Open,
        };
        let addresses = vec![Heard {
            ip: ip.parse().unwrap(),
            interfaces: vec![2],
        }];
        Heralded {
            words,
            host: host.to_owned(),
            port: 7717,
            addresses,
        }
    }

    fn look(board: &Board) -> Seen {
        board.seen(&Interfaces::default(), "-00000000.local.")
    }

    #[test]
    fn a_space_is_known_by_its_id_and_never_by_its_name() {
        let mut board = Board::default();
        board.heard(
            "abc._x".into(),
            herald(1, None, "anna-12345678.local.", "10.0.0.1"),
        );
        board.heard(
            "abc (2)._x".into(),
            herald(2, None, "ben.local.", "10.0.0.2"),
        );
        board.heard(
            "abc (3)._x".into(),
            herald(1, None, "anna-12345678.local.", "10.0.0.3"),
        );
        let seen = look(&board);
        let hosts: Vec<_> = seen
            .spaces
            .values()
            .map(|s| (s.host.as_str(), s.addresses.len()))
            .collect();
        assert_eq!(hosts, [("anna", 2), ("ben", 1)]);
        assert_eq!(board.names_of(space(1)), ["abc (3)._x", "abc._x"]);
    }

    #[test]
    fn a_copied_id_with_another_key_is_a_sighting_of_its_own() {
        let mut board = Board::default();
        board.heard(
            "a".into(),
            herald(1, Some("true"), "anna.local.", "10.0.0.1"),
        );
        board.heard(
            "b".into(),
            herald(1, Some("false"), "eve.local.", "10.0.0.66"),
        );
        let with_both = look(&board);
        assert_eq!(with_both.spaces.len(), 2);
        board.removed("b");
        let gone = Sighting::SpaceGone {
            space: space(1),
            fingerprint: Some("false".into()),
        };
        assert_eq!(look(&board).changes_since(&with_both), [gone]);
    }

    #[test]
    fn changes_are_told_once() {
        let mut board = Board::default();
        let nothing = look(&board);
        board.heard("a".into(), herald(1, None, "anna.local.", "10.0.0.1"));
        let first = look(&board);
        assert_eq!(first.changes_since(&nothing).len(), 1);
        board.heard("a".into(), herald(1, None, "anna.local.", "10.0.0.1"));
        assert_eq!(look(&board).changes_since(&first), []);
        board.heard("a".into(), herald(1, None, "anna.local.", "10.0.0.9"));
        assert!(matches!(
            look(&board).changes_since(&first)[..],
            [Sighting::SpaceSeen(_)]
        ));
    }

    #[test]
    fn our_own_advert_is_not_anothers() {
        let mut board = Board::default();
        board.heard(
            "a".into(),
            herald(1, None, "ME-00000000.local.", "10.0.0.1"),
        );
        assert_eq!(look(&board).by_others(space(1)).count(), 0);
        assert_eq!(look(&board).spaces.len(), 1);
        board.heard("b".into(), herald(1, None, "anna.local.", "10.0.0.2"));
        board.heard("c".into(), herald(1, None, "ben.local.", "10.0.0.3"));
        board.heard("d".into(), herald(2, None, "cleo.local.", "10.0.0.4"));
        let seen = look(&board);
        let hosts: Vec<&str> = seen.by_others(space(1)).map(|seen| &*seen.host).collect();
        assert_eq!(hosts, ["anna", "ben"], "none hides another");
    }

    #[test]
    fn what_is_not_heard_again_in_a_new_round_is_gone() {
        let mut board = Board::default();
        board.heard("a".into(), herald(1, None, "anna.local.", "10.0.0.1"));
        board.heard("b".into(), herald(2, None, "ben.local.", "10.0.0.2"));
        board.begin_round();
        assert_eq!(look(&board).spaces.len(), 2, "nothing flickers meanwhile");
        board.heard("b".into(), herald(2, None, "ben.local.", "10.0.0.2"));
        board.end_round();
        assert_eq!(board.names_of(space(1)), Vec::<String>::new());
        assert_eq!(board.names_of(space(2)), ["b"]);
    }

    #[test]
    fn those_who_wanted_one_name_are_known_as_namesakes() {
        let mut board = Board::default();
        for name in [
            "0193e0f0._x._tcp.local.",
            "0193e0f0 (2)._x._tcp.local.",
            "abc._x._tcp.local.",
        ] {
            board.heard(name.into(), herald(1, None, "anna.local.", "10.0.0.1"));
        }
        assert!(board.has_namesake("0193e0f0._x._tcp.local."));
        assert!(board.has_namesake("0193e0f0 (2)._x._tcp.local."));
        assert!(!board.has_namesake("abc._x._tcp.local."));
        board.removed("0193e0f0._x._tcp.local.");
        assert!(!board.has_namesake("0193e0f0 (2)._x._tcp.local."));
    }

    #[test]
    fn a_flood_of_adverts_and_addresses_is_bounded_and_hides_nobody_known() {
        let mut board = Board::default();
        board.heard("anna".into(), herald(1, None, "anna.local.", "10.0.0.1"));
        for number in 0..10_000 {
            board.heard(
                format!("eve {number}"),
                herald(2, None, "eve.local.", "10.0.0.2"),
            );
        }
        assert_eq!(board.adverts.len(), ADVERTS_MAX);
        let mut many = herald(1, None, "anna.local.", "10.0.0.1");
        many.addresses = (0..200)
            .map(|n| Heard {
                ip: [10, 0, 1, n].into(),
                interfaces: vec![2],
            })
            .collect();
        board.heard("anna".into(), many);
        assert_eq!(
            look(&board).spaces[&(space(1), None)].addresses.len(),
            ADDRESSES_MAX
        );
    }

    #[test]
    fn host_names_are_shown_without_what_makes_them_unique() {
        for (host, shown) in [
            ("annas-laptop-1a2b3c4d.local.", "annas-laptop"),
            ("annas-laptop.local.", "annas-laptop"),
            ("annas-computer.local", "annas-computer"),
            ("1a2b3c4d.local.", "1a2b3c4d"),
            ("a\u{7}b.local.", "ab"),
            ("", ""),
        ] {
            assert_eq!(host_for_people(host), shown);
        }
    }
}
