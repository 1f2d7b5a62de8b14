//! What others did while one was away: fetched, applied to the replica, told to a window.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use landline_client::Client;
use landline_client::command::{GetPage, Read};
use landline_client::ui::{ItemBody, Part, UiEvent};
use landline_protocol::{RoomId, SpaceId};
use tokio::sync::mpsc::Receiver;

use super::{LIMIT, newest, start};
use crate::mixed::{self, EVENTS, MESSAGES};
use crate::report::{row, spread};
use crate::server::Server;
use crate::text;

/// Messages in a page, as the window asks for them when it reads anew.
const PAGE: u32 = 40;

/// From the start of the core until the window was told the last of a thousand mixed events and
/// has read its page anew. In it: opening the replica, the dial, sign-in, comparing the logs, the
/// fetches over loopback.
pub(super) async fn made_up(
    data: &Path,
    server: &Server,
    space: SpaceId,
    room: RoomId,
    rounds: usize,
) -> anyhow::Result<()> {
    let (texts, _) = text::conversation();
    let (mut from_start, mut from_first) = (Vec::new(), Vec::new());
    reads_all(data, space, room).await?;
    for round in 1..=rounds {
        let written = mixed::write(server, &room.to_string(), &texts, round).await?;
        let begun = Instant::now();
        let client = start(data).await?;
        let mut told = client.listen().await;
        let first = tokio::time::timeout(LIMIT, all_told(&mut told, room))
            .await
            .context("not all that came is told")??;
        sees(&client, space, room, &written.sign).await?;
        from_start.push(begun.elapsed().as_secs_f64() * 1e3);
        from_first.push(first.elapsed().as_secs_f64() * 1e3);
        client.stop().await;
        reads_all(data, space, room).await?;
    }
    row(&[
        format!("{EVENTS} mixed events of an absence told to a window, start to last, ms"),
        spread(&from_start, 1),
    ]);
    row(&[
        "the same from the first of them told, ms".into(),
        spread(&from_first, 1),
    ]);
    Ok(())
}

/// Waits until the messages that came are told as unread, and that there are such messages: when the
/// first of it was told.
async fn all_told(told: &mut Receiver<Vec<UiEvent>>, wanted: RoomId) -> anyhow::Result<Instant> {
    let (mut first, mut all_counted) = (None, false);
    loop {
        for event in told.recv().await.context("the core ended")? {
            match event {
                UiEvent::Items { room, .. } | UiEvent::Reload { room, .. } if room == wanted => {
                    first.get_or_insert_with(Instant::now);
                }
                UiEvent::Room { room, .. } if room.room == wanted => {
                    all_counted = room.unread == MESSAGES as u64;
                }
                _ => {}
            }
        }
        if let Some(first) = first.filter(|_| all_counted) {
            return Ok(first);
        }
    }
}

/// The window reads the newest page: the last that was done is on it.
async fn sees(client: &Client, space: SpaceId, room: RoomId, sign: &str) -> anyhow::Result<()> {
    let page = GetPage {
        part: Part::Main,
        limit: PAGE,
        ..newest(space, room)
    };
    let page = client.page(page).await?;
    let last = page.items.last().context("an empty page")?;
    let ItemBody::Message(message) = &last.body else {
        anyhow::bail!("the last is no message");
    };
    ensure!(message.text.starts_with(sign), "not the last message");
    ensure!(!message.reactions.is_empty(), "without its reaction");
    Ok(())
}

/// The person has seen all that is here.
async fn reads_all(data: &Path, space: SpaceId, room: RoomId) -> anyhow::Result<()> {
    let client = start(data).await?;
    let mut told = client.listen().await;
    let seq = u64::MAX;
    client.read(Read { space, room, seq }).await?;
    let read = async {
        loop {
            for event in told.recv().await.context("the core ended")? {
                let rooms = match event {
                    UiEvent::Snapshot(snapshot) => snapshot
                        .spaces
                        .into_iter()
                        .flat_map(|of| of.rooms)
                        .collect(),
                    UiEvent::Room { room, .. } => vec![room],
                    _ => Vec::new(),
                };
                if rooms
                    .iter()
                    .any(|view| view.room == room && view.unread == 0)
                {
                    return anyhow::Ok(());
                }
            }
        }
    };
    tokio::time::timeout(LIMIT, read)
        .await
        .context("it stays unread")??;
    client.stop().await;
    Ok(())
}
