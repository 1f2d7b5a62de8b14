//! `send`.

use std::fmt::{self, Display};
use std::io::{BufReader, Read as _};
use std::time::Duration;

use landline_client::command::{GetPage, Post, QueuedNamed};
use landline_client::ui::ItemState;
use landline_protocol::limits::TEXT_BYTES;
use landline_protocol::{EventId, Refusal, RoomId, SpaceId};
use serde::Serialize;
use tokio::time::Instant;

use crate::args;
use crate::error::CliError;
use crate::here::{ANSWER_LIMIT, Here, Reach};
use crate::history::PAGE_ITEMS;
use crate::output::Output;

/// `send`: `{"space", "room", "id", "state", "seq"}`
#[derive(Debug, Serialize)]
struct Sent {
    space: SpaceId,
    room: RoomId,
    id: EventId,
    /// `sent`: the space has it on its disk. `queued`: it is on this computer's, and goes out once
    /// with the next command that reaches the space.
    state: &'static str,
    /// Its place in the room; null while queued, or where it is known only to be sent.
    seq: Option<u64>,
}

impl Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            "sent" => write!(f, "sent"),
            _ => write!(
                f,
                "queued: the space can't be reached now; it goes out with the next command that reaches it"
            ),
        }
    }
}

pub(crate) async fn send(
    here: &mut Here,
    space: SpaceId,
    args: args::Send,
    output: Output,
) -> Result<(), CliError> {
    let limit = if args.wait {
        Duration::from_secs(args.timeout)
    } else {
        ANSWER_LIMIT
    };
    let mut until = Instant::now() + limit;
    let text = text(args.text).await?;
    let room = here.room(space, &args.room).await?.room;
    let request = Post {
        space,
        room,
        text,
        reply_to: None,
        thread: None,
        mentions: Vec::new(),
    };
    let id = here.client().post(request).await?.id;
    if !args.wait
        && here
            .connect(space, Reach::Connected)
            .await
            .is_ok_and(|reach| reach == Reach::Offline)
    {
        until = Instant::now();
    }
    let sent = |state, seq| Sent {
        space,
        room,
        id,
        state,
        seq,
    };
    match settled(here, space, room, id, until).await? {
        Settled::Accepted { seq } => output.show(&sent("sent", seq)),
        Settled::Refused(refusal) => {
            // Whoever sent it knows now, and has the text: it must not lie in the queue for good.
            here.client()
                .discard_queued(QueuedNamed { space, id })
                .await?;
            Err(refusal.into())
        }
        Settled::Not => {
            output.show(&sent("queued", None))?;
            if args.wait {
                Err(here.offline(space))
            } else {
                Ok(())
            }
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Settled {
    /// The node has it; `seq` where it is on the newest page.
    Accepted {
        seq: Option<u64>,
    },
    /// By the node, or it does not let us in.
    Refused(Refusal),
    Not,
}

/// Waits until the node has a message of ours, or refuses it for good.
async fn settled(
    here: &mut Here,
    space: SpaceId,
    room: RoomId,
    id: EventId,
    until: Instant,
) -> Result<Settled, CliError> {
    loop {
        let settled = match settled_now(here, space, room, id).await? {
            Settled::Not => here.refused(space).map_or(Settled::Not, Settled::Refused),
            settled => settled,
        };
        if settled != Settled::Not || here.next(until).await?.is_none() {
            return Ok(settled);
        }
    }
}

/// As the room's newest page shows it, which has everything that waits.
async fn settled_now(
    here: &Here,
    space: SpaceId,
    room: RoomId,
    id: EventId,
) -> Result<Settled, CliError> {
    let request = GetPage {
        space,
        room,
        before: None,
        after: None,
        around: None,
        limit: PAGE_ITEMS,
    };
    let page = here.client().page(request).await?;
    let Some(item) = page.items.into_iter().find(|item| item.id == id) else {
        return Ok(Settled::Accepted { seq: None });
    };
    Ok(match item.state {
        ItemState::Queued | ItemState::Sending => Settled::Not,
        ItemState::Accepted => Settled::Accepted { seq: item.seq },
        ItemState::Failed { refusal } => Settled::Refused(refusal),
    })
}

/// The message: what was typed, or standard input up to a little past the limit, which is then
/// refused in the usual words.
async fn text(typed: String) -> Result<String, CliError> {
    if typed != "-" {
        return Ok(typed);
    }
    // In a thread of its own: whoever types may want to stop.
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        let input = std::io::stdin().lock().take(TEXT_BYTES as u64 + 4);
        BufReader::new(input)
            .read_to_string(&mut text)
            .map(|_| text)
    });
    let text = read.await.map_err(std::io::Error::other)??;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
