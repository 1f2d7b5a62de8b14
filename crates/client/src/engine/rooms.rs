//! What the person does with rooms: make, join, leave and forget them, change them, bring people
//! in and send them out, and choose what of them disturbs.

use landline_protocol::access::RoomRights;
use landline_protocol::limits::ROOMS_PAGE;
use landline_protocol::up::Rooms;
use landline_protocol::{
    Code, Content, EventId, Invited, MemberId, Refusal, Removed, RoomChanged, RoomCreated, RoomId,
    RoomKind, direct_room_id,
};
use landline_store::choices::{self, Choice};
use landline_store::{forget, outbox};

use super::marks::no_room;
use super::online::Asked;
use super::room::{Room, created};
use super::{Engine, Phase, views};
use crate::ClientError;
use crate::command::{
    ChangeRoom, CreateRoom, ItemAnswer, LeaveRoom, MarkUnread, Nothing, RoomAnswer, RoomMember,
    SetLevel,
};
use crate::home::Reply;
use crate::sync::Sync;
use crate::ui::UiEvent;

impl Engine {
    pub(super) async fn create_room(&mut self, request: CreateRoom) -> Result<RoomAnswer, Refusal> {
        let me = self.me();
        let mut members: Vec<MemberId> = request.members;
        match request.kind {
            RoomKind::Public => members.clear(),
            RoomKind::Private | RoomKind::Direct | RoomKind::Unknown => members.push(me),
        }
        members.sort();
        members.dedup();
        let room = match request.kind {
            RoomKind::Direct => direct_room_id(self.space(), &members),
            RoomKind::Public | RoomKind::Private | RoomKind::Unknown => {
                self.refuse_namesake(&request.name, None)?;
                self.config.random.room_id(self.config.clock.now())
            }
        };
        if self.rooms.get(&room).is_some_and(|room| room.open) {
            return Ok(RoomAnswer { room });
        }
        let content = RoomCreated {
            kind: request.kind,
            name: request.name.trim().to_owned(),
            topic: request.topic.trim().to_owned(),
            members,
            everyone: false,
        };
        let event = self.new_event(room, &Content::RoomCreated(content.clone()))?;
        let id = event.id;
        self.queue(vec![event]).await?;
        let info = created(room, id, &content);
        let new = || Room::new(info, true, Sync::new(Vec::new(), None));
        self.rooms.entry(room).or_insert_with(new);
        self.out.room_changed(room);
        Ok(RoomAnswer { room })
    }

    /// A node keeps any number of rooms of one name, but nobody could tell them apart. `but`: the
    /// room that is to be called so.
    fn refuse_namesake(&self, name: &str, but: Option<RoomId>) -> Result<(), Refusal> {
        let wanted = name.trim().to_lowercase();
        let is_it = |(id, room): (&RoomId, &Room)| {
            let info = &room.info;
            Some(*id) != but
                && room.is_open()
                && info.kind != RoomKind::Direct
                && info.name.to_lowercase() == wanted
        };
        if self.rooms.iter().any(is_it) {
            let words = format!("you are in a room called {} already", name.trim());
            return Err(Refusal::new(Code::Conflict, words));
        }
        Ok(())
    }

    pub(super) async fn join_room(&mut self, id: RoomId) -> Result<Nothing, Refusal> {
        let room = self.rooms.get(&id);
        if room.is_some_and(Room::is_open) {
            return Ok(Nothing {});
        }
        // Whoever comes again has changed their mind about all of it.
        let choice = room.map(|room| Choice {
            forget: false,
            ..room.choice
        });
        let is_in = room.is_some_and(|room| room.open);
        let left = self.queued_leaving(id).await?;
        let mut events = Vec::new();
        if left.is_none() || !is_in {
            events.push(self.new_event(id, &Content::Joined)?);
        }
        self.queue_with(events, move |c| {
            if let Some(left) = left {
                outbox::discard(c, left)?;
            }
            choice.map_or(Ok(()), |choice| choices::set(c, id, choice))
        })
        .await?;
        if let Some(left) = left {
            self.out.say(UiEvent::ItemGone {
                space: self.space(),
                room: id,
                id: left,
            });
        }
        if let Some(room) = self.rooms.get_mut(&id) {
            room.leaving = false;
            room.choice = choice.unwrap_or(room.choice);
        }
        self.out.room_changed(id);
        Ok(Nothing {})
    }

