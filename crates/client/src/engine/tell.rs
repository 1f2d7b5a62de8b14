//! What the windows are told, gathered: single events at once; items of timelines, whole rooms and
//! people no more often than a screen can show.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use landline_protocol::{EventId, MemberId, RoomId, RoomKind};
use landline_store::outbox;
use landline_store::rooms::{self as stored_rooms, PersonRow};
use tokio::time::{Duration, Instant};

use super::views::{self, RoomFacts, RoomRead};
use super::{Engine, Phase};
use crate::ClientError;
use crate::home::Note;
use crate::ui::{LinkState, LinkView, RoomView, SpaceView, UiEvent};

/// Between two rounds of changed items, rooms and people: under load, one room changes with every
/// packet.
const ROUND_EVERY: Duration = Duration::from_millis(50);
/// After a round that could not be read, in addition.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Items of a room told one by one; where more have changed, more than fit on a screen, the page is
/// read anew.
const ITEMS_TOLD: usize = 30;
/// A page that is to be read anew is not read while more comes within this of each other: it would
/// be read, and drawn, again.
const CALM: Duration = Duration::from_millis(15);
/// But after this it is.
const SURGE_AT_MOST: Duration = Duration::from_millis(150);

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Out {
    events: Vec<UiEvent>,
    /// Of these nothing is here any more; what may have come in their place since is told after.
    gone: Vec<RoomId>,
    items: BTreeMap<RoomId, Changed>,
    views: Views,
    /// What is remembered of the space has changed.
    known: bool,
    /// The last round.
    round: Option<Instant>,
    /// More comes at once than is told one by one.
    surge: Option<Surge>,
    /// As told last: the same is not told twice.
    told_rooms: HashMap<RoomId, RoomView>,
    told_space: Option<SpaceView>,
}

/// What has changed beside timelines.
#[derive(Debug, Default)]
struct Views {
    rooms: BTreeSet<RoomId>,
    people: BTreeSet<MemberId>,
    everybody: bool,
    space: bool,
}

impl Views {
    fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.people.is_empty() && !self.everybody && !self.space
    }

    fn add(&mut self, more: Self) {
        self.rooms.extend(more.rooms);
        self.people.extend(more.people);
        self.everybody |= more.everybody;
        self.space |= more.space;
    }
}

/// What was read of them.
type ViewsRead = (Vec<RoomRead>, Vec<PersonRow>, u64);

/// What has changed of a room's timeline.
#[derive(Debug, PartialEq, Eq)]
enum Changed {
    /// These, by their events: at most [`ITEMS_TOLD`].
    Items(BTreeSet<EventId>),
    /// So much that it is to be read anew.
    All,
}

#[derive(Debug, Clone, Copy)]
struct Surge {
    began: Instant,
    last: Instant,
}

impl Out {
    pub(super) fn say(&mut self, event: UiEvent) {
        self.events.push(event);
    }

    pub(super) fn items_changed(&mut self, room: RoomId, items: BTreeSet<EventId>) {
        if items.is_empty() {
            return;
        }
        let changed = self
            .items
            .entry(room)
            .or_insert_with(|| Changed::Items(BTreeSet::new()));
        if let Changed::Items(known) = changed {
            known.extend(items);
            if known.len() > ITEMS_TOLD {
                *changed = Changed::All;
                let last = Instant::now();
                let began = self.surge.map_or(last, |surge| surge.began);
                self.surge = Some(Surge { began, last });
            }
        } else if let Some(surge) = &mut self.surge {
            surge.last = Instant::now();
        }
    }

    /// [`Self::items_changed`], of whatever rooms.
    pub(super) fn lines_changed(&mut self, lines: Vec<(RoomId, EventId)>) {
        let mut by_room: BTreeMap<RoomId, BTreeSet<EventId>> = BTreeMap::new();
        for (room, line) in lines {
            by_room.entry(room).or_default().insert(line);
        }
        for (room, items) in by_room {
            self.room_changed(room);
            self.items_changed(room, items);
        }
    }

