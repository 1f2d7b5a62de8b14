//! New events: stored, applied, and told.

use std::collections::{BTreeMap, BTreeSet};

use landline_protocol::{Content, Event, EventId, MemberId, RoomId, RoomKind};

use super::room::fold;
use super::{Engine, append, overlay, replica};
use crate::ClientError;
use crate::ui::UiEvent;

/// How events have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// They happen now.
    Pushed,
    /// My own, by the answer to `append`.
    Answered,
    /// They were fetched: perhaps old.
    Fetched,
}

/// What a run of one room's events changes on the screen.
#[derive(Debug, Default)]
struct Changed {
    items: BTreeSet<EventId>,
    reload: bool,
}

impl Engine {
    /// Stores events (of one or several rooms, each room's without holes) in one transaction, then
    /// moves everything on that follows from them.
    pub(super) async fn take(&mut self, events: Vec<Event>, way: Way) -> Result<(), ClientError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut runs: BTreeMap<RoomId, Vec<Event>> = BTreeMap::new();
        for event in events {
            runs.entry(event.room).or_default().push(event);
        }
        // What the rooms are like after it is stored in the same transaction.
        let mut infos = Vec::new();
        for (id, run) in &runs {
            let Some(room) = self.rooms.get(id).filter(|_| *id != self.directory()) else {
                continue;
            };
            let mut info = room.info.clone();
            run.iter().for_each(|event| fold(&mut info, event));
            if info != room.info {
                infos.push((info, room.open));
            }
        }
        let me = self.me();
        let (runs, infos, again) = self
            .config
            .store
            .write(move |c| {
                let again = replica::take(c, &runs, &infos, me)?;
                let again = append::lines(c, again)?;
                Ok::<_, ClientError>((runs, infos, again))
            })
            .await?;
        if !again.is_empty() {
            self.out.lines_changed(again);
            self.transfers.have_changed();
            self.appending.wake();
        }
        for (info, _) in infos {
            if let Some(room) = self.rooms.get_mut(&info.id) {
                room.info = info;
            }
        }
        for (id, run) in runs {
            self.taken(id, run, way).await?;
        }
        Ok(())
    }

    /// These are on disk now.
    async fn taken(&mut self, id: RoomId, run: Vec<Event>, way: Way) -> Result<(), ClientError> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return Ok(());
        };
        let Some(room) = self.rooms.get_mut(&id) else {
            return Ok(());
        };
        let (head, was_wanted) = (room.sync.head(), room.sync.is_wanted());
        room.sync.took(first.seq, last.seq, last.id);
        let joins_on = first.seq <= head + 1;
        let newest = last.seq > head;
        room.have_received();
        room.count_replies_anew(&run, newest);
        self.due.insert(id);
        self.note_missed(id, &run, way).await?;
        if id == self.directory() {
            return self.directory_moved(&run).await;
        }
        let mut changed = Changed {
            reload: (was_wanted && !newest) || (newest && !joins_on),
            ..Changed::default()
        };
        for event in &run {
            changed.note(event, newest);
            if matches!(Content::read(&event.content), Content::Delete(_)) {
                self.transfers.may_be_unnamed();
            }
        }
        self.typing_ends(id, run.iter().map(|event| event.author));
        self.out.room_changed(id);
        if way == Way::Pushed {
            self.announce(id, &run).await?;
        }
        if changed.reload {
            self.out.reload(id);
        } else if way == Way::Answered {
            // What became of one's own is not waited for.
            self.tell_items_now(id, changed.items).await?;
        } else {
            self.out.items_changed(id, changed.items);
        }
        Ok(())
    }

    /// The directory has new events: people, roles, the space's name.
    async fn directory_moved(&mut self, run: &[Event]) -> Result<(), ClientError> {
        for event in run {
            let content = Content::read(&event.content);
            let member = match content {
                Content::Admitted(admitted) => Some(admitted.member),
                Content::Profile(_) | Content::Left => Some(event.author),
                Content::Role(changed) => Some(changed.member),
                Content::Banned(banned) => Some(banned.member),
                Content::Muted(muted) => Some(muted.member),
                Content::SpaceCreated(_) | Content::Settings(_) => {
                    self.out.space_changed();
                    None
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
                | Content::Unknown => None,
            };
            if let Some(member) = member {
                self.out.person_changed(member);
                if member == self.me() {
                    self.out.space_changed();
                }
            }
        }
        self.read_directory().await?;
        let everyone: Vec<RoomId> = self
            .rooms
            .values()
            .filter(|room| room.info.everyone)
            .map(|room| room.info.id)
            .collect();
        everyone
            .into_iter()
            .for_each(|room| self.out.room_changed(room));
        Ok(())
    }

    /// Somebody's message has come: they type no longer.
    fn typing_ends(&mut self, id: RoomId, authors: impl Iterator<Item = MemberId>) {
        let Some(room) = self
            .rooms
            .get_mut(&id)
            .filter(|room| !room.typing.is_empty())
        else {
            return;
        };
        let mut ended = false;
        for author in authors {
            ended |= room.typing.wrote(author);
        }
        if ended {
            let (members, more) = room.typing.members();
            self.out.say(UiEvent::Typing {
                space: self.config.known.space,
                room: id,
                members,
                more,
            });
        }
    }

    /// A room's own name for a person: none for a direct room.
    pub(super) fn room_name(&self, id: RoomId) -> Option<&str> {
        let info = &self.rooms.get(&id)?.info;
        (info.kind != RoomKind::Direct).then_some(info.name.as_str())
    }
}

impl Changed {
    /// What an event changes: its own line, or that of the event it is about. Of old history only
    /// the latter can be on the screen.
    fn note(&mut self, event: &Event, newest: bool) {
        let content = Content::read(&event.content);
        // The message that this is about, or that began the thread it was said in.
        self.items.extend(overlay::about(&content));
        if newest && content.target().is_none() {
            self.items.insert(event.id);
        }
    }
}
