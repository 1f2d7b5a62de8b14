//! What the person does. Whatever changes a room is written to the outbox, with or without a link.

use landline_protocol::{
    Code, Content, EventId, EventSignature, Message, NewEvent, Refusal, RoomId, sign_event,
};
use landline_store::transfers::{self, Way};
use landline_store::{StoreError, outbox};
use serde_json::value::RawValue;

use super::append::shown_items;
use super::marks::no_room;
use super::{Engine, overlay, views};
use crate::ClientError;
use crate::command::{Answer, Command, ItemAnswer, Nothing, Post, TransferAnswer};
use crate::home::Reply;
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
            Command::leave_room(request) => self.leave_room(request).await.map(Answer::leave_room),
            Command::browse_rooms(request) => return self.browse(request.query, reply),
            Command::forget_room(request) => self
                .forget_room(request.room)
                .await
                .map(Answer::forget_room),
            Command::change_room(request) => {
                self.change_room(request).await.map(Answer::change_room)
            }
            Command::invite(request) => self.invite(request).await.map(Answer::invite),
            Command::remove(request) => self.remove(request).await.map(Answer::remove),
            Command::members(request) => return self.members(&request, reply),
            Command::set_level(request) => self.set_level(&request).await.map(Answer::set_level),
            Command::post(request) => self.post(request).await.map(Answer::post),
            Command::detach(request) => self.detach(request).await.map(Answer::detach),
            Command::fetch_file(request) => self
                .fetch_file(request.event, request.blake3)
                .await
                .map(|transfer| Answer::fetch_file(TransferAnswer { transfer })),
            Command::pause_transfer(request) => self
                .pause_transfer(request.id)
                .await
                .map(Answer::pause_transfer),
            Command::resume_transfer(request) => self
                .resume_transfer(request.id)
                .await
                .map(Answer::resume_transfer),
            Command::cancel_transfer(request) => self
                .cancel_transfer(request.id)
                .await
                .map(Answer::cancel_transfer),
            Command::edit(request) => self.edit_message(request).await.map(Answer::edit),
            Command::delete(request) => self.delete_message(request).await.map(Answer::delete),
            Command::react(request) => self.react(request).await.map(Answer::react),
            Command::pin(request) => self.pin_message(request).await.map(Answer::pin),
            Command::pins(request) => return self.pins(&request, reply),
            Command::threads(request) => return self.threads(&request, reply),
            Command::item(request) => return self.item(&request, reply),
            Command::versions(request) => return self.versions(&request, reply),
            Command::discard_queued(request) => {
                self.discard(request.id).await.map(Answer::discard_queued)
            }
            Command::retry_failed(request) => {
                self.retry(request.id).await.map(Answer::retry_failed)
            }
            Command::page(request) => return self.page(&request, reply),
            Command::read(request) => self.read_up_to(&request).await.map(Answer::read),
            Command::read_thread(request) => {
                self.read_thread(request).await.map(Answer::read_thread)
            }
            Command::mark_unread(request) => {
                self.mark_unread(&request).await.map(Answer::mark_unread)
            }
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

    pub(super) async fn post(&mut self, request: Post) -> Result<ItemAnswer, Refusal> {
        self.may_write(request.room)?;
        let attached = self.attached(&request).await?;
        let content = Content::Message(Message {
            text: request.text,
            reply_to: request.reply_to,
            thread: request.thread,
            mentions: request.mentions,
            files: attached.iter().map(|one| one.file.clone()).collect(),
            ..Message::default()
        });
        let event = self.new_event(request.room, &content)?;
        let id = event.id;
        if attached.is_empty() {
            self.queue(vec![event]).await?;
        } else {
            let room = request.room;
            self.queue_with_files(room, request.thread, event, attached)
                .await?;
        }
        Ok(ItemAnswer { id })
    }

    /// What the node would refuse anyway is refused at once, where it can be known here.
    pub(super) fn may_write(&self, room: RoomId) -> Result<(), Refusal> {
        let room = self
            .rooms
            .get(&room)
            .filter(|_| room != self.directory())
            .ok_or_else(no_room)?;
        if !room.is_open() {
            return Err(Refusal::not_allowed("you are no longer in this room"));
        }
        if room.info.archived {
            return Err(Refusal::not_allowed("this room is archived"));
        }
        Ok(())
    }

    /// Takes back what waits, with all that needs it. A message that the node may have is deleted
    /// instead.
    pub(super) async fn discard(&mut self, id: EventId) -> Result<Nothing, Refusal> {
        self.transfers.have_changed();
        let waiting = self.waiting(id).await?;
        let (room, me) = (waiting.event.room, self.me());
        let gone = self
            .config
            .store
            .write(move |c| {
                let mut gone = Vec::new();
                for id in outbox::needing(c, id, usize::MAX)? {
                    gone.extend(outbox::get(c, id)?);
                }
                let mut uploads = transfers::open(c)?;
                match outbox::discard(c, id) {
                    Ok(_) => {}
                    Err(StoreError::Unsettled(_)) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
                uploads.retain(|row| {
                    row.way == Way::Up && gone.iter().any(|gone| gone.event.id == row.event)
                });
                let about = gone.iter().filter_map(|gone| about(&gone.event.content));
                let changed = views::items(c, me, about)?;
                Ok::<_, ClientError>(Some((gone, uploads, changed)))
            })
            .await?;
        let Some((gone, uploads, changed)) = gone else {
            if !matches!(Content::read(&waiting.event.content), Content::Message(_)) {
                let words = "it is on its way already";
                return Err(Refusal::new(Code::Conflict, words));
            }
            let delete = Content::Delete(landline_protocol::Delete { target: id });
            let event = self.new_event(room, &delete)?;
            self.queue(vec![event]).await?;
            return Ok(Nothing {});
        };
        // What was behind its uploads may go now.
        self.appending.wake();
        self.withdraw(&uploads);
        for waiting in gone {
            self.out.say(UiEvent::ItemGone {
                space: self.space(),
                room,
                id: waiting.event.id,
            });
            self.stays(&waiting).await?;
        }
        self.tell_items_of(changed);
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

    pub(super) async fn retry(&mut self, id: EventId) -> Result<Nothing, Refusal> {
        self.transfers.have_changed();
        let me = self.me();
        let items = self
            .config
            .store
            .write(move |c| {
                let again = outbox::retry(c, id)?;
                transfers::try_stranded(c)?;
                shown_items(c, me, again)
            })
            .await?;
        self.tell_items_of(items);
        self.appending.wake();
        Ok(Nothing {})
    }

    async fn waiting(&self, id: EventId) -> Result<outbox::Waiting, Refusal> {
        let waiting = self.config.store.read(move |c| outbox::get(c, id)).await;
        let gone = || Refusal::not_found("the node has it already");
        waiting.map_err(ClientError::from)?.ok_or_else(gone)
    }

    /// An event of mine, checked as the node will check it, and signed.
    pub(super) fn new_event(&self, room: RoomId, content: &Content) -> Result<NewEvent, Refusal> {
        let now = self.config.clock.now();
        self.sign(self.config.random.event_id(now), room, now, content)
    }

    pub(super) fn sign(
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

/// The message that a waiting event is about, where it is about one.
fn about(content: &RawValue) -> Option<EventId> {
    overlay::about(&Content::read(content))
}
