//! How far everybody has received and read: mine are sent, theirs kept and shown.

use std::collections::BTreeMap;

use landline_protocol::down::MarkChange;
use landline_protocol::limits::MARKS_PUSHED_MEMBERS;
use landline_protocol::up::{Mark, Marks};
use landline_protocol::{MemberId, RoomId};
use landline_store::choices::Choice;
use landline_store::{marks, threads};
use tokio::time::{Duration, Instant};

use super::online::Asked;
use super::room::raise;
use super::{Engine, Phase, views};
use crate::ClientError;
use crate::command::{Nothing, Read, ReadThread};
use crate::home::Note;
use crate::ui::UiEvent;
use landline_protocol::Refusal;

/// Between two `mark`s of a room.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// The same where the node tells nobody of them who does not ask: each member's mark a second would
/// be a tenth of the packets of a busy room.
const SEND_UNTOLD_EVERY: Duration = Duration::from_secs(5);
/// Marks are written together: they are worth no wait for the disk each.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// Marks that are not on disk yet.
#[derive(Debug, Default)]
pub(super) struct MarksKept {
    waiting: BTreeMap<RoomId, BTreeMap<MemberId, MarkChange>>,
    due: Option<Instant>,
}

impl MarksKept {
    fn keep(&mut self, room: RoomId, change: MarkChange) {
        let empty = MarkChange {
            delivered: 0,
            read: 0,
            ..change
        };
        raise(
            self.waiting
                .entry(room)
                .or_default()
                .entry(change.member)
                .or_insert(empty),
            &change,
        );
        self.due.get_or_insert_with(|| Instant::now() + KEEP_EVERY);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What waits is written at the next occasion.
    pub(super) fn hurry(&mut self) {
        if self.due.is_some() {
            self.due = Some(Instant::now());
        }
    }

    /// Nothing of this room is kept any more.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.waiting.remove(&room);
    }

    /// The log of a room ends here now.
    pub(super) fn cut(&mut self, room: RoomId, head: u64) {
        for mark in self
            .waiting
            .get_mut(&room)
            .into_iter()
            .flat_map(BTreeMap::values_mut)
        {
            mark.delivered = mark.delivered.min(head);
            mark.read = mark.read.min(head);
        }
    }

    /// What waits of a room, over what is on disk.
    pub(super) fn over(&self, room: RoomId) -> Vec<MarkChange> {
        self.waiting
            .get(&room)
            .into_iter()
            .flat_map(BTreeMap::values)
            .copied()
            .collect()
    }
}

impl Engine {
    /// It was seen on the screen.
    pub(super) async fn read_up_to(&mut self, request: &Read) -> Result<Nothing, Refusal> {
        let (me, space) = (self.me(), self.space());
        let room = self.rooms.get_mut(&request.room).ok_or_else(no_room)?;
        let seq = request.seq.min(room.sync.head());
        if seq > room.marks.read {
            room.marks.read = seq;
            let delivered = room.marks.delivered;
            self.marks.keep(
                request.room,
                MarkChange {
                    member: me,
                    delivered,
                    read: seq,
                },
            );
            self.out.room_changed(request.room);
            self.note(Note::ClearNotifications {
                space,
                room: request.room,
            })
            .await;
        }
        if let Some(room) = self.rooms.get(&request.room)
            && room.choice.unread_from.is_some_and(|from| from <= seq)
        {
            let choice = Choice {
                unread_from: None,
                ..room.choice
            };
            self.choose(request.room, choice).await?;
        }
        Ok(Nothing {})
    }

    /// A thread was seen on the screen.
    pub(super) async fn read_thread(&mut self, request: ReadThread) -> Result<Nothing, Refusal> {
        let ReadThread {
            room: id,
            thread,
            seq,
            ..
        } = request;
        let me = self.me();
        let room = self.rooms.get_mut(&id).ok_or_else(no_room)?;
        let seq = seq.min(room.sync.head());
        let items = self
            .config
            .store
            .write(move |c| {
                if threads::read(c, thread)? >= seq {
                    return Ok(Vec::new());
                }
                threads::mark(c, id, thread, seq)?;
                views::items(c, me, [thread])
            })
            .await?;
        if let Some(room) = self.rooms.get_mut(&id) {
            room.unread_replies = None;
        }
        self.tell_items_of(items);
        Ok(Nothing {})
    }

