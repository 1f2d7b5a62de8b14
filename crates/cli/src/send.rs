//! `send`, `reply` and `dm`: what goes out, and what becomes of it.

use std::fmt::{self, Display};
use std::io::{self, BufRead};
use std::time::Duration;

use landline_client::command::{CreateRoom, ItemNamed, Post, QueuedNamed};
use landline_client::mentions_in;
use landline_client::ui::{ItemBody, ItemState};
use landline_protocol::limits::TEXT_BYTES;
use landline_protocol::{EventId, Refusal, RoomId, RoomKind, SpaceId, check_text_bytes};
use serde::Serialize;
use tokio::time::Instant;

use crate::args;
use crate::changes::message;
use crate::error::CliError;
use crate::here::{ANSWER_LIMIT, Here, Reach};
use crate::output::Output;
use crate::people::found;

/// `send`, `reply`, `dm` and `upload`: `{"space", "room", "id", "state", "seq"}`
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
    let text = text(args.text).await?;
    let room = here.room(space, &args.room).await?.room;
    let post = plain_post(here, space, room, text)?;
    deliver(here, post, args.patience, output).await
}

pub(crate) async fn reply(
    here: &mut Here,
    space: SpaceId,
    args: args::Reply,
    output: Output,
) -> Result<(), CliError> {
    let text = text(args.text).await?;
    let (room, item) = message(here, space, &args.message).await?;
    let said_in = match &item.body {
        ItemBody::Message(message) => message.thread,
        ItemBody::System { .. } => None,
    };
    let plain = plain_post(here, space, room, text)?;
    let post = if args.thread {
        Post {
            thread: Some(said_in.unwrap_or(item.id)),
            ..plain
        }
    } else {
        Post {
            reply_to: Some(item.id),
            thread: said_in,
            ..plain
        }
    };
    deliver(here, post, args.patience, output).await
}

pub(crate) async fn dm(
    here: &mut Here,
    space: SpaceId,
    args: args::Dm,
    output: Output,
) -> Result<(), CliError> {
    let text = text(args.text).await?;
    let wanted: Vec<String> = args.people.split(',').map(str::to_owned).collect();
    let members = match found(here.state(space)?, &wanted) {
        Ok(members) => members,
        // They may be known once connected.
        Err(_) => {
            here.connect(space, Reach::UpToDate).await?;
            found(here.state(space)?, &wanted)?
        }
    };
    // Nothing is left behind where the space does not let us in.
    here.connect(space, Reach::Connected).await?;
    let create = CreateRoom {
        space,
        kind: RoomKind::Direct,
        name: String::new(),
        topic: String::new(),
        members,
    };
    let room = here.client().create_room(create).await?.room;
    let post = plain_post(here, space, room, text)?;
    deliver(here, post, args.patience, output).await
}

pub(crate) fn plain_post(
    here: &Here,
    space: SpaceId,
    room: RoomId,
    text: String,
) -> Result<Post, CliError> {
    Ok(Post {
        space,
        room,
        mentions: mentions_in(&here.state(space)?.people, &text),
        text,
        reply_to: None,
        thread: None,
        attachments: Vec::new(),
    })
}

async fn deliver(
    here: &mut Here,
    post: Post,
    args: args::Patience,
    output: Output,
) -> Result<(), CliError> {
    let (space, room) = (post.space, post.room);
    let patience = if args.wait {
        Patience::For(Duration::from_secs(args.timeout))
    } else {
        Patience::Usual
    };
    let id = here.client().post(post).await?.id;
    let settled = settle(here, space, id, patience).await?;
    let settled = take_back(here, space, id, settled).await;
    show(here, (space, room, id), settled, args.wait, output)
}

/// Tells what became of a message. `wait`: it was waited for, and that it is not sent is a failure.
pub(crate) fn show(
    here: &Here,
    (space, room, id): (SpaceId, RoomId, EventId),
    settled: Settled,
    wait: bool,
    output: Output,
) -> Result<(), CliError> {
    let sent = |state, seq| Sent {
        space,
        room,
        id,
        state,
        seq,
    };
    match settled {
        Settled::Accepted { seq } => output.show(&sent("sent", seq)),
        Settled::Refused(refusal) => Err(refusal.into()),
        Settled::Barred(_) | Settled::Not => {
            output.show(&sent("queued", None))?;
            if wait {
                Err(here.offline(space))
            } else {
                Ok(())
            }
        }
    }
}

/// How long a command waits for the node to have what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as an answer may take, and not at all where the space can't be reached.
    Usual,
    For(Duration),
}

/// What became of something of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The node has it, with all that was changed about it; `seq` where it is known.
    Accepted {
        seq: Option<u64>,
    },
    /// For good; it is no longer in the queue.
    Refused(Refusal),
    /// The space does not let us in now; it is queued still.
    Barred(Refusal),
    Not,
}

