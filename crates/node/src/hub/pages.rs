//! Pages of what is on the disk: logs, pins, what a search finds. What may be read is decided here,
//! on the states of now, and read beside the Hub on that snapshot: nobody is shown what came after
//! they were removed.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use landline_protocol::access::no_such_room;
use landline_protocol::limits::{FETCH_EVENTS, SEARCH_HITS};
use landline_protocol::up::{EventsPage, Fetch, Fetched, Found, Hit, Pins, Search};
use landline_protocol::{
    Code, Event, EventId, GoodbyeReason, MemberId, Refusal, RoomId, SpaceState,
};
use landline_store::search::{self, Names, Typed};
use landline_store::{Connection, StoreError, log, messages};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::Hub;
use super::read::page_limit;
use super::relay::PAGE_BYTES;
use crate::session::{Asker, OUTGOING_BYTES_BEFORE_A_PAGE};
use crate::world::FIRST;

/// Pinned messages in an answer.
const PINS: usize = 200;
/// For a client to take what waits for it before it gets a page of a log.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl Hub {
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

    pub(super) fn pins(&mut self, asker: Asker, member: &MemberId, request: Pins) {
        let Pins { room, before } = request;
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
            let pins = store.read(move |c| messages::pins(c, room, before, PINS + 1));
            let pins = pins.await.map_err(|error| unreadable(&error));
            asker.answer(pins.map(|mut events| {
                events.reverse();
                let more = cut(&mut events, PINS, Event::bytes);
                events.reverse();
                EventsPage { events, more }
            }));
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
            let found = store.read(move |c| found(c, typed, request.after_hit, limit));
            let found = found.await.map_err(|error| unreadable(&error));
            asker.answer(found.and_then(|found| found.ok_or_else(no_such_hit)));
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

fn page(c: &Connection, request: &Fetch, head: u64) -> Result<Vec<Event>, StoreError> {
    let limit = page_limit(Some(request.limit), FETCH_EVENTS);
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

/// The hits of one answer. `None` where the one to go on behind is not among what may be found.
fn found(
    c: &Connection,
    mut typed: Typed,
    after_hit: Option<EventId>,
    limit: usize,
) -> Result<Option<Found>, StoreError> {
    if let Some(hit) = after_hit {
        let place = search::place(c, hit)?;
        let rooms = typed.rooms.as_deref().unwrap_or_default();
        let Some((_, place)) = place.filter(|(room, _)| rooms.contains(room)) else {
            return Ok(None);
        };
        typed.behind = Some(place);
    }
    let hits = typed.search(c, limit + 1)?.into_iter();
    let mut hits: Vec<_> = hits.map(|hit| Hit::new(hit.event, hit.snippet)).collect();
    let more = cut(&mut hits, limit, Hit::bytes);
    Ok(Some(Found { hits, more }))
}

fn no_such_hit() -> Refusal {
    Refusal::not_found("`after_hit` is no message of the rooms that are searched")
}

/// Keeps as many as an answer may have, and as fit into one packet. Whether any were cut.
fn cut<T>(page: &mut Vec<T>, most: usize, bytes: impl Fn(&T) -> usize) -> bool {
    let mut sum = 0;
    let fit = page.iter().take(most).take_while(|one| {
        sum += bytes(one);
        sum <= PAGE_BYTES
    });
    let (fit, all) = (fit.count(), page.len());
    page.truncate(fit);
    fit < all
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