    /// Tells the node how far I am, where it does not know and may be told again.
    pub(super) fn send_marks(&mut self) {
        let now = Instant::now();
        let receipts = self.config.situation.wishes.receipts;
        let here = self.people.here();
        let Phase::Online(online) = &mut self.phase else {
            return;
        };
        for (id, room) in &mut self.rooms {
            if !room.open || room.marks.due(now).is_none_or(|due| due > now) {
                continue;
            }
            let info = &room.info;
            let members = if info.everyone {
                here
            } else {
                info.member_count
            };
            let again = now + send_every(members);
            let (delivered, read) = (room.marks.delivered, room.marks.read);
            let mark = Mark {
                room: *id,
                delivered: Some(delivered),
                read: Some(read).filter(|_| receipts),
            };
            if online.ask("mark", &mark, Asked::Mark(*id)).is_err() {
                room.marks.later(again);
                return;
            }
            room.marks.sent(again);
        }
    }

    /// By the node's clock, this one may have come a moment too early.
    pub(super) fn mark_refused(&mut self, id: RoomId, refusal: &Refusal) {
        tracing::debug!(room = %id, code = %refusal.code, "a mark was refused");
        if let Some(room) = self.rooms.get_mut(&id)
            && refusal.code.may_be_tried_again()
        {
            let wait = refusal
                .retry_after_ms
                .map_or(SEND_EVERY, Duration::from_millis);
            room.marks.later(Instant::now() + wait);
        }
    }

    pub(super) async fn on_marks(&mut self, id: RoomId, changes: &[MarkChange]) {
        let me = self.me();
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let mut seen = false;
        for change in changes {
            if change.member == me && change.read > room.marks.read {
                // Read on another connection of mine.
                room.marks.read = change.read.min(room.sync.known_head());
                self.out.room_changed(id);
                seen = true;
            }
            self.marks.keep(id, *change);
        }
        if seen {
            let space = self.space();
            self.note(Note::ClearNotifications { space, room: id })
                .await;
        }
        if !changes.is_empty() {
            self.out.say(UiEvent::Marks {
                space: self.space(),
                room: id,
                changes: changes.to_vec(),
            });
        }
    }

    /// Asks where everybody stands: pushes tell only what changes.
    pub(super) fn ask_marks(&mut self, room: RoomId) {
        let listed = self
            .rooms
            .get(&room)
            .is_some_and(|room| room.listed && room.open);
        if let Phase::Online(online) = &mut self.phase
            && listed
            && online
                .ask("marks", &Marks { room }, Asked::Marks(room))
                .is_err()
        {
            tracing::debug!(%room, "the link is too busy to ask for marks");
        }
    }

    /// Writes what has waited long enough.
    pub(super) async fn keep_marks(&mut self) -> Result<(), ClientError> {
        if self.marks.due.is_none_or(|due| due > Instant::now()) {
            return Ok(());
        }
        self.marks.due = None;
        let waiting = std::mem::take(&mut self.marks.waiting);
        self.config
            .store
            .write(move |c| {
                for (room, changes) in waiting {
                    for change in changes.into_values() {
                        marks::set(c, room, change)?;
                    }
                }
                Ok(())
            })
            .await
    }
}

/// Between two marks of a room with so many members.
const fn send_every(members: u64) -> Duration {
    if members > MARKS_PUSHED_MEMBERS as u64 {
        SEND_UNTOLD_EVERY
    } else {
        SEND_EVERY
    }
}

pub(super) fn no_room() -> Refusal {
    Refusal::not_found("there is no such room on this device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_nobody_is_told_of_are_sent_less_often() {
        let seconds = [2, 100, 101, 5_000].map(|members| send_every(members).as_secs());
        assert_eq!(seconds, [1, 1, 5, 5]);
    }
}
