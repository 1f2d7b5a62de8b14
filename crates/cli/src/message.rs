//! A line of a room's history, as scripts and people read it. Shared by history, tail and search.

use std::fmt::{self, Display};

use landline_client::Names;
use landline_client::ui::{Item, ItemBody, ItemState, ReactionView};
use landline_protocol::{Content, EventId, File, Imported, MemberId, Mention, RoomId};
use serde::Serialize;

use crate::output::{one_line, time};

/// One message or event of a room's log, as it stands now (edits applied).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) room: RoomId,
    /// Null while the space has not accepted it.
    pub(crate) seq: Option<u64>,
    pub(crate) id: EventId,
    pub(crate) author: MemberId,
    /// The author's name; where two people share it, with the first characters of the id.
    pub(crate) author_name: String,
    /// By the author's clock.
    pub(crate) sent_at: i64,
    /// By the host's clock; null while it has not accepted it.
    pub(crate) accepted_at: Option<i64>,
    /// `queued`, `sending`, `accepted` or `failed`.
    pub(crate) state: &'static str,
    #[serde(flatten)]
    pub(crate) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Body {
    Message {
        /// Markdown. Empty where deleted.
        text: String,
        edited: bool,
        deleted: bool,
        pinned: bool,
        reply_to: Option<EventId>,
        thread: Option<EventId>,
        mentions: Vec<Mention>,
        files: Vec<File>,
        /// Written elsewhere: by whom and when. Else null.
        imported: Option<Imported>,
        reactions: Vec<ReactionView>,
        /// Replies in the thread that it began.
        replies: u64,
    },
    /// Somebody joined, a topic was set, …: the content as on the wire.
    System { content: Content },
}

impl Line {
    pub(crate) fn new(room: RoomId, item: Item, names: &Names) -> Self {
        let state = match item.state {
            ItemState::Queued => "queued",
            ItemState::Sending => "sending",
            ItemState::Accepted => "accepted",
            ItemState::Failed { .. } => "failed",
        };
        Self {
            room,
            seq: item.seq,
            id: item.id,
            author_name: names.of(item.author),
            author: item.author,
            sent_at: item.sent_at,
            accepted_at: item.accepted_at,
            state,
            body: Body::new(item.body),
        }
    }
}

impl Body {
    fn new(body: ItemBody) -> Self {
        match body {
            ItemBody::System { content } => Self::System { content },
            ItemBody::Message(message) => Self::Message {
                text: message.text,
                edited: message.edited,
                deleted: message.deleted,
                pinned: message.pinned,
                reply_to: message.reply_to,
                thread: message.thread,
                mentions: message.mentions,
                files: message.files,
                imported: message.imported_name.map(|name| Imported {
                    name,
                    at: message.imported_at.unwrap_or_default(),
                }),
                reactions: message.reactions,
                replies: message.replies.map_or(0, |replies| replies.count),
            },
        }
    }
}

/// `2026-11-20 14:03  Ana: hello`
impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", time(self.at()))?;
        match &self.body {
            // By the host itself, which is nobody in the space.
            Body::System {
                content: Content::RoomCreated(created),
            } if created.everyone => {
                write!(f, "* the room was created with the space")?;
            }
            Body::System { content } => write!(f, "* {} {}", self.writer(), happened(content))?,
            Body::Message {
                text,
                edited,
                deleted,
                files,
                ..
            } => {
                write!(f, "{}:", self.writer())?;
                if *deleted {
                    write!(f, " (deleted)")?;
                } else if !text.is_empty() {
                    write!(f, " {}", one_line(text))?;
                }
                for file in files {
                    write!(f, " [{}]", one_line(&file.name))?;
                }
                if *edited && !deleted {
                    write!(f, " (edited)")?;
                }
            }
        }
        match self.state {
            "accepted" => Ok(()),
            state => write!(f, " ({state})"),
        }
    }
}

impl Line {
    /// Who wrote it, for people: of a message from elsewhere, the name it came with.
    pub(crate) fn writer(&self) -> &str {
        match &self.body {
            Body::Message {
                imported: Some(imported),
                ..
            } => &imported.name,
            Body::Message { imported: None, .. } | Body::System { .. } => &self.author_name,
        }
    }

    /// When, for people.
    pub(crate) fn at(&self) -> i64 {
        match &self.body {
            Body::Message {
                imported: Some(imported),
                ..
            } => imported.at,
            Body::Message { imported: None, .. } | Body::System { .. } => {
                self.accepted_at.unwrap_or(self.sent_at)
            }
        }
    }
}

/// What an event says its author did.
fn happened(content: &Content) -> String {
    match content {
        Content::RoomCreated(_) => "created the room".into(),
        Content::RoomChanged(changed) => match (&changed.name, &changed.topic, changed.archived) {
            (Some(name), ..) => format!("named the room {name}"),
            (None, Some(topic), _) => format!("set the topic: {topic}"),
            (None, None, Some(true)) => "archived the room".into(),
            (None, None, _) => "opened the room again".into(),
        },
        Content::Joined => "joined".into(),
        Content::Left => "left".into(),
        Content::Invited(_) => "invited somebody".into(),
        Content::Removed(_) => "removed somebody".into(),
        _ => "did something that this version does not know".into(),
    }
}

#[cfg(test)]
mod tests {
    use landline_client::ui::MessageView;

    use super::*;

    fn message(text: &str) -> MessageView {
        MessageView {
            text: text.into(),
            ..MessageView::default()
        }
    }

    fn line(body: ItemBody) -> Line {
        let item = Item {
            id: "01930000-0000-7000-8000-000000000001"
                .parse()
                .expect("an id"),
            seq: Some(7),
            author: MemberId::from_bytes([1; 32]),
            sent_at: 1_763_640_000_000,
            accepted_at: Some(1_763_640_000_123),
            body,
            state: ItemState::Accepted,
        };
        let room = "01930000-0000-7000-8000-000000000002"
            .parse()
            .expect("an id");
        Line::new(room, item, &Names::default())
    }

    #[test]
    fn a_message_has_its_documented_shape() {
        let json = serde_json::to_value(line(ItemBody::Message(message("hello")))).expect("json");
        let expected = serde_json::json!({
            "room": "01930000-0000-7000-8000-000000000002",
            "seq": 7,
            "id": "01930000-0000-7000-8000-000000000001",
            "author": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
            "author_name": "AQEB",
            "sent_at": 1_763_640_000_000_i64,
            "accepted_at": 1_763_640_000_123_i64,
            "state": "accepted",
            "type": "message",
            "text": "hello",
            "edited": false,
            "deleted": false,
            "pinned": false,
            "reply_to": null,
            "thread": null,
            "mentions": [],
            "files": [],
            "imported": null,
            "reactions": [],
            "replies": 0,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn what_happened_to_a_room_is_told_apart_from_messages() {
        let joined = line(ItemBody::System {
            content: Content::Joined,
        });
        let json = serde_json::to_value(&joined).expect("json");
        assert_eq!(json["type"], "system");
        assert_eq!(json["content"], serde_json::json!({ "type": "joined" }));
        assert!(joined.to_string().ends_with("* AQEB joined"), "{joined}");
    }

    #[test]
    fn a_message_from_elsewhere_is_shown_under_its_writer() {
        let mut view = message("two\nlines");
        view.imported_name = Some("Member 0007".into());
        view.imported_at = Some(0);
        let shown = line(ItemBody::Message(view)).to_string();
        assert!(shown.ends_with("Member 0007: two ↵ lines"), "{shown}");
    }
}
