//! Who is there: presence of those one watches, names, my own presence, who types.

use std::collections::{BTreeMap, BTreeSet};

use landline_protocol::down::{PresenceChange, TypingNow};
use landline_protocol::limits::WATCH_MEMBERS;
use landline_protocol::up::{Presence, Typing, Watch};
use landline_protocol::{MemberId, PresenceState, RoomId, RoomKind};
use landline_store::rooms::{self, PersonRow};
use tokio::time::{Duration, Instant};

use super::online::Asked;
use super::{Engine, Phase, views};
use crate::ClientError;
use crate::command::SetTyping;
use crate::ui::{PersonView, UiEvent};

/// Between two `watch`es: people come in crowds.
const WATCH_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct People {
    presence: BTreeMap<MemberId, PresenceChange>,
    /// Of those who are in the space now.
    names: BTreeMap<MemberId, String>,
    watched: BTreeSet<MemberId>,
    watch_due: Option<Instant>,
    /// Others were told that nothing may disturb me for a time.
    told_quiet: bool,
    /// A name that the space has refused, as the person was told.
    pub(super) refused_name: Option<String>,
}

impl People {
    /// How many are in the space.
    pub(super) fn here(&self) -> u64 {
        self.names.len() as u64
    }

    /// In the space now.
    pub(super) fn is_here(&self, member: MemberId) -> bool {
        self.names.contains_key(&member)
    }

    pub(super) fn name(&self, member: MemberId) -> &str {
        self.names.get(&member).map_or("Somebody", String::as_str)
    }

    /// People as the directory has them now.
    pub(super) fn seen(&mut self, rows: Vec<PersonRow>) -> Vec<PersonView> {
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let view = views::person(row, None);
            let view = match self.presence.get(&view.member) {
                Some(presence) => PersonView {
                    state: presence.state,
                    text: presence.text.clone(),
                    last_seen: presence.last_seen,
                    ..view
                },
                None => view,
            };
            if view.here {
                self.names.insert(view.member, view.name.clone());
            } else {
                self.names.remove(&view.member);
            }
            views.push(view);
        }
        self.watch_soon();
        views
    }

    fn watch_soon(&mut self) {
        self.watch_due
            .get_or_insert_with(|| Instant::now() + WATCH_EVERY);
    }

    /// When whom to watch is to be thought over.
    pub(super) fn watch_due(&self) -> Option<Instant> {
        self.watch_due
    }
}

impl Engine {
    /// Watches those whom one can see: everybody in a small space; in a large one whom one talks
    /// with directly, then the others.
    pub(super) fn watch(&mut self) {
        if self.people.watch_due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.people.watch_due = None;
        let looked_at = self.looked_at().and_then(|room| self.rooms.get(&room));
        let direct = self
            .rooms
            .values()
            .filter(|room| room.info.kind == RoomKind::Direct && room.open);
        let partners = looked_at
            .into_iter()
            .chain(direct)
            .filter_map(|room| room.info.members.as_ref());
        let mut watched: BTreeSet<MemberId> =
            partners.flatten().copied().take(WATCH_MEMBERS).collect();
        for member in self.people.names.keys() {
            if watched.len() == WATCH_MEMBERS {
                break;
            }
            watched.insert(*member);
        }
        let Phase::Online(online) = &mut self.phase else {
            return;
        };
        let watch = Watch {
            members: watched.iter().copied().collect(),
        };
        if watched != self.people.watched && online.ask("watch", &watch, Asked::Watch).is_ok() {
            self.people.watched = watched;
        }
    }

    pub(super) fn on_presence(&mut self, changes: Vec<PresenceChange>) {
        let known = &self.people.names;
        let changes: Vec<PresenceChange> = changes
            .into_iter()
            .filter(|change| known.contains_key(&change.member))
            .collect();
        for change in &changes {
            self.people.presence.insert(change.member, change.clone());
        }
        if !changes.is_empty() {
            self.out.say(UiEvent::Presence {
                space: self.space(),
                changes,
            });
        }
    }

    /// Without a link nothing is known of anybody.
    pub(super) fn everybody_offline(&mut self) {
        self.people.watched.clear();
        self.people.watch_due = None;
        let now = self.config.clock.now();
        let changes: Vec<PresenceChange> = std::mem::take(&mut self.people.presence)
            .into_values()
            .filter(|presence| presence.state != PresenceState::Offline)
            .map(|presence| PresenceChange {
                state: PresenceState::Offline,
                last_seen: Some(now),
                ..presence
            })
            .collect();
        if !changes.is_empty() {
            self.out.say(UiEvent::Presence {
                space: self.space(),
                changes,
            });
        }
        let mut typing = Vec::new();
        for (id, room) in &mut self.rooms {
            if !room.typing.is_empty() {
                room.typing = super::room::Typing::default();
                typing.push(*id);
            }
        }
        typing.into_iter().for_each(|id| self.tell_typing(id));
    }

