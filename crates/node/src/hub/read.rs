//! Requests that change nothing durable. What needs the disk is decided here, on the states of now,
//! and done beside the Hub on that snapshot: nobody is shown what came after they were removed.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use landline_protocol::access::{self, no_such_room};
use landline_protocol::limits::{MEMBERS_PAGE, ROOMS_PAGE, SEARCH_HITS};
use landline_protocol::up::{
    EventsPage, Fetch, Fetched, Found, Hit, Mark, MarksPage, MemberInfo, Members, MembersPage,
    MyRooms, Presence, Rooms, RoomsPage, Search, Typing, Watch, Watched,
};
use landline_protocol::{
    Code, EventId, GoodbyeReason, MemberId, Refusal, RoomId, RoomState, SpaceState,
};
use landline_store::search::{Names, Typed};
use landline_store::{StoreError, log, messages};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::relay::PAGE_BYTES;
use super::{Hub, Nothing};
use crate::session::{Asker, OUTGOING_BYTES_BEFORE_A_PAGE, SessionId};
use crate::world::FIRST;

/// Between two marks of one connection in one room.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// Pinned messages in an answer; older ones are found in the log.
const PINS: usize = 200;
/// For a client to take what waits for it before it gets a page of a log.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl Hub {
    pub(super) fn my_rooms(
        &self,
        member: &MemberId,
        request: &MyRooms,
    ) -> Result<RoomsPage, Refusal> {
        let rooms = self.world.my_rooms(member);
        let rooms = rooms
            .into_iter()
            .filter(|room| request.after.is_none_or(|id| room.id > id));
        Ok(self.rooms_page(rooms, member, request.limit))
    }

    pub(super) fn rooms_to_join(
        &self,
        member: &MemberId,
        request: &Rooms,
    ) -> Result<RoomsPage, Refusal> {
        let wanted = request
            .query
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        let after = request.after.map_or(Bound::Unbounded, Bound::Excluded);
        let rooms = self
            .world
            .rooms
            .range((after, Bound::Unbounded))
            .map(|(_, room)| room);
        let rooms = rooms
            .filter(|room| access::may_join(&self.world.space, room, member))
            .filter(|room| room.name.to_lowercase().contains(&wanted));
        Ok(self.rooms_page(rooms, member, request.limit))
    }

    fn rooms_page<'a>(
        &self,
        rooms: impl Iterator<Item = &'a Arc<RoomState>>,
        member: &MemberId,
        limit: Option<u64>,
    ) -> RoomsPage {
        let limit = page_limit(limit, ROOMS_PAGE);
        let mut rooms = rooms.map(|r| self.world.room_info(r, self.marks.of(r.id, member)));
        let page: Vec<_> = rooms.by_ref().take(limit).collect();
        RoomsPage {
            more: rooms.next().is_some(),
            rooms: page,
        }
    }

    pub(super) fn members(
        &self,
        member: &MemberId,
        request: &Members,
    ) -> Result<MembersPage, Refusal> {
        let space = &self.world.space;
        let room = match request.room {
            Some(room) if room != space.id.directory() => Some(self.readable(room, member)?),
            Some(_) | None => None,
        };
        let wanted = request
            .query
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        let limit = page_limit(request.limit, MEMBERS_PAGE);
        let after = request.after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut members = space
            .people
            .range((after, Bound::Unbounded))
            .filter(|(_, person)| person.is_here())
            .filter(|(id, _)| room.is_none_or(|room| room.has(space, id)))
            .filter(|(_, person)| person.name.to_lowercase().contains(&wanted))
            .map(|(id, person)| {
                let presence = self.people.presence(id);
                MemberInfo {
                    id: *id,
                    name: person.name.clone(),
                    role: person.role,
                    state: presence.state,
                    last_seen: presence.last_seen,
                }
            });
        let page: Vec<_> = members.by_ref().take(limit).collect();
        Ok(MembersPage {
            more: members.next().is_some(),
            members: page,
        })
    }

    pub(super) fn marks_of(&self, member: &MemberId, room: RoomId) -> Result<MarksPage, Refusal> {
        self.readable(room, member)?;
        Ok(MarksPage {
            changes: self.marks.all(room),
        })
    }

    pub(super) fn mark(
        &mut self,
        session: SessionId,
        member: MemberId,
        request: &Mark,
    ) -> Result<Nothing, Refusal> {
        let head = self.readable(request.room, &member)?.head;
        let now = Instant::now();
        self.people
            .may_mark(session, request.room, MARK_EVERY, now)
            .map_err(|wait| {
                let words = "at most one mark a second and room";
                Refusal::new(Code::TooManyRequests, words).retry_after(wait)
            })?;
        self.marks
            .mark(request.room, member, request.delivered, request.read, head);
        Ok(Nothing {})
    }

    pub(super) fn type_in(
        &mut self,
        member: MemberId,
        request: &Typing,
    ) -> Result<Nothing, Refusal> {
        let room = self.readable(request.room, &member)?;
        if request.on {
            access::may_type(&self.world.space, room, &member, self.clock.now())?;
            self.typing.types(request.room, member, Instant::now());
        } else {
            self.typing.stops(request.room, &member);
        }
        Ok(Nothing {})
    }

    pub(super) fn show(
        &mut self,
        session: SessionId,
        member: &MemberId,
        request: Presence,
    ) -> Result<Nothing, Refusal> {
        let text = request.text.unwrap_or_default();
        // What they show already may stay: their state is theirs to change.
        if !text.is_empty() && self.people.shown(session) != Some(&text) {
            access::may_be_heard(&self.world.space, member, self.clock.now())?;
        }
        self.people.shows(session, request.state, text);
        Ok(Nothing {})
    }

    pub(super) fn watch(&mut self, session: SessionId, request: Watch) -> Watched {
        let known = |member: &MemberId| self.world.space.people.contains_key(member);
        let members: Vec<_> = request.members.into_iter().filter(known).collect();
        let presence = members
            .iter()
            .map(|member| self.people.presence(member))
            .collect();
        self.people.watch(session, members);
        Watched { presence }
    }

    // ----- with the disk -------------------------------------------------------------------------

    pub(super) fn fetch(&mut self, asker: Asker, member: &MemberId, request: Fetch) {
        let log = match self.readable_log(request.room, member) {
            Ok(log) => log,
            Err(refusal) => return asker.answer::<()>(Err(refusal)),
        };
        let (store, epoch) = (self.store.clone(), self.world.epoch);
        self.reads.spawn(async move {
            let Some(_turn) = turn(&asker).await else {
                return;
            };
            let page = store.read(move |c| page(c, &request, log.head)).await;
            asker.answer(
                page.map_err(|error| unreadable(&error))
                    .map(|events| Fetched {
                        events,
                        first: FIRST,
                        head: log.head,
                        head_id: log.head_id,
                        epoch,
                    }),
            );
        });
    }

    pub(super) fn pins(&mut self, asker: Asker, member: &MemberId, room: RoomId) {
        if let Err(refusal) = self.readable(room, member) {
            return asker.answer::<()>(Err(refusal));
        }
        let store = self.store.clone();
        let derived = self.writes.until_derived();
        self.reads.spawn(async move {
            if derived.await.is_err() {
                return asker.answer::<()>(Err(unavailable()));
            }
            let Some(_turn) = turn(&asker).await else {
                return;
            };
            let events = store.read(move |c| messages::pins(c, room, PINS)).await;
            asker.answer(
                events
                    .map_err(|error| unreadable(&error))
                    .map(|mut events| {
                        // The newest, where all would not fit into one packet.
                        let mut bytes = 0;
                        let fit = events.iter().rev().take_while(|event| {
                            bytes += event.content.get().len() + 400;
                            bytes <= PAGE_BYTES
                        });
                        let fit = fit.count();
                        events.drain(..events.len() - fit);
                        EventsPage { events }
                    }),
            );
        });
    }

    pub(super) fn search(&mut self, asker: Asker, member: &MemberId, request: Search) {
        let typed = match self.typed(member, &request) {
            Ok(typed) => typed,
            Err(refusal) => return asker.answer::<()>(Err(refusal)),
        };
        let limit = page_limit(request.limit, SEARCH_HITS);
        let (store, searches) = (self.store.clone(), Arc::clone(&self.searches));
        let derived = self.writes.until_derived();
        self.reads.spawn(async move {
            if derived.await.is_err() {
                return asker.answer::<()>(Err(unavailable()));
            }
            let Some(_turn) = turn(&asker).await else {
                return;
            };
            let Ok(_one_of_few) = searches.acquire().await else {
                return;
            };
            let hits = store.read(move |c| typed.search(c, limit));
            asker.answer(
                hits.await
                    .map_err(|error: StoreError| unreadable(&error))
                    .map(|hits| {
                        let mut bytes = 0;
                        let hits = hits.into_iter().map(|hit| Hit::new(hit.event, hit.snippet));
                        let fit = hits.take_while(|hit| {
                            bytes += hit.content.get().len() + hit.snippet.len() + 400;
                            bytes <= PAGE_BYTES
                        });
                        Found {
                            hits: fit.collect(),
                        }
                    }),
            );
        });
    }

    /// What is searched for, in nothing but rooms that this member may read.
    fn typed(&self, member: &MemberId, request: &Search) -> Result<Typed, Refusal> {
        let mine = self.world.my_rooms(member);
        let people = self.world.space.people.iter();
        let names = Names {
            me: Some(*member),
            people: people
                .map(|(id, person)| (*id, person.name.as_str()))
                .collect(),
            rooms: mine
                .iter()
                .map(|room| (room.id, room.name.as_str()))
                .collect(),
        };
        let mut typed = Typed::read(
            &request.query,
            &names,
            self.clock.now(),
            &TimeZone::system(),
        )?;
        // A room that the query names is meant, wherever one searches from.
        typed.rooms = match (typed.rooms, request.room) {
            (Some(named), _) => Some(named),
            (None, Some(room)) => Some(vec![self.readable(room, member)?.id]),
            (None, None) => Some(mine.iter().map(|room| room.id).collect()),
        };
        if let Some(author) = request.author {
            let meant = typed.authors.unwrap_or_else(|| vec![author]);
            typed.authors = Some(meant.into_iter().filter(|one| *one == author).collect());
        }
        typed.before = typed.before.into_iter().chain(request.before).min();
        Ok(typed)
    }

    fn readable(&self, room: RoomId, member: &MemberId) -> Result<&Arc<RoomState>, Refusal> {
        let room = self.world.room(room).ok_or_else(no_such_room)?;
        access::may_read(&self.world.space, room, member)?;
        Ok(room)
    }

    /// Where the log of a room, or the directory, ends for this reader.
    fn readable_log(&self, room: RoomId, member: &MemberId) -> Result<LogEnd, Refusal> {
        let SpaceState {
            id, head, head_id, ..
        } = &*self.world.space;
        if room == id.directory() {
            let head_id = head_id.ok_or_else(no_such_room)?;
            return Ok(LogEnd {
                head: *head,
                head_id,
            });
        }
        self.readable(room, member).map(|room| LogEnd {
            head: room.head,
            head_id: room.head_id,
        })
    }
}

