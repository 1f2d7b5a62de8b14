//! Landline without a window: the client core for scripts, bots and people in a terminal.
//!
//! One command is one start of the core on its data folder ([`here::Here`]): it waits for what the
//! command needs, acts, and ends cleanly. What may be typed is in `args.rs`, what comes out in
//! `output.rs` and at the report of each command, what goes wrong in `error.rs`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use args::{Cli, Command};
use clap::Parser as _;
use clap::error::ErrorKind;
use error::CliError;
use here::Here;
use landline_discovery::Discovery;
use output::Output;
use tracing_subscriber::EnvFilter;

mod args;
mod changes;
mod data;
mod error;
mod export;
mod files;
mod here;
mod history;
mod import;
mod message;
mod output;
mod people;
mod rooms;
mod send;
mod spaces;
mod status;
mod stop;
mod tail;

/// The C library's keeps what bursts have freed, for each thread apart: a core that follows a busy
/// room for hours grew by that alone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What still runs when the command is done (a look-up of a host's name) is not waited for longer.
const END_WITHIN: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let output = Output::new(cli.common.json);
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return ended(Err(CliError::Start(error)), output),
    };
    let result = runtime.block_on(run(cli, output));
    runtime.shutdown_timeout(END_WITHIN);
    ended(result, output)
}

async fn run(cli: Cli, output: Output) -> Result<(), CliError> {
    let mut stopped = stop::asked().map_err(CliError::Start)?;
    let discovery = (!cli.common.no_mdns).then(Discovery::start);
    let mut here = Here::start(data::folder(cli.common.data)?, discovery).await?;
    let follows = matches!(cli.command, Command::Tail(_) | Command::Presence(_));
    let result = tokio::select! {
        result = act(&mut here, cli.command, cli.common.space.as_deref(), output) => result,
        () = stopped.wait() => if follows { Ok(()) } else { Err(CliError::Interrupted) },
    };
    here.stop().await;
    result
}

async fn act(
    here: &mut Here,
    command: Command,
    wanted: Option<&str>,
    output: Output,
) -> Result<(), CliError> {
    match command {
        Command::Spaces => spaces::spaces(here, output).await?,
        Command::Join(args) => spaces::join(here, args, output).await?,
        Command::Status => status::status(here, wanted, output).await?,
        Command::Rooms(args) => rooms::rooms(here, here.space(wanted)?, args, output).await?,
        Command::Create(args) => rooms::create(here, here.space(wanted)?, args, output).await?,
        Command::JoinRoom(args) => {
            rooms::join_room(here, here.space(wanted)?, args, output).await?
        }
        Command::Send(args) => send::send(here, here.space(wanted)?, args, output).await?,
        Command::Reply(args) => send::reply(here, here.space(wanted)?, args, output).await?,
        Command::Upload(args) => files::upload(here, here.space(wanted)?, args, output).await?,
        Command::Download(args) => files::download(here, here.space(wanted)?, args, output).await?,
        Command::Dm(args) => send::dm(here, here.space(wanted)?, args, output).await?,
        Command::React(args) => changes::react(here, here.space(wanted)?, args, output).await?,
        Command::Edit(args) => changes::edit(here, here.space(wanted)?, args, output).await?,
        Command::Delete(args) => changes::delete(here, here.space(wanted)?, args, output).await?,
        Command::Members(args) => people::members(here, here.space(wanted)?, args, output).await?,
        Command::Invite(args) => people::invite(here, here.space(wanted)?, args, output).await?,
        Command::Presence(args) => {
            people::presence(here, here.space(wanted)?, args, output).await?
        }
        Command::Tail(args) => tail::tail(here, here.space(wanted)?, args, output).await?,
        Command::History(args) => history::history(here, here.space(wanted)?, args, output).await?,
        Command::Search(args) => history::search(here, here.space(wanted)?, args, output).await?,
        Command::Export(args) => export::export(here, here.space(wanted)?, args, output).await?,
        Command::Import(args) => import::import(here, here.space(wanted)?, args, output).await?,
    }
    here.flush().await
}

fn ended(result: Result<(), CliError>, output: Output) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_reader_gone() => ExitCode::SUCCESS,
        // The report has said it.
        Err(error @ CliError::Partly) => error.exit(),
        Err(error) => {
            output.error(&error);
            error.exit()
        }
    }
}

/// `--help` and `--version` come this way, too. With `--json` a mistake is told as JSON.
fn not_understood(error: &clap::Error) -> ExitCode {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if !asked && std::env::args_os().any(|arg| arg == "--json") {
        let error = CliError::Usage(mistake(&error.render().to_string()));
        Output::new(true).error(&error);
        return error.exit();
    }
    // Nobody is left to be told where the terminal is gone.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// What is wrong, in one line: how clap begins, with the arguments that it lists, and without the
/// usage that follows.
fn mistake(rendered: &str) -> String {
    let mut lines = rendered.lines().take_while(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let first = first.trim_start_matches("error: ").to_owned();
    let listed: Vec<&str> = lines.map(str::trim).collect();
    if listed.is_empty() {
        first
    } else {
        format!("{first} {}", listed.join(", "))
    }
}

/// What the core notes for whoever looks for a fault: off unless `LANDLINE_LOG` says what, as in
/// `LANDLINE_LOG=debug`.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("LANDLINE_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    // Whoever read standard error may have gone: the library would say so there, and panic.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(io::stderr)
        .init();
}
