//! What was typed and not sent, in rooms and in their threads.

use landline_protocol::{EventId, Refusal, RoomId};
use landline_store::drafts::{self, ThreadDraft};

use super::Engine;
use super::marks::no_room;
use crate::ClientError;
use crate::command::{Nothing, SaveDraft};
use crate::ui::UiEvent;

/// Bytes of a draft: far more than a message may have. What was pasted and is too long to be sent
/// is kept all the same, until it is cut or sent as a file.
const DRAFT_BYTES: usize = 1024 * 1024;

impl Engine {
    /// At the start: what was typed in threads is told; what was typed in rooms is in their views.
    pub(super) async fn read_drafts(&mut self) -> Result<(), ClientError> {
        let drafts = self.config.store.read(drafts::of_threads).await?;
        for ThreadDraft { room, thread, text } in drafts {
            self.tell_thread_draft(room, thread, text);
        }
        Ok(())
    }

    pub(super) async fn save_draft(&mut self, request: SaveDraft) -> Result<Nothing, Refusal> {
        let SaveDraft {
            room, thread, text, ..
        } = request;
        if !self.rooms.contains_key(&room) {
            return Err(no_room());
        }
        if text.len() > DRAFT_BYTES {
            return Err(Refusal::too_large("the draft is too long to be kept"));
        }
        let store = &self.config.store;
        let Some(thread) = thread else {
            let saved = store.write(move |c| drafts::set(c, room, &text)).await;
            saved.map_err(ClientError::from)?;
            self.out.room_changed(room);
            return Ok(Nothing {});
        };
        let draft = ThreadDraft { room, thread, text };
        let kept = draft.clone();
        let saved = store.write(move |c| drafts::set_of_thread(c, &draft)).await;
        let gone = saved.map_err(ClientError::from)?;
        self.tell_thread_draft(kept.room, kept.thread, kept.text);
        for gone in gone {
            self.tell_thread_draft(gone.room, gone.thread, String::new());
        }
        Ok(Nothing {})
    }

    fn tell_thread_draft(&mut self, room: RoomId, thread: EventId, text: String) {
        self.out.say(UiEvent::ThreadDraft {
            space: self.space(),
            room,
            thread,
            text,
        });
    }
}
