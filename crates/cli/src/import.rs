//! `import`: messages from elsewhere, from a file whose kind its first bytes tell. The client core
//! brings them in; here are the bar and the report.

use indicatif::ProgressBar;
use landline_client::import::{ImportProgress, ImportSource};
use landline_protocol::SpaceId;

use crate::args;
use crate::error::CliError;
use crate::here::{Here, Reach};
use crate::output::{Output, count};
use crate::rooms::must_connect;

mod report;

use report::Report;

pub(crate) async fn import(
    here: &mut Here,
    space: SpaceId,
    args: args::Import,
    output: Output,
) -> Result<(), CliError> {
    // Before anything is made: there must be something to import.
    let source = ImportSource::open(args.file, args.room).await?;
    if source.needs_room() {
        return Err(CliError::Usage(
            "the first message names no room: say which with --room NAME".into(),
        ));
    }
    must_connect(here, space, Reach::UpToDate).await?;
    let bar = output.bar(None, "{bar:30} {percent:>3}%  {msg}");
    let (client, shown) = (here.client().clone(), bar.clone());
    let work = client.import(space, source, move |so_far| show(&shown, so_far));
    let done = here.meanwhile(async { Ok(work.await?) }).await;
    bar.finish_and_clear();
    let report = Report(done?);
    output.show(&report)?;
    if report.0.is_whole() {
        Ok(())
    } else {
        Err(CliError::Partly)
    }
}

/// How much of it is there, and how fast the node takes it.
fn show(bar: &ProgressBar, so_far: ImportProgress) {
    bar.set_length(so_far.of);
    bar.set_position(so_far.read);
    let a_second = so_far.messages / bar.elapsed().as_secs().max(1);
    let messages = count(so_far.messages, "message");
    bar.set_message(format!("{messages}, {a_second} a second"));
}
