//! What deserves a notification: others' messages, while they happen, in rooms that are not on the
//! screen; and once per room that some came while one was away. Never old history.

use landline_protocol::{Content, Event, EventId, Mention, Message, RoomId, RoomKind};
use landline_store::choices::Level;
use landline_store::threads;

use super::Engine;
use super::receive::Way;
use super::room::Room;
use crate::ClientError;
use crate::home::Note;
use crate::host::Notification;
use crate::sync::NEWEST;

/// Characters of a message in a notification.
const BODY_CHARS: usize = 200;

impl Engine {
    /// Events happen now: the last one that deserves it is shown, in place of an earlier one.
    pub(super) async fn announce(&mut self, id: RoomId, run: &[Event]) -> Result<(), ClientError> {
        if !self.may_disturb(id) {
            return Ok(());
        }
        let mut found = None;
        for event in run.iter().rev() {
            if let Some(message) = self.deserves(id, event).await? {
                found = Some((event, message));
                break;
            }
        }
        let Some((event, message)) = found else {
            return Ok(());
        };
        let author = self.people.name(event.author);
        let title = match self.room_name(id) {
            Some(room) => format!("{author} in {room}"),
            None => author.to_owned(),
        };
        let notification = Notification {
            space: self.space(),
            room: id,
            item: Some(event.id),
            title,
            body: words(&message),
            personal: self.is_personal(id, &message),
            sound: true,
        };
        self.note(Note::Notify(notification)).await;
        Ok(())
    }

    /// Counts what came while there was no link.
    pub(super) async fn note_missed(
        &mut self,
        id: RoomId,
        run: &[Event],
        way: Way,
    ) -> Result<(), ClientError> {
        let Some(since) = self.away_since.filter(|_| way == Way::Fetched) else {
            return Ok(());
        };
        let Some(head) = self
            .rooms
            .get(&id)
            .map(|room| (room.sync.head(), room.marks.read))
        else {
            return Ok(());
        };
        let (head, read) = head;
        // What is filled in behind is history.
        if run.last().is_none_or(|last| last.seq < head) {
            return Ok(());
        }
        let (mut messages, mut personal) = (0, false);
        for event in run
            .iter()
            .filter(|event| event.accepted_at > since && event.seq > read)
        {
            if let Some(message) = self.deserves(id, event).await? {
                messages += 1;
                personal |= self.is_personal(id, &message);
            }
        }
        if let Some(room) = self.rooms.get_mut(&id) {
            room.missed.messages += messages;
            room.missed.personal |= personal;
        }
        Ok(())
    }

    /// The room is up to date: what was missed is told in one notification.
    pub(super) async fn announce_missed(&mut self, id: RoomId) -> Result<(), ClientError> {
        let Some(room) = self.rooms.get_mut(&id) else {
            return Ok(());
        };
        let missed = std::mem::take(&mut room.missed);
        if missed.messages == 0 || self.looks_at(id, None) || !self.may_disturb(id) {
            return Ok(());
        }
        let title = match self.room_name(id) {
            Some(room) => room.to_owned(),
            None => self.partners(id),
        };
        let body = match missed.messages {
            1 => "One new message".to_owned(),
            many if many >= NEWEST => format!("{NEWEST} new messages or more"),
            many => format!("{many} new messages"),
        };
        let personal = missed.personal;
        let notification = Notification {
            space: self.space(),
            room: id,
            item: None,
            title,
            body,
            personal,
            sound: true,
        };
        self.note(Note::Notify(notification)).await;
        Ok(())
    }

    /// Not while somebody wants quiet.
    fn may_disturb(&self, id: RoomId) -> bool {
        let open = self.rooms.get(&id).is_some_and(Room::is_open);
        open && !self.i_want_quiet() && id != self.directory()
    }

    /// What is said there comes before the person's eyes: in the room itself, or in this thread.
    fn looks_at(&self, id: RoomId, thread: Option<EventId>) -> bool {
        let look = self.config.situation.look;
        let shown = match thread {
            Some(_) => look.thread == thread,
            None => look.room == Some(id),
        };
        look.focused && shown
    }

