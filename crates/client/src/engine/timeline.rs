//! Pages: read beside the engine, which never waits for them.

use landline_protocol::{Refusal, RoomId};
use landline_store::messages::{self, Line};
use landline_store::{Connection, forget, listing, marks, outbox};

use super::marks::no_room;
use super::{Engine, overlay, replica, views};
use crate::ClientError;
use crate::command::{Answer, GetPage};
use crate::home::Reply;
use crate::sync::Span;
use crate::ui::{Item, ItemBody, Page, Part};
use landline_protocol::down::MarkChange;

/// Items of one page.
const PAGE_ITEMS: u32 = 200;
/// Of them that wait, at the end of a page: to a node that has lost what one has imported, a hundred
/// thousand may.
pub(super) const WAITING_ITEMS: usize = 200;
/// Waiting events that are looked at for these: some are reactions, or said in threads.
const WAITING_LOOKED_AT: usize = 1_000;

/// Which lines a page holds.
#[derive(Debug, Clone, Copy)]
enum Place {
    Newest,
    Before(u64),
    After(u64),
    Around(u64),
}

/// A page to be read, with what the engine knows of the room's log.
#[derive(Debug)]
struct PageRead {
    room: RoomId,
    part: Part,
    place: Place,
    limit: usize,
    /// The part of the log that the page lies in; none: it is not here.
    span: Option<Span>,
    /// It is the newest part that is here.
    newest_span: bool,
    /// What is just before it (or before where it should be) is not here.
    hole: bool,
    me: landline_protocol::MemberId,
    /// Marks that are not on disk yet.
    marks: Vec<MarkChange>,
}

