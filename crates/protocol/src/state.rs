//! What follows from a log for the room and for the space: who is in it, what it is called.
//!
//! A node keeps these in memory and decides by them. They are moved by [`RoomState::apply`] and
//! [`SpaceState::apply`] only, with events in `seq` order. Applying can't fail: what is in the log
//! was accepted.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::MAX_FILE_BYTES;
use crate::{Admission, Content, Event, EventId, MemberId, Role, RoomId, RoomKind, SpaceId};

/// A member of the space, or one who was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub role: Role,
    /// Milliseconds since 1970 by the node's clock; 0: not muted.
    pub muted_until: i64,
    pub banned: bool,
    /// Has left the space and may be admitted again.
    pub left: bool,
}

impl Person {
    /// In the space, and not banned from it.
    pub const fn is_here(&self) -> bool {
        !self.banned && !self.left
    }
}

/// The space as its directory tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceState {
    pub id: SpaceId,
    pub name: String,
    pub admission: Admission,
    pub max_file_bytes: u64,
    pub people: BTreeMap<MemberId, Person>,
    /// The last `seq` of the directory; 0 before the first.
    pub head: u64,
    pub head_id: Option<EventId>,
    /// `accepted_at` of that event: times never fall within a log.
    pub last_accepted_at: i64,
}

impl SpaceState {
    pub const fn new(id: SpaceId) -> Self {
        Self {
            id,
            name: String::new(),
            admission: Admission::Open,
            max_file_bytes: MAX_FILE_BYTES,
            people: BTreeMap::new(),
            head: 0,
            head_id: None,
            last_accepted_at: 0,
        }
    }

    /// One who may sign in and be in rooms.
    pub fn is_here(&self, member: &MemberId) -> bool {
        self.people.get(member).is_some_and(Person::is_here)
    }

    /// The role of one who is here; a guest's, the least, of anybody else.
    pub fn role(&self, member: &MemberId) -> Role {
        self.people
            .get(member)
            .filter(|person| person.is_here())
            .map_or(Role::Guest, |person| person.role)
    }

    /// How many are here.
    pub fn here(&self) -> u64 {
        self.people
            .values()
            .filter(|person| person.is_here())
            .count() as u64
    }

    /// The only owner that the space has.
    pub fn is_last_owner(&self, member: &MemberId) -> bool {
        let mut owners = self
            .people
            .iter()
            .filter(|(_, person)| person.is_here() && person.role == Role::Owner);
        matches!((owners.next(), owners.next()), (Some((one, _)), None) if one == member)
    }

    /// Moves on by one event of the directory.
    pub fn apply(&mut self, event: &Event, content: &Content) {
        self.head = event.seq;
        self.head_id = Some(event.id);
        self.last_accepted_at = event.accepted_at;
        match content {
            Content::SpaceCreated(created) => self.name = created.name.trim().to_owned(),
            Content::Admitted(admitted) => {
                let muted_until = self
                    .people
                    .get(&admitted.member)
                    .map_or(0, |person| person.muted_until);
                let person = Person {
                    name: admitted.name.trim().to_owned(),
                    role: admitted.role,
                    // Leaving and coming back is no way out of a mute.
                    muted_until,
                    banned: false,
                    left: false,
                };
                self.people.insert(admitted.member, person);
            }
            Content::Profile(profile) => {
                if let (Some(name), Some(person)) =
                    (&profile.name, self.people.get_mut(&event.author))
                {
                    person.name = name.trim().to_owned();
                }
            }
            Content::Role(changed) => {
                if let Some(person) = self.people.get_mut(&changed.member) {
                    person.role = changed.role;
                }
            }
            Content::Muted(muted) => {
                if let Some(person) = self.people.get_mut(&muted.member) {
                    person.muted_until = muted.until;
                }
            }
            Content::Banned(banned) => {
                if let Some(person) = self.people.get_mut(&banned.member) {
                    person.banned = banned.on;
                }
            }
            Content::Left => {
                if let Some(person) = self.people.get_mut(&event.author) {
                    person.left = true;
                }
            }
            Content::Settings(settings) => {
                if let Some(name) = &settings.name {
                    self.name = name.trim().to_owned();
                }
                if let Some(admission) = settings.admission {
                    self.admission = admission;
                }
                if let Some(bytes) = settings.max_file_bytes {
                    self.max_file_bytes = bytes;
                }
            }
            Content::Message(_)
            | Content::Edit(_)
            | Content::Delete(_)
            | Content::Reaction(_)
            | Content::Pin(_)
            | Content::RoomCreated(_)
            | Content::RoomChanged(_)
            | Content::Joined
            | Content::Invited(_)
            | Content::Removed(_)
            | Content::Unknown => {}
        }
    }
}

