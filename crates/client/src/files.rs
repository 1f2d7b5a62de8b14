//! Files of messages on this device.
//!
//! ```text
//! attach ──bytes──▶ kept, hashed, looked at ──▶ draft ── post ──▶ outbox row + upload
//!                                                                     │ done, then the message goes
//! fetch_file ──▶ download ──▶ kept, hash checked ──▶ local_file      ▼
//! ```
//! The bytes go straight between the disk and whoever brings or takes them; the engine
//! (`engine/transfers.rs`) owns what is on its way, and that survives a restart in the replica.

use std::path::PathBuf;

use bytes::Bytes;
use landline_protocol::{AttachmentId, EventId, File, FileHash, Refusal, RoomId, SpaceId, size};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::oneshot;

use crate::engine::Input;
use crate::ui::AttachmentView;
use crate::{Client, ClientError};

pub(crate) mod down;
pub(crate) mod half;
pub(crate) mod http;
mod keep;
pub(crate) mod kind;
mod names;
pub(crate) mod shelf;
pub(crate) mod up;

use http::Trouble;
use keep::{Keeping, disk_words};
use kind::{Look, NO_KIND};
pub use names::safe_name;
use names::told_name;
use shelf::Shelf;
use up::Job;

/// Bytes that are taken from a reader at once.
const PIECE: usize = 256 * 1024;
/// Bytes of a type that a message may tell.
const TYPE_BYTES: usize = 127;

/// A file that is whole on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// For reading only: others may use the same bytes.
    pub path: PathBuf,
    /// As its first bytes say, where that is a kind that may be shown: an image, audio, video or
    /// plain text; else `application/octet-stream`. Never HTML or SVG.
    pub media_type: String,
    pub bytes: u64,
}

/// What an engine is asked about files.
#[derive(Debug)]
pub(crate) enum FileWish {
    /// Where bytes may come, and how many.
    Place(oneshot::Sender<Place>),
    /// These bytes are attached to a draft.
    Attach {
        room: RoomId,
        thread: Option<EventId>,
        taken: Box<Taken>,
        reply: oneshot::Sender<Result<AttachmentView, Refusal>>,
    },
    Attached {
        id: AttachmentId,
        reply: oneshot::Sender<Option<LocalFile>>,
    },
    Local {
        event: EventId,
        blake3: FileHash,
        reply: oneshot::Sender<Option<LocalFile>>,
    },
    /// Fetched first, where it is not here.
    Await {
        event: EventId,
        blake3: FileHash,
        reply: oneshot::Sender<Result<LocalFile, Refusal>>,
    },
    /// Uploaded past the outbox, from where it is.
    Bring {
        of: (RoomId, EventId),
        file: Box<File>,
        from: PathBuf,
        reply: oneshot::Sender<Result<Job, Refusal>>,
    },
    /// The node has refused the token that was brought with it.
    TokenRefused(Box<Job>),
}

/// Where bytes may come.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) shelf: Shelf,
    pub(crate) path: PathBuf,
    /// The space takes no more in one file.
    pub(crate) most: u64,
}

/// Bytes that are on this device's disk, synced, and not in their place yet.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) path: PathBuf,
    pub(crate) hash: FileHash,
    /// As a message will name it.
    pub(crate) file: File,
    pub(crate) shown_as: String,
}

/// What comes is taken away, unless it is in its place when this is dropped: whoever attaches may
/// be refused, or give up.
struct Coming(PathBuf);

impl Drop for Coming {
    fn drop(&mut self) {
        shelf::remove(&self.0);
    }
}

impl Client {
    /// Attaches a file to the draft of a room, or of a reply in a thread: takes its bytes into this
    /// device's store, whatever becomes of the original. `media_type`: as the sender's system says;
    /// `None` or wrong words: found by the bytes.
    ///
    /// Refused, and nothing kept, where it is larger than the space takes, the draft has as many as
    /// a message may name, or this computer's disk is full.
    pub async fn attach(
        &self,
        space: SpaceId,
        room: RoomId,
        thread: Option<EventId>,
        name: String,
        media_type: Option<String>,
        reader: impl AsyncRead + Send + Unpin,
    ) -> Result<AttachmentView, Refusal> {
        let place = self.wish(space, FileWish::Place).await?;
        let _coming = Coming(place.path.clone());
        let taken = take(place, &told_name(&name), media_type, reader).await?;
        let attached = self.wish(space, |reply| FileWish::Attach {
            room,
            thread,
            taken: Box::new(taken),
            reply,
        });
        attached.await?
    }

    /// A file of a draft.
    pub async fn attached_file(&self, space: SpaceId, id: AttachmentId) -> Option<LocalFile> {
        self.wish(space, |reply| FileWish::Attached { id, reply })
            .await
            .ok()
            .flatten()
    }

