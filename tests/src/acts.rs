//! What a person does to messages and rooms beside writing and joining.

use landline_client::command::{
    ChangeRoom, EditMessage, GetPage, ItemNamed, LeaveRoom, MarkUnread, MessageNamed, PinMessage,
    Post, React, ReadThread, RoomMember, RoomNamed,
};
use landline_client::ui::{AttachmentView, Item, ItemBody, MessageView, Part, RoomView};
use landline_protocol::{AttachmentId, EventId, FileHash, MemberId, Mention, Refusal, RoomId};

use crate::Person;
use crate::deadline::eventually;

/// Lines of a thread asked at once.
const THREAD_ITEMS: u32 = 200;

impl Person {
    pub async fn edits(&self, room: RoomId, id: EventId, text: &str) -> Result<(), Refusal> {
        let edit = EditMessage {
            space: self.space(),
            room,
            id,
            text: text.to_owned(),
            mentions: Vec::new(),
        };
        self.client().edit(edit).await.map(drop)
    }

    pub async fn deletes(&self, room: RoomId, id: EventId) -> Result<(), Refusal> {
        let space = self.space();
        let named = MessageNamed { space, room, id };
        self.client().delete(named).await.map(drop)
    }

    pub async fn reacts(
        &self,
        room: RoomId,
        id: EventId,
        emoji: &str,
        on: bool,
    ) -> Result<(), Refusal> {
        let react = React {
            space: self.space(),
            room,
            id,
            emoji: emoji.to_owned(),
            on,
        };
        self.client().react(react).await.map(drop)
    }

    pub async fn pins(&self, room: RoomId, id: EventId, on: bool) -> Result<(), Refusal> {
        let space = self.space();
        let pin = PinMessage {
            space,
            room,
            id,
            on,
        };
        self.client().pin(pin).await.map(drop)
    }

    /// Answers a message, quoting it.
    pub async fn answers(&self, room: RoomId, to: EventId, text: &str) -> EventId {
        self.posts(room, text, Some(to), None, Vec::new()).await
    }

    /// Writes in the thread that a message began.
    pub async fn writes_in_thread(&self, room: RoomId, thread: EventId, text: &str) -> EventId {
        self.posts(room, text, None, Some(thread), Vec::new()).await
    }

    /// Writes a message that mentions these.
    pub async fn mentions(&self, room: RoomId, text: &str, whom: &[Mention]) -> EventId {
        self.posts(room, text, None, None, whom.to_vec()).await
    }

    async fn posts(
        &self,
        room: RoomId,
        text: &str,
        reply_to: Option<EventId>,
        thread: Option<EventId>,
        mentions: Vec<Mention>,
    ) -> EventId {
        let post = Post {
            space: self.space(),
            room,
            text: text.to_owned(),
            reply_to,
            thread,
            mentions,
            attachments: Vec::new(),
        };
        self.client().post(post).await.unwrap().id
    }

    /// Attaches a file to the draft of a room.
    pub async fn attaches(
        &self,
        room: RoomId,
        name: &str,
        bytes: &[u8],
    ) -> Result<AttachmentView, Refusal> {
        self.client()
            .attach(self.space(), room, None, name.to_owned(), None, bytes)
            .await
    }

    /// Posts what is attached to the draft of a room.
    pub async fn posts_files(
        &self,
        room: RoomId,
        text: &str,
        attachments: &[AttachmentId],
    ) -> Result<EventId, Refusal> {
        let post = Post {
            space: self.space(),
            room,
            text: text.to_owned(),
            reply_to: None,
            thread: None,
            mentions: Vec::new(),
            attachments: attachments.to_vec(),
        };
        self.client().post(post).await.map(|answer| answer.id)
    }

    /// Attaches one file and posts it.
    pub async fn sends_file(&self, room: RoomId, name: &str, bytes: &[u8]) -> EventId {
        let attached = self.attaches(room, name, bytes).await.unwrap();
        self.posts_files(room, "", &[attached.id]).await.unwrap()
    }

