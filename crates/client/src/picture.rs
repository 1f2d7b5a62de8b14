//! What a window that opens now must be told: kept current from the same events that open windows
//! get. A listener that is no window, as the CLI, keeps its own.

use landline_protocol::TransferId;

use crate::ui::{
    AttachmentsView, PersonView, RoomView, Snapshot, SpaceState, ThreadDraftView, TransferState,
    TransferView, UiEvent,
};

/// The state of everything above single messages.
#[derive(Debug)]
pub struct Picture {
    now: Snapshot,
}

impl Picture {
    pub fn new(now: Snapshot) -> Self {
        Self { now }
    }

    pub fn now(&self) -> &Snapshot {
        &self.now
    }

    /// Keeps what an event changes of the snapshot; most change nothing of it.
    pub fn take(&mut self, event: &UiEvent) {
        match event {
            UiEvent::Snapshot(snapshot) => self.now = snapshot.clone(),
            UiEvent::Me { me } => self.now.me = me.clone(),
            UiEvent::Settings { settings } => self.now.settings = settings.clone(),
            UiEvent::Nearby { spaces } => self.now.nearby.clone_from(spaces),
            UiEvent::Hosting { hosting } => self.now.hosting.clone_from(hosting),
            UiEvent::Space { space } => match self.space(space.space) {
                Some(known) => known.space = space.clone(),
                None => self.now.spaces.push(SpaceState {
                    space: space.clone(),
                    rooms: Vec::new(),
                    people: Vec::new(),
                    attachments: Vec::new(),
                    thread_drafts: Vec::new(),
                    transfers: Vec::new(),
                }),
            },
            UiEvent::SpaceGone { space } => {
                self.now.spaces.retain(|known| known.space.space != *space)
            }
            UiEvent::Room { space, room } => {
                if let Some(known) = self.space(*space) {
                    put_room(&mut known.rooms, room);
                }
            }
            UiEvent::RoomGone { space, room } => {
                if let Some(known) = self.space(*space) {
                    known.rooms.retain(|known| known.room != *room);
                    known.attachments.retain(|known| known.room != *room);
                    known.thread_drafts.retain(|known| known.room != *room);
                }
            }
            UiEvent::People { space, people } => {
                if let Some(known) = self.space(*space) {
                    for person in people {
                        put_person(&mut known.people, person);
                    }
                }
            }
            UiEvent::Presence { space, changes } => {
                if let Some(known) = self.space(*space) {
                    for change in changes {
                        if let Some(person) = find_person(&mut known.people, change.member) {
                            person.state = change.state;
                            person.text.clone_from(&change.text);
                            person.last_seen = change.last_seen;
                        }
                    }
                }
            }
            UiEvent::Attachments {
                space,
                room,
                thread,
                attachments,
            } => {
                if let Some(known) = self.space(*space) {
                    let draft =
                        |known: &AttachmentsView| known.room == *room && known.thread == *thread;
                    known.attachments.retain(|known| !draft(known));
                    if !attachments.is_empty() {
                        known.attachments.push(AttachmentsView {
                            room: *room,
                            thread: *thread,
                            attachments: attachments.clone(),
                        });
                    }
                }
            }
            UiEvent::ThreadDraft {
                space,
                room,
                thread,
                text,
            } => {
                if let Some(known) = self.space(*space) {
                    known.thread_drafts.retain(|known| known.thread != *thread);
                    if !text.is_empty() {
                        known.thread_drafts.push(ThreadDraftView {
                            room: *room,
                            thread: *thread,
                            text: text.clone(),
                        });
                    }
                }
            }
            UiEvent::Transfers {
                space,
                transfers,
                gone,
            } => {
                if let Some(known) = self.space(*space) {
                    put_transfers(&mut known.transfers, transfers, gone);
                }
            }
            UiEvent::Typing { .. }
            | UiEvent::Marks { .. }
            | UiEvent::Items { .. }
            | UiEvent::ItemGone { .. }
            | UiEvent::Reload { .. }
            | UiEvent::Open { .. }
            | UiEvent::Unsent { .. }
            | UiEvent::Notice { .. } => {}
        }
    }

    fn space(&mut self, space: landline_protocol::SpaceId) -> Option<&mut SpaceState> {
        self.now
            .spaces
            .iter_mut()
            .find(|known| known.space.space == space)
    }
}

/// Rooms and people are kept in the order of their ids: found by halving, also in a large space.
fn put_room(rooms: &mut Vec<RoomView>, room: &RoomView) {
    match rooms.binary_search_by_key(&room.room, |known| known.room) {
        Ok(at) => {
            if let Some(known) = rooms.get_mut(at) {
                known.clone_from(room);
            }
        }
        Err(at) => rooms.insert(at, room.clone()),
    }
}

fn put_person(people: &mut Vec<PersonView>, person: &PersonView) {
    match people.binary_search_by_key(&person.member, |known| known.member) {
        Ok(at) => {
            if let Some(known) = people.get_mut(at) {
                known.clone_from(person);
            }
        }
        Err(at) => people.insert(at, person.clone()),
    }
}

fn find_person(
    people: &mut [PersonView],
    member: landline_protocol::MemberId,
) -> Option<&mut PersonView> {
    let at = people
        .binary_search_by_key(&member, |known| known.member)
        .ok()?;
    people.get_mut(at)
}

fn put_transfers(kept: &mut Vec<TransferView>, transfers: &[TransferView], gone: &[TransferId]) {
    kept.retain(|known| !gone.contains(&known.id));
    for transfer in transfers {
        let place = kept.iter_mut().find(|known| known.id == transfer.id);
        match place {
            Some(known) => known.clone_from(transfer),
            None => kept.push(transfer.clone()),
        }
    }
    kept.retain(|known| known.state != TransferState::Done);
}
