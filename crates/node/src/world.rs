//! The space and its rooms as their logs tell, for deciding and answering.
//!
//! A [`World`] is a snapshot that costs a few reference counts: the Hub owns the one that moves on,
//! hands a copy to whoever decides or reads, and changes its own in place as long as nobody else
//! holds that part of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use landline_protocol::up::{RoomInfo, SpaceInfo};
use landline_protocol::{MemberId, RoomId, RoomKind, RoomState, SpaceState};

/// The lowest `seq` of every log: nothing is taken from a log's beginning yet.
pub(crate) const FIRST: u64 = 1;

/// The space and its rooms.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) space: Arc<SpaceState>,
    pub(crate) rooms: Arc<BTreeMap<RoomId, Arc<RoomState>>>,
    /// Who is in which rooms by the rooms' logs. Rooms for everyone are in `for_all`.
    by_member: Arc<HashMap<MemberId, BTreeSet<RoomId>>>,
    for_all: Arc<BTreeSet<RoomId>>,
    /// How many are in the space; counted once, since every room's answer tells a number.
    here: u64,
    pub(crate) epoch: u64,
}

impl World {
    pub(crate) fn new(space: SpaceState, rooms: Vec<RoomState>, epoch: u64) -> Self {
        let mut world = Self {
            here: space.here(),
            space: Arc::new(space),
            rooms: Arc::default(),
            by_member: Arc::default(),
            for_all: Arc::default(),
            epoch,
        };
        for room in rooms {
            world.room_moves(Arc::new(room));
        }
        world
    }

    /// Takes over the state of the space.
    pub(crate) fn space_moves(&mut self, space: SpaceState) {
        self.here = space.here();
        self.space = Arc::new(space);
    }

    /// Takes over the state of a room, new or moved on.
    pub(crate) fn room_moves(&mut self, room: Arc<RoomState>) {
        let id = room.id;
        let before = Arc::make_mut(&mut self.rooms).insert(id, room.clone());
        if room.everyone {
            if before.is_none() {
                Arc::make_mut(&mut self.for_all).insert(id);
            }
            return;
        }
        let none = BTreeSet::new();
        let before = before.as_ref().map_or(&none, |room| &room.members);
        if *before == room.members {
            return;
        }
        let by_member = Arc::make_mut(&mut self.by_member);
        for gone in before.difference(&room.members) {
            if let Some(rooms) = by_member.get_mut(gone) {
                rooms.remove(&id);
            }
        }
        for come in room.members.difference(before) {
            by_member.entry(*come).or_default().insert(id);
        }
    }

    pub(crate) fn room(&self, id: RoomId) -> Option<&Arc<RoomState>> {
        self.rooms.get(&id)
    }

    /// How many rooms this person is in, of those that count for them.
    pub(crate) fn rooms_of(&self, member: &MemberId) -> usize {
        let mine = self.by_member.get(member).into_iter().flatten();
        let counted = mine.filter(|id| self.rooms.get(id).is_some_and(|r| r.counts_for(member)));
        self.for_all.len() + counted.count()
    }

    /// The rooms that this person may read, by id.
    pub(crate) fn my_rooms(&self, member: &MemberId) -> Vec<&Arc<RoomState>> {
        if !self.space.is_here(member) {
            return Vec::new();
        }
        let mine = self.by_member.get(member).into_iter().flatten();
        let ids: BTreeSet<&RoomId> = mine.chain(self.for_all.iter()).collect();
        ids.into_iter()
            .filter_map(|id| self.rooms.get(id))
            .collect()
    }

    /// How many may read the room now.
    pub(crate) fn member_count(&self, room: &RoomState) -> u64 {
        if room.everyone {
            self.here
        } else if self.here == self.space.people.len() as u64 {
            // Nobody has left the space: all who are in the room by its log are in it.
            room.members.len() as u64
        } else {
            room.member_count(&self.space)
        }
    }

    pub(crate) fn space_info(&self) -> SpaceInfo {
        SpaceInfo {
            id: self.space.id,
            name: self.space.name.clone(),
            admission: self.space.admission,
        }
    }

    /// A room in an answer; `delivered` and `read` are the asker's marks.
    pub(crate) fn room_info(&self, room: &RoomState, (delivered, read): (u64, u64)) -> RoomInfo {
        RoomInfo {
            id: room.id,
            kind: room.kind,
            name: room.name.clone(),
            topic: room.topic.clone(),
            archived: room.archived,
            everyone: room.everyone,
            member_count: self.member_count(room),
            first: FIRST,
            head: room.head,
            head_id: room.head_id,
            epoch: self.epoch,
            read,
            delivered,
            members: (room.kind == RoomKind::Direct)
                .then(|| room.members.iter().copied().collect()),
        }
    }

    /// Events in all logs together.
    pub(crate) fn events(&self) -> u64 {
        self.space.head + self.rooms.values().map(|room| room.head).sum::<u64>()
    }
}
