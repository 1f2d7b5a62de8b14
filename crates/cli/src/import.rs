//! `import`: messages from elsewhere, from a file whose kind its first bytes tell.
//!
//! ```text
//! JSON lines, one room           ─► Lines  ─┐
//! an export of ours ─┐                      ├─► Importer: 64 to an append, one after the other
//! Slack's ZIP file  ─┴─ many rooms ─► Step ─┘
//! ```
//!
//! A line is read when the node has taken those before it, so memory does not grow with the file.
//! A bad line is reported by its number; the rest goes on.

use std::path::Path;

use indicatif::ProgressBar;
use landline_client::import::{Imported, Importer, NewRoom};
use landline_protocol::{Code, Refusal, Role, RoomId, RoomKind, SpaceId};

use crate::args;
use crate::error::CliError;
use crate::here::{Here, Reach};
use crate::output::{Output, count};
use crate::rooms::{must_connect, new_room};

mod lines;
mod many;
mod report;

use lines::{Found, Lines};
use many::Source;
use report::{ImportedRoom, RefusedRoom, Report};

/// Lines between two moves of the progress bar.
const BAR_LINES: u64 = 64;

pub(crate) async fn import(
    here: &mut Here,
    space: SpaceId,
    args: args::Import,
    output: Output,
) -> Result<(), CliError> {
    let bar = output.bar(None, "{bar:30} {percent:>3}%  {msg}");
    let report = match Source::of(&args.file, &bar)? {
        Some(source) => many::import(here, space, source, args.room.as_deref(), &bar).await?,
        None => one_room(here, space, &args, &bar).await?,
    };
    bar.finish_and_clear();
    output.show(&report)?;
    if report.is_whole() {
        Ok(())
    } else {
        Err(CliError::Partly)
    }
}

/// Plain lines, which are all of one room.
async fn one_room(
    here: &mut Here,
    space: SpaceId,
    args: &args::Import,
    bar: &ProgressBar,
) -> Result<Report, CliError> {
    // Before anything is made: the file must have at least one message.
    let first = first_room(&args.file)?;
    let name = args.room.clone().or(first).ok_or_else(|| {
        CliError::Usage("the first message names no room: say which with --room NAME".into())
    })?;
    may_import(here, space).await?;
    let wanted = NewRoom {
        name: name.clone(),
        ..NewRoom::default()
    };
    let room = room_for(here, space, &wanted).await?;
    let head = head_of(here, space, room)?;
    let importer = Importer::new(here.client().clone(), space, room, head);
    let only = args.room.is_none().then_some(name.as_str());
    let (read, done) = here
        .meanwhile(bring_in(importer, &args.file, only, bar))
        .await?;
    let rooms = vec![ImportedRoom::new(room, name, &done)];
    Ok(Report::new(space, rooms, read, done))
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
            Found::Message { message, .. } => importer.add(*message).await?,
            Found::Bad(reason) => importer.refuse(line, reason),
        }
        if read % BAR_LINES == 0 {
            show(bar, importer.so_far());
        }
    }
    Ok((read, importer.finish().await?))
}

/// The space is reached, and its person may import.
async fn may_import(here: &mut Here, space: SpaceId) -> Result<(), CliError> {
    must_connect(here, space, Reach::UpToDate).await?;
    if here.state(space)?.space.role.at_least(Role::Admin) {
        return Ok(());
    }
    Err(Refusal::not_allowed("only the owner and admins of a space may import").into())
}

/// The room to import into, by its name; made where it is not there.
async fn room_for(here: &mut Here, space: SpaceId, wanted: &NewRoom) -> Result<RoomId, CliError> {
    match here.open_room(space, &wanted.name)? {
        // What was said among some is not shown to all, unless a person says so.
        Some(room) if wanted.private && room.kind == RoomKind::Public => {
            let words = format!(
                "{} was private, and the room of that name here is not; say with --room where to put it",
                wanted.name
            );
            Err(Refusal::new(Code::Conflict, words).into())
        }
        Some(room) if room.archived => {
            let words = format!(
                "{} is archived here; say with --room where to put it",
                wanted.name
            );
            Err(Refusal::new(Code::Conflict, words).into())
        }
        Some(room) => Ok(room.room),
        None => new_room(here, space, wanted).await,
    }
}

/// Where a room's log ends now.
fn head_of(here: &Here, space: SpaceId, room: RoomId) -> Result<u64, CliError> {
    let mut rooms = here.state(space)?.rooms.iter();
    let room = rooms.find(|known| known.room == room);
    Ok(room.map_or(0, |room| room.head))
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
