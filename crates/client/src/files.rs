//! Files of messages on this device.

use std::path::PathBuf;

use landline_protocol::{AttachmentId, Code, EventId, FileHash, Refusal, RoomId, SpaceId};
use tokio::io::AsyncRead;

use crate::Client;
use crate::ui::AttachmentView;

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

impl Client {
    /// Attaches a file to the draft of a room, or of a reply in a thread: takes its bytes into this
    /// device's store, whatever becomes of the original. `media_type`: as the sender's system says;
    /// `None` or wrong words: found by the bytes and the name.
    ///
    /// Refused, and nothing kept, where it is larger than the space takes, the draft has as many as
    /// a message may name, or this computer's disk is full.
    pub async fn attach(
        &self,
        _space: SpaceId,
        _room: RoomId,
        _thread: Option<EventId>,
        _name: String,
        _media_type: Option<String>,
        _reader: impl AsyncRead + Send + Unpin,
    ) -> Result<AttachmentView, Refusal> {
        Err(not_built())
    }

    /// A file of a draft.
    pub async fn attached_file(&self, _space: SpaceId, _id: AttachmentId) -> Option<LocalFile> {
        None
    }

    /// A file that this message names, where it is on this device.
    pub async fn local_file(
        &self,
        _space: SpaceId,
        _event: EventId,
        _blake3: FileHash,
    ) -> Option<LocalFile> {
        None
    }

    /// Writes a copy of a file that this message names to `to`, whole or not at all, in place of
    /// what is there. Fetches it first where it is not on this device, which may take long; dropping
    /// the future ends the waiting, not the transfer.
    pub async fn save_file(
        &self,
        _space: SpaceId,
        _event: EventId,
        _blake3: FileHash,
        _to: PathBuf,
    ) -> Result<(), Refusal> {
        Err(not_built())
    }
}

pub(crate) fn not_built() -> Refusal {
    Refusal::new(Code::Unavailable, "files are not built yet")
}
