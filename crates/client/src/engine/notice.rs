//! What deserves a notification: others' messages, while they happen, in rooms that are not on the
//! screen; and once per room that some came while one was away. Never old history.

use landline_protocol::{Content, Event, Mention, Message, RoomId, RoomKind};

use super::Engine;
use super::receive::Way;
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
        let Some((event, message)) = run.iter().rev().find_map(|event| self.deserves(event)) else {
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
            body: shortened(&message.text),
            personal: self.is_personal(id, &message),
        };
        self.note(Note::Notify(notification)).await;
        Ok(())
    }

    /// Counts what came while there was no link.
    pub(super) fn note_missed(&mut self, id: RoomId, run: &[Event], way: Way) {
        let Some(since) = self.away_since else { return };
        if way != Way::Fetched {
            return;
        }
        let Some(head) = self
            .rooms
            .get(&id)
            .map(|room| (room.sync.head(), room.marks.read))
        else {
            return;
        };
        let (head, read) = head;
        // What is filled in behind is history.
        if run.last().is_none_or(|last| last.seq < head) {
            return;
        }
        let (mut messages, mut personal) = (0, false);
        for event in run
            .iter()
            .filter(|event| event.accepted_at > since && event.seq > read)
        {
            if let Some((_, message)) = self.deserves(event) {
                messages += 1;
                personal |= self.is_personal(id, &message);
            }
        }
        if let Some(room) = self.rooms.get_mut(&id) {
            room.missed.messages += messages;
            room.missed.personal |= personal;
        }
    }

    /// The room is up to date: what was missed is told in one notification.
    pub(super) async fn announce_missed(&mut self, id: RoomId) -> Result<(), ClientError> {
        let Some(room) = self.rooms.get_mut(&id) else {
            return Ok(());
        };
        let missed = std::mem::take(&mut room.missed);
        if missed.messages == 0 || !self.may_disturb(id) {
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
        };
        self.note(Note::Notify(notification)).await;
        Ok(())
    }

    /// Not what is being looked at, and not while somebody wants quiet.
    fn may_disturb(&self, id: RoomId) -> bool {
        let looked_at = self.look.focused && self.look.room == Some(id);
        let open = self.rooms.get(&id).is_some_and(|room| room.open);
        open && !looked_at && !self.people.i_want_quiet() && id != self.directory()
    }

    fn deserves<'a>(&self, event: &'a Event) -> Option<(&'a Event, Message)> {
        match Content::read(&event.content) {
            Content::Message(message)
                if event.author != self.me() && message.imported.is_none() =>
            {
                Some((event, message))
            }
            _ => None,
        }
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
    use super::*;

    #[test]
    fn a_body_is_one_line_of_at_most_two_hundred_characters() {
        assert_eq!(shortened("two\n\n lines"), "two lines");
        let long = shortened(&"é".repeat(500));
        assert_eq!(long.chars().count(), BODY_CHARS + 1);
        assert!(long.ends_with('…'));
    }
}
