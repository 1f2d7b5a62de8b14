//! A large file through a node, and the plainest copy there is in the same round: read, one TCP
//! connection, write, sync.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use landline_client::Client;
use landline_client::command::{FetchFile, ItemNamed, Join, Post, SetName};
use landline_client::ui::{ItemBody, ItemState, UiEvent};
use landline_protocol::{EventId, FileHash, RoomId, SpaceId};
use tokio::time::timeout;

use crate::client::open;
use crate::machine::peak_kib;
use crate::report::{median, row, spread};
use crate::server::{Kind, Server};

const MIB: usize = 1024 * 1024;
/// Bytes at once, of the plain copy.
const PIECE: usize = 256 * 1024;
/// No figure takes longer; what does is not a figure but a fault.
const LIMIT: Duration = Duration::from_secs(600);
/// Between looks at whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(5);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// MiB of the file.
    #[arg(long, default_value_t = 1024)]
    mib: usize,
    /// Rounds of each figure.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// MiB a second, a figure a round.
#[derive(Debug, Default)]
struct Figures {
    copy: Vec<f64>,
    attach: Vec<f64>,
    upload: Vec<f64>,
    download: Vec<f64>,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    println!(
        "a file of {} MiB, {} rounds, loopback, durable at its end, MiB/s, median (lowest–highest)\n",
        options.mib, options.rounds
    );
    let folder = tempfile::tempdir()?;
    let server = Server::start_anywhere(Kind::Landline).await?;
    let (sender, space, room) = person(&folder.path().join("sender"), &server, "Sender").await?;
    let (reader, _, _) = person(&folder.path().join("reader"), &server, "Reader").await?;
    let mut figures = Figures::default();
    for round in 0..options.rounds {
        let path = folder.path().join("original");
        // Another one each round: a file that the node has is not uploaded again.
        let hash = write_noise(&path, options.mib, round)?;
        let speed = |took: Duration| options.mib as f64 / took.as_secs_f64();
        figures.copy.push(speed(plain_copy(&path, folder.path())?));
        let (attach, upload, event) = send(&sender, space, room, &path).await?;
        figures.attach.push(speed(attach));
        figures.upload.push(speed(upload));
        figures
            .download
            .push(speed(fetch(&reader, space, event, hash).await?));
    }
    let copy = median(&figures.copy);
    for (what, speeds) in [
        ("plain copy through one TCP connection", &figures.copy),
        (
            "attached: taken into the client's folder, hashed",
            &figures.attach,
        ),
        ("upload, until the message is accepted", &figures.upload),
        ("download, until it is whole and checked", &figures.download),
    ] {
        let share = format!("{:.0} %", 100.0 * median(speeds) / copy);
        row(&[what.into(), spread(speeds, 0), share]);
    }
    let peaks = [
        ("node", server.process()?),
        ("both clients, with this program", std::process::id()),
    ];
    for (who, process) in peaks {
        let peak = peak_kib(process)? as f64 / 1024.0;
        row(&[
            format!("{who}, most ever resident, MiB"),
            format!("{peak:.0}"),
        ]);
    }
    sender.stop().await;
    reader.stop().await;
    server.stop().await
}

async fn person(
    data: &Path,
    server: &Server,
    name: &str,
) -> anyhow::Result<(Client, SpaceId, RoomId)> {
    let (client, _) = open(data).await?;
    let name = SetName { name: name.into() };
    client.set_name(name).await?;
    let join = Join {
        space: None,
        address: Some(server.address.clone()),
        passcode: None,
    };
    let space = client.join(join).await?.space;
    let general = async {
        let mut events = client.listen().await;
        while let Some(batch) = events.recv().await {
            for event in batch {
                let rooms = match event {
                    UiEvent::Snapshot(snapshot) => snapshot
                        .spaces
                        .into_iter()
                        .flat_map(|space| space.rooms)
                        .collect(),
                    UiEvent::Room { room, .. } => vec![room],
                    _ => Vec::new(),
                };
                if let Some(room) = rooms.into_iter().find(|room| room.everyone && room.open) {
                    return Ok(room.room);
                }
            }
        }
        anyhow::bail!("the core ended")
    };
    let room = timeout(LIMIT, general).await.context("no room")??;
    Ok((client, space, room))
}

