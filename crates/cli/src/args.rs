//! What may be typed after `landline-cli`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use landline_client::export::ExportFormat;
use landline_protocol::limits::FILES_PER_MESSAGE;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; a message that is queued for later counts as done
  1  failed for another reason; the words on standard error say why
  2  the command line is wrong
  3  the space can't be reached, or did not answer in time
  4  the space refused it, or a part of it; what was refused is not kept
  5  no such space, room or file
  6  the data folder is in use by another program

A ROOM is the name of a room, with or without a leading #, or its id. A PERSON is a name, with or
without a leading @, or an id. `@` and a name in a message mentions that person, `@room` everybody.
Commands that only read wait a few seconds for the space and then show what is on this computer.";

/// Landline without a window: team chat over your own LAN, for scripts, bots and terminals.
#[derive(Debug, Parser)]
#[command(name = "landline-cli", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Where identity, rooms and history are kept; another folder is another person [default: the
    /// platform's folder for programs' data, `landline-cli` in it]
    #[arg(long, value_name = "DIR", env = "LANDLINE_DATA_DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Which space, by name or id; needed where more than one was joined
    #[arg(long, value_name = "NAME|ID", global = true)]
    pub(crate) space: Option<String>,
    /// Do not look around on the network: spaces are found at the addresses that are known
    #[arg(long, global = true)]
    pub(crate) no_mdns: bool,
    /// Write JSON: one object, or one a line where it streams; errors as JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The spaces that were joined, and those near this computer
    Spaces,
    /// Join a space near by its name, or any by its address
    Join(Join),
    /// The rooms one is in
    Rooms(Rooms),
    /// Create a room
    Create(Create),
    /// Join a public room
    JoinRoom(JoinRoom),
    /// Write a message; it is queued while the space can't be reached, and sent once and only once
    Send(Send),
    /// Answer a message, in its thread where it stands in one
    Reply(Reply),
    /// Send files with a message; they are queued while the space can't be reached
    Upload(Upload),
    /// Bring the files of a message here
    Download(Download),
    /// Write to one person or several directly; nobody else reads it
    Dm(Dm),
    /// Put an emoji under a message, or take it back
    React(React),
    /// Change a message of your own
    Edit(Edit),
    /// Delete a message: your own; as admin or owner anybody's
    Delete(Delete),
    /// Who is in a room, or in the space, and whether they are there
    Members(Members),
    /// Bring people into a room; they may read all that was said in it
    Invite(Invite),
    /// Be online, away or not to be disturbed until stopped
    Presence(Presence),
    /// Follow new messages until stopped, through lost connections too; what was said in a room
    /// before one came into it is not new
    Tail(Tail),
    /// The newest messages of a room
    History(History),
    /// Search the messages on this computer
    Search(Search),
    /// Connections, what is queued, and how far each room's history is here
    Status,
    /// Write rooms to a file: all of them, or those that are named
    Export(Export),
    /// Bring in messages from elsewhere; again with the same file adds nothing twice
    Import(Import),
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The space's name or id, or the address of its host: `host`, `host:port`
    #[arg(value_name = "NAME|ADDRESS")]
    pub(crate) place: String,
    /// What people should call you; needed the first time
    #[arg(long, value_name = "ME")]
    pub(crate) name: Option<String>,
    /// The space's passcode, where it has one
    #[arg(
        long,
        value_name = "WORD",
        env = "LANDLINE_PASSCODE",
        hide_env_values = true
    )]
    pub(crate) passcode: Option<String>,
    /// How long to look for the space and wait for its answer
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = seconds())]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Rooms {
    /// The public rooms one could join, too
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The new room's name
    #[arg(value_name = "ROOM")]
    pub(crate) name: String,
    /// Only for those who are invited
    #[arg(long)]
    pub(crate) private: bool,
    /// What the room is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) topic: String,
}