    /// What is shown of this room is to be read anew.
    pub(super) fn reload(&mut self, room: RoomId) {
        self.items.insert(room, Changed::All);
    }

    pub(super) fn room_changed(&mut self, room: RoomId) {
        self.views.rooms.insert(room);
    }

    /// The room is gone, and nothing more is to be told of it as it was.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.items.remove(&room);
        self.views.rooms.remove(&room);
        self.told_rooms.remove(&room);
        self.events.retain(|event| !is_of(event, room));
        self.gone.push(room);
    }

    pub(super) fn person_changed(&mut self, member: MemberId) {
        self.views.people.insert(member);
    }

    pub(super) fn everybody_changed(&mut self) {
        self.views.everybody = true;
    }

    pub(super) fn space_changed(&mut self) {
        self.views.space = true;
    }

    /// The list of known spaces is to be written anew.
    pub(super) fn known_changed(&mut self) {
        self.known = true;
    }

    /// When the next round is.
    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = !self.items.is_empty() || !self.views.is_empty();
        waiting.then(|| {
            let round = self
                .round
                .map_or_else(Instant::now, |round| round + ROUND_EVERY);
            self.surge.map_or(round, |Surge { began, last }| {
                round.max((last + CALM).min(began + SURGE_AT_MOST))
            })
        })
    }
}

impl Engine {
    /// Tells what is to be told by now. What can't be read stays to be told in a later round.
    pub(super) async fn tell(&mut self) -> Result<(), ClientError> {
        self.tell_gone().await;
        let mut told = Ok(());
        if self.out.due().is_some_and(|due| due <= Instant::now()) {
            told = self.tell_round().await;
            if told.is_err() {
                self.out.round = Some(Instant::now() + AFTER_FAILURE);
            }
        }
        if std::mem::take(&mut self.out.known) {
            self.note(Note::Known(Box::new(self.config.known.clone())))
                .await;
        }
        if !self.out.events.is_empty() {
            let events = std::mem::take(&mut self.out.events);
            let space = self.space();
            self.note(Note::Ui { space, events }).await;
        }
        told
    }

    async fn tell_round(&mut self) -> Result<(), ClientError> {
        self.out.round = Some(Instant::now());
        self.out.surge = None;
        // A new room is told before what is in it.
        let events = std::mem::take(&mut self.out.events);
        let told = self.tell_views().await;
        self.out.events.extend(events);
        told?;
        self.tell_items().await
    }

    /// Before what may have come in their place.
    async fn tell_gone(&mut self) {
        let space = self.space();
        let gone = std::mem::take(&mut self.out.gone).into_iter();
        let events: Vec<UiEvent> = gone.map(|room| UiEvent::RoomGone { space, room }).collect();
        if !events.is_empty() {
            self.note(Note::Ui { space, events }).await;
        }
    }

    /// At the start: the whole of it.
    pub(super) async fn first_words(&mut self) -> Result<Vec<UiEvent>, ClientError> {
        self.out.views = Views {
            rooms: self.rooms.keys().copied().collect(),
            people: BTreeSet::new(),
            everybody: true,
            space: true,
        };
        let said = std::mem::take(&mut self.out.events);
        self.tell_views().await?;
        self.out.events.extend(said);
        Ok(std::mem::take(&mut self.out.events))
    }

    async fn tell_items(&mut self) -> Result<(), ClientError> {
        let mut told = Ok(());
        for (room, changed) in std::mem::take(&mut self.out.items) {
            match changed {
                Changed::Items(items) => told = told.and(self.tell_items_now(room, items).await),
                Changed::All => {
                    let space = self.space();
                    self.out.say(UiEvent::Reload { space, room });
                }
            }
        }
        told
    }

