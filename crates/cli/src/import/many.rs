//! A file of many rooms: an export of ours, or Slack's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use indicatif::ProgressBar;
use landline_client::import::{
    ExportFile, Imported, Importer, LeftOut, NewRoom, SlackExport, Step,
};
use landline_protocol::{Code, Refusal, RoomId, SpaceId};

use super::lines::{failed, raw};
use super::{BAR_LINES, ImportedRoom, RefusedRoom, Report, head_of, may_import, room_for, show};
use crate::error::CliError;
use crate::here::Here;

/// What is read.
pub(super) enum Source {
    Export(Box<ExportFile>),
    Slack(Box<SlackExport>),
}

impl Source {
    /// By what the file begins with; none where it is neither. `bar` is told how much of it is
    /// read.
    pub(super) fn of(path: &Path, bar: &ProgressBar) -> Result<Option<Self>, CliError> {
        let mut begins = Vec::new();
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let read = file.take(4).read_to_end(&mut begins);
        read.map_err(|error| failed(path, error))?;
        if SlackExport::begins(&begins) {
            let file = File::open(path).map_err(|error| failed(path, error))?;
            return Ok(Some(Self::Slack(Box::new(SlackExport::open(file)?))));
        }
        let mut lines = raw(path, &ProgressBar::hidden())?;
        let first = lines.next().map_err(|error| failed(path, error))?;
        match first {
            Some((_, Ok(line))) if ExportFile::begins(line) => {
                let export = ExportFile::read(raw(path, bar)?, path)?;
                Ok(Some(Self::Export(Box::new(export))))
            }
            Some(_) | None => Ok(None),
        }
    }

    fn step(&mut self, bar: &ProgressBar) -> Result<Option<Step>, Refusal> {
        match self {
            Self::Export(export) => export.step(),
            Self::Slack(slack) => {
                let step = slack.step();
                let (done, of) = slack.progress();
                bar.set_length(of);
                bar.set_position(done);
                step
            }
        }
    }

    fn left_out(&self) -> &LeftOut {
        match self {
            Self::Export(export) => export.left_out(),
            Self::Slack(slack) => slack.left_out(),
        }
    }
}

/// Brings in one room after the other, each into the room of its name; `all`: into that one.
pub(super) async fn import(
    here: &mut Here,
    space: SpaceId,
    mut source: Source,
    all: Option<&str>,
    bar: &ProgressBar,
) -> Result<Report, CliError> {
    may_import(here, space).await?;
    let (mut rooms, mut refused_rooms) = (Vec::new(), Vec::new());
    // Where each log ended before anything was brought in.
    let mut heads: BTreeMap<RoomId, u64> = BTreeMap::new();
    let (mut read, mut total) = (0, Imported::default());
    let mut step = source.step(bar)?;
    while let Some(now) = step {
        let wanted = match now {
            Step::Room(room) => room,
            Step::Bad(line, refusal) => {
                total.refuse(line, refusal);
                step = source.step(bar)?;
                continue;
            }
            Step::Message(_) | Step::Change(_) => {
                step = source.step(bar)?;
                continue;
            }
        };
        step = source.step(bar)?;
        // Of a room without a message nothing is made.
        if matches!(step, None | Some(Step::Room(_))) {
            continue;
        }
        let wanted = match all {
            Some(name) => NewRoom {
                name: name.to_owned(),
                private: false,
                ..wanted
            },
            None => wanted,
        };
        let room = match room_for(here, space, &wanted).await {
            Ok(room) => room,
            Err(error) => {
                let mut refused = RefusedRoom::new(wanted.name, of_the_room(error)?);
                (step, refused.messages) = pass_over(&mut source, step, bar)?;
                read += refused.messages;
                refused_rooms.push(refused);
                continue;
            }
        };
        let now = head_of(here, space, room)?;
        let head = *heads.entry(room).or_insert(now);
        let importer = Importer::new(here.client().clone(), space, room, head);
        let work = fill(importer, &mut source, step, bar, &mut read);
        let (next, done) = here.meanwhile(work).await?;
        rooms.push(ImportedRoom::new(room, wanted.name, &done));
        total.add(done);
        step = next;
    }
    Ok(Report::new(space, rooms, read, total)
        .without(refused_rooms)
        .leaving_out(source.left_out()))
}

/// Why this room can't be had, where another one may; else the error again.
fn of_the_room(error: CliError) -> Result<Refusal, CliError> {
    match error {
        CliError::Refused(refusal)
            if matches!(
                refusal.code,
                Code::BadRequest
                    | Code::Conflict
                    | Code::NotAllowed
                    | Code::NotFound
                    | Code::TooLarge
            ) =>
        {
            Ok(refusal)
        }
        // More than one room is called so.
        CliError::Usage(words) => Ok(Refusal::new(Code::Conflict, words)),
        other => Err(other),
    }
}

/// Passes over what was said in one room. What comes after it, and how many messages it had.
fn pass_over(
    source: &mut Source,
    mut step: Option<Step>,
    bar: &ProgressBar,
) -> Result<(Option<Step>, u64), Refusal> {
    let mut messages = 0;
    while !matches!(step, None | Some(Step::Room(_))) {
        messages += u64::from(matches!(step, Some(Step::Message(_) | Step::Bad(..))));
        step = source.step(bar)?;
    }
    Ok((step, messages))
}

/// Brings in what was said in one room. What comes after it, and what came of it.
async fn fill(
    mut importer: Importer,
    source: &mut Source,
    mut step: Option<Step>,
    bar: &ProgressBar,
    read: &mut u64,
) -> Result<(Option<Step>, Imported), CliError> {
    loop {
        match step {
            Some(Step::Message(message)) => {
                *read += 1;
                importer.add(message).await?;
            }
            Some(Step::Change(change)) => importer.change(change).await?,
            Some(Step::Bad(line, refusal)) => {
                *read += 1;
                importer.refuse(line, refusal);
            }
            Some(Step::Room(_)) | None => return Ok((step, importer.finish().await?)),
        }
        if read.is_multiple_of(BAR_LINES) {
            show(bar, importer.so_far());
        }
        step = source.step(bar)?;
    }
}