    /// Nothing may disturb me now: by a choice, or until a time.
    pub(super) fn i_want_quiet(&self) -> bool {
        self.config.situation.presence == PresenceState::Dnd || self.quiet_for().is_some()
    }

    /// For how long I want quiet; none where no time was set, or it is over.
    fn quiet_for(&self) -> Option<Duration> {
        let until = self.config.situation.wishes.quiet_until?;
        let left = until.saturating_sub(self.config.clock.now());
        let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
        Some(Duration::from_millis(left))
    }

    /// When a quiet time that others were told of is over.
    pub(super) fn quiet_ends(&self) -> Option<Instant> {
        let ends = || Instant::now() + self.quiet_for().unwrap_or_default().min(super::IDLE);
        self.people.told_quiet.then(ends)
    }

    /// Tells others where a quiet time has begun or is over.
    pub(super) fn notice_quiet(&mut self) {
        if self.people.told_quiet != self.quiet_for().is_some() {
            self.tell_presence();
        }
    }

    /// At a sign-in: one is online, unless one has said otherwise.
    pub(super) fn say_presence(&mut self) {
        self.people.watch_due = Some(Instant::now());
        let now = &self.config.situation;
        let usual =
            now.presence == PresenceState::Online && now.presence_text.is_empty() && !now.away;
        if !usual || self.quiet_for().is_some() {
            self.tell_presence();
        }
    }

    pub(super) fn tell_presence(&mut self) {
        self.people.told_quiet = self.quiet_for().is_some();
        let now = &self.config.situation;
        let presence = Presence {
            state: match now.presence {
                _ if self.people.told_quiet => PresenceState::Dnd,
                PresenceState::Online if now.away => PresenceState::Away,
                chosen => chosen,
            },
            text: Some(now.presence_text.clone()),
        };
        self.ask_quietly("presence", &presence);
    }

    pub(super) fn set_typing(&mut self, request: &SetTyping) {
        if self
            .rooms
            .get(&request.room)
            .is_some_and(|room| room.open && room.listed)
        {
            self.ask_quietly(
                "typing",
                &Typing {
                    room: request.room,
                    on: request.on,
                },
            );
        }
    }

    /// A request that may as well be lost.
    fn ask_quietly<T: serde::Serialize>(&mut self, event: &'static str, request: &T) {
        if let Phase::Online(online) = &mut self.phase
            && online.ask(event, request, Asked::Nothing(event)).is_err()
        {
            tracing::debug!(event, "the link is too busy");
        }
    }

    pub(super) fn on_typing(&mut self, typing: &TypingNow) {
        let me = self.me();
        let Some(room) = self.rooms.get_mut(&typing.room) else {
            return;
        };
        let others: Vec<MemberId> = typing
            .members
            .iter()
            .copied()
            .filter(|member| *member != me)
            .collect();
        room.typing.set(&others, typing.more, Instant::now());
        self.tell_typing(typing.room);
    }

    pub(super) fn forget_typing(&mut self, now: Instant) {
        let mut forgotten = Vec::new();
        for (id, room) in &mut self.rooms {
            if !room.typing.is_empty() && room.typing.forget(now) {
                forgotten.push(*id);
            }
        }
        forgotten.into_iter().for_each(|id| self.tell_typing(id));
    }

    fn tell_typing(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.get(&id) {
            let (members, more) = room.typing.members();
            self.out.say(UiEvent::Typing {
                space: self.space(),
                room: id,
                members,
                more,
            });
        }
    }

    pub(super) fn looks_elsewhere(&mut self) {
        self.people.watch_soon();
        if let Some(room) = self.looked_at() {
            self.ask_marks(room);
        }
    }

    /// The room that is on the screen.
    pub(super) const fn looked_at(&self) -> Option<RoomId> {
        self.config.situation.look.room
    }

    /// What the directory says of the space and of me.
    pub(super) async fn read_directory(&mut self) -> Result<(), ClientError> {
        let (space, me) = (self.space(), self.me());
        let (row, mine) = self
            .config
            .store
            .read(move |c| {
                Ok::<_, ClientError>((rooms::space(c, space)?, rooms::person(c, space, me)?))
            })
            .await?;
        let known = &mut self.config.known;
        if let Some(row) = row.filter(|row| !row.name.is_empty()) {
            known.name = row.name;
            known.admission = row.admission;
        }
        if let Some(mine) = mine {
            known.role = mine.role;
        }
        Ok(())
    }
}