/// Bytes that no disk or network makes less of; their hash.
fn write_noise(path: &Path, mib: usize, round: usize) -> anyhow::Result<FileHash> {
    let mut noise = blake3::Hasher::new();
    noise.update(&round.to_le_bytes());
    let mut noise = noise.finalize_xof();
    let mut hasher = blake3::Hasher::new();
    let mut file = File::create(path)?;
    let mut piece = vec![0; MIB];
    for _ in 0..mib {
        noise.fill(&mut piece);
        hasher.update(&piece);
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    Ok(FileHash::from_bytes(*hasher.finalize().as_bytes()))
}

/// How long it takes until the other process has the bytes on its disk.
fn plain_copy(from: &Path, folder: &Path) -> anyhow::Result<Duration> {
    let to = folder.join("copy");
    let mut other = Command::new(std::env::current_exe()?)
        .arg("copy")
        .arg(&to)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut port = [0; 2];
    other
        .stdout
        .take()
        .context("the other's output")?
        .read_exact(&mut port)?;
    let mut stream = TcpStream::connect(("127.0.0.1", u16::from_le_bytes(port)))?;
    let begun = Instant::now();
    let mut file = File::open(from)?;
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        stream.write_all(piece.get(..read).unwrap_or_default())?;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_exact(&mut [0])?;
    let took = begun.elapsed();
    ensure!(other.wait()?.success(), "the other end of the copy failed");
    ensure!(
        std::fs::metadata(&to)?.len() == std::fs::metadata(from)?.len(),
        "the copy is not whole"
    );
    std::fs::remove_file(to)?;
    Ok(took)
}

/// The other end: takes one connection, writes what comes, syncs, and says so.
pub(crate) fn take_copy(to: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut output = std::io::stdout();
    output.write_all(&listener.local_addr()?.port().to_le_bytes())?;
    output.flush()?;
    let (mut stream, _) = listener.accept()?;
    let mut file = File::create(to)?;
    let mut piece = vec![0; PIECE];
    loop {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            break;
        }
        file.write_all(piece.get(..read).unwrap_or_default())?;
    }
    file.sync_all()?;
    Ok(stream.write_all(&[1])?)
}

async fn send(
    client: &Client,
    space: SpaceId,
    room: RoomId,
    path: &Path,
) -> anyhow::Result<(Duration, Duration, EventId)> {
    let begun = Instant::now();
    let file = tokio::fs::File::open(path).await?;
    let attached = client.attach(space, room, None, "noise.bin".into(), None, file);
    let attached = attached.await?;
    let attach = begun.elapsed();
    let begun = Instant::now();
    let post = Post {
        space,
        room,
        text: String::new(),
        reply_to: None,
        thread: None,
        mentions: Vec::new(),
        attachments: vec![attached.id],
    };
    let id = client.post(post).await?.id;
    let accepted = async {
        loop {
            let item = client.item(ItemNamed { space, id }).await?.item;
            match item.map(|item| item.state) {
                Some(ItemState::Accepted) => return anyhow::Ok(()),
                Some(ItemState::Failed { refusal }) => return Err(refusal.into()),
                Some(ItemState::Queued | ItemState::Sending) | None => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(LIMIT, accepted).await.context("never sent")??;
    Ok((attach, begun.elapsed(), id))
}

async fn fetch(
    client: &Client,
    space: SpaceId,
    event: EventId,
    blake3: FileHash,
) -> anyhow::Result<Duration> {
    let arrived = async {
        loop {
            let item = client.item(ItemNamed { space, id: event }).await?.item;
            if let Some(ItemBody::Message(_)) = item.map(|item| item.body) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(LIMIT, arrived).await.context("no message")??;
    let begun = Instant::now();
    let here = async {
        let fetch = FetchFile {
            space,
            event,
            blake3,
        };
        client.fetch_file(fetch).await?;
        while client.local_file(space, event, blake3).await.is_none() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(())
    };
    timeout(LIMIT, here).await.context("never came")??;
    Ok(begun.elapsed())
}
