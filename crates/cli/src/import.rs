//! `import`: messages from elsewhere, from a file of JSON lines into one room.
//!
//! ```text
//! file ─► Lines: one at a time ─► Importer: 64 to an append, one append after the other ─► node
//! ```
//!
//! A line is read when the node has taken those before it, so memory does not grow with the file.
//! A bad line is reported by its number; the rest goes on.

use std::fmt::{self, Display};
use std::path::Path;

use indicatif::ProgressBar;
use landline_client::import::{Imported, Importer};
use landline_protocol::{Code, Refusal, Role, RoomId, SpaceId};
use serde::Serialize;

use crate::args;
use crate::error::CliError;
use crate::here::{Here, Reach};
use crate::output::{Output, count};
use crate::rooms::{must_connect, new_room};

mod lines;

use lines::{Found, Lines};

/// Lines between two moves of the progress bar.
const BAR_LINES: u64 = 64;
/// Refusals listed for people; the rest is counted.
const LISTED: usize = 20;

/// `import`: `{"space", "room", "name", "lines", "imported", "already", "refused", "refusals"}`
#[derive(Debug, Serialize)]
struct Report {
    space: SpaceId,
    room: RoomId,
    name: String,
    /// Lines in the file that are not empty.
    lines: u64,
    /// Messages that are new in the room.
    imported: u64,
    /// Messages that were there before.
    already: u64,
    refused: u64,
    /// `{"line", "code", "message"}` of each refused line, of the first thousand.
    refusals: Vec<RefusedLine>,
}

#[derive(Debug, Serialize)]
struct RefusedLine {
    line: u64,
    code: Code,
    message: String,
}

pub(crate) async fn import(
    here: &mut Here,
    space: SpaceId,
    args: args::Import,
    output: Output,
) -> Result<(), CliError> {
    // Before anything is made: the file must have at least one message.
    let first = first_room(&args.file)?;
    let name = args.room.clone().or(first).ok_or_else(|| {
        CliError::Usage("the first message names no room: say which with --room NAME".into())
    })?;
    let room = room_for(here, space, &name).await?;
    let state = here.state(space)?;
    let head = state
        .rooms
        .iter()
        .find(|known| known.room == room)
        .map_or(0, |known| known.head);
    let importer = Importer::new(here.client().clone(), space, room, head);
    let only = args.room.is_none().then_some(name.as_str());
    let bar = output.bar(None, "{bar:30} {percent:>3}%  {msg}");
    let (read, done) = here
        .meanwhile(bring_in(importer, &args.file, only, &bar))
        .await?;
    bar.finish_and_clear();
    let refused = done.refused;
    output.show(&Report::new(space, room, name, read, done))?;
    if refused > 0 {
        Err(CliError::Partly)
    } else {
        Ok(())
    }
}

impl Report {
    fn new(space: SpaceId, room: RoomId, name: String, lines: u64, done: Imported) -> Self {
        let Imported {
            imported,
            already,
            refused,
            refusals,
        } = done;
        let refusals = refusals
            .into_iter()
            .map(|(line, refusal)| RefusedLine {
                line,
                code: refusal.code,
                message: refusal.message,
            })
            .collect();
        Self {
            space,
            room,
            name,
            lines,
            imported,
            already,
            refused,
            refusals,
        }
    }
}

/// Imports a file. The number of its lines, and what came of them. `only`: lines of another room
/// are refused.
async fn bring_in(
    mut importer: Importer,
    file: &Path,
    only: Option<&str>,
    bar: &ProgressBar,
) -> Result<(u64, Imported), CliError> {
    let mut lines = Lines::open(file, bar)?;
    let mut read = 0;
    while let Some((line, found)) = lines.next()? {
        read += 1;
        match found {
            Found::Message { room: Some(of), .. } if only.is_some_and(|only| only != of) => {
                let words =
                    "it is of another room than the first message; --room puts all into one";
                importer.refuse(line, Refusal::bad_request(words));
            }
            Found::Message { message, .. } => importer.add(message).await?,
            Found::Bad(reason) => importer.refuse(line, reason),
        }
        if read % BAR_LINES == 0 {
            show(bar, importer.so_far());
        }
    }
    Ok((read, importer.finish().await?))
}

/// The room to import into; made only for one who may import.
async fn room_for(here: &mut Here, space: SpaceId, name: &str) -> Result<RoomId, CliError> {
    must_connect(here, space, Reach::UpToDate).await?;
    if !here.state(space)?.space.role.at_least(Role::Admin) {
        return Err(Refusal::not_allowed("only the owner and admins of a space may import").into());
    }
    match here.known_room(space, name)? {
        Some(room) => Ok(room.room),
        None => new_room(here, space, name).await,
    }
}

/// How much of it is there, and how fast the node takes it.
fn show(bar: &ProgressBar, so_far: &Imported) {
    let done = so_far.imported + so_far.already;
    let a_second = done / bar.elapsed().as_secs().max(1);
    bar.set_message(format!("{}, {a_second} a second", count(done, "message")));
}

/// The room that the first message of a file is of.
fn first_room(file: &Path) -> Result<Option<String>, CliError> {
    let mut lines = Lines::open(file, &ProgressBar::hidden())?;
    let mut why = None;
    while let Some((line, found)) = lines.next()? {
        match found {
            Found::Message { room, .. } => return Ok(room),
            Found::Bad(reason) => why = why.or(Some((line, reason))),
        }
    }
    Err(CliError::Refused(Refusal::bad_request(match why {
        Some((line, reason)) => format!(
            "no line of {} is a message; line {line}: {reason}",
            file.display()
        ),
        None => format!("{} is empty", file.display()),
    })))
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let imported = count(self.imported, "message");
        writeln!(
            f,
            "{imported} imported into {}, {} there before, {} refused",
            self.name, self.already, self.refused
        )?;
        for refused in self.refusals.iter().take(LISTED) {
            writeln!(f, "  line {}: {}", refused.line, refused.message)?;
        }
        match self.refused.saturating_sub(LISTED as u64) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}
