//! The outbox on its way: one `append` in flight per link, everything in the order written.
//!
//! A row is settled by the answer or by its own echo, whichever comes first. Rows whose answer
//! never came are appended again on the next link: the node answers an id that it knows with its
//! first place.

use std::collections::BTreeMap;

use landline_protocol::limits::APPEND_EVENTS;
use landline_protocol::up::{Append, AppendResult, Appended};
use landline_protocol::{
    Code, Content, Event, EventId, MemberId, NewEvent, Refusal, RoomId, RoomKind,
};
use landline_store::{Connection, StoreError, outbox};
use tokio::time::{Duration, Instant};

use super::linking::Wait;
use super::online::Asked;
use super::receive::Way;
use super::timeline::WAITING_ITEMS;
use super::{Engine, Phase, overlay, views};
use crate::ClientError;
use crate::link::{Backoff, spread};
use crate::sync::NodeLog;
use crate::ui::{Item, ItemState, UiEvent};

/// Bytes of events in one `append`: well within a packet.
const APPEND_BYTES: usize = 200 * 1024;
/// Lines told at once of what was refused and what is held by it; where there are more, the page is
/// read anew.
const HELD_TOLD: usize = 100;

/// What of the outbox is on its way.
#[derive(Debug, Default)]
pub(super) struct Appending {
    /// Handed to the link, in order; empty: nothing is.
    in_flight: Vec<NewEvent>,
    /// The node wants to be left alone until then.
    not_before: Option<Instant>,
    backoff: Backoff,
    /// One event at a time: the node has refused an `append` as a whole, for one of them.
    alone: bool,
    /// Nothing more to send, as far as we know.
    idle: bool,
}

impl Appending {
    /// There may be something to send.
    pub(super) fn wake(&mut self) {
        self.idle = false;
    }

    /// The link is gone, and with it the answers.
    pub(super) fn lost(&mut self) {
        *self = Self::default();
    }

    pub(super) fn next_try(&self) -> Option<Instant> {
        self.not_before
    }

    fn wait(&mut self, refusal: &Refusal, random: f64) {
        let pause = self.backoff.next(random);
        let asked = refusal.retry_after_ms.map(Duration::from_millis);
        let pause = asked.map_or(pause, |asked| spread(asked, random));
        self.not_before = Some(Instant::now() + pause);
    }
}

impl Engine {
    /// Whether an `append` may be sent now. Not before every log is compared with the node's:
    /// what a step back puts into the outbox goes first.
    fn may_append(&self) -> bool {
        let Phase::Online(online) = &self.phase else {
            return false;
        };
        online.knows_its_rooms()
            && self.appending.in_flight.is_empty()
            && self.appending.not_before.is_none()
            && !self.rooms.values().any(|room| room.sync.is_searching())
    }

    /// Writes new events to the outbox (FULL) and tells them; what may go at once goes at once.
    pub(super) async fn queue(&mut self, events: Vec<NewEvent>) -> Result<(), ClientError> {
        self.queue_with(events, |_| Ok(())).await
    }

    /// The same; `more` is stored in the same transaction, before anything is handed over.
    pub(super) async fn queue_with(
        &mut self,
        events: Vec<NewEvent>,
        more: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), ClientError> {
        let (me, may_append, limit) = (self.me(), self.may_append(), self.batch_limit());
        let (batch, items) = self
            .config
            .store
            .write(move |c| {
                for event in &events {
                    outbox::push(c, event)?;
                }
                more(c)?;
                // In the same transaction: a message waits for the disk once, not twice.
                let batch = if may_append {
                    hand_over_next(c, limit)?
                } else {
                    Batch::default()
                };
                let new = events.iter().map(|event| event.id);
                let items = shown_items(c, me, new.chain(batch.begun.iter().copied()))?;
                Ok::<_, ClientError>((batch, items))
            })
            .await?;
        self.tell_items_of(items);
        self.appending.wake();
        if !batch.events.is_empty() {
            self.send(batch.events);
        }
        Ok(())
    }