    /// A file that this message names, where it is on this device.
    pub async fn local_file(
        &self,
        space: SpaceId,
        event: EventId,
        blake3: FileHash,
    ) -> Option<LocalFile> {
        let local = self.wish(space, |reply| FileWish::Local {
            event,
            blake3,
            reply,
        });
        local.await.ok().flatten()
    }

    /// Writes a copy of a file that this message names to `to`, whole or not at all, in place of
    /// what is there. Fetches it first where it is not on this device, which may take long; dropping
    /// the future ends the waiting, not the transfer.
    pub async fn save_file(
        &self,
        space: SpaceId,
        event: EventId,
        blake3: FileHash,
        to: PathBuf,
    ) -> Result<(), Refusal> {
        let local = self.wish(space, |reply| FileWish::Await {
            event,
            blake3,
            reply,
        });
        let local = local.await??;
        let shelf = self.wish(space, FileWish::Place).await?.shelf;
        let copy = move || half::copy(&local.path, &to, &shelf);
        let copied = tokio::task::spawn_blocking(copy).await;
        copied
            .map_err(|_| ClientError::Stopped)?
            .map_err(|error| disk_words(&error))
    }

    /// Brings a file to the node for a message that goes past the outbox: for an import. Resolves
    /// when the node has it, whole and checked; `unavailable` where it may be tried again.
    pub(crate) async fn bring(
        &self,
        space: SpaceId,
        of: (RoomId, EventId),
        file: File,
        from: PathBuf,
    ) -> Result<(), Refusal> {
        let job = self.wish(space, |reply| FileWish::Bring {
            of,
            file: Box::new(file),
            from,
            reply,
        });
        let job = job.await??;
        let brought = up::upload(&job).await;
        if let Err(Trouble::Session) = &brought {
            let refused = FileWish::TokenRefused(Box::new(job));
            self.to_engine(space, Input::Files(refused)).await?;
        }
        brought.map_err(Refusal::from)
    }

    async fn wish<T>(
        &self,
        space: SpaceId,
        wish: impl FnOnce(oneshot::Sender<T>) -> FileWish,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.to_engine(space, Input::Files(wish(reply))).await?;
        // Without an engine the wish is dropped, and with it the reply.
        let gone = |_| Refusal::not_found("you are not in that space, or it can't be used now");
        answer.await.map_err(gone)
    }
}

async fn take(
    place: Place,
    name: &str,
    media_type: Option<String>,
    mut reader: impl AsyncRead + Send + Unpin,
) -> Result<Taken, Refusal> {
    let Place { shelf, path, most } = place;
    let keeping = Keeping::begin(shelf, path.clone(), 0);
    let mut bytes: u64 = 0;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = reader.read_buf(&mut piece).await;
        let unreadable = |error| Refusal::bad_request(format!("{name} can't be read: {error}"));
        if read.map_err(unreadable)? == 0 {
            break;
        }
        bytes += piece.len() as u64;
        if bytes > most {
            return Err(Refusal::too_large(too_large(name, most)));
        }
        if !keeping.piece(Bytes::from(piece)).await {
            break;
        }
    }
    let kept = keeping.end().await.map_err(|error| disk_words(&error))?;
    let at = path.clone();
    let looked = tokio::task::spawn_blocking(move || kind::look(&at, true)).await;
    let look = looked.ok().and_then(Result::ok).unwrap_or_else(|| Look {
        shown_as: NO_KIND.to_owned(),
        ..Look::default()
    });
    let media_type = told_type(media_type, &look);
    let image = look.image;
    let file = File {
        blake3: kept.hash.to_string(),
        name: name.to_owned(),
        media_type,
        bytes: kept.bytes,
        width: image.as_ref().map(|image| image.width),
        height: image.as_ref().map(|image| image.height),
        preview: image.map(|image| image.preview),
    };
    Ok(Taken {
        path,
        hash: kept.hash,
        file,
        shown_as: look.shown_as,
    })
}

/// What a message tells of the kind: by the bytes where they tell, else what the system says.
fn told_type(media_type: Option<String>, look: &Look) -> String {
    let by_bytes = look.kind.clone();
    let told = media_type.filter(|told| {
        told.len() <= TYPE_BYTES && told.contains('/') && told.bytes().all(|b| b.is_ascii_graphic())
    });
    by_bytes.or(told).unwrap_or_else(|| look.shown_as.clone())
}

/// Why a file can't be attached, or sent.
pub(crate) fn too_large(name: &str, most: u64) -> String {
    format!("{name} is too large: this space takes up to {}", size(most))
}
