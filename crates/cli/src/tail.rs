//! `tail`: what is new in a space, until it is stopped.
//!
//! Each room has a seq up to which it was shown. Whatever the core reports, a room is read on from
//! there: so nothing is shown twice or out of order, and nothing is missed, however often the link
//! is lost or however far this program falls behind. A room that comes later begins with one's own
//! coming into it: what was said before is history, and a bot must not act on it again.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use landline_client::Names;
use landline_client::command::GetPage;
use landline_client::ui::{Item, LinkState, Part, RoomView, UiEvent};
use landline_protocol::{RoomId, SpaceId};
use serde::Serialize;
use tokio::time::Instant;

use crate::args;
use crate::error::CliError;
use crate::here::{Here, Reach, room_title};
use crate::history::{PAGE_ITEMS, changes};
use crate::message::Line;
use crate::output::Output;

/// Between looks at the clock where nothing happens at all.
const IDLE: Duration = Duration::from_secs(3600);

/// One line of standard output: `{"event", "space", "room_title", …Line}`
#[derive(Debug, Serialize)]
struct Told {
    /// `new`, or `changed`: an earlier line reads otherwise now (edited, deleted, reacted to,
    /// pinned). People are shown the new ones only.
    event: &'static str,
    space: SpaceId,
    room_title: String,
    #[serde(flatten)]
    line: Line,
    /// More than one room is followed.
    #[serde(skip)]
    name_room: bool,
}

impl Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name_room {
            write!(f, "{}  {}", self.room_title, self.line)
        } else {
            write!(f, "{}", self.line)
        }
    }
}

/// On standard error, at the beginning and with each change: `{"link": {"space", "name", "state"}}`
#[derive(Debug, Serialize)]
struct Link {
    link: LinkNow,
}

#[derive(Debug, Serialize)]
struct LinkNow {
    space: SpaceId,
    name: String,
    state: LinkState,
}

impl Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.link.state {
            LinkState::Connected => "connected",
            LinkState::Connecting => "connecting",
            LinkState::Looking => "not reachable, still looking",
            LinkState::Refused => "refused",
        };
        write!(f, "-- {}: {words}", self.link.name)
    }
}

/// How far a room was shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    /// What is before is history that comes when it comes, and told neither as new nor as changed.
    after: u64,
    to: u64,
}

/// What is followed, and how far it was shown.
#[derive(Debug)]
struct Following {
    space: SpaceId,
    /// None: every room.
    only: Option<RoomId>,
    /// Not of a room into which one has come, as long as it is not known here where.
    shown: BTreeMap<RoomId, Shown>,
    /// Everything after a seq was asked for, wherever one has come into the room.
    since: bool,
    link: Option<LinkState>,
    output: Output,
}

/// Ends only with an error: whoever calls it stops it.
pub(crate) async fn tail(
    here: &mut Here,
    space: SpaceId,
    args: args::Tail,
    output: Output,
) -> Result<(), CliError> {
    let only = match &args.room {
        Some(room) => Some(here.room(space, room).await?.room),
        None => None,
    };
    let mut following = Following {
        space,
        only,
        shown: BTreeMap::new(),
        since: args.since.is_some(),
        link: None,
        output,
    };
    match (only, args.since) {
        (Some(room), Some(since)) => {
            following.shown.insert(
                room,
                Shown {
                    after: 0,
                    to: since,
                },
            );
        }
        // What came while nobody followed is history, not news.
        _ => {
            here.connect(space, Reach::UpToDate).await?;
            let rooms = here.state(space)?.rooms.iter();
            following.shown = rooms
                .filter(|room| only.is_none_or(|only| only == room.room) && room.head > 0)
                .map(|room| {
                    let to = room.head;
                    (room.room, Shown { after: 0, to })
                })
                .collect();
        }
    }
    following.tell_link(here)?;
    let rooms: Vec<RoomId> = following.shown.keys().copied().collect();
    for room in rooms {
        following.show(here, room).await?;
    }
    loop {
        if let Some(events) = here.next(Instant::now() + IDLE).await? {
            following.take(here, events).await?;
        }
    }
}

