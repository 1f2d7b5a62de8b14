//! One room as the engine knows it: what is shown of it, its log's state, marks, who types.

use std::collections::BTreeMap;

use landline_protocol::down::MarkChange;
use landline_protocol::limits::TYPING_FORGOTTEN_MS;
use landline_protocol::up::RoomInfo;
use landline_protocol::{Content, Event, EventId, MemberId, RoomCreated, RoomId, RoomKind};
use landline_store::choices::Choice;
use landline_store::threads::Unread;
use tokio::time::{Duration, Instant};

use crate::sync::{NodeLog, Sync};

/// How long a typing sign lasts without another.
pub(super) const TYPING_LASTS: Duration = Duration::from_millis(TYPING_FORGOTTEN_MS);

/// A room, or the directory.
#[derive(Debug)]
pub(super) struct Room {
    /// What the node said last, moved on by the events that came after.
    pub(super) info: RoomInfo,
    /// One is a member of it.
    pub(super) open: bool,
    /// It has been in an answer of this link's node.
    pub(super) listed: bool,
    pub(super) sync: Sync,
    pub(super) marks: OwnMarks,
    pub(super) typing: Typing,
    /// What the person has chosen for it.
    pub(super) choice: Choice,
    /// They have left it, and the node may not know yet.
    pub(super) leaving: bool,
    /// All that was said in its threads up to this seq is known to be read.
    pub(super) threads_read: u64,
    /// What is unread in its threads, as counted last; none where that has changed since.
    pub(super) unread_replies: Option<Unread>,
    /// Others' messages that came while there was no link and were not announced yet.
    pub(super) missed: Missed,
}

impl Room {
    pub(super) fn new(info: RoomInfo, open: bool, sync: Sync) -> Self {
        let marks = OwnMarks {
            read: info.read,
            ..OwnMarks::default()
        };
        Self {
            info,
            open,
            listed: false,
            sync,
            marks,
            typing: Typing::default(),
            choice: Choice::default(),
            leaving: false,
            threads_read: 0,
            unread_replies: None,
            missed: Missed::default(),
        }
    }

    /// One is in it, and has not left it.
    pub(super) const fn is_open(&self) -> bool {
        self.open && !self.leaving
    }

    /// How far it counts as read, where somebody marked it unread.
    pub(super) fn marked(&self) -> Option<u64> {
        self.choice.unread_from.map(|seq| seq.saturating_sub(1))
    }

    /// The node has described it, at a sign-in or when it was opened.
    pub(super) fn told(&mut self, info: RoomInfo) {
        self.sync.told(NodeLog {
            first: info.first,
            head: info.head,
            // Of a restored log, the last event being ours does not say that those before it are.
            head_id: (info.epoch == self.info.epoch).then_some(info.head_id),
        });
        self.marks.told(info.read, info.delivered);
        self.have_received();
        self.open = true;
        self.listed = true;
        self.info = info;
    }

    /// What is here without a hole is delivered; what is newer than a hole is not said to be, since
    /// that would say it of what is missing too.
    pub(super) fn have_received(&mut self) {
        self.marks.delivered = self.sync.whole_after(self.marks.delivered);
    }

    /// These are here now: what is unread in threads is counted anew where they may change it. Of
    /// what is filled in behind, any may, since it tells which threads one follows.
    pub(super) fn count_replies_anew(&mut self, run: &[Event], newest: bool) {
        let first = run.first().map_or(u64::MAX, |event| event.seq);
        self.threads_read = self.threads_read.min(first.saturating_sub(1));
        let changes = |event: &Event| match Content::read(&event.content) {
            Content::Message(message) => message.thread.is_some(),
            Content::Edit(_) | Content::Delete(_) => true,
            _ => false,
        };
        if !newest || run.iter().any(changes) {
            self.unread_replies = None;
        }
    }

    /// The link is gone.
    pub(super) fn lost(&mut self) {
        self.listed = false;
        self.sync.lost();
        self.marks.sent = None;
        self.typing = Typing::default();
    }
}

/// What a room's creation says of it, before any node does.
pub(super) fn created(room: RoomId, id: EventId, created: &RoomCreated) -> RoomInfo {
    RoomInfo {
        id: room,
        kind: created.kind,
        name: created.name.clone(),
        topic: created.topic.clone(),
        archived: false,
        everyone: false,
        member_count: created.members.len().max(1) as u64,
        first: 1,
        head: 0,
        head_id: id,
        epoch: 0,
        read: 0,
        delivered: 0,
        members: (created.kind == RoomKind::Direct).then(|| created.members.clone()),
    }
}

