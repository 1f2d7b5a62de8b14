//! Messages written elsewhere, brought into a room: JSON Lines in, `imported` messages out.
//!
//! Each line is one object, as in an export of another chat: `author` (a name), `at` (milliseconds
//! since 1970 UTC), `text`, optional `topic` (lines of one topic become a thread).

use landline_protocol::{RoomId, SpaceId};

/// What to import, and where to.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    pub space: SpaceId,
    pub room: RoomId,
    /// The whole file, unpacked.
    pub lines: Vec<u8>,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    /// Lines read so far.
    pub lines: u64,
    /// Lines in all.
    pub total: u64,
    /// Messages that the node has accepted.
    pub accepted: u64,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Messages that are in the room now and were in the file; those of an earlier run included.
    pub messages: u64,
    /// Lines that could not be read, by number from 1, with the reason; at most the first hundred.
    pub skipped: Vec<(u64, String)>,
}
