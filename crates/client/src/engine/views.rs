//! What is in the store, in the words of `ui.rs`. Plain functions on a connection.

use landline_protocol::down::PresenceChange;
use landline_protocol::up::RoomInfo;
use landline_protocol::{Content, EventId, MemberId, PresenceState, Refusal};
use landline_store::messages::{self, Line, MessageRow, SystemRow};
use landline_store::outbox::{State, Waiting};
use landline_store::rooms::PersonRow;
use landline_store::{Connection, drafts};
use serde_json::value::RawValue;

use crate::ClientError;
use crate::ui::{Item, ItemBody, ItemState, MessageView, PersonView, ReactionView, RoomView};

/// The lines that these events make; those that make none are left out.
pub(super) fn items(
    c: &Connection,
    ids: impl IntoIterator<Item = EventId>,
) -> Result<Vec<Item>, ClientError> {
    let mut items = Vec::new();
    for id in ids {
        items.extend(messages::find(c, id)?.map(item));
    }
    items.sort_by_key(|item| item.seq);
    Ok(items)
}

/// A line of a timeline.
pub(super) fn item(line: Line) -> Item {
    match line {
        Line::Message(row) => Item {
            id: row.id,
            seq: Some(row.seq),
            author: row.author,
            sent_at: row.sent_at,
            accepted_at: Some(row.accepted_at),
            state: ItemState::Accepted,
            body: ItemBody::Message(message_view(row)),
        },
        Line::System(SystemRow {
            room: _,
            seq,
            id,
            author,
            sent_at,
            accepted_at,
            content,
        }) => Item {
            id,
            seq: Some(seq),
            author,
            sent_at,
            accepted_at: Some(accepted_at),
            state: ItemState::Accepted,
            body: ItemBody::System { content },
        },
    }
}

fn message_view(row: MessageRow) -> MessageView {
    MessageView {
        text: row.text,
        edited: row.edited,
        deleted: row.deleted,
        pinned: row.pinned,
        reply_to: row.reply_to,
        thread: row.thread,
        mentions: row.mentions,
        files: row.files,
        imported_name: row.imported_name,
        imported_at: row.imported_at,
        reactions: row
            .reactions
            .into_iter()
            .map(|reacted| ReactionView {
                emoji: reacted.emoji,
                members: reacted.members,
            })
            .collect(),
    }
}

/// A line that the node has not accepted; none for what makes no line of its own.
pub(super) fn waiting_item(waiting: &Waiting, me: MemberId) -> Option<Item> {
    let Waiting { event, state, .. } = waiting;
    let state = match state {
        State::Queued | State::Held => ItemState::Queued,
        State::Unsettled => ItemState::Sending,
        State::Failed { code, message } => ItemState::Failed {
            refusal: Refusal::new(*code, message.clone()),
        },
    };
    let body = body(&event.content)?;
    Some(Item {
        id: event.id,
        seq: None,
        author: me,
        sent_at: event.sent_at,
        accepted_at: None,
        body,
        state,
    })
}

/// The line that a content makes by itself, before the store has it.
pub(super) fn body(content: &RawValue) -> Option<ItemBody> {
    Some(match Content::read(content) {
        Content::Message(message) => ItemBody::Message(MessageView {
            text: message.text,
            edited: false,
            deleted: false,
            pinned: false,
            reply_to: message.reply_to,
            thread: message.thread,
            mentions: message.mentions,
            files: message.files,
            imported_name: message
                .imported
                .as_ref()
                .map(|imported| imported.name.clone()),
            imported_at: message.imported.map(|imported| imported.at),
            reactions: Vec::new(),
        }),
        content @ (Content::RoomCreated(_)
        | Content::RoomChanged(_)
        | Content::Joined
        | Content::Left
        | Content::Invited(_)
        | Content::Removed(_)) => ItemBody::System { content },
        Content::Edit(_)
        | Content::Delete(_)
        | Content::Reaction(_)
        | Content::Pin(_)
        | Content::SpaceCreated(_)
        | Content::Admitted(_)
        | Content::Profile(_)
        | Content::Role(_)
        | Content::Muted(_)
        | Content::Banned(_)
        | Content::Settings(_)
        | Content::Unknown => return None,
    })
}

/// What the engine knows of a room that the store does not.
#[derive(Debug, Clone)]
pub(super) struct RoomFacts {
    pub(super) info: RoomInfo,
    pub(super) open: bool,
    pub(super) head: u64,
    pub(super) read: u64,
}

/// `queued`: how many of its events wait in the outbox.
pub(super) fn room(
    c: &Connection,
    facts: RoomFacts,
    me: MemberId,
    queued: u64,
) -> Result<RoomView, ClientError> {
    let RoomFacts {
        info,
        open,
        head,
        read,
    } = facts;
    let unread = messages::unread(c, info.id, me, read)?;
    Ok(RoomView {
        room: info.id,
        kind: info.kind,
        name: info.name,
        topic: info.topic,
        archived: info.archived,
        everyone: info.everyone,
        open,
        member_count: info.member_count,
        members: info.members.unwrap_or_default(),
        head,
        read,
        unread: unread.messages,
        mentions: unread.mentions,
        first_unread: unread.first,
        last_at: messages::newest_at(c, info.id)?,
        draft: drafts::get(c, info.id)?,
        queued,
    })
}

/// A person, and whether they are there as far as we were told.
pub(super) fn person(row: PersonRow, presence: Option<&PresenceChange>) -> PersonView {
    PersonView {
        member: row.member,
        name: row.name,
        role: row.role,
        here: !row.left && !row.banned,
        state: presence.map_or(PresenceState::Offline, |presence| presence.state),
        text: presence
            .map(|presence| presence.text.clone())
            .unwrap_or_default(),
        last_seen: presence.and_then(|presence| presence.last_seen),
    }
}
