//! `history` and `search`: what was said.

use std::fmt::{self, Display};
use std::time::Duration;

use landline_client::Names;
use landline_client::command::{GetPage, SearchFor};
use landline_client::ui::{Page, Part, UiEvent};
use landline_protocol::{RoomId, SpaceId};
use serde::Serialize;
use tokio::time::Instant;

use crate::args;
use crate::error::CliError;
use crate::here::{Here, room_title};
use crate::message::Line;
use crate::output::{Output, one_line, time};

/// Lines in one page of the core.
pub(crate) const PAGE_ITEMS: u32 = 200;
/// How long older history may take to arrive from the host before what is here is shown.
const HOLE_LIMIT: Duration = Duration::from_secs(15);
/// How long a search or an export waits for history that is still being fetched.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(60);

/// `history`: `{"space", "room", "up_to_date", "lines": [Line], "more"}`
#[derive(Debug, Serialize)]
struct History {
    space: SpaceId,
    room: RoomId,
    /// The space was reached; else this is what was known when it last was.
    up_to_date: bool,
    /// Oldest first; what is queued comes last.
    lines: Vec<Line>,
    /// There is more before the first line.
    more: bool,
}

impl Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

pub(crate) async fn history(
    here: &mut Here,
    space: SpaceId,
    args: args::History,
    output: Output,
) -> Result<(), CliError> {
    let up_to_date = here.refresh(space, output).await?;
    let room = here.room(space, &args.room).await?.room;
    let mut pages: Vec<Page> = Vec::new();
    let mut left = args.limit;
    let mut before = args.before;
    let mut more = true;
    while left > 0 && more {
        let limit = u32::try_from(left).unwrap_or(PAGE_ITEMS).min(PAGE_ITEMS);
        let page = page_before(
            here,
            GetPage {
                space,
                room,
                part: Part::All,
                before,
                after: None,
                around: None,
                limit,
            },
        )
        .await?;
        more = page.more_before;
        before = page.items.iter().find_map(|item| item.seq);
        left = left.saturating_sub(page.items.len() as u64);
        // Where the page is empty or only queued, there is nothing to go on from.
        more &= before.is_some();
        pages.push(page);
        if before.is_none() {
            break;
        }
    }
    let names = Names::new(here.state(space)?);
    let items = pages.into_iter().rev().flat_map(|page| page.items);
    let mut lines: Vec<Line> = items.map(|item| Line::new(room, item, &names)).collect();
    let beyond = lines
        .len()
        .saturating_sub(usize::try_from(args.limit).unwrap_or(usize::MAX));
    lines.drain(..beyond);
    output.show(&History {
        space,
        room,
        up_to_date,
        lines,
        more: more || beyond > 0,
    })
}

/// A page, once what belongs into it has been fetched; where that takes too long, what is here.
async fn page_before(here: &mut Here, request: GetPage) -> Result<Page, CliError> {
    let until = Instant::now() + HOLE_LIMIT;
    loop {
        let page = here.client().page(request.clone()).await?;
        let short = page.items.len() < request.limit as usize;
        // Every room begins with a line: a newest page without any has not come yet.
        let unfetched = page.hole_before || (page.items.is_empty() && request.before.is_none());
        let waits = short && unfetched && here.is_connected(request.space);
        if !waits || !here.changed(request.space, request.room, until).await? {
            return Ok(page);
        }
    }
}

/// `search`: `{"space", "query", "complete", "hits": [Hit]}`, newest first.
#[derive(Debug, Serialize)]
struct Hits {
    space: SpaceId,
    query: String,
    /// All history was here to be searched.
    complete: bool,
    hits: Vec<Hit>,
}

/// A line, and the words around the hit.
#[derive(Debug, Serialize)]
struct Hit {
    #[serde(flatten)]
    line: Line,
    room_title: String,
    /// The hit itself stands between U+E000 and U+E001.
    snippet: String,
}

impl Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hit in &self.hits {
            let line = &hit.line;
            let words = one_line(
                &hit.snippet
                    .replace('\u{E000}', "[")
                    .replace('\u{E001}', "]"),
            );
            writeln!(
                f,
                "{}  {}  {}: {words}",
                time(line.at()),
                hit.room_title,
                line.writer()
            )?;
        }
        if self.hits.is_empty() {
            writeln!(f, "nothing found")
        } else {
            Ok(())
        }
    }
}

pub(crate) async fn search(
    here: &mut Here,
    space: SpaceId,
    args: args::Search,
    output: Output,
) -> Result<(), CliError> {
    let room = match &args.room {
        Some(room) => Some(here.room(space, room).await?.room),
        None => None,
    };
    here.refresh(space, output).await?;
    let complete = catch_up(here, space, output).await?;
    if !complete && here.is_connected(space) {
        output.note("some history is still on its way; these are the hits in what is here");
    }
    let request = SearchFor {
        space,
        query: args.query.clone(),
        room,
        within: true,
        limit: args.limit,
    };
    let found = here.client().search(request).await?.hits;
    let state = here.state(space)?;
    let names = Names::new(state);
    let hits = found.into_iter().map(|hit| Hit {
        room_title: room_title(state, hit.room, &names),
        line: Line::new(hit.room, hit.item, &names),
        snippet: hit.snippet,
    });
    output.show(&Hits {
        space,
        query: args.query,
        complete,
        hits: hits.collect(),
    })
}

/// Waits for history that is being fetched, as long as the space is there and it goes on. Whether
/// all of it is here.
pub(crate) async fn catch_up(
    here: &mut Here,
    space: SpaceId,
    output: Output,
) -> Result<bool, CliError> {
    let until = Instant::now() + CATCH_UP_LIMIT;
    let bar = output.bar(None, "{spinner} fetching history: {msg}");
    loop {
        let link = &here.state(space)?.space.link;
        let left = link.catching_up.unwrap_or_default();
        if left == 0 || !here.is_connected(space) {
            bar.finish_and_clear();
            return Ok(left == 0 && here.is_connected(space));
        }
        bar.set_message(format!("{left} to go"));
        bar.tick();
        if here.next(until).await?.is_none() {
            bar.finish_and_clear();
            return Ok(false);
        }
    }
}

/// Whether this says that a room's pages may read otherwise now.
pub(crate) fn changes(event: &UiEvent, of: SpaceId, in_room: RoomId) -> bool {
    match event {
        UiEvent::Items { space, room, .. }
        | UiEvent::ItemGone { space, room, .. }
        | UiEvent::Reload { space, room } => *space == of && *room == in_room,
        UiEvent::Room { space, room } => *space == of && room.room == in_room,
        UiEvent::Snapshot(_) => true,
        _ => false,
    }
}
