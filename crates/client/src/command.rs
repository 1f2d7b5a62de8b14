//! Every command a window may send, declared once: name, request, answer. TypeScript's
//! `CommandMap` is generated from here.

use landline_protocol::up::RoomInfo;
use landline_protocol::{
    Admission, AttachmentId, EventId, FileHash, MemberId, Mention, PresenceState, Refusal, RoomId,
    RoomKind, SpaceId, TransferId,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::client::{Client, mismatched};
use crate::ui::{Item, Level, Page, Part, SearchHit, Settings, TransferView, VersionView};

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $type:ty),* $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Serialize, Deserialize, TS)]
            #[ts(export)]
            pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }
        )+
    };
}

requests! {
    /// `set_name`: what people should call me (in spaces joined from now on, and in those I am in).
    SetName { name: String }
    /// `set_settings`: the whole of them, but where one was last: `look` tells that.
    SetSettings { settings: Settings }
    /// `join`: by a space seen nearby, or by an address (`host`, `host:port`) or link.
    Join { space: Option<SpaceId>, address: Option<String>, passcode: Option<String> }
    /// `host`: this computer becomes the host of a new space.
    Host { name: String, admission: Admission, passcode: Option<String> }
    /// `set_hosting`: on or off, now and at the next start, of a space that this computer has hosted
    /// before. On joins it where one has left it, and is refused while another is on.
    SetHosting { space: SpaceId, on: bool }
    /// `leave_space`: forget a space on this device; its replica is deleted.
    SpaceNamed { space: SpaceId }
    /// `create_room`. `members`: the others, never me. A direct room that exists is answered as it is.
    CreateRoom { space: SpaceId, kind: RoomKind, name: String, topic: String, members: Vec<MemberId> }
    /// `join_room`; `members`; `pins`; `threads`: those with replies that I have not read, by their
    /// first messages; `forget_room`: deletes what is kept of a room one is no
    /// longer in.
    RoomNamed { space: SpaceId, room: RoomId }
    /// `leave_room`. It is closed at once; `forget`: what is kept of it goes, too.
    LeaveRoom { space: SpaceId, room: RoomId, forget: bool }
    /// `change_room`: what is not null is changed.
    ChangeRoom { space: SpaceId, room: RoomId, name: Option<String>, topic: Option<String>, archived: Option<bool> }
    /// `invite`, `remove`.
    RoomMember { space: SpaceId, room: RoomId, member: MemberId }
    /// `set_level`: what of a room may disturb me.
    SetLevel { space: SpaceId, room: RoomId, level: Level }
    /// `browse_rooms`: public rooms one may join. Needs the link.
    BrowseRooms { space: SpaceId, query: String }
    /// `post`: a message. Never waits for the network. `attachments`: of this draft, in the order
    /// in which they are to stand; they leave the draft. The message waits for their upload.
    Post { space: SpaceId, room: RoomId, text: String, reply_to: Option<EventId>, thread: Option<EventId>, mentions: Vec<Mention>, #[serde(default)] attachments: Vec<AttachmentId> }
    /// `detach`: takes a file off a draft.
    Detach { space: SpaceId, room: RoomId, id: AttachmentId }
    /// `fetch_file`: a file that a message names comes to this device, unless it is here or on its
    /// way already. What was paused or has failed goes on.
    FetchFile { space: SpaceId, event: EventId, blake3: FileHash }
    /// `pause_transfer`, `resume_transfer`; `cancel_transfer`: an upload takes the file off its
    /// message, which is discarded where nothing is left of it.
    TransferNamed { space: SpaceId, id: TransferId }
    /// `edit`: one's own message. One that is queued still, or has failed, is changed where it
    /// waits; the other is changed by an edit that is queued.
    EditMessage { space: SpaceId, room: RoomId, id: EventId, text: String, mentions: Vec<Mention> }
    /// `delete`: a message. One that is queued still is discarded.
    MessageNamed { space: SpaceId, room: RoomId, id: EventId }
    /// `react`.
    React { space: SpaceId, room: RoomId, id: EventId, emoji: String, on: bool }
    /// `pin`.
    PinMessage { space: SpaceId, room: RoomId, id: EventId, on: bool }
    /// `item`: one line, wherever it stands; `versions`: how a message has read.
    ItemNamed { space: SpaceId, id: EventId }
    /// `discard_queued`, `retry_failed`: with all that depends on it.
    QueuedNamed { space: SpaceId, id: EventId }
    /// `page`: one of `before`, `after`, `around`; none: the newest. `limit` 1 to 200.
    GetPage { space: SpaceId, room: RoomId, part: Part, before: Option<u64>, after: Option<u64>, around: Option<u64>, limit: u32 }
    /// `read`: seen on the screen of the focused window, up to this seq.
    Read { space: SpaceId, room: RoomId, seq: u64 }
    /// `read_thread`: seen of a thread on the screen of the focused window, up to this seq.
    ReadThread { space: SpaceId, room: RoomId, thread: EventId, seq: u64 }
    /// `mark_unread`: the room counts as unread from this seq on, until it is read again.
    MarkUnread { space: SpaceId, room: RoomId, seq: u64 }
    /// `type`: my typing has begun or stopped.
    SetTyping { space: SpaceId, room: RoomId, on: bool }
    /// `set_presence`, in all spaces.
    SetPresence { state: PresenceState, text: String }
    /// `save_draft`: what was typed in a room, or in a thread of it; empty: nothing.
    SaveDraft { space: SpaceId, room: RoomId, thread: Option<EventId>, text: String }
    /// `search`: on this device. `room` null: everywhere in the space. `query`: words and `"quoted
    /// phrases"`, narrowed by `from:name`, `in:room`, `has:file`, `has:link`, `has:code`, and
    /// `before:`, `after:` and `on:` a day (`2026-11-20`, `today`, `yesterday`). `within`: what
    /// stands within words is found, too, which takes longer.
    SearchFor { space: SpaceId, query: String, room: Option<RoomId>, within: bool, limit: u32 }
    /// `look`: the room and the thread that are on the screen now, one of them or both, and whether
    /// the window has the focus.
    Look { space: Option<SpaceId>, room: Option<RoomId>, thread: Option<EventId>, focused: bool }
    /// `open_link`: in the system's browser. Only `http`, `https` and `mailto`.
    OpenLink { url: String }
    /// Nothing to say.
    Nothing {}
    /// An answer that names a space.
    SpaceAnswer { space: SpaceId }
    /// An answer that names a room.
    RoomAnswer { room: RoomId }
    /// An answer that names an item.
    ItemAnswer { id: EventId }
    /// An answer to `browse_rooms`.
    RoomsAnswer { rooms: Vec<BrowsedRoom> }
    /// An answer to `members`: who is in a room. `complete`: its whole log is here.
    MembersAnswer { members: Vec<MemberId>, complete: bool }
    /// An answer to `pins` and `threads`: messages, in rising `seq`.
    ItemsAnswer { items: Vec<Item> }
    /// An answer to `item`; null where it is not on this device.
    FoundAnswer { room: Option<RoomId>, item: Option<Box<Item>> }
    /// An answer to `versions`: the first one first, the present one last.
    VersionsAnswer { versions: Vec<VersionView> }
    /// An answer to `fetch_file`; `done`: the file is here.
    TransferAnswer { transfer: TransferView }
    /// An answer to `search`.
    HitsAnswer { hits: Vec<SearchHit> }
    /// A public room one may join.
    BrowsedRoom { room: RoomId, name: String, topic: String, member_count: u64 }
}

impl From<RoomInfo> for BrowsedRoom {
    fn from(info: RoomInfo) -> Self {
        Self {
            room: info.id,
            name: info.name,
            topic: info.topic,
            member_count: info.member_count,
        }
    }
}

macro_rules! commands {
    ($($name:ident($request:ty) -> $answer:ty),+ $(,)?) => {
        /// The map of command names to `[request, answer]`, for TypeScript.
        #[derive(Debug, TS)]
        #[ts(export)]
        #[allow(dead_code, reason = "exists for its TypeScript form")]
        pub struct CommandMap { $(pub $name: ($request, $answer),)+ }

        /// One command as it comes from a window.
        #[derive(Debug, Clone, Deserialize)]
        #[serde(tag = "name", content = "request", rename_all = "snake_case")]
        #[allow(non_camel_case_types, reason = "the variants are the commands' names")]
        pub enum Command { $($name($request),)+ }

        /// The answer to the command of the same name; as JSON only what is in it.
        #[derive(Debug, Clone, Serialize)]
        #[serde(untagged)]
        #[allow(non_camel_case_types, reason = "the variants are the commands' names")]
        pub enum Answer { $($name($answer),)+ }

        impl Command {
            /// The word in the `name` field.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)+ }
            }
        }

        /// Every command with its types.
        impl Client {
            $(
                #[doc = concat!("`", stringify!($name), "`: see [`CommandMap`].")]
                pub async fn $name(&self, request: $request) -> Result<$answer, Refusal> {
                    match self.ask(Command::$name(request)).await? {
                        Answer::$name(answer) => Ok(answer),
                        #[allow(unreachable_patterns, reason = "the macro does not know how many there are")]
                        _ => Err(mismatched(stringify!($name))),
                    }
                }
            )+
        }
    };
}

