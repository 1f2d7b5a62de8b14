//! `react`, `edit` and `delete`: what one does to a message.

use std::fmt::{self, Display};

use landline_client::command::{EditMessage, ItemNamed, MessageNamed, React};
use landline_client::mentions_in;
use landline_client::ui::{Item, ItemBody};
use landline_protocol::{EventId, RoomId, SpaceId};
use serde::Serialize;

use crate::args;
use crate::error::CliError;
use crate::here::{Here, Reach};
use crate::output::Output;
use crate::send::{Patience, Settled, settle, text};

/// `react`, `edit` and `delete`: `{"space", "room", "id", "state"}`
#[derive(Debug, Serialize)]
struct Changed {
    space: SpaceId,
    room: RoomId,
    /// Of the message.
    id: EventId,
    /// `done`: the space has it. `queued`: it goes out with the next command that reaches it.
    state: &'static str,
}

impl Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            "done" => write!(f, "done"),
            _ => write!(
                f,
                "queued: the space can't be reached now; it goes out with the next command that reaches it"
            ),
        }
    }
}

pub(crate) async fn react(
    here: &mut Here,
    space: SpaceId,
    args: args::React,
    output: Output,
) -> Result<(), CliError> {
    let (room, item) = target(here, space, &args.message).await?;
    let id = item.id;
    let react = React {
        space,
        room,
        id,
        emoji: args.emoji,
        on: !args.off,
    };
    here.client().react(react).await?;
    report(here, space, room, id, output).await
}

pub(crate) async fn edit(
    here: &mut Here,
    space: SpaceId,
    args: args::Edit,
    output: Output,
) -> Result<(), CliError> {
    let (room, item) = target(here, space, &args.message).await?;
    let id = item.id;
    let text = text(args.text).await?;
    let edit = EditMessage {
        space,
        room,
        id,
        mentions: mentions_in(&here.state(space)?.people, &text),
        text,
    };
    here.client().edit(edit).await?;
    report(here, space, room, id, output).await
}

pub(crate) async fn delete(
    here: &mut Here,
    space: SpaceId,
    args: args::Delete,
    output: Output,
) -> Result<(), CliError> {
    let (room, item) = target(here, space, &args.message).await?;
    let id = item.id;
    here.client()
        .delete(MessageNamed { space, room, id })
        .await?;
    report(here, space, room, id, output).await
}

async fn report(
    here: &mut Here,
    space: SpaceId,
    room: RoomId,
    id: EventId,
    output: Output,
) -> Result<(), CliError> {
    let state = match settle(here, space, id, Patience::Usual).await? {
        Settled::Accepted { .. } => "done",
        Settled::Refused(refusal) => return Err(refusal.into()),
        // Other changes of it may have waited before this one: none is taken back.
        Settled::Barred(_) | Settled::Not => "queued",
    };
    output.show(&Changed {
        space,
        room,
        id,
        state,
    })
}

/// The message to change. Where the space does not let us in nothing is changed: that would wait
/// behind a refusal, and be done in the end by somebody who has given up on it.
async fn target(here: &mut Here, space: SpaceId, wanted: &str) -> Result<(RoomId, Item), CliError> {
    here.connect(space, Reach::Connected).await?;
    message(here, space, wanted).await
}

/// The message that is meant, by its id. One that is not here may be once history has come.
pub(crate) async fn message(
    here: &mut Here,
    space: SpaceId,
    wanted: &str,
) -> Result<(RoomId, Item), CliError> {
    let id: EventId = wanted.trim().parse().map_err(|_| {
        CliError::Usage(format!(
            "{wanted} is not the id of a message; `history --json` and `search --json` show it"
        ))
    })?;
    let named = ItemNamed { space, id };
    let mut found = here.client().item(named.clone()).await?;
    if found.item.is_none() {
        here.connect(space, Reach::UpToDate).await?;
        found = here.client().item(named).await?;
    }
    let not_found = || CliError::NotFound(format!("no message {id} is on this computer"));
    let (room, item) = found.room.zip(found.item).ok_or_else(not_found)?;
    match item.body {
        ItemBody::Message(_) => Ok((room, *item)),
        ItemBody::System { .. } => Err(not_found()),
    }
}
