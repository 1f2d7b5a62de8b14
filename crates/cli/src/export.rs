//! `export`: rooms as a file, for another program or a reader.

use std::fmt::{self, Display};

use landline_client::export::{ExportFormat, ExportTo};
use landline_protocol::SpaceId;
use serde::Serialize;

use crate::args;
use crate::error::CliError;
use crate::here::Here;
use crate::history::catch_up;
use crate::output::{Output, count};

/// `export`: `{"space", "path", "format", "rooms", "messages", "bytes", "complete", "up_to_date"}`
#[derive(Debug, Serialize)]
struct Report {
    space: SpaceId,
    path: String,
    /// `jsonl` or `html`.
    format: ExportFormat,
    rooms: u64,
    messages: u64,
    bytes: u64,
    /// All that the space is known to have of these rooms is in the file.
    complete: bool,
    /// The space was reached; else this is what was known when it last was.
    up_to_date: bool,
}

pub(crate) async fn export(
    here: &mut Here,
    space: SpaceId,
    args: args::Export,
    output: Output,
) -> Result<(), CliError> {
    let format = args.format();
    let up_to_date = here.refresh(space, output).await?;
    let mut rooms = Vec::new();
    for room in &args.rooms {
        rooms.push(here.room(space, room).await?.room);
    }
    let whole = catch_up(here, space, output).await?;
    if !whole && up_to_date {
        output.note("some history is still on its way; what is here is exported");
    }
    let bar = output.bar(Some(0), "{bar:30} {percent:>3}%  {pos} of {len}");
    let request = ExportTo {
        space,
        rooms,
        path: args.to.clone(),
        format,
        replace: args.replace,
    };
    let (client, shown) = (here.client().clone(), bar.clone());
    let work = client.export(request, move |so_far| {
        shown.set_length(so_far.of);
        shown.set_position(so_far.done);
    });
    let done = here.meanwhile(async { Ok(work.await?) }).await;
    bar.finish_and_clear();
    let done = done?;
    let full = std::fs::canonicalize(&args.to).unwrap_or(args.to);
    output.show(&Report {
        space,
        path: full.display().to_string(),
        format,
        rooms: done.rooms,
        messages: done.messages,
        bytes: done.bytes,
        complete: done.complete,
        up_to_date,
    })
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} of {} written to {}",
            count(self.messages, "message"),
            count(self.rooms, "room"),
            self.path
        )?;
        if !self.complete {
            writeln!(
                f,
                "some of it was not on this computer yet; export again later"
            )?;
        }
        Ok(())
    }
}
