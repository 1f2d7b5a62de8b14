//! The client core with a long history: catching up, starting, paging, searching, resting, coming
//! back after an absence.

mod absence;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use landline_client::command::{BrowseRooms, GetPage, Join, RoomNamed, SearchFor, SetName};
use landline_client::ui::{Part, Snapshot, UiEvent};
use landline_client::{Client, ClientConfig, PlainHost, Random, SystemClock, TcpDial};
use landline_protocol::up::ClientInfo;
use landline_protocol::{RoomId, SpaceId};
use tokio::process::Command;

use crate::machine::{self, resident_kib};
use crate::report::{row, spread};
use crate::server::{Kind, Server, beside_this};
use crate::text;

/// No figure takes longer; what does is not a figure but a fault.
const LIMIT: Duration = Duration::from_secs(600);
/// Messages in a page, as the window asks for them.
const PAGE: u32 = 100;
/// Parts of words, looked for within them: from everywhere to nowhere.
const PARTS: [&str; 3] = ["ompac", "ubsingleto", "qqzzq"];
/// Words of the conversation, from everywhere to nowhere.
const QUERIES: [&str; 8] = [
    "the",
    "lean",
    "theorem",
    "mathlib tactic",
    "thank you",
    "topology",
    "induc",
    "zyzzyva",
];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Messages in the room.
    #[arg(long, default_value_t = 60_000)]
    messages: usize,
    /// Rounds of each figure.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("conversation.jsonl");
    let source = text::write_conversation(&file, options.messages, true)?;
    println!(
        "{} messages, {source}, loopback, {}, median (lowest–highest)\n",
        options.messages,
        machine::load()
    );
    let server = Server::start(Kind::Landline).await?;

    let importer = folder.path().join("importer");
    cli(&importer, &["join", &server.address, "--name", "Importer"]).await?;
    let begun = Instant::now();
    cli(&importer, &["import", &file.display().to_string()]).await?;
    figure(
        "import through the outbox's link, durable",
        "s",
        begun.elapsed().as_secs_f64(),
    );

    let reader = folder.path().join("reader");
    let (space, room) = catches_up(&reader, &server.address).await?;
    let snapshot_and_page = starts(&reader, space, room, options.rounds).await?;
    row(&[
        "start to the first page of the room, ms".into(),
        spread(&snapshot_and_page, 1),
    ]);

    let (client, _) = open(&reader).await?;
    pages(&client, space, room).await?;
    searches(&client, space, options.rounds).await?;
    client.stop().await;

    rests(&reader, &server).await?;
    absence::made_up(&reader, &server, space, room, options.rounds).await?;
    println!("\nat the end: {}", machine::load());
    server.stop().await
}

fn figure(what: &str, unit: &str, figure: f64) {
    row(&[format!("{what}, {unit}"), format!("{figure:.1}")]);
}

pub(crate) async fn open(data: &Path) -> anyhow::Result<(Client, Snapshot)> {
    let client = start(data).await?;
    let snapshot = look(&client).await?;
    Ok((client, snapshot))
}

async fn start(data: &Path) -> anyhow::Result<Client> {
    let config = ClientConfig {
        data_dir: data.to_owned(),
        clock: Arc::new(SystemClock),
        random: Random::from_system()?,
        dial: Arc::new(TcpDial::default()),
        discovery: None,
        client: ClientInfo {
            name: "landline-bench".into(),
            version: "1".into(),
        },
        suggested_name: "Reader".into(),
    };
    Ok(Client::start(config, Arc::new(PlainHost)).await?)
}

/// What a window that opens now is told first.
async fn look(client: &Client) -> anyhow::Result<Snapshot> {
    let mut events = client.listen().await;
    let batch = events.recv().await.context("the core ended")?;
    match batch.into_iter().next() {
        Some(UiEvent::Snapshot(snapshot)) => Ok(snapshot),
        other => anyhow::bail!("first came {other:?}"),
    }
}

