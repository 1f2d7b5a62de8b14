//! What somebody writes into a notification: a message like any other, in the room or thread of
//! what was notified. It is on disk when this is through: as a message, or as a draft.

use landline_protocol::{EventId, Mention, Refusal, RoomId};
use landline_store::drafts;
use landline_store::messages::{self, Line};
use tokio::sync::oneshot;

use super::Engine;
use crate::ClientError;
use crate::command::{Post, Read, ReadThread, SaveDraft};
use crate::host::Replied;
use crate::ui::UiEvent;

/// A reply on its way to the engine.
#[derive(Debug)]
pub(crate) struct NewReply {
    pub(crate) room: RoomId,
    /// The message that was notified.
    pub(crate) item: Option<EventId>,
    pub(crate) text: String,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) reply: oneshot::Sender<Result<Replied, Refusal>>,
}

impl Engine {
    pub(super) async fn on_reply(&mut self, new: NewReply) {
        let NewReply {
            room,
            item,
            text,
            mentions,
            reply,
        } = new;
        // Whoever asked may have gone.
        let _ = reply.send(self.reply(room, item, text, mentions).await);
    }

    async fn reply(
        &mut self,
        room: RoomId,
        item: Option<EventId>,
        text: String,
        mentions: Vec<Mention>,
    ) -> Result<Replied, Refusal> {
        let thread = self.thread_of(room, item).await?;
        let post = Post {
            space: self.space(),
            room,
            text: text.clone(),
            reply_to: None,
            thread,
            mentions,
            attachments: Vec::new(),
        };
        match self.post(post).await {
            Ok(_) => {
                if let Err(refusal) = self.has_seen(room, thread).await {
                    tracing::debug!(%room, code = %refusal.code, "a mark was not set");
                }
                Ok(Replied::Queued)
            }
            Err(refusal) => {
                self.keep_unsent(room, thread, text, refusal).await?;
                Ok(Replied::Drafted)
            }
        }
    }

    async fn thread_of(
        &self,
        room: RoomId,
        item: Option<EventId>,
    ) -> Result<Option<EventId>, ClientError> {
        let Some(item) = item else {
            return Ok(None);
        };
        let line = self.config.store.read(move |c| messages::find(c, item));
        Ok(match line.await? {
            Some(Line::Message(row)) if row.room == room => row.thread,
            Some(Line::Message(_) | Line::System(_)) | None => None,
        })
    }

    /// Whoever answers has read what there is to answer, as in the window, which shows the end of a
    /// room to whoever writes in it.
    async fn has_seen(&mut self, room: RoomId, thread: Option<EventId>) -> Result<(), Refusal> {
        let (space, seq) = (self.space(), u64::MAX);
        match thread {
            None => self.read_up_to(&Read { space, room, seq }).await?,
            Some(thread) => {
                let read = ReadThread {
                    space,
                    room,
                    thread,
                    seq,
                };
                self.read_thread(read).await?
            }
        };
        Ok(())
    }

    /// What could not be queued stands at the end of the draft, and windows are told why.
    async fn keep_unsent(
        &mut self,
        room: RoomId,
        thread: Option<EventId>,
        text: String,
        refusal: Refusal,
    ) -> Result<(), Refusal> {
        let read = self.config.store.read(move |c| match thread {
            Some(thread) => drafts::of_thread(c, thread),
            None => drafts::get(c, room),
        });
        let before = read.await.map_err(ClientError::from)?;
        let draft = if before.is_empty() {
            text.clone()
        } else {
            format!("{before}\n{text}")
        };
        let space = self.space();
        let save = SaveDraft {
            space,
            room,
            thread,
            text: draft.clone(),
        };
        self.save_draft(save).await?;
        let message = format!(
            "Your reply was not sent: {}. It is kept as a draft.",
            refusal.message
        );
        self.out.say(UiEvent::Unsent {
            space,
            room,
            thread,
            text,
            draft,
            refusal: Refusal { message, ..refusal },
        });
        Ok(())
    }
}
