//! What a window and the client core say to each other. The TypeScript side is generated from here.
//!
//! A window opens one stream of [`UiEvent`]s, whose first is always `snapshot`, and sends
//! commands (see `command.rs`). State moves only by events; commands answer little.
//!
//! What is told of files is in `ui/files.rs`. (This file is long because it is one list: all else
//! that a window may be told.)

use landline_protocol::access::RoomRights;
use landline_protocol::down::{MarkChange, PresenceChange};
use landline_protocol::{
    Admission, Content, EventId, File, MemberId, Mention, PresenceState, Refusal, Role, RoomId,
    RoomKind, SpaceId, TransferId,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

mod files;

pub use files::{AttachmentView, AttachmentsView, TransferState, TransferView, TransferWay};
pub use landline_store::messages::UNREAD_COUNTED;

/// Emoji that are remembered as used last.
pub const RECENT_EMOJI: usize = 16;
/// Words that may count as a mention.
pub const KEYWORDS: usize = 32;

/// One change of what is on the screen.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
#[ts(export)]
pub enum UiEvent {
    /// Everything, once, first.
    Snapshot(Snapshot),
    /// My own name, or a setting, has changed.
    Me {
        me: MeView,
    },
    Settings {
        settings: Settings,
    },
    /// The whole list of spaces near this computer.
    Nearby {
        spaces: Vec<NearbySpace>,
    },
    /// The whole list of what this computer hosts and can host again.
    Hosting {
        hosting: Vec<HostingView>,
    },
    /// A space is new or has changed (all but its rooms and people).
    Space {
        space: SpaceView,
    },
    /// A space was left on this device.
    SpaceGone {
        space: SpaceId,
    },
    /// A room is new or has changed.
    Room {
        space: SpaceId,
        room: RoomView,
    },
    /// What was kept of a room has been deleted on this device.
    RoomGone {
        space: SpaceId,
        room: RoomId,
    },
    /// People are new or have changed.
    People {
        space: SpaceId,
        people: Vec<PersonView>,
    },
    Presence {
        space: SpaceId,
        changes: Vec<PresenceChange>,
    },
    Typing {
        space: SpaceId,
        room: RoomId,
        members: Vec<MemberId>,
        more: u64,
    },
    Marks {
        space: SpaceId,
        room: RoomId,
        changes: Vec<MarkChange>,
    },
    /// Items of a room's timeline that are new or have changed: put each in place of the one with
    /// its `id`, or at its `seq` (those without one go last, in the order given).
    Items {
        space: SpaceId,
        room: RoomId,
        items: Vec<Item>,
    },
    /// The whole list of what is attached to the draft of a room, or of a reply in a thread.
    Attachments {
        space: SpaceId,
        room: RoomId,
        thread: Option<EventId>,
        attachments: Vec<AttachmentView>,
    },
    /// What was typed in a thread and not sent; empty: nothing. That of a room is in its view.
    ThreadDraft {
        space: SpaceId,
        room: RoomId,
        thread: EventId,
        text: String,
    },
    /// Files on their way that are new or have changed, at most five times a second: put each in
    /// place of the one with its `id`. `gone`: no longer on their way, and not to be (cancelled, or
    /// what names them was discarded). One that is `done` is told once more and then forgotten.
    Transfers {
        space: SpaceId,
        transfers: Vec<TransferView>,
        gone: Vec<TransferId>,
    },
    /// A queued item was discarded.
    ItemGone {
        space: SpaceId,
        room: RoomId,
        id: EventId,
    },
    /// What is shown of this room is no longer true (its log was rolled back, or a hole was
    /// filled): read the page anew.
    Reload {
        space: SpaceId,
        room: RoomId,
    },
    /// Go there: somebody clicked a notification or a link.
    Open {
        space: SpaceId,
        room: RoomId,
        item: Option<EventId>,
    },
    /// What was written into a notification could not be sent; it stands at the end of the
    /// `draft`, which is what is kept now.
    Unsent {
        space: SpaceId,
        room: RoomId,
        thread: Option<EventId>,
        text: String,
        draft: String,
        refusal: Refusal,
    },
    /// Something to tell the person that belongs to no place on the screen.
    Notice {
        refusal: Refusal,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Snapshot {
    pub me: MeView,
    pub settings: Settings,
    pub nearby: Vec<NearbySpace>,
    /// At most one of them is on. Empty until the shell has told it.
    pub hosting: Vec<HostingView>,
    pub spaces: Vec<SpaceState>,
    /// Why spaces near can't be found (no multicast, port blocked); null where all is well.
    pub discovery_problem: Option<String>,
}

/// A space with its rooms and people, as the snapshot holds it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SpaceState {
    pub space: SpaceView,
    pub rooms: Vec<RoomView>,
    pub people: Vec<PersonView>,
    /// What is attached to drafts; none of these lists is empty.
    pub attachments: Vec<AttachmentsView>,
    /// What was typed in threads and not sent; none is empty.
    pub thread_drafts: Vec<ThreadDraftView>,
    /// Files on their way.
    pub transfers: Vec<TransferView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MeView {
    pub member: MemberId,
    /// Null until the person has chosen one.
    pub name: Option<String>,
    /// A friendly name to begin with: the account's full name, else the computer's.
    pub suggested_name: String,
    pub version: String,
    /// Where everything is kept.
    pub data_dir: String,
    pub platform: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export)]
pub struct Settings {
    pub theme: Theme,
    pub density: Density,
    /// Percent, 75 to 200.
    pub text_size: u32,
    pub enter_sends: bool,
    /// Desktop notifications on or off.
    pub notifications: bool,
    /// Show the text in notifications.
    pub notification_previews: bool,
    /// They make a sound.
    pub notification_sound: bool,
    /// Words that count as a mention, as one types them.
    pub keywords: Vec<String>,
    /// Nothing disturbs before this: milliseconds since 1970; null: no such time.
    pub quiet_until: Option<i64>,
    /// Others see how far I have read.
    pub receipts: bool,
    /// The emoji that I have reacted with, the last one first; at most [`RECENT_EMOJI`].
    pub recent_emoji: Vec<String>,
    /// The room that was open last, opened first at the next start.
    pub last_space: Option<SpaceId>,
    pub last_room: Option<RoomId>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            density: Density::Comfortable,
            text_size: 100,
            enter_sends: true,
            notifications: true,
            notification_previews: true,
            notification_sound: true,
            keywords: Vec::new(),
            quiet_until: None,
            receipts: true,
            recent_emoji: Vec::new(),
            last_space: None,
            last_room: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Theme {
    System,
    Light,
    Dark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Density {
    Comfortable,
    Compact,
}

/// A space that is advertised on this network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NearbySpace {
    pub space: SpaceId,
    pub name: String,
    pub admission: Admission,
    /// `host:port`, best first.
    pub addresses: Vec<String>,
    /// The computer's name, for people.
    pub host: String,
    /// One is a member already.
    pub joined: bool,
}

/// A space that this computer hosts, or has hosted before and can host again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HostingView {
    pub space: SpaceId,
    pub name: String,
    /// Its node runs. While it does not, it has no addresses, and nobody is connected.
    pub on: bool,
    /// `host:port` for each address that others can reach.
    pub addresses: Vec<String>,
    pub admission: Admission,
    /// People connected now.
    pub connected: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SpaceView {
    pub space: SpaceId,
    pub name: String,
    pub admission: Admission,
    pub me: MemberId,
    pub role: Role,
    pub link: LinkView,
    /// Events in the outbox that the node has not accepted yet.
    pub queued: u64,
    /// This computer hosts it.
    pub hosted_here: bool,
}

/// How it stands with the connection, in the words of [`LinkState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LinkView {
    pub state: LinkState,
    /// The computer that hosts it, as far as known: a name or an address.
    pub host: Option<String>,
    /// Milliseconds since 1970: when it was connected last; null where never.
    pub last_connected: Option<i64>,
    /// Milliseconds since 1970: when it is dialled next; null where not planned.
    pub next_try: Option<i64>,
    /// Events still to be fetched; null where up to date.
    pub catching_up: Option<u64>,
    /// Why it is refused, or what went wrong at the last try.
    pub problem: Option<Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum LinkState {
    /// Signed in.
    Connected,
    /// A dial or sign-in is under way.
    Connecting,
    /// Not reachable now; tried again at `next_try`, and at once when it is seen.
    Looking,
    /// The node does not let us in; `problem` says why. Not tried again by itself.
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoomView {
    pub room: RoomId,
    pub kind: RoomKind,
    /// Empty for a direct room: shown by its people.
    pub name: String,
    pub topic: String,
    pub archived: bool,
    pub everyone: bool,
    /// One is a member; false: read-only, what was kept.
    pub open: bool,
    /// Who made it; null where that is not here yet, or for a room that the node made.
    pub creator: Option<MemberId>,
    /// What I may do in it.
    pub may: RoomRights,
    pub member_count: u64,
    /// Of a direct room only; else empty.
    pub members: Vec<MemberId>,
    pub head: u64,
    /// The seq with which one came into it last: what is before it was said without one. Of a room
    /// for everyone, the newest that was there when one came. 0 where that is not known here.
    pub came: u64,
    /// How far it counts as read: one's own mark, or where one came into the room, or where one
    /// marked it unread.
    pub read: u64,
    /// Others' messages after `read`; 10,000: so many or more.
    pub unread: u64,
    /// Those of all that are unread that mention me or the room.
    pub mentions: u64,
    /// The seq of the first unread message of others; null where all is read.
    pub first_unread: Option<u64>,
    /// Unread replies in the threads that I follow: those that I began, wrote in, or was mentioned
    /// in. Not counted in `unread`.
    pub unread_replies: u64,
    /// Pinned messages, of what is here.
    pub pins: u64,
    /// What of it may disturb me.
    pub level: Level,
    /// Milliseconds since 1970 of the newest message; null where none.
    pub last_at: Option<i64>,
    /// What was typed and not sent.
    pub draft: String,
    /// Messages in this room that the node has not accepted.
    pub queued: u64,
}

/// What of a room may disturb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Level {
    #[default]
    Everything,
    /// What mentions me, or holds one of my keywords.
    Mentions,
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PersonView {
    pub member: MemberId,
    pub name: String,
    pub role: Role,
    /// In the space still.
    pub here: bool,
    pub state: PresenceState,
    /// A status text.
    pub text: String,
    pub last_seen: Option<i64>,
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Item {
    pub id: EventId,
    /// Null while the node has not accepted it.
    pub seq: Option<u64>,
    pub author: MemberId,
    /// Milliseconds since 1970, by the author's clock.
    pub sent_at: i64,
    /// By the node's clock; null while queued.
    pub accepted_at: Option<i64>,
    pub body: ItemBody,
    pub state: ItemState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum ItemBody {
    Message(MessageView),
    /// Somebody joined, a topic was set: the content itself (never a message, edit, reaction, pin).
    System {
        content: Content,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MessageView {
    /// As it reads now, edits applied. Empty where deleted.
    pub text: String,
    pub edited: bool,
    pub deleted: bool,
    pub pinned: bool,
    pub reply_to: Option<EventId>,
    pub thread: Option<EventId>,
    pub mentions: Vec<Mention>,
    pub files: Vec<File>,
    /// Written elsewhere, by somebody without a key here: their name, and when.
    pub imported_name: Option<String>,
    pub imported_at: Option<i64>,
    pub reactions: Vec<ReactionView>,
    /// The thread that it began; null where nobody has replied.
    pub replies: Option<RepliesView>,
    /// What I have changed of it and the node has not accepted. All but what has failed shows
    /// above already.
    pub changes: Vec<ChangeView>,
}

/// What is said in the thread that a message began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RepliesView {
    pub count: u64,
    /// When the last one was accepted, or said where it was imported from: milliseconds since 1970.
    pub last_at: i64,
    /// The seq of the last one.
    pub last: u64,
    /// Whoever wrote last, the latest first; at most three.
    pub authors: Vec<ReplyAuthor>,
    /// Those that I have not read; 0 where I do not follow the thread.
    pub unread: u64,
}

/// Who wrote in a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReplyAuthor {
    pub member: MemberId,
    /// The name of whoever wrote what this member has imported.
    pub imported_name: Option<String>,
}

/// A change of mine to a message, in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChangeView {
    /// Of the change itself: what is discarded or tried again.
    pub id: EventId,
    pub kind: ChangeKind,
    /// The text of an edit, else null.
    pub text: Option<String>,
    pub state: ItemState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ChangeKind {
    Edit,
    Delete,
    Reaction,
    Pin,
}

/// A message as it read at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct VersionView {
    pub text: String,
    /// From when on it read so: milliseconds since 1970.
    pub at: i64,
}

/// Which part of a room's log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Part {
    All,
    /// Without what was said in threads.
    Main,
    /// What was said in the thread that this message began.
    Thread(EventId),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ReactionView {
    pub emoji: String,
    pub members: Vec<MemberId>,
}

/// Where an item stands. Delivered and read follow from the room's marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum ItemState {
    /// On this device only; may be edited or discarded.
    Queued,
    /// Handed to the link; the node may have it.
    Sending,
    /// Durable on the node.
    Accepted,
    /// Refused for good; kept until the person tries again or discards it.
    Failed { refusal: Refusal },
}

/// A page of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Page {
    /// Of a thread: the message that began it, where it is here. It is none of the items.
    pub head: Option<Box<Item>>,
    /// Rising `seq`; the queued ones (last page only) at the end in their order.
    pub items: Vec<Item>,
    /// There is more before the first item, here or on the node.
    pub more_before: bool,
    /// There is more after the last item.
    pub more_after: bool,
    /// What is just before is not on this device yet and is being fetched.
    pub hole_before: bool,
    /// Everybody's marks in the room, as far as known.
    pub marks: Vec<MarkChange>,
}

/// What was typed in a thread and not sent. It survives restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ThreadDraftView {
    pub room: RoomId,
    pub thread: EventId,
    pub text: String,
}

/// A hit of a search on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SearchHit {
    pub room: RoomId,
    pub item: Item,
    /// The words around the hit, the hit itself between U+E000 and U+E001.
    pub snippet: String,
}