/// Waits until the node has a line of ours and all that we changed about it, or refuses it for
/// good. What is refused is taken out of the queue: whoever asked for it knows now, and it must
/// not lie there for good.
pub(crate) async fn settle(
    here: &mut Here,
    space: SpaceId,
    id: EventId,
    patience: Patience,
) -> Result<Settled, CliError> {
    let until = match patience {
        Patience::For(limit) => Instant::now() + limit,
        Patience::Usual => {
            let reach = here.connect(space, Reach::Connected).await;
            if reach.is_ok_and(|reach| reach == Reach::Offline) {
                Instant::now()
            } else {
                Instant::now() + ANSWER_LIMIT
            }
        }
    };
    loop {
        let settled = match settled_now(here, space, id).await? {
            Settled::Not => here.refused(space).map_or(Settled::Not, Settled::Barred),
            settled => settled,
        };
        if settled != Settled::Not || here.next(until).await?.is_none() {
            return Ok(settled);
        }
    }
}

/// Takes back an event of ours that the space does not let in with us: whoever asked for it is told
/// that it was refused, and a second try must not say it twice once we are let in again.
pub(crate) async fn take_back(
    here: &Here,
    space: SpaceId,
    id: EventId,
    settled: Settled,
) -> Settled {
    let Settled::Barred(refusal) = settled else {
        return settled;
    };
    match here
        .client()
        .discard_queued(QueuedNamed { space, id })
        .await
    {
        Ok(_) => Settled::Refused(refusal),
        // It was on its way before, and may have arrived.
        Err(_) => Settled::Barred(refusal),
    }
}

pub(crate) async fn settled_now(
    here: &Here,
    space: SpaceId,
    id: EventId,
) -> Result<Settled, CliError> {
    let Some(item) = here.client().item(ItemNamed { space, id }).await?.item else {
        // Accepted, and its place in the log not here yet; or discarded by what was done.
        return Ok(Settled::Accepted { seq: None });
    };
    let changes = match &item.body {
        ItemBody::Message(message) => message.changes.as_slice(),
        ItemBody::System { .. } => &[],
    };
    let states = changes.iter().map(|change| (change.id, &change.state));
    let mut waits = false;
    for (id, state) in states.chain([(item.id, &item.state)]) {
        match state {
            ItemState::Queued | ItemState::Sending => waits = true,
            ItemState::Accepted => {}
            ItemState::Failed { refusal } => {
                let refusal = refusal.clone();
                here.client()
                    .discard_queued(QueuedNamed { space, id })
                    .await?;
                return Ok(Settled::Refused(refusal));
            }
        }
    }
    Ok(if waits {
        Settled::Not
    } else {
        Settled::Accepted { seq: item.seq }
    })
}

/// The message: what was typed, or standard input.
pub(crate) async fn text(typed: String) -> Result<String, CliError> {
    if typed != "-" {
        return Ok(typed);
    }
    // In a thread of its own: whoever types may want to stop.
    let read = tokio::task::spawn_blocking(|| whole_text(std::io::stdin().lock()));
    read.await
        .map_err(|died| CliError::Input(io::Error::other(died)))?
}

/// Reads to the end, so that one who writes too much is told by how much, and keeps no more than a
/// message may have. Line ends behind the last line are not part of it.
fn whole_text(mut input: impl BufRead) -> Result<String, CliError> {
    let mut kept = Vec::new();
    let (mut length, mut line_ends) = (0, 0);
    loop {
        let piece = match input.fill_buf() {
            Ok([]) => break,
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CliError::Input(error)),
        };
        let read = piece.len();
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let ends = piece.iter().rev().take_while(is_end).count();
        line_ends = if ends == read { line_ends + ends } else { ends };
        length += read as u64;
        let room = TEXT_BYTES.saturating_sub(kept.len());
        kept.extend(piece.iter().take(room));
        input.consume(read);
    }
    let length = length - line_ends as u64;
    check_text_bytes(length)?;
    kept.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    String::from_utf8(kept)
        .map_err(|_| CliError::Usage("the message on standard input is not UTF-8 text".into()))
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(input: &[u8], piece: usize) -> Result<String, CliError> {
        whole_text(BufReader::with_capacity(piece, input))
    }

    #[test]
    fn what_comes_in_pieces_is_whole_without_the_line_ends_behind_it() {
        for piece in [1, 2, 5, 64] {
            let text = read("\n会 one\r\n\ntwo\r\n\n".as_bytes(), piece).expect("a text");
            assert_eq!(text, "\n会 one\r\n\ntwo", "in pieces of {piece}");
        }
        assert_eq!(read(b"", 8).expect("nothing"), "");
        assert_eq!(read(b"\n\n", 1).expect("nothing"), "");
    }

    #[test]
    fn a_text_may_be_as_long_as_a_message_and_no_longer() {
        let most = "x".repeat(TEXT_BYTES);
        let text = read(format!("{most}\n\n").as_bytes(), 1000).expect("a text");
        assert_eq!(text, most);
        let refused = read(format!("{most}\nyz\n").as_bytes(), 1000).expect_err("too long");
        assert_eq!(refused.code(), "too_large");
        assert!(
            refused.to_string().contains("3 bytes too long"),
            "{refused}"
        );
    }
}
