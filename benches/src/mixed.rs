//! A thousand things that happen in a room, by somebody else: of five, three are messages, one an
//! edit, one a reaction.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use memchr::memmem;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::machine::wall_clock;
use crate::raw::{Frame, Raw};
use crate::server::{Kind, Person, Server, append};

/// What happens at a time.
pub(crate) const EVENTS: usize = 1_000;
/// Of them, messages.
pub(crate) const MESSAGES: usize = 600;
/// Of one `append`: what a client sends at most.
const AT_ONCE: usize = 64;
/// Appends that wait for their answer.
const IN_FLIGHT: usize = 4;
/// An edit is of the message that came so many messages before.
const EDITED: usize = 10;
/// Nobody else has this number.
const AUTHOR: usize = 1_000_001;
/// For what the author's coming in set off to be over.
const SETTLE: Duration = Duration::from_millis(500);

/// What was written.
pub(crate) struct Written {
    /// From when the first of it was told to those who are in the room until the last was answered.
    #[cfg_attr(
        not(feature = "window"),
        allow(dead_code, reason = "the figures without a window begin elsewhere")
    )]
    pub(crate) told: Range<SystemTime>,
    /// See [`sign`]. The last event is a reaction to that message.
    pub(crate) sign: String,
}

/// Begins the last message of a round and no other.
pub(crate) fn sign(round: usize) -> String {
    format!("The last of round {round}.")
}

/// Somebody comes in, joins the room unless they are in it, and does all of it.
pub(crate) async fn write(
    server: &Server,
    room: &str,
    texts: &[String],
    round: usize,
) -> anyhow::Result<Written> {
    let mut raw = enter(server, room).await?;
    let sign = sign(round);
    let events = events(room, texts, &sign)?;
    let relays = Kind::Landline.relays(room);
    let mut appends = events.chunks(AT_ONCE);
    let (mut waiting, mut first) = (0, None);
    loop {
        while waiting < IN_FLIGHT
            && let Some(events) = appends.next()
        {
            raw.emit(0, "append", &json!({"events": events})).await?;
            waiting += 1;
        }
        if waiting == 0 && first.is_some() {
            break;
        }
        match raw.next().await? {
            Frame::Event(packet) if packet.starts_with(&relays) => {
                first.get_or_insert_with(wall_clock);
            }
            Frame::Event(_) => {}
            Frame::Ack(_, answer) => {
                let refused = memmem::find(answer, b"\"error\"").is_some();
                ensure!(!refused, "refused: {}", String::from_utf8_lossy(answer));
                waiting -= 1;
            }
        }
    }
    Ok(Written {
        told: first.context("nothing was told")?..wall_clock(),
        sign,
    })
}

async fn enter(server: &Server, room: &str) -> anyhow::Result<Raw> {
    let (mut raw, _) = server.enter(&Person::new(AUTHOR), 0).await?;
    let joined = append(&mut raw, room, &json!({"type": "joined"})).await?;
    let refusal = &joined["error"]["code"];
    ensure!(
        refusal.is_null() || refusal == "conflict",
        "the author can't join: {joined}"
    );
    let settled = tokio::time::sleep(SETTLE);
    tokio::pin!(settled);
    loop {
        tokio::select! {
            () = &mut settled => return Ok(raw),
            frame = raw.next() => {
                frame?;
            }
        }
    }
}

fn events(room: &str, texts: &[String], sign: &str) -> anyhow::Result<Vec<Value>> {
    let now = wall_clock().duration_since(UNIX_EPOCH)?.as_millis();
    let mut texts = texts.iter().cycle();
    let mut messages: Vec<(Uuid, &str)> = Vec::with_capacity(MESSAGES);
    let mut events = Vec::with_capacity(EVENTS);
    for number in 0..EVENTS {
        let id = Uuid::now_v7();
        let content = match number % 5 {
            2 => {
                let edited = messages.get(messages.len().saturating_sub(EDITED));
                let (target, text) = edited.context("a message to edit")?;
                json!({"type": "edit", "target": target, "text": format!("{text} (now better)")})
            }
            4 => {
                let (target, _) = messages.last().context("a message to react to")?;
                json!({"type": "reaction", "target": target, "emoji": "👍", "on": true})
            }
            _ => {
                let text = texts.next().context("a text")?;
                messages.push((id, text));
                match messages.len() {
                    MESSAGES => json!({"type": "message", "text": format!("{sign} {text}")}),
                    _ => json!({"type": "message", "text": text}),
                }
            }
        };
        let sent_at = u64::try_from(now)?;
        events.push(json!({"id": id, "room": room, "sent_at": sent_at, "content": content}));
    }
    Ok(events)
}