commands! {
    set_name(SetName) -> Nothing,
    set_settings(SetSettings) -> Nothing,
    join(Join) -> SpaceAnswer,
    host(Host) -> SpaceAnswer,
    set_hosting(SetHosting) -> Nothing,
    leave_space(SpaceNamed) -> Nothing,
    connect_now(SpaceNamed) -> Nothing,
    create_room(CreateRoom) -> RoomAnswer,
    join_room(RoomNamed) -> Nothing,
    leave_room(LeaveRoom) -> Nothing,
    forget_room(RoomNamed) -> Nothing,
    change_room(ChangeRoom) -> ItemAnswer,
    invite(RoomMember) -> ItemAnswer,
    remove(RoomMember) -> ItemAnswer,
    members(RoomNamed) -> MembersAnswer,
    set_level(SetLevel) -> Nothing,
    browse_rooms(BrowseRooms) -> RoomsAnswer,
    post(Post) -> ItemAnswer,
    detach(Detach) -> Nothing,
    fetch_file(FetchFile) -> TransferAnswer,
    pause_transfer(TransferNamed) -> Nothing,
    resume_transfer(TransferNamed) -> Nothing,
    cancel_transfer(TransferNamed) -> Nothing,
    edit(EditMessage) -> Nothing,
    delete(MessageNamed) -> Nothing,
    react(React) -> Nothing,
    pin(PinMessage) -> Nothing,
    pins(RoomNamed) -> ItemsAnswer,
    threads(RoomNamed) -> ItemsAnswer,
    item(ItemNamed) -> FoundAnswer,
    versions(ItemNamed) -> VersionsAnswer,
    discard_queued(QueuedNamed) -> Nothing,
    retry_failed(QueuedNamed) -> Nothing,
    page(GetPage) -> Page,
    read(Read) -> Nothing,
    read_thread(ReadThread) -> Nothing,
    mark_unread(MarkUnread) -> Nothing,
    typing(SetTyping) -> Nothing,
    set_presence(SetPresence) -> Nothing,
    save_draft(SaveDraft) -> Nothing,
    search(SearchFor) -> HitsAnswer,
    look(Look) -> Nothing,
    open_link(OpenLink) -> Nothing,
}