    /// Sends what comes next, if anything does and may.
    pub(super) async fn append_next(&mut self) -> Result<(), ClientError> {
        if self
            .appending
            .not_before
            .is_some_and(|at| at <= Instant::now())
        {
            self.appending.not_before = None;
        }
        if self.appending.idle || !self.may_append() {
            return Ok(());
        }
        let (me, limit) = (self.me(), self.batch_limit());
        let (batch, items) = self
            .config
            .store
            .write(move |c| {
                let batch = hand_over_next(c, limit)?;
                let items = shown_items(c, me, batch.begun.iter().copied())?;
                Ok::<_, ClientError>((batch, items))
            })
            .await?;
        if batch.events.is_empty() {
            self.appending.idle = true;
            return Ok(());
        }
        self.tell_items_of(items);
        self.send(batch.events);
        Ok(())
    }

    fn batch_limit(&self) -> usize {
        if self.appending.alone {
            1
        } else {
            APPEND_EVENTS
        }
    }

    fn send(&mut self, events: Vec<NewEvent>) {
        let Phase::Online(online) = &mut self.phase else {
            return;
        };
        let request = Append { events };
        if online.ask("append", &request, Asked::Append).is_ok() {
            self.appending.in_flight = request.events;
        } else {
            // The link is full for the moment, or ending; its end is on its way.
            let busy = Refusal::new(Code::Unavailable, "");
            self.appending.wait(&busy, self.config.random.fraction());
        }
    }

    /// The answer to an `append`; `None` in it where it could not be read.
    pub(super) async fn appended(
        &mut self,
        answer: Result<Option<Appended>, Refusal>,
    ) -> Result<(), ClientError> {
        let sent = std::mem::take(&mut self.appending.in_flight);
        match answer {
            Ok(Some(Appended { results })) => self.results(sent, results).await,
            Ok(None) => {
                self.lose(None, Wait::Backoff);
                Ok(())
            }
            Err(refusal) if refusal.code.may_be_tried_again() => {
                self.appending.wait(&refusal, self.config.random.fraction());
                Ok(())
            }
            Err(refusal) => match sent.as_slice() {
                [only] => {
                    self.appending.alone = false;
                    self.settle(Vec::new(), vec![(only.id, refusal)]).await
                }
                // One of them is to blame; which one shows when they go one by one.
                _ => {
                    self.appending.alone = true;
                    Ok(())
                }
            },
        }
    }

