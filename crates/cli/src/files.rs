//! `upload` and `download`.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use indicatif::ProgressBar;
use landline_client::command::{Detach, GetPage};
use landline_client::safe_name;
use landline_client::ui::{Item, ItemBody, Part, TransferView};
use landline_protocol::{AttachmentId, EventId, File, FileHash, RoomId, SpaceId};
use serde::Serialize;
use tokio::time::Instant;

use crate::args;
use crate::changes::message;
use crate::error::CliError;
use crate::here::{Here, Reach};
use crate::output::Output;
use crate::send::{self, Settled, plain_post, settled_now, text};

const BAR: &str =
    "{msg} {wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}";
/// Messages looked at for the newest with a file.
const LOOKED_AT: u32 = 2_000;
const PAGE: u32 = 200;
/// Names that are tried for one file.
const NAMES: u32 = 1_000;

/// `download`, one for each file: `{"space", "room", "message", "name", "path", "bytes", "blake3"}`
#[derive(Debug, Serialize)]
struct Downloaded {
    space: SpaceId,
    room: RoomId,
    message: EventId,
    /// As the message says.
    name: String,
    /// Where it is now.
    path: PathBuf,
    bytes: u64,
    blake3: String,
}

impl Display for Downloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

pub(crate) async fn upload(
    here: &mut Here,
    space: SpaceId,
    args: args::Upload,
    output: Output,
) -> Result<(), CliError> {
    let text = text(args.text).await?;
    let room = here.room(space, &args.room).await?.room;
    // Nothing is left behind where the space does not let us in.
    let reach = here.connect(space, Reach::Connected).await?;
    // What an upload that was interrupted has left at the draft.
    let left: Vec<AttachmentId> = drafted(here, space, room);
    detach(here, space, room, left).await;
    let mut attached = Vec::new();
    for path in &args.files {
        match attach(here, space, room, path).await {
            Ok(id) => attached.push(id),
            Err(error) => {
                detach(here, space, room, attached).await;
                return Err(error);
            }
        }
    }
    let mut post = plain_post(here, space, room, text)?;
    post.attachments.clone_from(&attached);
    let id = match here.client().post(post).await {
        Ok(answer) => answer.id,
        Err(refusal) => {
            detach(here, space, room, attached).await;
            return Err(refusal.into());
        }
    };
    let away = reach == Reach::Offline && !here.is_connected(space);
    let settled = if away && !args.wait {
        Settled::Not
    } else {
        follow(here, space, id, Duration::from_secs(args.timeout), output).await?
    };
    let settled = send::take_back(here, space, id, settled).await;
    send::show(here, (space, room, id), settled, args.wait, output)
}