    /// The bytes of a file that a message names, fetched where they are not here.
    pub async fn reads_file(&self, event: EventId, blake3: FileHash) -> Result<Vec<u8>, Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("file");
        self.client()
            .save_file(self.space(), event, blake3, to.clone())
            .await?;
        Ok(std::fs::read(to).unwrap())
    }

    pub async fn changes(&self, room: RoomId, change: ChangeRoom) -> Result<(), Refusal> {
        let space = self.space();
        let change = ChangeRoom {
            space,
            room,
            ..change
        };
        self.client().change_room(change).await.map(drop)
    }

    pub async fn renames(&self, room: RoomId, name: &str) -> Result<(), Refusal> {
        let change = ChangeRoom {
            space: self.space(),
            room,
            name: Some(name.to_owned()),
            topic: None,
            archived: None,
        };
        self.changes(room, change).await
    }

    pub async fn archives(&self, room: RoomId, archived: bool) -> Result<(), Refusal> {
        let change = ChangeRoom {
            space: self.space(),
            room,
            name: None,
            topic: None,
            archived: Some(archived),
        };
        self.changes(room, change).await
    }

    pub async fn invites(&self, room: RoomId, member: MemberId) -> Result<EventId, Refusal> {
        let space = self.space();
        let who = RoomMember {
            space,
            room,
            member,
        };
        self.client().invite(who).await.map(|answer| answer.id)
    }

    pub async fn removes(&self, room: RoomId, member: MemberId) -> Result<EventId, Refusal> {
        let space = self.space();
        let who = RoomMember {
            space,
            room,
            member,
        };
        self.client().remove(who).await.map(|answer| answer.id)
    }

    /// Leaves a room, and deletes what was kept of it.
    pub async fn leaves_and_forgets(&self, room: RoomId) {
        let leave = LeaveRoom {
            space: self.space(),
            room,
            forget: true,
        };
        self.client().leave_room(leave).await.unwrap();
    }

    pub async fn forgets(&self, room: RoomId) -> Result<(), Refusal> {
        let space = self.space();
        let forget = self.client().forget_room(RoomNamed { space, room });
        forget.await.map(drop)
    }

    /// Who is in a room, by name.
    pub async fn members(&self, room: RoomId) -> Vec<String> {
        let space = self.space();
        let answer = self.client().members(RoomNamed { space, room });
        let known = self.now().names;
        let mut names: Vec<String> = answer
            .await
            .unwrap()
            .members
            .iter()
            .map(|member| known[member].clone())
            .collect();
        names.sort();
        names
    }

    pub async fn marks_unread(&self, room: RoomId, seq: u64) {
        let space = self.space();
        let mark = MarkUnread { space, room, seq };
        self.client().mark_unread(mark).await.unwrap();
    }

    pub async fn reads_thread(&self, room: RoomId, thread: EventId, seq: u64) {
        let read = ReadThread {
            space: self.space(),
            room,
            thread,
            seq,
        };
        self.client().read_thread(read).await.unwrap();
    }

    /// One line, as far as it is on this computer.
    pub async fn item(&self, id: EventId) -> Option<Item> {
        let space = self.space();
        let found = self.client().item(ItemNamed { space, id }).await.unwrap();
        found.item.map(|item| *item)
    }

    /// A message, as far as it is on this computer.
    pub async fn message(&self, id: EventId) -> Option<MessageView> {
        match self.item(id).await?.body {
            ItemBody::Message(view) => Some(view),
            ItemBody::System { .. } => None,
        }
    }

    /// Waits until a message reads so.
    pub async fn sees_message(
        &self,
        id: EventId,
        what: &str,
        so: impl Fn(&MessageView) -> bool,
    ) -> MessageView {
        let what = format!("{} sees: {what}", self.name());
        eventually(&what, async || {
            self.message(id).await.filter(|view| so(view))
        })
        .await
    }

    /// Waits until a room is so.
    pub async fn sees_room(&self, room: RoomId, what: &str, so: impl Fn(&RoomView) -> bool) {
        self.sees_in_the_end(what, |space| {
            space.rooms.get(&room).filter(|room| so(room)).map(drop)
        })
        .await;
    }

    /// A part of a room's log, the newest of it; a thread with the message that began it.
    pub async fn part(&self, room: RoomId, part: Part) -> Vec<Item> {
        let get = GetPage {
            space: self.space(),
            room,
            part,
            before: None,
            after: None,
            around: None,
            limit: THREAD_ITEMS,
        };
        let page = self.client().page(get).await.unwrap();
        let head = page.head.map(|head| *head);
        head.into_iter().chain(page.items).collect()
    }
}