/// A room as its log tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomState {
    pub id: RoomId,
    pub kind: RoomKind,
    pub name: String,
    pub topic: String,
    pub archived: bool,
    /// All who are in the space are in it; `members` is empty then.
    pub everyone: bool,
    pub creator: MemberId,
    /// Who is in it by its log. They must be in the space too: ask [`RoomState::has`].
    pub members: BTreeSet<MemberId>,
    /// Who was removed and comes back by invitation only.
    pub removed: BTreeSet<MemberId>,
    pub head: u64,
    pub head_id: EventId,
    pub last_accepted_at: i64,
}

impl RoomState {
    /// The state after the first event of a room, if that is what this is.
    pub fn created(event: &Event, content: &Content) -> Option<Self> {
        let Content::RoomCreated(created) = content else {
            return None;
        };
        let mut members: BTreeSet<MemberId> = created.members.iter().copied().collect();
        if !created.everyone {
            members.insert(event.author);
        }
        Some(Self {
            id: event.room,
            kind: created.kind,
            name: created.name.trim().to_owned(),
            topic: created.topic.clone(),
            archived: false,
            everyone: created.everyone,
            creator: event.author,
            members,
            removed: BTreeSet::new(),
            head: event.seq,
            head_id: event.id,
            last_accepted_at: event.accepted_at,
        })
    }

    /// Moves on by one event of this room.
    pub fn apply(&mut self, event: &Event, content: &Content) {
        self.head = event.seq;
        self.head_id = event.id;
        self.last_accepted_at = event.accepted_at;
        match content {
            Content::RoomChanged(changed) => {
                if let Some(name) = &changed.name {
                    self.name = name.trim().to_owned();
                }
                if let Some(topic) = &changed.topic {
                    self.topic.clone_from(topic);
                }
                if let Some(archived) = changed.archived {
                    self.archived = archived;
                }
            }
            Content::Joined => {
                self.members.insert(event.author);
            }
            Content::Left => {
                self.members.remove(&event.author);
            }
            Content::Invited(invited) => {
                self.members.insert(invited.member);
                self.removed.remove(&invited.member);
            }
            Content::Removed(removed) => {
                self.members.remove(&removed.member);
                self.removed.insert(removed.member);
            }
            Content::Message(_)
            | Content::Edit(_)
            | Content::Delete(_)
            | Content::Reaction(_)
            | Content::Pin(_)
            | Content::RoomCreated(_)
            | Content::SpaceCreated(_)
            | Content::Admitted(_)
            | Content::Profile(_)
            | Content::Role(_)
            | Content::Muted(_)
            | Content::Banned(_)
            | Content::Settings(_)
            | Content::Unknown => {}
        }
    }

    /// Whether the room is one of the so many that this person may be in. A direct room is its
    /// creator's alone: the others were not asked and can't leave it, and who is put into many must
    /// not be kept from all rooms to come.
    pub fn counts_for(&self, member: &MemberId) -> bool {
        self.kind != RoomKind::Direct || self.creator == *member
    }

    /// Whether this person may read the room now.
    pub fn has(&self, space: &SpaceState, member: &MemberId) -> bool {
        space.is_here(member) && (self.everyone || self.members.contains(member))
    }

    /// Who may read the room now, by id.
    pub fn people<'a>(
        &'a self,
        space: &'a SpaceState,
    ) -> Box<dyn Iterator<Item = &'a MemberId> + 'a> {
        if self.everyone {
            Box::new(
                space
                    .people
                    .iter()
                    .filter(|(_, person)| person.is_here())
                    .map(|(id, _)| id),
            )
        } else {
            Box::new(self.members.iter().filter(|member| space.is_here(member)))
        }
    }

    /// How many may read the room now.
    pub fn member_count(&self, space: &SpaceState) -> u64 {
        self.people(space).count() as u64
    }
}