    /// As they are now, without waiting for the next round.
    pub(super) async fn tell_items_now(
        &mut self,
        room: RoomId,
        items: BTreeSet<EventId>,
    ) -> Result<(), ClientError> {
        let (space, me, wanted) = (self.space(), self.me(), items.clone());
        let read = self.config.store.read(move |c| views::items(c, me, wanted));
        let read = match read.await {
            Ok(read) => read,
            Err(error) => {
                self.out.items_changed(room, items);
                return Err(error);
            }
        };
        let items: Vec<_> = read.into_iter().map(|(_, item)| item).collect();
        if !items.is_empty() {
            self.out.say(UiEvent::Items { space, room, items });
        }
        Ok(())
    }

    async fn tell_views(&mut self) -> Result<(), ClientError> {
        let changed = std::mem::take(&mut self.out.views);
        let (rooms, people, queued) = match self.read_views(&changed).await {
            Ok(read) => read,
            Err(error) => {
                self.out.views.add(changed);
                // How the link is does not have to be read.
                self.tell_space(self.out.told_space.as_ref().map_or(0, |told| told.queued));
                return Err(error);
            }
        };
        self.tell_space(queued);
        let space = self.space();
        for read in rooms {
            let room = read.view;
            if let Some(known) = self.rooms.get_mut(&room.room) {
                known.threads_read = known.threads_read.max(read.threads_read);
                known.unread_replies = Some(read.unread_replies);
            }
            let before = self.out.told_rooms.insert(room.room, room.clone());
            if before.as_ref() != Some(&room) {
                self.out.say(UiEvent::Room { space, room });
            }
        }
        if !people.is_empty() {
            let people = self.people.seen(people);
            self.out.say(UiEvent::People { space, people });
        }
        Ok(())
    }

