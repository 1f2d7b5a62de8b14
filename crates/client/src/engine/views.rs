//! What is in the store, in the words of `ui.rs`. Plain functions on a connection.

use std::collections::{BTreeMap, BTreeSet};

use landline_protocol::access::{RoomRights, RoomTraits, room_rights};
use landline_protocol::down::PresenceChange;
use landline_protocol::up::RoomInfo;
use landline_protocol::{Content, EventId, MemberId, PresenceState, Role, RoomId, SpaceId};
use landline_store::choices;
use landline_store::messages::{self, Line, MessageRow, SystemRow};
use landline_store::outbox::{self, Waiting};
use landline_store::rooms::{self, PersonRow};
use landline_store::{Connection, drafts, threads};
use serde_json::value::RawValue;

use super::overlay;
use crate::ClientError;
use crate::ui::{
    Item, ItemBody, ItemState, Level, MessageView, PersonView, ReactionView, RoomView,
};

impl From<choices::Level> for Level {
    fn from(level: choices::Level) -> Self {
        match level {
            choices::Level::Everything => Self::Everything,
            choices::Level::Mentions => Self::Mentions,
            choices::Level::Nothing => Self::Nothing,
        }
    }
}

impl From<Level> for choices::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Everything => Self::Everything,
            Level::Mentions => Self::Mentions,
            Level::Nothing => Self::Nothing,
        }
    }
}

/// The lines of these events, with their rooms, in rising `seq` and those that wait last; those
/// that make none, or are not here, are left out.
pub(super) fn items(
    c: &Connection,
    me: MemberId,
    ids: impl IntoIterator<Item = EventId>,
) -> Result<Vec<(RoomId, Item)>, ClientError> {
    let mut by_room: BTreeMap<RoomId, Vec<Item>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            continue;
        }
        if let Some(line) = messages::find(c, id)? {
            by_room.entry(line.room()).or_default().push(item(line));
        } else if let Some(waiting) = outbox::get(c, id)?
            && let Some(item) = waiting_item(&waiting, me)
        {
            by_room.entry(waiting.event.room).or_default().push(item);
        }
    }
    let mut lines = Vec::new();
    for (room, mut items) in by_room {
        // Sorting is stable: those that wait keep the order asked for.
        items.sort_by_key(|item| item.seq.unwrap_or(u64::MAX));
        overlay::dress(c, me, room, &mut items)?;
        lines.extend(items.into_iter().map(|item| (room, item)));
    }
    Ok(lines)
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
        replies: None,
        changes: Vec::new(),
    }
}

/// A line that the node has not accepted; none for what makes no line of its own.
pub(super) fn waiting_item(waiting: &Waiting, me: MemberId) -> Option<Item> {
    let event = &waiting.event;
    let body = body(&event.content)?;
    Some(Item {
        id: event.id,
        seq: None,
        author: me,
        sent_at: event.sent_at,
        accepted_at: None,
        body,
        state: overlay::state(&waiting.state),
    })
}

/// The line that a content makes by itself, before the store has it.
pub(super) fn body(content: &RawValue) -> Option<ItemBody> {
    Some(match Content::read(content) {
        Content::Message(message) => ItemBody::Message(MessageView {
            text: message.text,
            reply_to: message.reply_to,
            thread: message.thread,
            mentions: message.mentions,
            files: message.files,
            imported_name: message
                .imported
                .as_ref()
                .map(|imported| imported.name.clone()),
            imported_at: message.imported.map(|imported| imported.at),
            ..MessageView::default()
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
    pub(super) space: SpaceId,
    pub(super) me: MemberId,
    pub(super) role: Role,
    pub(super) info: RoomInfo,
    pub(super) open: bool,
    pub(super) head: u64,
    pub(super) read: u64,
    /// The person has marked it unread after this seq.
    pub(super) marked: Option<u64>,
    pub(super) level: Level,
    /// All that was said in threads up to this seq is read.
    pub(super) threads_read: u64,
    /// What is unread in threads, where that was counted and nothing has changed it since.
    pub(super) unread_replies: Option<threads::Unread>,
}

/// A room as it is shown, and what was counted for it.
#[derive(Debug)]
pub(super) struct RoomRead {
    pub(super) view: RoomView,
    /// Up to which seq all that was said in threads is known to be read.
    pub(super) threads_read: u64,
    pub(super) unread_replies: threads::Unread,
}

/// What I may do in a room, and who made it.
pub(super) fn rights(
    c: &Connection,
    facts: &RoomFacts,
) -> Result<(RoomRights, Option<MemberId>), ClientError> {
    let info = &facts.info;
    let known = rooms::get(c, info.id)?.and_then(|row| row.creator);
    let creator = match known.filter(|_| !info.everyone) {
        Some(creator) => Some(creator),
        // One that waits to be made is mine.
        None if info.head == 0 && facts.head == 0 => Some(facts.me),
        None => None,
    };
    if !facts.open {
        return Ok((RoomRights::default(), creator));
    }
    let kept = match creator {
        Some(creator) if creator == facts.me => true,
        Some(creator) => {
            let here = rooms::person(c, facts.space, creator)?
                .is_some_and(|person| !person.left && !person.banned);
            !here || !rooms::is_in(c, info.id, creator)?
        }
        None => false,
    };
    let traits = RoomTraits {
        kind: info.kind,
        everyone: info.everyone,
        archived: info.archived,
        kept,
    };
    Ok((room_rights(facts.role, traits), creator))
}

/// `queued`: how many of its events wait in the outbox.
pub(super) fn room(c: &Connection, facts: RoomFacts, queued: u64) -> Result<RoomRead, ClientError> {
    let (may, creator) = rights(c, &facts)?;
    let RoomFacts {
        space,
        me,
        info,
        open,
        head,
        read,
        marked,
        level,
        threads_read,
        unread_replies,
        ..
    } = facts;
    // What was said before one came is history, and not unread: unless one says so.
    let came = match info.everyone {
        true => rooms::came_with_all(c, space, info.id, me)?,
        false => rooms::came(c, info.id, me)?,
    };
    let read = read.max(came);
    let read = marked.map_or(read, |marked| marked.min(read));
    let unread = messages::unread(c, info.id, me, read)?;
    let replies = match unread_replies {
        Some(counted) => counted,
        None => threads::unread(c, info.id, me, threads_read)?,
    };
    let threads_read = match replies.first {
        Some(first) => first.saturating_sub(1),
        None => head,
    };
    let view = RoomView {
        room: info.id,
        kind: info.kind,
        name: info.name,
        topic: info.topic,
        archived: info.archived,
        everyone: info.everyone,
        open,
        creator,
        may,
        member_count: info.member_count,
        members: info.members.unwrap_or_default(),
        head,
        came,
        read,
        unread: unread.messages,
        mentions: unread.mentions,
        first_unread: unread.first,
        unread_replies: replies.replies,
        pins: messages::pins_here(c, info.id)?,
        level,
        last_at: messages::newest_at(c, info.id)?,
        draft: drafts::get(c, info.id)?,
        queued,
    };
    Ok(RoomRead {
        view,
        threads_read,
        unread_replies: replies,
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
