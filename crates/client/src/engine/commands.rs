//! What the person does. Whatever changes a room is written to the outbox, with or without a link.

use landline_protocol::limits::ROOMS_PAGE;
use landline_protocol::up::Rooms;
use landline_protocol::{
    Code, Content, Edit, EventId, EventSignature, MemberId, Message, NewEvent, Profile, Refusal,
    RoomCreated, RoomId, RoomKind, direct_room_id, sign_event,
};
use landline_store::{StoreError, drafts, outbox};
use serde_json::value::RawValue;

use super::append::waiting_items;
use super::marks::no_room;
use super::online::Asked;
use super::room::{Room, created};
use super::{Engine, Phase};
use crate::ClientError;
use crate::command::{
    Answer, Command, CreateRoom, EditQueued, ItemAnswer, Nothing, Post, RoomAnswer, SaveDraft,
};
use crate::home::Reply;
use crate::sync::Sync;
use crate::ui::UiEvent;

impl Engine {
    pub(super) async fn on_command(&mut self, command: Command, reply: Reply) {
        let answer = match command {
            Command::connect_now(_) => {
                self.dial();
                Ok(Answer::connect_now(Nothing {}))
            }
            Command::create_room(request) => {
                self.create_room(request).await.map(Answer::create_room)
            }
            Command::join_room(request) => {
                self.join_room(request.room).await.map(Answer::join_room)
            }
            Command::leave_room(request) => {
                self.leave_room(request.room).await.map(Answer::leave_room)
            }
            Command::browse_rooms(request) => return self.browse(request.query, reply),
            Command::post(request) => self.post(request).await.map(Answer::post),
            Command::edit_queued(request) => {
                self.edit_queued(request).await.map(Answer::edit_queued)
            }
            Command::discard_queued(request) => {
                self.discard(request.id).await.map(Answer::discard_queued)
            }
            Command::retry_failed(request) => {
                self.retry(request.id).await.map(Answer::retry_failed)
            }
            Command::page(request) => return self.page(&request, reply),
            Command::read(request) => self.read_up_to(&request).await.map(Answer::read),
            Command::typing(request) => {
                self.set_typing(&request);
                Ok(Answer::typing(Nothing {}))
            }
            Command::save_draft(request) => self.save_draft(request).await.map(Answer::save_draft),
            Command::search(request) => return self.search(request, reply),
            Command::set_name(_)
            | Command::set_settings(_)
            | Command::join(_)
            | Command::host(_)
            | Command::set_hosting(_)
            | Command::leave_space(_)
            | Command::set_presence(_)
            | Command::look(_)
            | Command::open_link(_) => Err(Refusal::new(Code::Internal, "that is not for a space")),
        };
        let _ = reply.send(answer);
    }

    async fn post(&mut self, request: Post) -> Result<ItemAnswer, Refusal> {
        self.may_write(request.room)?;
        let content = Content::Message(Message {
            text: request.text,
            reply_to: request.reply_to,
            thread: request.thread,
            mentions: request.mentions,
            ..Message::default()
        });
        let event = self.new_event(request.room, &content)?;
        let id = event.id;
        self.queue(vec![event]).await?;
        Ok(ItemAnswer { id })
    }

    /// What the node would refuse anyway is refused at once, where it can be known here.
    fn may_write(&self, room: RoomId) -> Result<(), Refusal> {
        let room = self
            .rooms
            .get(&room)
            .filter(|_| room != self.directory())
            .ok_or_else(no_room)?;
        if !room.open {
            return Err(Refusal::not_allowed("you are no longer in this room"));
        }
        if room.info.archived {
            return Err(Refusal::not_allowed("this room is archived"));
        }
        Ok(())
    }