    async fn results(
        &mut self,
        sent: Vec<NewEvent>,
        results: Vec<AppendResult>,
    ) -> Result<(), ClientError> {
        let mut sent: BTreeMap<EventId, NewEvent> =
            sent.into_iter().map(|event| (event.id, event)).collect();
        let (mut joins_on, mut settled, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut later = None;
        let mut heads: BTreeMap<RoomId, u64> = BTreeMap::new();
        for result in results {
            let Some(event) = sent.remove(&result.id()) else {
                continue;
            };
            match result {
                AppendResult::Accepted {
                    seq, accepted_at, ..
                } => {
                    self.made(&event, seq);
                    let event = Event::accepted(event, self.me(), seq, accepted_at);
                    if self.joins_on(&event, &mut heads) {
                        joins_on.push(event);
                    } else {
                        settled.push(event);
                    }
                }
                AppendResult::Refused { error, .. } if error.code.may_be_tried_again() => {
                    later = Some(error)
                }
                AppendResult::Refused { error, .. }
                    if error.code == Code::Conflict && somebody_else_may_do(&event) =>
                {
                    settled.push(Event::accepted(event, self.me(), 0, 0));
                }
                AppendResult::Refused { error, .. } => failed.push((event, error)),
            }
        }
        let progress = !(joins_on.is_empty() && settled.is_empty() && failed.is_empty());
        if progress {
            self.appending.backoff.reset();
            self.appending.alone = false;
        }
        if later.is_some() || !progress {
            let refusal = later.unwrap_or_else(|| Refusal::new(Code::Internal, "no results"));
            self.appending.wait(&refusal, self.config.random.fraction());
        }
        self.take(joins_on, Way::Answered).await?;
        let failed = self.upload_again(failed).await?;
        self.settle(settled, failed).await
    }

    /// My new room is there: its log begins with the event that made it.
    fn made(&mut self, event: &NewEvent, seq: u64) {
        if seq != 1 || !matches!(Content::read(&event.content), Content::RoomCreated(_)) {
            return;
        }
        let Phase::Online(online) = &self.phase else {
            return;
        };
        if let Some(room) = self.rooms.get_mut(&event.room)
            && room.sync.head() == 0
            && !room.listed
        {
            room.sync.told(NodeLog {
                first: 1,
                head: 1,
                head_id: Some(event.id),
            });
            room.listed = true;
            // What the node says of it when it opens it may be older than what we know by then.
            room.info.epoch = online.epoch;
        }
    }

    /// Whether my accepted event is the next of its log here. `heads`: with those before it.
    fn joins_on(&mut self, event: &Event, heads: &mut BTreeMap<RoomId, u64>) -> bool {
        let Some(room) = self.rooms.get_mut(&event.room) else {
            return false;
        };
        let head = heads.entry(event.room).or_insert_with(|| room.sync.head());
        room.sync.raised(event.seq);
        self.due.insert(event.room);
        let next = room.sync.is_checked() && event.seq == *head + 1;
        if next {
            *head = event.seq;
        }
        next
    }

    /// Takes out of the outbox what the node has (its echo came, or will be fetched), and marks
    /// what it refused for good.
    pub(super) async fn settle(
        &mut self,
        settled: Vec<Event>,
        failed: Vec<(EventId, Refusal)>,
    ) -> Result<(), ClientError> {
        if settled.is_empty() && failed.is_empty() {
            return Ok(());
        }
        self.settle_with(settled, failed, |_| Ok(())).await
    }

    /// The same; `more` is stored in the same transaction.
    pub(super) async fn settle_with(
        &mut self,
        settled: Vec<Event>,
        failed: Vec<(EventId, Refusal)>,
        more: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), ClientError> {
        let (me, space, directory) = (self.me(), self.space(), self.directory());
        let (accepted, refused, changed, told) = self
            .config
            .store
            .write(move |c| {
                more(c)?;
                let mut accepted = Vec::new();
                for event in settled {
                    if outbox::settle(c, event.id)? {
                        accepted.push(event);
                    }
                }
                let (mut refused, mut changed) = (Vec::new(), Vec::new());
                for (id, refusal) in failed {
                    if let Some(waiting) = outbox::get(c, id)? {
                        let with_it = outbox::needing(c, id, HELD_TOLD + 1)?;
                        outbox::fail(c, id, &refusal)?;
                        if waiting.event.room == directory {
                            // There is no line of it that could be tried again or discarded.
                            outbox::discard(c, id)?;
                        }
                        changed.extend(lines(c, with_it)?);
                        refused.push((waiting, refusal));
                    }
                }
                let mut told = Vec::new();
                if changed.len() <= HELD_TOLD {
                    let few = std::mem::take(&mut changed).into_iter();
                    told = views::items(c, me, few.map(|(_, line)| line))?;
                }
                Ok::<_, ClientError>((accepted, refused, changed, told))
            })
            .await?;
        for (waiting, refusal) in refused {
            self.stays(&waiting).await?;
            let event = waiting.event;
            let (room, content) = (event.room, Content::read(&event.content));
            self.out.room_changed(room);
            if room == directory {
                self.refused_in_directory(&content, &refusal);
            } else if matches!(content, Content::Joined | Content::Left) {
                let id = event.id;
                self.out.say(UiEvent::ItemGone { space, room, id });
            }
        }
        for event in accepted {
            let room = event.room;
            self.out.room_changed(room);
            if event.seq == 0 {
                let id = event.id;
                self.out.say(UiEvent::ItemGone { space, room, id });
            } else if let Some(body) = views::body(&event.content) {
                // Shown as accepted now; its place in the log is filled by a fetch.
                let item = Item {
                    id: event.id,
                    seq: Some(event.seq),
                    author: me,
                    sent_at: event.sent_at,
                    accepted_at: Some(event.accepted_at),
                    body,
                    state: ItemState::Accepted,
                };
                let items = vec![item];
                self.out.say(UiEvent::Items { space, room, items });
            }
        }
        self.tell_items_of(told);
        self.out.lines_changed(changed);
        Ok(())
    }

    /// Tells lines that what waits makes or changes, and that their rooms' counts have changed.
    pub(super) fn tell_items_of(&mut self, items: Vec<(RoomId, Item)>) {
        let mut by_room: BTreeMap<RoomId, Vec<Item>> = BTreeMap::new();
        for (room, item) in items {
            by_room.entry(room).or_default().push(item);
        }
        let space = self.space();
        for (room, items) in by_room {
            self.out.room_changed(room);
            self.out.say(UiEvent::Items { space, room, items });
        }
        self.out.space_changed();
    }
}

/// What is handed to the link.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<NewEvent>,
    /// Those of them that were still queued and are on the screen as such.
    begun: Vec<EventId>,
}

