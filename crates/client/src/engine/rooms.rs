//! What the person does with rooms: make, join, leave and forget them, change them, bring people
//! in and send them out, and choose what of them disturbs.

use landline_protocol::access::RoomRights;
use landline_protocol::limits::ROOMS_PAGE;
use landline_protocol::up::Rooms;
use landline_protocol::{
    Content, Invited, MemberId, Refusal, Removed, RoomChanged, RoomCreated, RoomId, RoomKind,
    direct_room_id,
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

    pub(super) async fn join_room(&mut self, id: RoomId) -> Result<Nothing, Refusal> {
        if !self.rooms.get(&id).is_some_and(Room::is_open) {
            let event = self.new_event(id, &Content::Joined)?;
            self.queue(vec![event]).await?;
            if let Some(room) = self.rooms.get_mut(&id) {
                room.leaving = false;
            }
            self.out.room_changed(id);
        }
        Ok(Nothing {})
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
        self.choose(id, choice).await?;
        let event = self.new_event(id, &Content::Left)?;
        self.queue(vec![event]).await?;
        if let Some(room) = self.rooms.get_mut(&id) {
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
        self.rooms.remove(&id);
        self.due.remove(&id);
        self.marks.forget(id);
        self.transfers.have_changed();
        self.out.forget(id);
        self.out.say(UiEvent::RoomGone {
            space: self.space(),
            room: id,
        });
        self.out.space_changed();
        Ok(())
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
        let Some(room) = self.rooms.get_mut(&id).filter(|room| room.choice != choice) else {
            return Ok(());
        };
        room.choice = choice;
        self.out.room_changed(id);
        self.config
            .store
            .write(move |c| Ok::<_, ClientError>(choices::set(c, id, choice)?))
            .await
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

    /// What I have queued has failed or was taken back: a departure is off.
    pub(super) fn stays(&mut self, waiting: &outbox::Waiting) {
        if matches!(Content::read(&waiting.event.content), Content::Left)
            && let Some(room) = self.rooms.get_mut(&waiting.event.room)
        {
            room.leaving = false;
            self.out.room_changed(waiting.event.room);
        }
    }
}
