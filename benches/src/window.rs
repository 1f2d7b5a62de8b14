//! `cargo xtask bench window`: the app as it is shipped, on a screen that nobody sees, with a room
//! of 100,000 messages.
//!
//! A real node, its door ([`Door`]) and the app on loopback; WebDriver runs `window/page.js` in the
//! app's page, which clicks, looks at each frame and says when. Times of different programs are
//! those of the one clock of this computer.

mod door;
mod figures;
mod look;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use landline_tests::deadline::{LONG, within};
use landline_tests::desktop::{App, Bus, network};
use landline_tests::logs;
use serde_json::json;

use crate::client::cli;
use crate::machine;
use crate::report::row;
use crate::server::{Kind, Server};
use crate::text;
use door::Door;
use look::{Look, Place};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Messages in the room.
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// Rounds of each figure but the openings, of which there are eleven.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    // What the app would tell this network of itself is nobody's business.
    network::leave();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("conversation.jsonl");
    let source = text::write_conversation(&file, usize::try_from(options.messages)?, false)?;
    let server = Server::start_anywhere(Kind::Landline).await?;
    imports(&folder.path().join("importer"), &server.address, &file).await?;
    let mut door = Door::before(&server.address).await?;
    let bus = Bus::open().await;
    let mut app = App::start("Ana", &bus, false).await;
    let place = joins(&app, &door, options.messages).await?;
    println!(
        "\n{} messages in one room, {source}, loopback, Xvfb, no graphics card, {}\n",
        options.messages,
        machine::load()
    );
    row(&["", "goal", "median (lowest–highest)"].map(str::to_owned));
    row(&["---", "---", "---:"].map(str::to_owned));
    let look = Look::new(&app, &place);
    figures::openings(&look, options.messages).await?;
    figures::scrolling(&look).await?;
    figures::burst(&look, &server, options.rounds).await?;
    figures::absence(&look, &server, &mut door, options.rounds).await?;
    figures::starts(&mut app, &place, &bus, options.rounds).await?;
    figures::rests(&mut app).await?;
    println!("\nat the end: {}", machine::load());
    server.stop().await
}

async fn imports(data: &Path, address: &str, file: &Path) -> anyhow::Result<()> {
    cli(data, &["join", address, "--name", "Importer"]).await?;
    cli(data, &["import", &file.display().to_string()]).await
}

/// Ana joins the space and the room of the import, and waits until all of it is on her computer.
async fn joins(app: &App, door: &Door, messages: u64) -> anyhow::Result<Place> {
    app.fill("name-input", "Ana").await;
    app.fill("join-address", &door.address).await;
    app.click("join-address-button").await;
    app.see("composer-input").await;
    app.see_connected().await;
    app.click("browse-rooms").await;
    app.see("browsed-room").await;
    let name = app
        .evaluate(
            "room => room.dataset.roomName",
            "[data-testid=browsed-room]",
        )
        .await;
    let name = name.as_str().context("a room to join")?.to_owned();
    app.click("join-room").await;
    app.look_at(&name).await;
    let row = format!("[data-testid=room-list-item][data-room-name='{name}']");
    let room = app.evaluate("row => row.dataset.room", &row).await;
    let spaces = std::fs::read_dir(app.data().join("spaces"))?;
    let spaces: Vec<_> = spaces.collect::<Result<_, _>>()?;
    ensure!(spaces.len() == 1, "{} spaces", spaces.len());
    let space = spaces.first().context("a space")?.file_name();
    let place = Place {
        space: space.into_string().ok().context("a space")?,
        room: room.as_str().context("a room")?.to_owned(),
        name,
    };
    let replica = logs::replica(app.data(), place.space.parse()?);
    within(LONG, "all messages are on this computer", async || {
        let count = "SELECT count(*) FROM message";
        let count: Result<i64, _> = logs::open(&replica).query_row(count, (), |row| row.get(0));
        (u64::try_from(count.ok()?).ok()? >= messages).then_some(())
    })
    .await;
    // Then what hangs on the end of it is done, too.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let read = json!({"space": place.space, "room": place.room, "seq": u32::MAX});
    Look::new(app, &place).tells("read", &read).await?;
    Ok(place)
}
