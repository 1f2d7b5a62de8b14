//! What the person does to messages: edit, delete, react, pin. Each is an event in the outbox,
//! with or without a link; what waits there still is changed where it waits.

use landline_protocol::{Content, Delete, Edit, EventId, Message, Pin, Reaction, Refusal, RoomId};
use landline_store::messages::{self, Line, MessageRow};
use landline_store::outbox::{self, State, Waiting};

use super::Engine;
use super::append::shown_items;
use crate::ClientError;
use crate::command::{EditMessage, MessageNamed, Nothing, PinMessage, React};

/// What waits about a message that is looked at for an earlier change of it.
const CHANGES_LOOKED_AT: usize = 1_000;

/// A message as it stands on this device.
#[derive(Debug)]
enum Found {
    /// In the outbox: mine.
    Waiting(Waiting, Message),
    Logged(MessageRow),
}

impl Found {
    const fn room(&self) -> RoomId {
        match self {
            Self::Waiting(waiting, _) => waiting.event.room,
            Self::Logged(row) => row.room,
        }
    }
}

impl Engine {
    pub(super) async fn edit_message(&mut self, request: EditMessage) -> Result<Nothing, Refusal> {
        let EditMessage {
            room,
            id,
            text,
            mentions,
            ..
        } = request;
        match self.message_of(room, id).await? {
            Found::Waiting(waiting, message) if waiting.state != State::Unsettled => {
                let content = Content::Message(Message {
                    text,
                    mentions,
                    ..message
                });
                return self.edit_waiting(&waiting, &content).await;
            }
            Found::Waiting(..) => {}
            Found::Logged(row) => {
                if row.author != self.me() {
                    return Err(Refusal::not_allowed("only its author may edit a message"));
                }
                if row.deleted {
                    return Err(deleted());
                }
                self.may_write(room)?;
            }
        }
        let edit = Content::Edit(Edit {
            target: id,
            text,
            mentions,
        });
        // Two edits of one message that wait are one.
        let earlier = self
            .waiting_about(id, |content| matches!(content, Content::Edit(_)))
            .await?;
        match earlier.filter(|waiting| waiting.state != State::Unsettled) {
            Some(waiting) => self.edit_waiting(&waiting, &edit).await,
            None => self.queue_one(room, &edit).await,
        }
    }

    /// What waits says something else from now on; where it had failed, it is tried again.
    pub(super) async fn edit_waiting(
        &mut self,
        waiting: &Waiting,
        content: &Content,
    ) -> Result<Nothing, Refusal> {
        let (id, me) = (waiting.event.id, self.me());
        let changed = self.sign(id, waiting.event.room, waiting.event.sent_at, content)?;
        let items = self
            .config
            .store
            .write(move |c| {
                outbox::edit(c, id, &changed.content, changed.sig.as_deref())?;
                let mut again = outbox::retry(c, id)?;
                again.push(id);
                shown_items(c, me, again)
            })
            .await?;
        self.tell_items_of(items);
        self.appending.wake();
        Ok(Nothing {})
    }

    pub(super) async fn delete_message(
        &mut self,
        request: MessageNamed,
    ) -> Result<Nothing, Refusal> {
        let MessageNamed { room, id, .. } = request;
        match self.message_of(room, id).await? {
            Found::Waiting(..) => return self.discard(id).await,
            Found::Logged(row) => {
                let others = self.rights(room).await?.delete_others;
                if row.author != self.me() && !others {
                    return Err(Refusal::not_allowed(
                        "only its author or an admin may delete a message",
                    ));
                }
                if row.deleted {
                    return Ok(Nothing {});
                }
                self.may_write(room)?;
            }
        }
        self.queue_one(room, &Content::Delete(Delete { target: id }))
            .await
    }

    pub(super) async fn react(&mut self, request: React) -> Result<Nothing, Refusal> {
        let React {
            room,
            id,
            emoji,
            on,
            ..
        } = request;
        self.may_write(room)?;
        not_deleted(&self.message_of(room, id).await?)?;
        // Taken back before it went out: as if it had never been.
        let opposite = self
            .waiting_about(
                id,
                |content| matches!(content, Content::Reaction(known) if known.emoji == emoji),
            )
            .await?
            .filter(|waiting| waiting.state == State::Queued);
        if let Some(waiting) = opposite {
            let same = matches!(
                Content::read(&waiting.event.content),
                Content::Reaction(known) if known.on == on
            );
            if same {
                return Ok(Nothing {});
            }
            return self.discard(waiting.event.id).await;
        }
        let reaction = Reaction {
            target: id,
            emoji,
            on,
        };
        self.queue_one(room, &Content::Reaction(reaction)).await
    }

    pub(super) async fn pin_message(&mut self, request: PinMessage) -> Result<Nothing, Refusal> {
        let PinMessage { room, id, on, .. } = request;
        self.may_write(room)?;
        not_deleted(&self.message_of(room, id).await?)?;
        if !self.rights(room).await?.pin {
            return Err(Refusal::not_allowed("guests can't do that"));
        }
        self.queue_one(room, &Content::Pin(Pin { target: id, on }))
            .await
    }

    async fn queue_one(&mut self, room: RoomId, content: &Content) -> Result<Nothing, Refusal> {
        let event = self.new_event(room, content)?;
        self.queue(vec![event]).await?;
        Ok(Nothing {})
    }

    /// A message of this room, wherever it stands.
    async fn message_of(&self, room: RoomId, id: EventId) -> Result<Found, Refusal> {
        let found = self
            .config
            .store
            .read(move |c| {
                if let Some(waiting) = outbox::get(c, id)? {
                    return Ok(match Content::read(&waiting.event.content) {
                        Content::Message(message) => Some(Found::Waiting(waiting, message)),
                        _ => None,
                    });
                }
                Ok::<_, ClientError>(match messages::find(c, id)? {
                    Some(Line::Message(row)) => Some(Found::Logged(row)),
                    Some(Line::System(_)) | None => None,
                })
            })
            .await?;
        found
            .filter(|found| found.room() == room)
            .ok_or_else(|| Refusal::not_found("that message is not on this device"))
    }

    /// The last change of mine to a message that waits and is of this kind.
    async fn waiting_about(
        &self,
        target: EventId,
        is: impl Fn(&Content) -> bool,
    ) -> Result<Option<Waiting>, Refusal> {
        let waiting = self
            .config
            .store
            .read(move |c| Ok::<_, ClientError>(outbox::last_about(c, target, CHANGES_LOOKED_AT)?))
            .await?;
        Ok(waiting.into_iter().rev().find(|waiting| {
            let content = Content::read(&waiting.event.content);
            content.target() == Some(target) && is(&content)
        }))
    }
}

fn not_deleted(found: &Found) -> Result<(), Refusal> {
    match found {
        Found::Logged(row) if row.deleted => Err(deleted()),
        Found::Logged(_) | Found::Waiting(..) => Ok(()),
    }
}

fn deleted() -> Refusal {
    Refusal::not_found("that message was deleted")
}