    /// These rooms, these people, and how many events wait in the whole space.
    async fn read_views(&self, changed: &Views) -> Result<ViewsRead, ClientError> {
        let (space, directory) = (self.space(), self.directory());
        let facts: Vec<RoomFacts> = changed
            .rooms
            .iter()
            .filter(|id| **id != directory)
            .filter_map(|id| self.facts(*id))
            .collect();
        let everybody = changed.everybody;
        let people: Vec<MemberId> = changed.people.iter().copied().collect();
        self.config
            .store
            .read(move |c| {
                let waiting = outbox::counts(c)?;
                let queued = |room: RoomId| {
                    let count = waiting.iter().find(|count| count.room == room);
                    count.map_or(0, |count| count.waiting + count.failed)
                };
                let rooms = facts
                    .into_iter()
                    .map(|facts| {
                        let queued = queued(facts.info.id);
                        views::room(c, facts, queued)
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                let mut rows = Vec::new();
                if everybody {
                    rows = stored_rooms::people(c, space)?;
                } else {
                    for member in people {
                        rows.extend(stored_rooms::person(c, space, member)?);
                    }
                }
                let queued = waiting.iter().map(|count| count.waiting).sum();
                Ok((rooms, rows, queued))
            })
            .await
    }

    fn tell_space(&mut self, queued: u64) {
        let known = &self.config.known;
        let space = SpaceView {
            space: known.space,
            name: known.name.clone(),
            admission: known.admission,
            me: self.config.identity.member,
            role: known.role,
            link: self.link_view(),
            queued,
            hosted_here: self.config.situation.hosted_here.is_some(),
        };
        if self.out.told_space.as_ref() != Some(&space) {
            self.out.told_space = Some(space.clone());
            self.out.say(UiEvent::Space { space });
        }
    }

    pub(super) fn facts(&self, id: RoomId) -> Option<RoomFacts> {
        let room = self.rooms.get(&id)?;
        let mut info = room.info.clone();
        if info.everyone {
            // All who are in the space; the room's own log does not name them.
            info.member_count = self.people.here().max(1);
        }
        (info.kind != RoomKind::Unknown).then(|| RoomFacts {
            space: self.space(),
            me: self.me(),
            role: self.config.known.role,
            info,
            open: room.is_open(),
            head: room.sync.head(),
            read: room.marks.read,
            marked: room.marked(),
            level: room.choice.level.into(),
            threads_read: room.threads_read,
            unread_replies: room.unread_replies,
        })
    }

    fn link_view(&self) -> LinkView {
        let missing: u64 = self.rooms.values().map(|room| room.sync.missing()).sum();
        let (state, next_try) = match &self.phase {
            Phase::Online(_) => (LinkState::Connected, None),
            Phase::Dialling { .. } => (LinkState::Connecting, None),
            Phase::Looking { next_try_at, .. } => (LinkState::Looking, Some(*next_try_at)),
            Phase::Refused => (LinkState::Refused, None),
        };
        let host = match &self.config.known.host {
            Some(host) => Some(host.clone()),
            None => self.config.known.addresses.first().cloned(),
        };
        LinkView {
            state,
            host,
            last_connected: self.config.known.last_connected,
            next_try,
            catching_up: (missing > 0).then_some(missing),
            problem: self.problem.clone(),
        }
    }
}

/// Whether it says something of this room that is not true of another one in its place.
fn is_of(event: &UiEvent, room: RoomId) -> bool {
    match event {
        UiEvent::Items { room: of, .. }
        | UiEvent::ItemGone { room: of, .. }
        | UiEvent::Reload { room: of, .. }
        | UiEvent::Attachments { room: of, .. }
        | UiEvent::ThreadDraft { room: of, .. }
        | UiEvent::Marks { room: of, .. }
        | UiEvent::Typing { room: of, .. } => *of == room,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::SpaceId;

    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([1; 16]);

    fn items(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<EventId> {
        let id = |number: usize| EventId::from_bytes((number as u128).to_be_bytes());
        numbers.into_iter().map(id).collect()
    }

    #[test]
    fn the_first_round_is_at_once_and_the_next_waits() {
        let mut out = Out::default();
        assert_eq!(out.due(), None);
        out.items_changed(ROOM, items([]));
        assert_eq!(out.due(), None);
        out.items_changed(ROOM, items([1]));
        assert!(out.due().unwrap() <= Instant::now());
        let round = Instant::now();
        out.round = Some(round);
        assert_eq!(out.due(), Some(round + ROUND_EVERY));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_not_read_anew_while_more_comes_but_it_is_after_a_while() {
        let mut out = Out::default();
        let began = Instant::now();
        out.items_changed(ROOM, items(0..=ITEMS_TOLD));
        assert_eq!(out.due(), Some(began + CALM));
        tokio::time::advance(CALM / 2).await;
        out.items_changed(ROOM, items([1]));
        assert_eq!(out.due(), Some(began + CALM / 2 + CALM));
        tokio::time::advance(SURGE_AT_MOST - CALM).await;
        out.items_changed(ROOM, items([2]));
        assert_eq!(out.due(), Some(began + SURGE_AT_MOST));
        // What is to be read anew for another reason does not wait.
        let mut out = Out::default();
        out.reload(ROOM);
        assert_eq!(out.due(), Some(Instant::now()));
    }

    #[test]
    fn so_many_items_of_one_round_are_told_and_past_that_the_room_is_read_anew() {
        let mut out = Out::default();
        out.items_changed(ROOM, items(0..20));
        out.items_changed(ROOM, items(10..ITEMS_TOLD));
        assert_eq!(out.items[&ROOM], Changed::Items(items(0..ITEMS_TOLD)));
        out.items_changed(ROOM, items([ITEMS_TOLD]));
        out.items_changed(ROOM, items([1]));
        assert_eq!(out.items[&ROOM], Changed::All);
        out.forget(ROOM);
        assert_eq!(out.due(), None);
    }

    #[test]
    fn what_was_said_of_a_room_that_is_gone_is_not_told_of_the_one_in_its_place() {
        let space = SpaceId::from_bytes([3; 16]);
        let other = RoomId::from_bytes([2; 16]);
        let reload = |room| UiEvent::Reload { space, room };
        let mut out = Out::default();
        out.say(reload(ROOM));
        out.say(reload(other));
        out.forget(ROOM);
        assert!(!out.events.iter().any(|event| is_of(event, ROOM)));
        assert!(out.events.iter().any(|event| is_of(event, other)));
        assert_eq!(out.gone, [ROOM]);
    }
}
