//! Requests that change nothing durable and need no disk.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use landline_protocol::access::{self, no_such_room};
use landline_protocol::limits::{MEMBERS_PAGE, ROOMS_PAGE};
use landline_protocol::up::{
    Mark, MarksPage, MemberInfo, Members, MembersPage, MyRooms, Presence, Rooms, RoomsPage, Typing,
    Watch, Watched,
};
use landline_protocol::{Code, MemberId, Refusal, RoomId, RoomState};
use tokio::time::Instant;

use super::{Hub, Nothing};
use crate::session::SessionId;

/// Between two marks of one connection in one room.
const MARK_EVERY: Duration = Duration::from_secs(1);

impl Hub {
    pub(super) fn my_rooms(
        &self,
        member: &MemberId,
        request: &MyRooms,
    ) -> Result<RoomsPage, Refusal> {
        let rooms = self.world.my_rooms(member);
        let rooms = rooms
            .into_iter()
            .filter(|room| request.after.is_none_or(|id| room.id > id));
        Ok(self.rooms_page(rooms, member, request.limit))
    }

    pub(super) fn rooms_to_join(
        &self,
        member: &MemberId,
        request: &Rooms,
    ) -> Result<RoomsPage, Refusal> {
        let wanted = request
            .query
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        let after = request.after.map_or(Bound::Unbounded, Bound::Excluded);
        let rooms = self
            .world
            .rooms
            .range((after, Bound::Unbounded))
            .map(|(_, room)| room);
        let rooms = rooms
            .filter(|room| access::may_join(&self.world.space, room, member))
            .filter(|room| room.name.to_lowercase().contains(&wanted));
        Ok(self.rooms_page(rooms, member, request.limit))
    }

    fn rooms_page<'a>(
        &self,
        rooms: impl Iterator<Item = &'a Arc<RoomState>>,
        member: &MemberId,
        limit: Option<u64>,
    ) -> RoomsPage {
        let limit = page_limit(limit, ROOMS_PAGE);
        let mut rooms = rooms.map(|r| self.world.room_info(r, self.marks.of(r.id, member)));
        let page: Vec<_> = rooms.by_ref().take(limit).collect();
        RoomsPage {
            more: rooms.next().is_some(),
            rooms: page,
        }
    }

    pub(super) fn members(
        &self,
        member: &MemberId,
        request: &Members,
    ) -> Result<MembersPage, Refusal> {
        let space = &self.world.space;
        let room = match request.room {
            Some(room) if room != space.id.directory() => Some(self.readable(room, member)?),
            Some(_) | None => None,
        };
        let wanted = request
            .query
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        let limit = page_limit(request.limit, MEMBERS_PAGE);
        let after = request.after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut members = space
            .people
            .range((after, Bound::Unbounded))
            .filter(|(_, person)| person.is_here())
            .filter(|(id, _)| room.is_none_or(|room| room.has(space, id)))
            .filter(|(_, person)| person.name.to_lowercase().contains(&wanted))
            .map(|(id, person)| {
                let presence = self.people.presence(id);
                MemberInfo {
                    id: *id,
                    name: person.name.clone(),
                    role: person.role,
                    state: presence.state,
                    last_seen: presence.last_seen,
                }
            });
        let page: Vec<_> = members.by_ref().take(limit).collect();
        Ok(MembersPage {
            more: members.next().is_some(),
            members: page,
        })
    }

    pub(super) fn marks_of(&self, member: &MemberId, room: RoomId) -> Result<MarksPage, Refusal> {
        self.readable(room, member)?;
        Ok(MarksPage {
            changes: self.marks.all(room),
        })
    }

    pub(super) fn mark(
        &mut self,
        session: SessionId,
        member: MemberId,
        request: &Mark,
    ) -> Result<Nothing, Refusal> {
        let head = self.readable(request.room, &member)?.head;
        let now = Instant::now();
        self.people
            .may_mark(session, request.room, MARK_EVERY, now)
            .map_err(|wait| {
                let words = "at most one mark a second and room";
                Refusal::new(Code::TooManyRequests, words).retry_after(wait)
            })?;
        self.marks
            .mark(request.room, member, request.delivered, request.read, head);
        Ok(Nothing {})
    }

    pub(super) fn type_in(
        &mut self,
        member: MemberId,
        request: &Typing,
    ) -> Result<Nothing, Refusal> {
        let room = self.readable(request.room, &member)?;
        if request.on {
            access::may_type(&self.world.space, room, &member, self.clock.now())?;
            self.typing.types(request.room, member, Instant::now());
        } else {
            self.typing.stops(request.room, &member);
        }
        Ok(Nothing {})
    }

    pub(super) fn show(
        &mut self,
        session: SessionId,
        member: &MemberId,
        request: Presence,
    ) -> Result<Nothing, Refusal> {
        let text = request.text.unwrap_or_default();
        // What they show already may stay: their state is theirs to change.
        if !text.is_empty() && self.people.shown(session) != Some(&text) {
            access::may_be_heard(&self.world.space, member, self.clock.now())?;
        }
        self.people.shows(session, request.state, text);
        Ok(Nothing {})
    }

    pub(super) fn watch(&mut self, session: SessionId, request: Watch) -> Watched {
        let known = |member: &MemberId| self.world.space.people.contains_key(member);
        let members: Vec<_> = request.members.into_iter().filter(known).collect();
        let presence = members
            .iter()
            .map(|member| self.people.presence(member))
            .collect();
        self.people.watch(session, members);
        Watched { presence }
    }

    pub(super) fn readable(
        &self,
        room: RoomId,
        member: &MemberId,
    ) -> Result<&Arc<RoomState>, Refusal> {
        let room = self.world.room(room).ok_or_else(no_such_room)?;
        access::may_read(&self.world.space, room, member)?;
        Ok(room)
    }
}

pub(super) fn page_limit(asked: Option<u64>, most: usize) -> usize {
    asked
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(most)
        .min(most)
}
