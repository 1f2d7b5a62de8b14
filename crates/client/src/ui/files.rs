//! Files on the screen: what is attached to drafts, and what is on its way.

use landline_protocol::{AttachmentId, EventId, FileHash, RoomId, SpaceId, TransferId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is attached to the draft of a room, or of a reply in a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AttachmentsView {
    pub room: RoomId,
    pub thread: Option<EventId>,
    pub attachments: Vec<AttachmentView>,
}

/// A file that is attached to a draft. Its bytes are kept on this device; it survives restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AttachmentView {
    pub id: AttachmentId,
    pub name: String,
    #[serde(rename = "type")]
    pub media_type: String,
    pub bytes: u64,
    /// Of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub height: Option<u32>,
    /// Of an image: a thumbhash, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub preview: Option<String>,
    /// Why it can't be sent; a message with it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub words: Option<String>,
}

/// A file of a message on its way. What is on this device has no transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TransferView {
    pub id: TransferId,
    pub space: SpaceId,
    pub room: RoomId,
    /// The message that names the file.
    pub event: EventId,
    pub blake3: FileHash,
    pub way: TransferWay,
    pub state: TransferState,
    /// Bytes that are over.
    pub done: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Why it has failed, or why it is tried again later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub words: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TransferWay {
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TransferState {
    /// For the link, for its turn, or for the next try.
    Waiting,
    Running,
    /// By the person.
    Paused,
    /// Refused for good; `resume_transfer` tries again.
    Failed,
    /// Whole at its end, its hash checked.
    Done,
}