/// A new member's replica, from nothing to the last event.
async fn catches_up(data: &Path, address: &str) -> anyhow::Result<(SpaceId, RoomId)> {
    let (client, _) = open(data).await?;
    client
        .set_name(SetName {
            name: "Reader".into(),
        })
        .await?;
    let begun = Instant::now();
    let join = Join {
        space: None,
        address: Some(address.to_owned()),
        passcode: None,
    };
    let space = client.join(join).await?.space;
    let room = room_of_import(&client, space).await?;
    client.join_room(RoomNamed { space, room }).await?;
    let caught_up = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let snapshot = look(&client).await?;
            let here = snapshot
                .spaces
                .iter()
                .find(|here| here.space.space == space);
            let here = here.context("the space")?;
            let opened = here.rooms.iter().any(|view| view.room == room && view.open);
            if opened && here.space.link.catching_up.is_none() {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(LIMIT, caught_up)
        .await
        .context("never caught up")??;
    figure(
        "catch-up of all events into an empty replica",
        "s",
        begun.elapsed().as_secs_f64(),
    );
    client.stop().await;
    Ok((space, room))
}

/// The room that the import has made: the only public one that one may join.
async fn room_of_import(client: &Client, space: SpaceId) -> anyhow::Result<RoomId> {
    let found = async {
        loop {
            let browse = BrowseRooms {
                space,
                query: String::new(),
            };
            if let Ok(answer) = client.browse_rooms(browse).await
                && let Some(browsed) = answer.rooms.first()
            {
                return browsed.room;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, found)
        .await
        .context("no room to join")
}

/// Milliseconds from a closed program's data to the first page of the room.
async fn starts(
    data: &Path,
    space: SpaceId,
    room: RoomId,
    rounds: usize,
) -> anyhow::Result<Vec<f64>> {
    let mut figures = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let begun = Instant::now();
        let (client, _) = open(data).await?;
        let page = client.page(newest(space, room)).await?;
        figures.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(
            page.items.len() == PAGE as usize,
            "a page of {}",
            page.items.len()
        );
        client.stop().await;
    }
    Ok(figures)
}

const fn newest(space: SpaceId, room: RoomId) -> GetPage {
    GetPage {
        space,
        room,
        part: Part::All,
        before: None,
        after: None,
        around: None,
        limit: PAGE,
    }
}

/// Every page from the newest to the oldest.
async fn pages(client: &Client, space: SpaceId, room: RoomId) -> anyhow::Result<()> {
    let mut figures = Vec::new();
    let mut before = None;
    loop {
        let begun = Instant::now();
        let page = client
            .page(GetPage {
                before,
                ..newest(space, room)
            })
            .await?;
        figures.push(begun.elapsed().as_secs_f64() * 1e3);
        before = page.items.first().and_then(|item| item.seq);
        ensure!(before.is_some(), "a page without items");
        if !page.more_before {
            break;
        }
    }
    row(&[
        format!("page of {PAGE} older messages, all {}, ms", figures.len()),
        spread(&figures, 2),
    ]);
    Ok(())
}

async fn searches(client: &Client, space: SpaceId, rounds: usize) -> anyhow::Result<()> {
    let words = QUERIES.map(|query| (query, false));
    for (query, within) in words.into_iter().chain(PARTS.map(|part| (part, true))) {
        let mut figures = Vec::with_capacity(rounds);
        let mut hits = 0;
        for _ in 0..rounds {
            let search = SearchFor {
                space,
                query: query.into(),
                room: None,
                within,
                limit: 50,
            };
            let begun = Instant::now();
            hits = client.search(search).await?.hits.len();
            figures.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let how = if within { " within words" } else { "" };
        row(&[
            format!("search \"{query}\"{how} ({hits} hits shown), ms"),
            spread(&figures, 2),
        ]);
    }
    Ok(())
}

/// Memory of programs that have nothing to do.
async fn rests(data: &Path, server: &Server) -> anyhow::Result<()> {
    figure(
        "client core at rest (`landline-cli tail`), resident",
        "MiB",
        core_at_rest(data).await?,
    );
    figure(
        "node after all this, resident",
        "MiB",
        resident_kib(server.process()?)? as f64 / 1024.0,
    );
    Ok(())
}

/// MiB that are resident of a client core with nothing to do: it is what `landline-cli tail` runs.
pub(crate) async fn core_at_rest(data: &Path) -> anyhow::Result<f64> {
    let mut tail = Command::new(beside_this("landline-cli")?)
        .arg("--data")
        .arg(data)
        .arg("tail")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let id = tail.id().context("`landline-cli tail` has ended")?;
    let resident = resident_kib(id)?;
    tail.kill().await?;
    Ok(resident as f64 / 1024.0)
}

pub(crate) async fn cli(data: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let program: PathBuf = beside_this("landline-cli")?;
    let output = Command::new(program)
        .arg("--data")
        .arg(data)
        .args(arguments)
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "landline-cli {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