async fn attach(
    here: &mut Here,
    space: SpaceId,
    room: RoomId,
    path: &Path,
) -> Result<AttachmentId, CliError> {
    let failed = |error| CliError::File {
        path: path.to_owned(),
        error,
    };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    if file.metadata().await.map_err(failed)?.is_dir() {
        let words = format!("{} is a folder", path.display());
        return Err(CliError::Usage(words));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let client = here.client().clone();
    let attached = async {
        let view = client.attach(space, room, None, name.into_owned(), None, file);
        Ok(view.await?.id)
    };
    here.meanwhile(attached).await
}

fn drafted(here: &Here, space: SpaceId, room: RoomId) -> Vec<AttachmentId> {
    let drafts = here.state(space).map(|state| state.attachments.clone());
    let drafts = drafts.unwrap_or_default().into_iter();
    drafts
        .filter(|draft| draft.room == room && draft.thread.is_none())
        .flat_map(|draft| draft.attachments)
        .map(|attachment| attachment.id)
        .collect()
}

async fn detach(here: &Here, space: SpaceId, room: RoomId, ids: Vec<AttachmentId>) {
    for id in ids {
        // What can't be taken off now is by the next upload.
        let _ = here.client().detach(Detach { space, room, id }).await;
    }
}

/// Waits until the node has a message and its files, as long as anything moves.
async fn follow(
    here: &mut Here,
    space: SpaceId,
    id: EventId,
    patience: Duration,
    output: Output,
) -> Result<Settled, CliError> {
    let bar = output.bar(Some(0), BAR);
    let mut until = Instant::now() + patience;
    let mut before = None;
    loop {
        let settled = match settled_now(here, space, id).await? {
            Settled::Not => here.refused(space).map_or(Settled::Not, Settled::Barred),
            settled => settled,
        };
        if settled != Settled::Not {
            bar.finish_and_clear();
            return Ok(settled);
        }
        let now = standing(here, space, |transfer| transfer.event == id);
        if before != Some(now) {
            before = Some(now);
            until = Instant::now() + patience;
        }
        show(&bar, "sending", now);
        if here.next(until).await?.is_none() {
            bar.finish_and_clear();
            return Ok(Settled::Not);
        }
    }
}

/// How far some transfers are together: done, and in all.
fn standing(here: &Here, space: SpaceId, of: impl Fn(&TransferView) -> bool) -> (u64, u64) {
    let transfers = here.state(space).map(|state| state.transfers.as_slice());
    let transfers = transfers.unwrap_or_default().iter().filter(|view| of(view));
    transfers.fold((0, 0), |(done, bytes), view| {
        (done + view.done, bytes + view.bytes)
    })
}

fn show(bar: &ProgressBar, words: &str, (done, bytes): (u64, u64)) {
    if bytes > 0 {
        bar.set_message(words.to_owned());
        bar.set_length(bytes);
        bar.set_position(done);
    }
}

pub(crate) async fn download(
    here: &mut Here,
    space: SpaceId,
    args: args::Download,
    output: Output,
) -> Result<(), CliError> {
    let room = here.room(space, &args.room).await?.room;
    let item = if args.message == "latest" {
        here.refresh(space, output).await?;
        latest(here, space, room).await?
    } else {
        let (found, item) = message(here, space, &args.message).await?;
        if found != room {
            let words = format!("that message is not in {}", args.room);
            return Err(CliError::NotFound(words));
        }
        item
    };
    let files = files(&item);
    if files.is_empty() {
        return Err(CliError::NotFound("that message has no file".into()));
    }
    let failed = |error| CliError::File {
        path: args.to.clone(),
        error,
    };
    tokio::fs::create_dir_all(&args.to).await.map_err(failed)?;
    for file in files {
        let path = free_path(&args.to, &safe_name(&file.name))?;
        let patience = Duration::from_secs(args.timeout);
        save(here, space, item.id, &file, path.clone(), patience, output).await?;
        output.show(&Downloaded {
            space,
            room,
            message: item.id,
            name: file.name,
            path,
            bytes: file.bytes,
            blake3: file.blake3,
        })?;
    }
    Ok(())
}

fn files(item: &Item) -> Vec<File> {
    match &item.body {
        ItemBody::Message(message) => message.files.clone(),
        ItemBody::System { .. } => Vec::new(),
    }
}

/// The newest message of a room that has a file.
async fn latest(here: &Here, space: SpaceId, room: RoomId) -> Result<Item, CliError> {
    let mut before = None;
    for _ in 0..LOOKED_AT / PAGE {
        let get = GetPage {
            space,
            room,
            part: Part::All,
            before,
            after: None,
            around: None,
            limit: PAGE,
        };
        let page = here.client().page(get).await?;
        before = page.items.iter().find_map(|item| item.seq);
        let mut newest = page.items.into_iter().rev();
        if let Some(item) = newest.find(|item| !files(item).is_empty()) {
            return Ok(item);
        }
        if !page.more_before || before.is_none() {
            break;
        }
    }
    Err(CliError::NotFound(
        "no message that is here of that room has a file".into(),
    ))
}

/// A name in a folder that nothing has yet: `kettle.png`, `kettle (2).png`, …
fn free_path(folder: &Path, name: &str) -> Result<PathBuf, CliError> {
    let as_path = Path::new(name);
    let stem = as_path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = as_path.extension().map(|ending| ending.to_string_lossy());
    for number in 1..=NAMES {
        let name = match (number, &ending) {
            (1, _) => name.to_owned(),
            (_, Some(ending)) => format!("{stem} ({number}).{ending}"),
            (_, None) => format!("{stem} ({number})"),
        };
        let path = folder.join(name);
        if !path.exists() {
            return Ok(path);
        }
    }
    Err(CliError::Usage(format!(
        "there are too many files called {name} in {}",
        folder.display()
    )))
}

/// Writes one file, and fetches it first where it is not here, as long as anything moves.
async fn save(
    here: &mut Here,
    space: SpaceId,
    event: EventId,
    file: &File,
    path: PathBuf,
    patience: Duration,
    output: Output,
) -> Result<(), CliError> {
    let gone = |_| CliError::NotFound("that message names no file that there could be".into());
    let blake3: FileHash = file.blake3.parse().map_err(gone)?;
    let client = here.client().clone();
    let local = client.local_file(space, event, blake3).await;
    if local.is_none() && here.connect(space, Reach::Connected).await? == Reach::Offline {
        return Err(here.offline(space));
    }
    let bar = output.bar(Some(0), BAR);
    let mut saved = pin!(client.save_file(space, event, blake3, path));
    let mut before = None;
    let mut until = Instant::now() + patience;
    loop {
        tokio::select! {
            done = &mut saved => {
                bar.finish_and_clear();
                return Ok(done?);
            }
            happened = here.next(until) => if happened?.is_none() {
                bar.finish_and_clear();
                return Err(here.offline(space));
            }
        }
        let now = standing(here, space, |transfer| transfer.blake3 == blake3);
        if before != Some(now) {
            before = Some(now);
            until = Instant::now() + patience;
        }
        show(&bar, &file.name, now);
    }
}