    /// Somebody else's message that is not being looked at, where the person wants to be told of
    /// such in this room. What is said in a thread is for those who follow it.
    async fn deserves(&self, id: RoomId, event: &Event) -> Result<Option<Message>, ClientError> {
        let Content::Message(message) = Content::read(&event.content) else {
            return Ok(None);
        };
        let seen = self.looks_at(id, message.thread);
        if event.author == self.me() || message.imported.is_some() || seen {
            return Ok(None);
        }
        let level = self.rooms.get(&id).map(|room| room.choice.level);
        let personal = self.is_personal(id, &message);
        let told = match level.unwrap_or_default() {
            Level::Everything => true,
            Level::Mentions => personal,
            Level::Nothing => false,
        };
        if !told {
            return Ok(None);
        }
        if let (Some(thread), false) = (message.thread, personal) {
            let me = self.me();
            let read = self
                .config
                .store
                .read(move |c| threads::follows(c, thread, me));
            if !read.await? {
                return Ok(None);
            }
        }
        Ok(Some(message))
    }

    /// One of the words that the person watches for is in it.
    fn is_watched_for(&self, text: &str) -> bool {
        let keywords = &self.config.situation.wishes.keywords;
        !keywords.is_empty() && has_word(&text.to_lowercase(), keywords)
    }

    fn is_personal(&self, id: RoomId, message: &Message) -> bool {
        let direct = self
            .rooms
            .get(&id)
            .is_some_and(|room| room.info.kind == RoomKind::Direct);
        let me = self.me();
        direct
            || message.mentions.iter().any(|mention| match mention {
                Mention::Member(member) => *member == me,
                Mention::Room => true,
            })
            || self.is_watched_for(&message.text)
    }

    /// The others of a direct room.
    fn partners(&self, id: RoomId) -> String {
        let me = self.me();
        let members = self
            .rooms
            .get(&id)
            .and_then(|room| room.info.members.as_ref());
        let others = members
            .into_iter()
            .flatten()
            .filter(|member| **member != me);
        others
            .map(|member| self.people.name(*member))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Whether one of these stands in the text as a word of its own. All in lower case.
fn has_word(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| {
        text.match_indices(word.as_str()).any(|(at, found)| {
            let (before, behind) = (text.get(..at), text.get(at + found.len()..));
            let ends = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
            ends(before.and_then(|before| before.chars().next_back()))
                && ends(behind.and_then(|behind| behind.chars().next()))
        })
    })
}

/// The text; where nothing was written, what its files are.
fn words(message: &Message) -> String {
    let text = shortened(&message.text);
    if !text.is_empty() {
        return text;
    }
    let kind = |start: &str| {
        message
            .files
            .iter()
            .all(|file| file.media_type.starts_with(start))
    };
    match (message.files.as_slice(), message.files.len()) {
        ([], _) => text,
        ([_], _) if kind("image/") => "Photo".to_owned(),
        ([_], _) if kind("video/") => "Video".to_owned(),
        ([file], _) => shortened(&file.name),
        (_, count) if kind("image/") => format!("{count} photos"),
        (_, count) => format!("{count} files"),
    }
}

/// One line, with an ellipsis where it was longer.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(BODY_CHARS) {
        Some((at, _)) => format!("{}…", line.split_at(at).0),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::File;

    use super::*;

    #[test]
    fn a_keyword_is_a_whole_word() {
        let words = ["crane".to_owned(), "tea break".to_owned()];
        assert!(has_word("the crane, again", &words));
        assert!(has_word("tea break?", &words));
        assert!(!has_word("cranes and teacups", &words));
        assert!(!has_word("", &words));
    }

    #[test]
    fn files_without_a_text_are_told_in_words() {
        let file = |name: &str, media_type: &str| File {
            blake3: "0".repeat(64),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            bytes: 1,
            width: None,
            height: None,
            preview: None,
        };
        let (photo, plan) = (
            file("a.jpg", "image/jpeg"),
            file("plan.pdf", "application/pdf"),
        );
        for (text, files, expected) in [
            ("Look", vec![photo.clone()], "Look"),
            ("", vec![photo.clone()], "Photo"),
            (" ", vec![photo.clone(), photo.clone()], "2 photos"),
            ("", vec![plan.clone()], "plan.pdf"),
            ("", vec![photo, plan], "2 files"),
            ("", vec![file("a.mp4", "video/mp4")], "Video"),
        ] {
            let message = Message {
                text: text.to_owned(),
                files,
                ..Message::default()
            };
            assert_eq!(words(&message), expected);
        }
    }

    #[test]
    fn a_body_is_one_line_of_at_most_two_hundred_characters() {
        assert_eq!(shortened("two\n\n lines"), "two lines");
        let long = shortened(&"é".repeat(500));
        assert_eq!(long.chars().count(), BODY_CHARS + 1);
        assert!(long.ends_with('…'));
    }
}
