//! Every limit of the protocol, by name and unit. A node sends those that a client must know in
//! `welcome`; past a limit a request is refused with words that name it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Bytes of text in a message or edit.
pub const TEXT_BYTES: usize = 16 * 1024;
/// Characters in the name of a person, room or space, after trimming.
pub const NAME_CHARS: usize = 64;
/// Characters in a room's topic.
pub const TOPIC_CHARS: usize = 250;
/// Characters in the reason of a removal or ban, and in a presence text or profile `about`.
pub const REASON_CHARS: usize = 250;
/// Bytes of a reaction's emoji.
pub const EMOJI_BYTES: usize = 64;
/// Files in one message.
pub const FILES_PER_MESSAGE: usize = 10;
/// Mentions in one message.
pub const MENTIONS_PER_MESSAGE: usize = 50;
/// Bytes of a packet to the node.
pub const PACKET_TO_NODE_BYTES: usize = 256 * 1024;
/// Bytes of a packet from the node.
pub const PACKET_FROM_NODE_BYTES: usize = 1024 * 1024;
/// Bytes of an event's content as JSON.
pub const CONTENT_BYTES: usize = 32 * 1024;
/// Bytes of an event as JSON without its content: at most this.
pub const ENVELOPE_BYTES: usize = 400;
/// Levels of nesting in an event's content.
pub const CONTENT_DEPTH: usize = 8;
/// Events in one `append`.
pub const APPEND_EVENTS: usize = 64;
/// Events in one answer to `fetch`.
pub const FETCH_EVENTS: usize = 500;
/// Rooms in one answer.
pub const ROOMS_PAGE: usize = 200;
/// Members in one answer.
pub const MEMBERS_PAGE: usize = 500;
/// Hits in one answer to `search`.
pub const SEARCH_HITS: usize = 100;
/// Characters of a search query.
pub const QUERY_CHARS: usize = 500;
/// Members in one `watch`.
pub const WATCH_MEMBERS: usize = 500;
/// Characters of a request's `rid`.
pub const RID_CHARS: usize = 64;
/// Members of a direct room.
pub const DIRECT_MEMBERS: std::ops::RangeInclusive<usize> = 2..=16;
/// Rooms that one member may be in, direct ones that others made not counted.
pub const ROOMS_PER_MEMBER: usize = 1_000;
/// Connections that one member may hold; one more closes the oldest.
pub const CONNECTIONS_PER_MEMBER: usize = 16;
/// Members in a room up to which `marks` are pushed.
pub const MARKS_PUSHED_MEMBERS: usize = 100;
/// Names in one `typing` push.
pub const TYPING_NAMES: usize = 5;
/// Characters of a passcode.
pub const PASSCODE_CHARS: usize = 128;
/// Appended events a second and member.
pub const APPEND_RATE: u32 = 20;
/// Appended events of one member at once, on top of the rate.
pub const APPEND_BURST: u32 = 200;
/// Other requests a second and connection's member.
pub const REQUEST_RATE: u32 = 100;
/// New members a minute and address.
pub const JOINS_PER_ADDRESS: u32 = 10;
/// New members a minute and node.
pub const JOINS_PER_NODE: u32 = 60;
/// Wrong passcodes or invitations a minute and address.
pub const WRONG_SECRETS_PER_ADDRESS: u32 = 3;
/// Wrong passcodes or invitations a minute and node.
pub const WRONG_SECRETS_PER_NODE: u32 = 30;
/// Milliseconds that a client has for `sign_in`.
pub const SIGN_IN_WITHIN_MS: u64 = 10_000;
/// Milliseconds after which a client forgets that somebody types.
pub const TYPING_FORGOTTEN_MS: u64 = 6_000;
/// Bytes of a file, unless the space sets another.
pub const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Bytes of files that one member may have at the node, unless it is told otherwise.
pub const MEMBER_FILE_BYTES: u64 = 10 * 1024 * 1024 * 1024;
/// Bytes that a file counts at least of those: a block of a disk. One of a few bytes costs as much.
pub const FILE_COUNTS_BYTES: u64 = 4 * 1024;
/// Milliseconds that an upload, and a file that no message names, is kept.
pub const UPLOAD_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What `welcome` tells of the limits. Unit in each name or above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(default)]
pub struct Limits {
    pub text_bytes: u64,
    pub content_bytes: u64,
    pub name_chars: u64,
    pub topic_chars: u64,
    pub emoji_bytes: u64,
    pub files_per_message: u64,
    pub mentions_per_message: u64,
    pub packet_bytes: u64,
    pub append_events: u64,
    pub fetch_events: u64,
    /// Appended events a second; 0: no limit.
    pub append_rate: u64,
    pub append_burst: u64,
    /// Other requests a second; 0: no limit.
    pub request_rate: u64,
    pub rooms_per_member: u64,
    pub max_file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: TEXT_BYTES as u64,
            content_bytes: CONTENT_BYTES as u64,
            name_chars: NAME_CHARS as u64,
            topic_chars: TOPIC_CHARS as u64,
            emoji_bytes: EMOJI_BYTES as u64,
            files_per_message: FILES_PER_MESSAGE as u64,
            mentions_per_message: MENTIONS_PER_MESSAGE as u64,
            packet_bytes: PACKET_TO_NODE_BYTES as u64,
            append_events: APPEND_EVENTS as u64,
            fetch_events: FETCH_EVENTS as u64,
            append_rate: u64::from(APPEND_RATE),
            append_burst: u64::from(APPEND_BURST),
            request_rate: u64::from(REQUEST_RATE),
            rooms_per_member: ROOMS_PER_MEMBER as u64,
            max_file_bytes: MAX_FILE_BYTES,
        }
    }
}