#[derive(Debug, Args)]
pub(crate) struct JoinRoom {
    /// The room, by name or id
    pub(crate) room: String,
}

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The room, by name or id
    pub(crate) room: String,
    /// The message in Markdown; `-` reads it from standard input
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Args)]
pub(crate) struct Patience {
    /// Return only when the space has it; exit code 3 if that takes too long (it stays queued)
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long `--wait` waits
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds(), requires = "wait")]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Reply {
    /// The message's id, as `history --json` shows it
    #[arg(value_name = "MESSAGE")]
    pub(crate) message: String,
    /// The answer in Markdown; `-` reads it from standard input
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
    /// In the message's thread, without quoting it
    #[arg(long)]
    pub(crate) thread: bool,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// The room, by name or id
    pub(crate) room: String,
    /// The files, at most ten
    #[arg(value_name = "FILE", required = true, num_args = 1..=FILES_PER_MESSAGE)]
    pub(crate) files: Vec<PathBuf>,
    /// The message that they come with, in Markdown; `-` reads it from standard input
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub(crate) text: String,
    /// Exit code 3 if the space does not have them in the end (they stay queued)
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long it may stand still
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Download {
    /// The room, by name or id
    pub(crate) room: String,
    /// The message's id, as `history --json` shows it, or `latest`: the newest with a file
    #[arg(value_name = "MESSAGE|latest")]
    pub(crate) message: String,
    /// The folder to write them to; nothing in it is replaced
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) to: PathBuf,
    /// How long it may stand still
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Dm {
    /// Whom to write to, by name or id; several with commas between them
    #[arg(value_name = "PERSON[,PERSON…]")]
    pub(crate) people: String,
    /// The message in Markdown; `-` reads it from standard input
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Args)]
pub(crate) struct React {
    /// The message's id, as `history --json` shows it
    #[arg(value_name = "MESSAGE")]
    pub(crate) message: String,
    /// The emoji itself
    pub(crate) emoji: String,
    /// Take it back
    #[arg(long)]
    pub(crate) off: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The message's id, as `history --json` shows it
    #[arg(value_name = "MESSAGE")]
    pub(crate) message: String,
    /// How it shall read, in Markdown; `-` reads it from standard input
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The message's id, as `history --json` shows it
    #[arg(value_name = "MESSAGE")]
    pub(crate) message: String,
}

#[derive(Debug, Args)]
pub(crate) struct Members {
    /// The room, by name or id; else everybody in the space
    pub(crate) room: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The room, by name or id
    pub(crate) room: String,
    /// Whom to bring in, by name or id
    #[arg(value_name = "PERSON", required = true)]
    pub(crate) people: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Presenting {
    Online,
    Away,
    /// Do not disturb
    Dnd,
}

#[derive(Debug, Args)]
pub(crate) struct Presence {
    pub(crate) state: Presenting,
    /// What others read beside your name
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) text: String,
    /// End after this time, not when stopped
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds())]
    pub(crate) time: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Only this room; else all one is in
    pub(crate) room: Option<String>,
    /// Begin after this message of the room (0: from its beginning), not with the next new one
    #[arg(long, value_name = "SEQ", requires = "room")]
    pub(crate) since: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// The room, by name or id
    pub(crate) room: String,
    /// How many messages at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Only what came before this message
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words that must all be there; "in quotes" they must stand together
    pub(crate) query: String,
    /// Only in this room
    #[arg(long, value_name = "ROOM")]
    pub(crate) room: Option<String>,
    /// How many hits at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Every event as it is, one a line: for programs, and for `import`
    Jsonl,
    /// One page, to be read
    Html,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The rooms, by name or id; none: all that are on this computer
    #[arg(value_name = "ROOM")]
    pub(crate) rooms: Vec<String>,
    /// The file; it must not be there yet
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// What to write; else what the file's ending says, and `jsonl` where it says nothing
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) replace: bool,
}

impl Export {
    pub(crate) fn format(&self) -> ExportFormat {
        let ending = self.to.extension().unwrap_or_default();
        let is_page = ["html", "htm"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known));
        match self.format {
            Some(Format::Html) => ExportFormat::Html,
            Some(Format::Jsonl) => ExportFormat::Jsonl,
            None if is_page => ExportFormat::Html,
            None => ExportFormat::Jsonl,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// An export of Landline (JSON lines), an export of Slack (ZIP), or JSON lines of {room, topic,
    /// author, at, text}; lines may be gzipped
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Put everything into this room, whatever the file says. It is created if it is not there
    #[arg(long, value_name = "NAME")]
    pub(crate) room: Option<String>,
}

fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=24 * 60 * 60)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn json_and_space_may_stand_anywhere() {
        let cli = Cli::try_parse_from([
            "landline-cli",
            "send",
            "general",
            "- hello",
            "--json",
            "--space",
            "Lab",
        ])
        .expect("parses");
        assert!(cli.common.json);
        assert_eq!(cli.common.space.as_deref(), Some("Lab"));
        assert!(matches!(cli.command, Command::Send(Send { text, .. }) if text == "- hello"));
    }

    #[test]
    fn a_seq_to_begin_after_needs_a_room() {
        assert!(Cli::try_parse_from(["landline-cli", "tail", "--since", "3"]).is_err());
        assert!(Cli::try_parse_from(["landline-cli", "tail", "general", "--since", "3"]).is_ok());
    }
}