/// Moves a room's description on by an event that is newer than it.
pub(super) fn fold(info: &mut RoomInfo, event: &Event) {
    if event.seq <= info.head {
        return;
    }
    info.head = event.seq;
    info.head_id = event.id;
    match Content::read(&event.content) {
        Content::RoomChanged(changed) => {
            if let Some(name) = changed.name {
                info.name = name;
            }
            if let Some(topic) = changed.topic {
                info.topic = topic;
            }
            if let Some(archived) = changed.archived {
                info.archived = archived;
            }
        }
        Content::Joined | Content::Invited(_) => info.member_count += 1,
        Content::Left | Content::Removed(_) => {
            info.member_count = info.member_count.saturating_sub(1)
        }
        Content::RoomCreated(_)
        | Content::Message(_)
        | Content::Edit(_)
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
        | Content::Unknown => {}
    }
}

/// How far one has received and read a room, and what the node knows of it.
#[derive(Debug, Default)]
pub(super) struct OwnMarks {
    pub(super) read: u64,
    pub(super) delivered: u64,
    /// What this link's node has; none where it has not said.
    sent: Option<(u64, u64)>,
    /// Not before.
    next_send: Option<Instant>,
}

impl OwnMarks {
    /// The node's own record of them: never goes back.
    fn told(&mut self, read: u64, delivered: u64) {
        self.sent = Some((delivered, read));
        self.read = self.read.max(read);
        self.delivered = self.delivered.max(delivered);
    }

    /// The log ends here now.
    pub(super) fn cut(&mut self, head: u64) {
        self.read = self.read.min(head);
        self.delivered = self.delivered.min(head);
    }

    /// When the node is to be told of them; none where it knows.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let sent = self.sent?;
        (sent != (self.delivered, self.read)).then(|| self.next_send.unwrap_or(now))
    }

    /// They could not be sent, or the node has refused them for now.
    pub(super) fn later(&mut self, next_send: Instant) {
        self.sent = self.sent.map(|_| (0, 0));
        self.next_send = Some(next_send);
    }

    pub(super) fn sent(&mut self, next_send: Instant) {
        self.sent = Some((self.delivered, self.read));
        self.next_send = Some(next_send);
    }
}

/// Who types now, as the node said last.
#[derive(Debug, Default)]
pub(super) struct Typing {
    members: BTreeMap<MemberId, Instant>,
    more: u64,
}

impl Typing {
    /// The node's whole list.
    pub(super) fn set(&mut self, members: &[MemberId], more: u64, now: Instant) {
        self.members = members
            .iter()
            .map(|member| (*member, now + TYPING_LASTS))
            .collect();
        self.more = more;
    }

    /// When the next one is forgotten.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.members.values().min().copied()
    }

    /// Forgets who has not typed for long; whether that was anybody.
    pub(super) fn forget(&mut self, now: Instant) -> bool {
        let before = self.members.len();
        self.members.retain(|_, ends| *ends > now);
        if self.members.is_empty() {
            self.more = 0;
        }
        self.members.len() != before
    }

    /// Somebody's message has come: they type no longer.
    pub(super) fn wrote(&mut self, member: MemberId) -> bool {
        self.members.remove(&member).is_some()
    }

    pub(super) fn members(&self) -> (Vec<MemberId>, u64) {
        (self.members.keys().copied().collect(), self.more)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// What came while there was no link: announced as one, once the room is up to date.
#[derive(Debug, Default)]
pub(super) struct Missed {
    pub(super) messages: u64,
    pub(super) personal: bool,
}

/// Raises `known` by `change`; whether it did.
pub(super) fn raise(known: &mut MarkChange, change: &MarkChange) -> bool {
    let before = *known;
    known.delivered = known.delivered.max(change.delivered);
    known.read = known.read.max(change.read);
    *known != before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u8) -> MemberId {
        MemberId::from_bytes([n; 32])
    }

    #[tokio::test(start_paused = true)]
    async fn typing_is_forgotten_after_six_seconds_and_when_the_message_comes() {
        let mut typing = Typing::default();
        typing.set(&[member(1), member(2)], 3, Instant::now());
        assert!(typing.wrote(member(1)));
        tokio::time::advance(Duration::from_millis(5_999)).await;
        assert!(!typing.forget(Instant::now()));
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(typing.forget(Instant::now()));
        assert_eq!(typing.members(), (Vec::new(), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn marks_are_due_only_where_the_node_does_not_know_them() {
        let mut marks = OwnMarks {
            read: 4,
            ..OwnMarks::default()
        };
        assert_eq!(marks.due(Instant::now()), None, "no node has said anything");
        marks.told(9, 9);
        assert_eq!((marks.read, marks.due(Instant::now())), (9, None));
        marks.delivered = 12;
        assert_eq!(marks.due(Instant::now()), Some(Instant::now()));
        marks.sent(Instant::now() + Duration::from_secs(1));
        marks.read = 10;
        assert_eq!(
            marks.due(Instant::now()),
            Some(Instant::now() + Duration::from_secs(1))
        );
        marks.sent(Instant::now() + Duration::from_secs(1));
        assert_eq!(marks.due(Instant::now()), None);
        marks.later(Instant::now() + Duration::from_secs(2));
        assert_eq!(
            marks.due(Instant::now()),
            Some(Instant::now() + Duration::from_secs(2)),
            "what was refused is sent again"
        );
    }
}
