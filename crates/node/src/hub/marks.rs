//! How far everybody has received and read each room: kept in memory, told in gathered changes,
//! stored lazily. A mark that a crash takes is set again by the client.

use std::collections::{BTreeSet, HashMap, HashSet};

use landline_protocol::down::{MarkChange, MarkChanges};
use landline_protocol::{MemberId, RoomId};

/// A member's marks in a room, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkRow {
    pub(crate) room: RoomId,
    pub(crate) change: MarkChange,
}

/// Everybody's marks.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    rooms: HashMap<RoomId, HashMap<MemberId, MarkChange>>,
    changed: HashMap<RoomId, BTreeSet<MemberId>>,
    unstored: HashSet<(RoomId, MemberId)>,
}

impl Marks {
    pub(crate) fn new(rows: impl IntoIterator<Item = MarkRow>) -> Self {
        let mut marks = Self::default();
        for MarkRow { room, change } in rows {
            marks
                .rooms
                .entry(room)
                .or_default()
                .insert(change.member, change);
        }
        marks
    }

    /// `(delivered, read)`; 0 where nothing is marked.
    pub(super) fn of(&self, room: RoomId, member: &MemberId) -> (u64, u64) {
        let mark = self.rooms.get(&room).and_then(|marks| marks.get(member));
        mark.map_or((0, 0), |mark| (mark.delivered, mark.read))
    }

    /// Moves a member's marks forward, never back and at most to `head`. What is read is delivered.
    pub(super) fn mark(
        &mut self,
        room: RoomId,
        member: MemberId,
        delivered: Option<u64>,
        read: Option<u64>,
        head: u64,
    ) {
        let (old_delivered, old_read) = self.of(room, &member);
        let read = read.unwrap_or(0).min(head).max(old_read);
        let delivered = delivered
            .unwrap_or(0)
            .min(head)
            .max(old_delivered)
            .max(read);
        if (delivered, read) == (old_delivered, old_read) {
            return;
        }
        let change = MarkChange {
            member,
            delivered,
            read,
        };
        self.rooms.entry(room).or_default().insert(member, change);
        self.changed.entry(room).or_default().insert(member);
        self.unstored.insert((room, member));
    }

    pub(super) fn all(&self, room: RoomId) -> Vec<MarkChange> {
        let mut all: Vec<_> = self
            .rooms
            .get(&room)
            .into_iter()
            .flat_map(HashMap::values)
            .copied()
            .collect();
        all.sort_by_key(|mark| mark.member);
        all
    }

    /// What has changed since the last time.
    pub(super) fn take_changes(&mut self) -> Vec<MarkChanges> {
        let changed = std::mem::take(&mut self.changed);
        let told = changed.into_iter().map(|(room, members)| {
            let marks = self.rooms.get(&room);
            let changes = members
                .iter()
                .filter_map(|member| marks?.get(member))
                .copied()
                .collect();
            MarkChanges { room, changes }
        });
        told.collect()
    }

    /// What was taken to be stored was not.
    pub(super) fn store_again(&mut self) {
        let rooms = self.rooms.iter();
        let all = rooms.flat_map(|(room, marks)| marks.keys().map(|member| (*room, *member)));
        self.unstored.extend(all);
    }

    /// What is to be stored.
    pub(super) fn take_unstored(&mut self) -> Vec<MarkRow> {
        let unstored = std::mem::take(&mut self.unstored);
        let rows = unstored.into_iter().filter_map(|(room, member)| {
            let change = *self.rooms.get(&room)?.get(&member)?;
            Some(MarkRow { room, change })
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_goes_forward_to_the_head_and_never_back() {
        let (mut marks, room) = (Marks::default(), RoomId::from_bytes([1; 16]));
        let me = MemberId::from_bytes([7; 32]);
        marks.mark(room, me, Some(5), None, 10);
        assert_eq!(marks.of(room, &me), (5, 0));
        marks.mark(room, me, Some(3), Some(4), 10);
        assert_eq!(marks.of(room, &me), (5, 4));
        marks.mark(room, me, None, Some(99), 10);
        assert_eq!(marks.of(room, &me), (10, 10), "what is read is delivered");
        marks.mark(room, me, Some(1), Some(1), 10);
        assert_eq!(marks.take_changes()[0].changes[0].read, 10);
        assert!(marks.take_changes().is_empty());
        assert_eq!(marks.take_unstored().len(), 1);
        assert!(marks.take_unstored().is_empty());
    }
}