impl Following {
    async fn take(&mut self, here: &mut Here, events: Vec<UiEvent>) -> Result<(), CliError> {
        self.tell_link(here)?;
        let mut followed = Vec::new();
        for room in &here.state(self.space)?.rooms {
            if self.only.is_none_or(|only| only == room.room) {
                self.begin(room);
                followed.push(room.room);
            }
        }
        for room in followed {
            if events.iter().any(|event| changes(event, self.space, room)) {
                if self.output.json() {
                    self.tell_changed(here, room, events.clone())?;
                }
                self.show(here, room).await?;
            }
        }
        Ok(())
    }

    /// What was said in a room before one came into it, or between two stays, is not told.
    fn begin(&mut self, room: &RoomView) {
        if self.since {
            return;
        }
        let before = if room.everyone {
            room.came
        } else {
            room.came.saturating_sub(1)
        };
        let is_news = match self.shown.get(&room.room) {
            Some(shown) => before > shown.to,
            // One comes into a room for everyone with the space: nothing may be before that.
            None => room.came > 0 || room.everyone,
        };
        if is_news {
            let (after, to) = (before, before);
            self.shown.insert(room.room, Shown { after, to });
        }
    }

    fn tell_link(&mut self, here: &Here) -> Result<(), CliError> {
        let space = &here.state(self.space)?.space;
        let state = space.link.state;
        // Every try to connect would be a line of its own, in a long outage.
        if self.link != Some(state) && (self.link.is_none() || state != LinkState::Connecting) {
            self.link = Some(state);
            self.output.aside(&Link {
                link: LinkNow {
                    space: self.space,
                    name: space.name.clone(),
                    state,
                },
            });
        }
        Ok(())
    }

    /// Shows what the room has after what was shown, as far as it is here without a hole: a page
    /// never reaches over one.
    async fn show(&mut self, here: &Here, room: RoomId) -> Result<(), CliError> {
        loop {
            let Some(&Shown { after, to: shown }) = self.shown.get(&room) else {
                return Ok(());
            };
            let request = GetPage {
                space: self.space,
                room,
                part: Part::All,
                before: None,
                after: Some(shown),
                around: None,
                limit: PAGE_ITEMS,
            };
            let page = here.client().page(request).await?;
            let news = page
                .items
                .into_iter()
                .filter(|item| item.seq.is_some_and(|seq| seq > shown))
                .collect();
            let last = self.tell(here, "new", room, news)?;
            let to = last.unwrap_or(shown);
            self.shown.insert(room, Shown { after, to });
            if !page.more_after || last.is_none() {
                return Ok(());
            }
        }
    }

    /// Scripts want to know of edits, too.
    fn tell_changed(
        &self,
        here: &Here,
        room: RoomId,
        events: Vec<UiEvent>,
    ) -> Result<(), CliError> {
        let Some(Shown { after, to }) = self.shown.get(&room).copied() else {
            return Ok(());
        };
        let mut changed = Vec::new();
        for event in events {
            if let UiEvent::Items {
                space,
                room: of,
                items,
            } = event
                && (space, of) == (self.space, room)
            {
                changed.extend(
                    items
                        .into_iter()
                        .filter(|item| item.seq.is_some_and(|seq| after < seq && seq <= to)),
                );
            }
        }
        self.tell(here, "changed", room, changed)?;
        Ok(())
    }

    /// Writes items, one a line. The seq of the last.
    fn tell(
        &self,
        here: &Here,
        event: &'static str,
        room: RoomId,
        items: Vec<Item>,
    ) -> Result<Option<u64>, CliError> {
        if items.is_empty() {
            return Ok(None);
        }
        let state = here.state(self.space)?;
        let names = Names::new(state);
        let room_title = room_title(state, room, &names);
        let mut last = None;
        for item in items {
            last = item.seq;
            self.output.show(&Told {
                event,
                space: self.space,
                room_title: room_title.clone(),
                line: Line::new(room, item, &names),
                name_room: self.only.is_none(),
            })?;
        }
        Ok(last)
    }
}