    /// That I have left a room, where only this device knows it.
    async fn queued_leaving(&self, id: RoomId) -> Result<Option<EventId>, ClientError> {
        let waiting = self.config.store.read(move |c| outbox::of_room(c, id));
        let left = waiting.await?.into_iter().find(|waiting| {
            waiting.state == outbox::State::Queued
                && matches!(Content::read(&waiting.event.content), Content::Left)
        });
        Ok(left.map(|left| left.event.id))
    }

    /// It is closed at once, whatever the node knows of it.
    pub(super) async fn leave_room(&mut self, request: LeaveRoom) -> Result<Nothing, Refusal> {
        let id = request.room;
        let room = self.rooms.get(&id).ok_or_else(no_room)?;
        if room.info.everyone || room.info.kind == RoomKind::Direct {
            return Err(Refusal::not_allowed("nobody leaves this room"));
        }
        if !room.is_open() {
            return Ok(Nothing {});
        }
        let choice = Choice {
            forget: request.forget,
            ..room.choice
        };
        let event = self.new_event(id, &Content::Left)?;
        self.queue_with(vec![event], move |c| choices::set(c, id, choice))
            .await?;
        if let Some(room) = self.rooms.get_mut(&id) {
            room.choice = choice;
            room.leaving = true;
        }
        self.out.room_changed(id);
        Ok(Nothing {})
    }

    /// Deletes what is kept of a room one is no longer in.
    pub(super) async fn forget_room(&mut self, id: RoomId) -> Result<Nothing, Refusal> {
        let room = self.rooms.get(&id).ok_or_else(no_room)?;
        if room.is_open() {
            return Err(Refusal::not_allowed("leave the room first"));
        }
        if room.open {
            // The node has yet to hear that one has left.
            let choice = Choice {
                forget: true,
                ..room.choice
            };
            self.choose(id, choice).await?;
            return Ok(Nothing {});
        }
        self.forget(id).await?;
        Ok(Nothing {})
    }

    pub(super) async fn forget(&mut self, id: RoomId) -> Result<(), ClientError> {
        self.config
            .store
            .write(move |c| Ok::<_, ClientError>(forget(c, id)?))
            .await?;
        self.forgotten(id);
        Ok(())
    }

    /// Nothing of it is on the disk any more.
    pub(super) fn forgotten(&mut self, id: RoomId) {
        self.rooms.remove(&id);
        self.due.remove(&id);
        self.marks.forget(id);
        self.transfers.have_changed();
        self.out.forget(id);
        self.out.space_changed();
    }

    pub(super) async fn change_room(&mut self, request: ChangeRoom) -> Result<ItemAnswer, Refusal> {
        let ChangeRoom {
            room,
            name,
            topic,
            archived,
            ..
        } = request;
        if !self.rights(room).await?.change {
            return Err(Refusal::not_allowed(
                "only the room's creator or an admin may do that",
            ));
        }
        if let Some(name) = &name {
            self.refuse_namesake(name, Some(room))?;
        }
        let content = Content::RoomChanged(RoomChanged {
            name: name.map(|name| name.trim().to_owned()),
            topic: topic.map(|topic| topic.trim().to_owned()),
            archived,
        });
        self.queue_in(room, &content).await
    }

