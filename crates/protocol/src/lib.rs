#![warn(clippy::wildcard_enum_match_arm)]
//! What a node and any client say to each other, and what is allowed.
//!
//! **A room is a log.** Everything durable is an [`Event`] with a `seq`; what an event may hold is
//! [`Content`]; who may append it is decided by [`access`]; what follows from it for the room and
//! the space is [`RoomState`] and [`SpaceState`]. Requests are in [`up`], what a node sends in
//! [`down`]. The complete description for people is `docs/protocol.md`.
//!
//! Invariant: this crate does no IO, reads no clock and knows no runtime.

pub mod access;
mod code;
mod content;
pub mod down;
mod event;
mod ids;
pub mod limits;
mod name;
mod sign;
mod size;
mod state;
mod strict;
pub mod up;
mod words;

pub use code::{Code, Refusal};
pub use content::{
    Admitted, Banned, Content, Delete, Edit, File, Imported, Invited, Mention, Message, Muted, Pin,
    Profile, Reaction, Removed, RoleChanged, RoomChanged, RoomCreated, SettingsChanged,
    SpaceCreated, check_text_bytes,
};
pub use event::{Event, NewEvent};
pub use ids::{
    AttachmentId, EventId, FileHash, MemberId, RoomId, SpaceId, TransferId, direct_room_id,
};
pub use limits::Limits;
pub use name::{check_name, check_topic};
pub use sign::{
    EventSignature, content_hash, event_text, sign_event, sign_in_text, sign_text, verify_event,
    verify_text,
};
pub use size::size;
pub use state::{Person, RoomState, SpaceState};
pub use words::{Admission, GoodbyeReason, PresenceState, Role, RoomKind};

/// The version of the protocol that this crate speaks.
pub const PROTOCOL: u32 = 1;

/// The port a node takes unless told otherwise; if taken, the next free one.
pub const DEFAULT_PORT: u16 = 7717;