impl Engine {
    pub(super) fn page(&mut self, request: &GetPage, reply: Reply) {
        match self.plan_page(request) {
            Ok(read) => {
                let store = self.config.store.clone();
                tokio::spawn(async move {
                    let page = store.read(move |c| read.run(c)).await;
                    let _ = reply.send(page.map(Answer::page).map_err(Refusal::from));
                });
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    fn plan_page(&mut self, request: &GetPage) -> Result<PageRead, Refusal> {
        let place = match (request.before, request.after, request.around) {
            (None, None, None) => Place::Newest,
            (Some(before), None, None) => Place::Before(before),
            (None, Some(after), None) => Place::After(after),
            (None, None, Some(around)) => Place::Around(around),
            _ => {
                return Err(Refusal::bad_request(
                    "one of `before`, `after` and `around`",
                ));
            }
        };
        if !(1..=PAGE_ITEMS).contains(&request.limit) {
            return Err(Refusal::bad_request(format!(
                "`limit` is 1 to {PAGE_ITEMS}"
            )));
        }
        let marks = self.marks.over(request.room);
        let me = self.me();
        let room = self.rooms.get_mut(&request.room).ok_or_else(no_room)?;
        let within = match place {
            Place::Newest => room.sync.head(),
            Place::Before(before) => before.saturating_sub(1).min(room.sync.head()),
            Place::After(after) => after.saturating_add(1),
            Place::Around(around) => around,
        };
        let span = room.sync.span_of(within);
        // The seq before which something may be missing: wanted now, if it is.
        let edge = match (place, span) {
            (Place::After(_), Some(span)) => span.to.saturating_add(1),
            (Place::Around(seq) | Place::After(seq), None) => seq.saturating_add(1),
            (Place::Before(seq), None) => seq,
            (Place::Newest | Place::Before(_) | Place::Around(_), Some(span)) => span.from,
            (Place::Newest, None) => u64::MAX,
        };
        room.sync.want_before(edge);
        let hole = match (place, span) {
            (Place::Newest, None) => room.sync.missing() > 0 || room.info.head > 0,
            (Place::After(_), Some(span)) => room.sync.hole_before(span.from).is_some(),
            (Place::Newest | Place::Before(_) | Place::Around(_) | Place::After(_), _) => {
                room.sync.hole_before(edge).is_some()
            }
        };
        self.due.insert(request.room);
        Ok(PageRead {
            room: request.room,
            part: request.part,
            place,
            limit: usize::try_from(request.limit).unwrap_or(1),
            span,
            newest_span: span.is_some_and(|span| span.to == room.sync.head()),
            hole,
            me,
            marks,
        })
    }

    /// One is no longer part of a room: what is here of it stays, to be read.
    pub(super) async fn close_room(&mut self, id: RoomId) -> Result<(), ClientError> {
        self.close(vec![id]).await
    }

    /// The rooms that the node did not list are closed.
    pub(super) async fn close_unlisted(&mut self) -> Result<(), ClientError> {
        let directory = self.directory();
        let unlisted = self
            .rooms
            .iter()
            // One that was made here and that no node has seen waits for its creation.
            .filter(|(id, room)| {
                **id != directory && room.open && !room.listed && room.info.head > 0
            })
            .map(|(id, _)| *id)
            .collect();
        self.close(unlisted).await
    }

    async fn close(&mut self, ids: Vec<RoomId>) -> Result<(), ClientError> {
        let ids: Vec<RoomId> = ids
            .into_iter()
            .filter(|id| self.rooms.get(id).is_some_and(|room| room.open))
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let me = self.me();
        let forgets = |id: &RoomId| self.rooms.get(id).is_some_and(|room| room.choice.forget);
        let (forgotten, closed): (Vec<RoomId>, Vec<RoomId>) = ids.into_iter().partition(forgets);
        let (gone, ids) = (forgotten.clone(), closed.clone());
        let made_again = self
            .config
            .store
            .write(move |c| {
                let mut made_again = false;
                for id in closed {
                    listing::close(c, id)?;
                    made_again |= replica::make_again(c, id, me)?;
                }
                forgotten.into_iter().try_for_each(|id| forget(c, id))?;
                Ok::<_, ClientError>(made_again)
            })
            .await?;
        if made_again {
            self.appending.wake();
        }
        for id in ids {
            let Some(room) = self.rooms.get_mut(&id) else {
                continue;
            };
            room.open = false;
            room.leaving = false;
            room.lost();
            self.out.room_changed(id);
        }
        gone.into_iter().for_each(|id| self.forgotten(id));
        Ok(())
    }

    /// Keeps what the node says of rooms, where it is news.
    pub(super) async fn keep_listing(
        &mut self,
        infos: &[landline_protocol::up::RoomInfo],
    ) -> Result<(), ClientError> {
        let news: Vec<_> = infos
            .iter()
            .filter(|info| {
                !self
                    .rooms
                    .get(&info.id)
                    .is_some_and(|room| room.open && room.info == **info)
            })
            .cloned()
            .collect();
        if news.is_empty() {
            return Ok(());
        }
        self.config
            .store
            .write(move |c| {
                for info in &news {
                    listing::open(c, info)?;
                }
                Ok(())
            })
            .await
    }
}

impl Part {
    /// Whether a line that waits stands in it.
    fn holds(self, item: &Item) -> bool {
        let said_in = match &item.body {
            ItemBody::Message(message) => message.thread,
            ItemBody::System { .. } => None,
        };
        match self {
            Self::All => true,
            Self::Main => said_in.is_none(),
            Self::Thread(thread) => said_in == Some(thread),
        }
    }
}

impl From<Part> for messages::Part {
    fn from(part: Part) -> Self {
        match part {
            Part::All => Self::All,
            Part::Main => Self::Main,
            Part::Thread(thread) => Self::Thread(thread),
        }
    }
}

impl PageRead {
    fn run(self, c: &Connection) -> Result<Page, ClientError> {
        let (lines, more_before, more_after) = match self.span {
            Some(span) => self.lines(c, span)?,
            None => (Vec::new(), false, matches!(self.place, Place::Before(_))),
        };
        let more_after = more_after || (self.span.is_some() && !self.newest_span);
        let mut items: Vec<_> = lines.into_iter().map(views::item).collect();
        if !more_after {
            items.extend(self.waiting(c)?);
        }
        overlay::dress(c, self.me, self.room, &mut items)?;
        Ok(Page {
            head: self.head(c)?,
            hole_before: !more_before && self.hole,
            more_before: more_before || self.hole,
            more_after,
            items,
            marks: self.marks(c)?,
        })
    }

    /// The message that began the thread: sent or still waiting, and wherever the page lies.
    fn head(&self, c: &Connection) -> Result<Option<Box<Item>>, ClientError> {
        let Part::Thread(thread) = self.part else {
            return Ok(None);
        };
        let found = views::items(c, self.me, [thread])?;
        let here = found.into_iter().find(|(room, _)| *room == self.room);
        Ok(here.map(|(_, item)| Box::new(item)))
    }

    /// The last lines that wait: what was written a moment ago. Those before them come into the log
    /// first, and are told then.
    fn waiting(&self, c: &Connection) -> Result<Vec<Item>, ClientError> {
        let rows = match self.part {
            Part::Thread(thread) => outbox::last_about(c, thread, WAITING_LOOKED_AT)?,
            Part::All | Part::Main => outbox::last_of_room(c, self.room, WAITING_LOOKED_AT)?,
        };
        let items = rows
            .iter()
            .filter_map(|waiting| views::waiting_item(waiting, self.me))
            .filter(|item| self.part.holds(item));
        let mut items: Vec<Item> = items.collect();
        Ok(items.split_off(items.len().saturating_sub(WAITING_ITEMS)))
    }

    /// The lines of the page, all within one part of the log, and whether there are more in that
    /// part on either side.
    fn lines(&self, c: &Connection, span: Span) -> Result<(Vec<Line>, bool, bool), ClientError> {
        let limit = self.limit;
        let part = self.part.into();
        // One more on either side tells whether there are more.
        let before = |seq: Option<u64>, limit: usize| -> Result<_, ClientError> {
            let mut lines = messages::page_before(c, self.room, part, seq, limit + 1)?;
            lines.retain(|line| line.seq() >= span.from);
            let more = lines.len() > limit;
            let lines = lines.split_off(lines.len().saturating_sub(limit));
            Ok((lines, more))
        };
        let after = |seq: u64, limit: usize| -> Result<_, ClientError> {
            let mut lines = messages::page_after(c, self.room, part, seq, limit + 1)?;
            lines.retain(|line| line.seq() <= span.to);
            let more = lines.len() > limit;
            lines.truncate(limit);
            Ok((lines, more))
        };
        match self.place {
            Place::Newest => before(None, limit).map(|(lines, more)| (lines, more, false)),
            Place::Before(seq) => before(Some(seq), limit).map(|(lines, more)| (lines, more, true)),
            Place::After(seq) => after(seq, limit).map(|(lines, more)| (lines, true, more)),
            Place::Around(seq) => {
                // It stands in the upper half of the window.
                let above = limit / 3 + 1;
                let (mut lines, more_before) = before(Some(seq.saturating_add(1)), above)?;
                let (behind, more_after) = after(seq, limit.saturating_sub(above))?;
                lines.extend(behind);
                Ok((lines, more_before, more_after))
            }
        }
    }

    fn marks(&self, c: &Connection) -> Result<Vec<MarkChange>, ClientError> {
        let mut all = marks::of_room(c, self.room)?;
        for newer in &self.marks {
            match all.iter_mut().find(|mark| mark.member == newer.member) {
                Some(mark) => {
                    super::room::raise(mark, newer);
                }
                None => all.push(*newer),
            }
        }
        Ok(all)
    }
}