    pub(super) async fn invite(&mut self, request: RoomMember) -> Result<ItemAnswer, Refusal> {
        let RoomMember { room, member, .. } = request;
        if !self.rights(room).await?.invite {
            return Err(Refusal::not_allowed("nobody can be invited to this room"));
        }
        if !self.people.is_here(member) {
            return Err(Refusal::not_found("there is no such member"));
        }
        let content = Content::Invited(Invited {
            member,
            reason: None,
        });
        self.queue_in(room, &content).await
    }

    pub(super) async fn remove(&mut self, request: RoomMember) -> Result<ItemAnswer, Refusal> {
        let RoomMember { room, member, .. } = request;
        if !self.rights(room).await?.remove {
            return Err(Refusal::not_allowed(
                "only the room's creator or an admin may do that",
            ));
        }
        let content = Content::Removed(Removed {
            member,
            reason: None,
        });
        self.queue_in(room, &content).await
    }

    async fn queue_in(&mut self, room: RoomId, content: &Content) -> Result<ItemAnswer, Refusal> {
        let event = self.new_event(room, content)?;
        let id = event.id;
        self.queue(vec![event]).await?;
        Ok(ItemAnswer { id })
    }

    pub(super) async fn set_level(&mut self, request: &SetLevel) -> Result<Nothing, Refusal> {
        let room = self.rooms.get(&request.room).ok_or_else(no_room)?;
        let choice = Choice {
            level: request.level.into(),
            ..room.choice
        };
        self.choose(request.room, choice).await?;
        Ok(Nothing {})
    }

    pub(super) async fn mark_unread(&mut self, request: &MarkUnread) -> Result<Nothing, Refusal> {
        let room = self.rooms.get(&request.room).ok_or_else(no_room)?;
        let choice = Choice {
            unread_from: Some(request.seq.clamp(1, room.sync.head().max(1))),
            ..room.choice
        };
        self.choose(request.room, choice).await?;
        Ok(Nothing {})
    }

    /// Keeps what the person has chosen for a room.
    pub(super) async fn choose(&mut self, id: RoomId, choice: Choice) -> Result<(), ClientError> {
        if self.rooms.get(&id).is_none_or(|room| room.choice == choice) {
            return Ok(());
        }
        self.config
            .store
            .write(move |c| Ok::<_, ClientError>(choices::set(c, id, choice)?))
            .await?;
        if let Some(room) = self.rooms.get_mut(&id) {
            room.choice = choice;
        }
        self.out.room_changed(id);
        Ok(())
    }

    /// What I may do in a room, as far as is known here.
    pub(super) async fn rights(&self, id: RoomId) -> Result<RoomRights, Refusal> {
        let facts = self.facts(id).ok_or_else(no_room)?;
        let rights = self
            .config
            .store
            .read(move |c| Ok::<_, ClientError>(views::rights(c, &facts)?.0))
            .await?;
        Ok(rights)
    }

    pub(super) fn browse(&mut self, query: String, reply: Reply) {
        let Phase::Online(online) = &mut self.phase else {
            return Asked::Browse(reply).lost();
        };
        let query = Some(query.trim().to_owned()).filter(|query| !query.is_empty());
        let rooms = Rooms {
            query,
            after: None,
            limit: Some(ROOMS_PAGE as u64),
        };
        if let Err(asked) = online.ask("rooms", &rooms, Asked::Browse(reply)) {
            asked.lost();
        }
    }

    /// What I have queued has failed or was taken back: a departure is off, and with it that the
    /// room is forgotten.
    pub(super) async fn stays(&mut self, waiting: &outbox::Waiting) -> Result<(), ClientError> {
        let id = waiting.event.room;
        if matches!(Content::read(&waiting.event.content), Content::Left)
            && let Some(room) = self.rooms.get_mut(&id)
        {
            room.leaving = false;
            self.out.room_changed(id);
            let choice = Choice {
                forget: false,
                ..room.choice
            };
            self.choose(id, choice).await?;
        }
        Ok(())
    }
}
