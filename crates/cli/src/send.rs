//! `send`.

use std::fmt::{self, Display};
use std::io::{BufReader, Read as _};
use std::time::Duration;

use landline_client::command::{GetPage, Post, QueuedNamed};
use landline_client::ui::{Item, ItemState, UiEvent};
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
    let until = Instant::now() + limit;
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
    if !args.wait && here.connect(space, Reach::Connected).await? == Reach::Offline {
        return output.show(&Sent {
            space,
            room,
            id,
            state: "queued",
            seq: None,
        });
    }
    match wait_until_settled(here, space, room, id, until).await? {
        Some(Settled::Accepted { seq }) => output.show(&Sent {
            space,
            room,
            id,
            state: "sent",
            seq,
        }),
        Some(Settled::Refused(refusal)) => {
            // Whoever sent it knows now, and has the text: it must not lie in the queue for good.
            here.client()
                .discard_queued(QueuedNamed { space, id })
                .await?;
            Err(refusal.into())
        }
        None => {
            output.show(&Sent {
                space,
                room,
                id,
                state: "queued",
                seq: None,
            })?;
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
    /// The node has it; `seq` where it was told.
    Accepted {
        seq: Option<u64>,
    },
    Refused(Refusal),
}

fn settled(item: &Item) -> Option<Settled> {
    match &item.state {
        ItemState::Queued | ItemState::Sending => None,
        ItemState::Accepted => Some(Settled::Accepted { seq: item.seq }),
        ItemState::Failed { refusal } => Some(Settled::Refused(refusal.clone())),
    }
}

/// Waits until the node has a message of ours, or refuses it for good; none: it is still queued.
async fn wait_until_settled(
    here: &mut Here,
    space: SpaceId,
    room: RoomId,
    id: EventId,
    until: Instant,
) -> Result<Option<Settled>, CliError> {
    while let Some(events) = here.next(until).await? {
        let told = events.iter().find_map(|event| match event {
            UiEvent::Items { items, .. } => {
                items.iter().filter(|item| item.id == id).find_map(settled)
            }
            _ => None,
        });
        if told.is_some() {
            return Ok(told);
        }
        // More has changed than is told line by line.
        if events
            .iter()
            .any(|event| matches!(event, UiEvent::Reload { .. } | UiEvent::Snapshot(_)))
            && let Some(settled) = settled_now(here, space, room, id).await?
        {
            return Ok(Some(settled));
        }
    }
    Ok(None)
}

/// As the room's newest page shows it, which has everything that waits.
async fn settled_now(
    here: &Here,
    space: SpaceId,
    room: RoomId,
    id: EventId,
) -> Result<Option<Settled>, CliError> {
    let request = GetPage {
        space,
        room,
        before: None,
        after: None,
        around: None,
        limit: PAGE_ITEMS,
    };
    let page = here.client().page(request).await?;
    let item = page.items.iter().find(|item| item.id == id);
    Ok(item.map_or(Some(Settled::Accepted { seq: None }), settled))
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