    async fn create_room(&mut self, request: CreateRoom) -> Result<RoomAnswer, Refusal> {
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

    async fn join_room(&mut self, room: RoomId) -> Result<Nothing, Refusal> {
        if !self.rooms.get(&room).is_some_and(|room| room.open) {
            let event = self.new_event(room, &Content::Joined)?;
            self.queue(vec![event]).await?;
        }
        Ok(Nothing {})
    }

    async fn leave_room(&mut self, id: RoomId) -> Result<Nothing, Refusal> {
        let room = self.rooms.get(&id).ok_or_else(no_room)?;
        if room.info.everyone || room.info.kind == RoomKind::Direct {
            return Err(Refusal::not_allowed("nobody leaves this room"));
        }
        if room.open {
            let event = self.new_event(id, &Content::Left)?;
            self.queue(vec![event]).await?;
        }
        Ok(Nothing {})
    }

    fn browse(&mut self, query: String, reply: Reply) {
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

    /// Changes a message that waits. One that the node may have is changed by an edit behind it.
    async fn edit_queued(&mut self, request: EditQueued) -> Result<Nothing, Refusal> {
        let id = request.id;
        let waiting = self.waiting(id).await?;
        let Content::Message(message) = Content::read(&waiting.event.content) else {
            return Err(Refusal::bad_request("only a message can be edited"));
        };
        if waiting.state == outbox::State::Unsettled {
            let edit = Edit {
                target: id,
                text: request.text,
                mentions: message.mentions,
            };
            let event = self.new_event(waiting.event.room, &Content::Edit(edit))?;
            self.queue(vec![event]).await?;
            return Ok(Nothing {});
        }
        let content = Content::Message(Message {
            text: request.text,
            ..message
        });
        let changed = self.sign(id, waiting.event.room, waiting.event.sent_at, &content)?;
        let me = self.me();
        let items = self
            .config
            .store
            .write(move |c| {
                outbox::edit(c, id, &changed.content, changed.sig.as_deref())?;
                Ok::<_, ClientError>(waiting_items(c, me, [id])?)
            })
            .await?;
        self.tell_waiting(items);
        Ok(Nothing {})
    }

    /// Takes back what waits, with all that needs it. What the node may have is deleted instead.
    async fn discard(&mut self, id: EventId) -> Result<Nothing, Refusal> {
        let waiting = self.waiting(id).await?;
        let room = waiting.event.room;
        let gone = match self
            .config
            .store
            .write(move |c| outbox::discard(c, id))
            .await
        {
            Ok(gone) => gone,
            Err(StoreError::Unsettled(_)) => {
                let delete = Content::Delete(landline_protocol::Delete { target: id });
                let event = self.new_event(room, &delete)?;
                self.queue(vec![event]).await?;
                return Ok(Nothing {});
            }
            Err(error) => return Err(ClientError::from(error).into()),
        };
        for id in gone {
            self.out.say(UiEvent::ItemGone {
                space: self.space(),
                room,
                id,
            });
        }
        // A room that was made here and never reached the node is gone with its creation.
        if let Some(room) = self.rooms.get_mut(&room)
            && matches!(
                Content::read(&waiting.event.content),
                Content::RoomCreated(_)
            )
            && room.sync.known_head() == 0
        {
            room.open = false;
        }
        self.out.room_changed(room);
        self.out.space_changed();
        Ok(Nothing {})
    }

    async fn retry(&mut self, id: EventId) -> Result<Nothing, Refusal> {
        let me = self.me();
        let items = self
            .config
            .store
            .write(move |c| {
                let again = outbox::retry(c, id)?;
                Ok::<_, ClientError>(waiting_items(c, me, again)?)
            })
            .await?;
        self.tell_waiting(items);
        self.appending.wake();
        Ok(Nothing {})
    }

    async fn waiting(&self, id: EventId) -> Result<outbox::Waiting, Refusal> {
        let waiting = self.config.store.read(move |c| outbox::get(c, id)).await;
        let gone = || Refusal::not_found("the node has it already");
        waiting.map_err(ClientError::from)?.ok_or_else(gone)
    }

    async fn save_draft(&mut self, request: SaveDraft) -> Result<Nothing, Refusal> {
        let SaveDraft { room, text, .. } = request;
        if text.len() > landline_protocol::limits::CONTENT_BYTES {
            return Err(Refusal::too_large("the draft is too long to be kept"));
        }
        let saved = self
            .config
            .store
            .write(move |c| drafts::set(c, room, &text))
            .await;
        saved.map_err(ClientError::from)?;
        self.out.room_changed(room);
        Ok(Nothing {})
    }

    /// A new name: what the space knows of me is changed by an event in its directory.
    pub(super) async fn rename_me(&mut self, name: String) -> Result<(), Refusal> {
        self.config.name.clone_from(&name);
        if self.people.name(self.me()) == name {
            return Ok(());
        }
        let profile = Profile {
            name: Some(name),
            ..Profile::default()
        };
        let event = self.new_event(self.directory(), &Content::Profile(profile))?;
        Ok(self.queue(vec![event]).await?)
    }

    /// An event of mine, checked as the node will check it, and signed.
    pub(super) fn new_event(&self, room: RoomId, content: &Content) -> Result<NewEvent, Refusal> {
        let now = self.config.clock.now();
        self.sign(self.config.random.event_id(now), room, now, content)
    }

    fn sign(
        &self,
        id: EventId,
        room: RoomId,
        sent_at: i64,
        content: &Content,
    ) -> Result<NewEvent, Refusal> {
        let raw: Box<RawValue> = content.to_raw().map_err(ClientError::from)?;
        Content::parse(&raw)?;
        let author = self.me();
        let of = EventSignature {
            space: self.space(),
            room,
            id,
            author: &author,
            sent_at,
        };
        let sig = sign_event(self.config.identity.key(), &of, &raw).map_err(ClientError::from)?;
        Ok(NewEvent {
            id,
            room,
            sent_at,
            content: raw,
            sig: Some(sig),
        })
    }
}