fn hand_over_next(c: &Connection, limit: usize) -> Result<Batch, StoreError> {
    let waiting = outbox::next_batch(c, limit, APPEND_BYTES)?;
    let ids: Vec<EventId> = waiting.iter().map(|waiting| waiting.event.id).collect();
    outbox::hand_over(c, &ids)?;
    // Of very many that wait only the last are on the screen; the others would be put behind them.
    let mut unseen: BTreeMap<RoomId, Option<i64>> = BTreeMap::new();
    let mut begun = Vec::new();
    for waiting in &waiting {
        let room = waiting.event.room;
        let last_unseen = match unseen.get(&room) {
            Some(known) => *known,
            None => *unseen
                .entry(room)
                .or_insert(outbox::from_end(c, room, WAITING_ITEMS)?),
        };
        let seen = last_unseen.is_none_or(|position| waiting.position > position);
        if seen && waiting.state == outbox::State::Queued {
            begun.push(waiting.event.id);
        }
    }
    Ok(Batch {
        events: waiting.into_iter().map(|waiting| waiting.event).collect(),
        begun,
    })
}

/// The lines that these waiting events make, and those that they change, with their rooms.
pub(super) fn lines(
    c: &Connection,
    ids: impl IntoIterator<Item = EventId>,
) -> Result<Vec<(RoomId, EventId)>, StoreError> {
    let mut lines = Vec::new();
    for id in ids {
        if let Some(waiting) = outbox::get(c, id)? {
            let about = overlay::about(&Content::read(&waiting.event.content));
            let room = waiting.event.room;
            lines.extend(about.into_iter().chain([id]).map(|line| (room, line)));
        }
    }
    Ok(lines)
}

/// [`lines`], as they read now.
pub(super) fn shown_items(
    c: &Connection,
    me: MemberId,
    ids: impl IntoIterator<Item = EventId>,
) -> Result<Vec<(RoomId, Item)>, ClientError> {
    let lines = lines(c, ids)?;
    views::items(c, me, lines.into_iter().map(|(_, line)| line))
}

/// What a conflict about it means is that it is done: both sides have made the same direct room, or
/// somebody has let in who was to come in.
fn somebody_else_may_do(event: &NewEvent) -> bool {
    match Content::read(&event.content) {
        Content::RoomCreated(created) => created.kind == RoomKind::Direct,
        Content::Joined | Content::Invited(_) => true,
        _ => false,
    }
}
