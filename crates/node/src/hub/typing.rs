//! Who types where: told in gathered changes, forgotten after a while, never stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use landline_protocol::down::TypingNow;
use landline_protocol::limits::{TYPING_FORGOTTEN_MS, TYPING_NAMES};
use landline_protocol::{MemberId, RoomId};
use tokio::time::Instant;

/// Who types where.
#[derive(Debug, Default)]
pub(super) struct Typing {
    /// Each with when it is forgotten.
    rooms: HashMap<RoomId, BTreeMap<MemberId, Instant>>,
    changed: BTreeSet<RoomId>,
}

impl Typing {
    pub(super) fn types(&mut self, room: RoomId, member: MemberId, now: Instant) {
        let until = now + Duration::from_millis(TYPING_FORGOTTEN_MS);
        self.rooms.entry(room).or_default().insert(member, until);
        // Said again even where nothing changes: clients forget by the same time.
        self.changed.insert(room);
    }

    pub(super) fn stops(&mut self, room: RoomId, member: &MemberId) {
        let Some(typing) = self.rooms.get_mut(&room) else {
            return;
        };
        if typing.remove(member).is_some() {
            self.changed.insert(room);
        }
    }

    pub(super) fn stops_everywhere(&mut self, member: &MemberId) {
        for (room, typing) in &mut self.rooms {
            if typing.remove(member).is_some() {
                self.changed.insert(*room);
            }
        }
    }

    /// What has changed since the last time.
    pub(super) fn take_changes(&mut self, now: Instant) -> Vec<TypingNow> {
        for (room, typing) in &mut self.rooms {
            let before = typing.len();
            typing.retain(|_, until| *until > now);
            if typing.len() != before {
                self.changed.insert(*room);
            }
        }
        let changed = std::mem::take(&mut self.changed);
        let told = changed.into_iter().map(|room| self.now(room)).collect();
        self.rooms.retain(|_, typing| !typing.is_empty());
        told
    }

    fn now(&self, room: RoomId) -> TypingNow {
        let typing = self.rooms.get(&room);
        let members: Vec<_> = typing
            .into_iter()
            .flat_map(BTreeMap::keys)
            .take(TYPING_NAMES)
            .copied()
            .collect();
        let more = typing
            .map_or(0, BTreeMap::len)
            .saturating_sub(members.len()) as u64;
        TypingNow {
            room,
            members,
            more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u8) -> MemberId {
        MemberId::from_bytes([n; 32])
    }

    #[test]
    fn who_falls_silent_is_forgotten_and_that_is_told_once() {
        let (mut typing, room, start) = (
            Typing::default(),
            RoomId::from_bytes([1; 16]),
            Instant::now(),
        );
        typing.types(room, member(1), start);
        assert_eq!(typing.take_changes(start)[0].members, [member(1)]);
        assert!(typing.take_changes(start).is_empty());
        let later = start + Duration::from_millis(TYPING_FORGOTTEN_MS);
        assert!(typing.take_changes(later)[0].members.is_empty());
        assert!(typing.take_changes(later).is_empty());
        assert!(typing.rooms.is_empty());
    }

    #[test]
    fn five_are_named_and_the_others_counted() {
        let (mut typing, room, now) = (
            Typing::default(),
            RoomId::from_bytes([1; 16]),
            Instant::now(),
        );
        for n in 0..8 {
            typing.types(room, member(n), now);
        }
        let told = typing.take_changes(now);
        assert_eq!((told[0].members.len(), told[0].more), (5, 3));
    }
}