/// Where a log ended when a read of it was allowed.
#[derive(Debug, Clone, Copy)]
struct LogEnd {
    head: u64,
    head_id: EventId,
}

fn page(
    c: &landline_store::Connection,
    request: &Fetch,
    head: u64,
) -> Result<Vec<landline_protocol::Event>, StoreError> {
    let limit = page_limit(Some(request.limit), landline_protocol::limits::FETCH_EVENTS);
    let mut events = match (request.after, request.before) {
        (Some(after), _) => log::page_after(c, request.room, after, limit, PAGE_BYTES)?,
        (None, before) => {
            let before = before.unwrap_or(u64::MAX).min(head + 1);
            log::page_before(c, request.room, Some(before), limit, PAGE_BYTES)?
        }
    };
    // Beyond it is what came after the reader was allowed to read.
    events.retain(|event| event.seq <= head);
    Ok(events)
}

fn page_limit(asked: Option<u64>, most: usize) -> usize {
    asked
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(most)
        .min(most)
}

/// Waits for this client's turn: one page at a time, and not before it has taken most of what
/// waits for it. Pages are big, and who asks for many without reading any would have the node hold
/// them all.
async fn turn(asker: &Asker) -> Option<OwnedSemaphorePermit> {
    let turn = asker.outlet.session.turn().await?;
    let start = Instant::now();
    while asker.outlet.waiting() > OUTGOING_BYTES_BEFORE_A_PAGE {
        if asker.outlet.session.is_gone() {
            return None;
        }
        if start.elapsed() > DRAIN_WITHIN {
            asker.outlet.goodbye(GoodbyeReason::TooSlow);
            return None;
        }
        sleep(LOOK_AGAIN).await;
    }
    Some(turn)
}

fn unreadable(error: &StoreError) -> Refusal {
    warn!(%error, "a read failed");
    unavailable()
}

fn unavailable() -> Refusal {
    Refusal::new(Code::Unavailable, "the node can't read its store").retry_after(1000)
}
