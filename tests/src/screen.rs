//! What a window would show: the core's events folded into a state, as the interface does it.

use std::collections::BTreeMap;

use landline_client::ui::{
    AttachmentView, Item, LinkState, RoomView, SpaceState, SpaceView, TransferView, UiEvent,
};
use landline_protocol::down::{MarkChange, PresenceChange};
use landline_protocol::{EventId, MemberId, RoomId, SpaceId, TransferId};

/// The state of one window.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    pub spaces: BTreeMap<SpaceId, SpaceOnScreen>,
    /// Refusals shown to the person, as words.
    pub notices: Vec<String>,
}

/// A space in it.
#[derive(Debug, Clone)]
pub struct SpaceOnScreen {
    pub view: SpaceView,
    pub rooms: BTreeMap<RoomId, RoomView>,
    pub names: BTreeMap<MemberId, String>,
    pub presence: BTreeMap<MemberId, PresenceChange>,
    pub typing: BTreeMap<RoomId, Vec<MemberId>>,
    pub marks: BTreeMap<(RoomId, MemberId), MarkChange>,
    /// Items told since the window opened or was to read the room anew, by room, in the order first
    /// told.
    pub items: BTreeMap<RoomId, Vec<Item>>,
    /// Of the drafts in rooms.
    pub attachments: BTreeMap<RoomId, Vec<AttachmentView>>,
    /// Files on their way, and those that have come.
    pub transfers: BTreeMap<TransferId, TransferView>,
}

impl SpaceOnScreen {
    fn new(state: SpaceState) -> Self {
        let mut space = Self {
            view: state.space,
            rooms: state
                .rooms
                .into_iter()
                .map(|room| (room.room, room))
                .collect(),
            names: BTreeMap::new(),
            presence: BTreeMap::new(),
            typing: BTreeMap::new(),
            marks: BTreeMap::new(),
            items: BTreeMap::new(),
            attachments: state
                .attachments
                .into_iter()
                .map(|draft| (draft.room, draft.attachments))
                .collect(),
            transfers: state
                .transfers
                .into_iter()
                .map(|transfer| (transfer.id, transfer))
                .collect(),
        };
        let people = state
            .people
            .into_iter()
            .map(|person| (person.member, person.name));
        space.names.extend(people);
        space
    }

    pub fn connected(&self) -> bool {
        self.view.link.state == LinkState::Connected
    }

    /// The room of this name.
    pub fn room(&self, name: &str) -> Option<&RoomView> {
        self.rooms.values().find(|room| room.name == name)
    }

    /// How far this member has received and read the room; zeros where unknown.
    pub fn marks(&self, room: RoomId, member: MemberId) -> (u64, u64) {
        let mark = self.marks.get(&(room, member));
        mark.map_or((0, 0), |mark| (mark.delivered, mark.read))
    }

    fn put(&mut self, room: RoomId, item: Item) {
        let items = self.items.entry(room).or_default();
        let same = |id: EventId| items.iter().position(|there| there.id == id);
        match same(item.id) {
            Some(at) => items[at] = item,
            None => items.push(item),
        }
    }
}

impl Screen {
    /// One more batch.
    pub fn take(&mut self, events: Vec<UiEvent>) {
        events.into_iter().for_each(|event| self.take_one(event));
    }

    fn take_one(&mut self, event: UiEvent) {
        match event {
            UiEvent::Snapshot(snapshot) => {
                let spaces = snapshot.spaces.into_iter();
                self.spaces = spaces
                    .map(|state| (state.space.space, SpaceOnScreen::new(state)))
                    .collect();
            }
            UiEvent::Space { space } => match self.spaces.get_mut(&space.space) {
                Some(there) => there.view = space,
                None => {
                    let new = SpaceState {
                        space,
                        rooms: Vec::new(),
                        people: Vec::new(),
                        attachments: Vec::new(),
                        thread_drafts: Vec::new(),
                        transfers: Vec::new(),
                    };
                    self.spaces.insert(new.space.space, SpaceOnScreen::new(new));
                }
            },
            UiEvent::SpaceGone { space } => {
                self.spaces.remove(&space);
            }
            UiEvent::Notice { refusal } => self.notices.push(refusal.message),
            UiEvent::Room { space, room } => self.of(space, |of| {
                of.rooms.insert(room.room, room);
            }),
            UiEvent::RoomGone { space, room } => self.of(space, |of| {
                of.rooms.remove(&room);
                of.items.remove(&room);
            }),
            UiEvent::People { space, people } => self.of(space, |of| {
                of.names.extend(
                    people
                        .into_iter()
                        .map(|person| (person.member, person.name)),
                );
            }),
            UiEvent::Presence { space, changes } => self.of(space, |of| {
                of.presence
                    .extend(changes.into_iter().map(|change| (change.member, change)));
            }),
            UiEvent::Attachments {
                space,
                room,
                attachments,
                ..
            } => self.of(space, |of| {
                of.attachments.insert(room, attachments);
            }),
            UiEvent::Transfers {
                space,
                transfers,
                gone,
            } => self.of(space, |of| {
                of.transfers.retain(|id, _| !gone.contains(id));
                of.transfers
                    .extend(transfers.into_iter().map(|one| (one.id, one)));
            }),
            UiEvent::Typing {
                space,
                room,
                members,
                ..
            } => self.of(space, |of| {
                of.typing.insert(room, members);
            }),
            UiEvent::Marks {
                space,
                room,
                changes,
            } => self.of(space, |of| {
                of.marks.extend(
                    changes
                        .into_iter()
                        .map(|change| ((room, change.member), change)),
                );
            }),
            UiEvent::Items { space, room, items } => self.of(space, |of| {
                items.into_iter().for_each(|item| of.put(room, item));
            }),
            UiEvent::ItemGone { space, room, id } => self.of(space, |of| {
                of.items
                    .entry(room)
                    .or_default()
                    .retain(|item| item.id != id);
            }),
            UiEvent::Reload { space, room } => self.of(space, |of| {
                of.items.insert(room, Vec::new());
            }),
            UiEvent::Me { .. }
            | UiEvent::Settings { .. }
            | UiEvent::Nearby { .. }
            | UiEvent::Hosting { .. }
            | UiEvent::Unsent { .. }
            | UiEvent::ThreadDraft { .. }
            | UiEvent::Open { .. } => {}
        }
    }

    fn of(&mut self, space: SpaceId, change: impl FnOnce(&mut SpaceOnScreen)) {
        let space = self.spaces.get_mut(&space);
        change(space.expect("a space is told of before what is in it"));
    }
}
