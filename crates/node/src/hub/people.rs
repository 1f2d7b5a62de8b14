//! Who is connected: sessions, the members behind them, their presence, and who watches it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use landline_protocol::down::{PresenceChange, PresenceChanges};
use landline_protocol::limits::{CONNECTIONS_PER_MEMBER, SIGN_IN_WITHIN_MS};
use landline_protocol::{GoodbyeReason, MemberId, PresenceState, RoomId};
use tokio::time::Instant;

use crate::session::{Outlet, SessionId, Turnstile, Who};

/// Everybody who is connected.
#[derive(Debug, Default)]
pub(super) struct People {
    seats: HashMap<SessionId, Seat>,
    online: HashMap<MemberId, Online>,
    /// Who has not signed in, the oldest first. Those who have since are skipped.
    strangers: VecDeque<(Instant, SessionId)>,
    /// Milliseconds since 1970 at which those who are away now were last connected.
    last_seen: HashMap<MemberId, i64>,
    /// People have come or gone since `last_seen` was last stored.
    last_seen_moved: bool,
    watchers: HashMap<MemberId, HashSet<SessionId>>,
    /// Whose presence has changed since it was last told.
    changed: BTreeSet<MemberId>,
}

/// A session as the Hub sees it.
#[derive(Debug)]
struct Seat {
    outlet: Outlet,
    member: Option<MemberId>,
    presence: PresenceState,
    text: String,
    watching: Vec<MemberId>,
    /// When a mark was last set from here, by room.
    marked: HashMap<RoomId, Instant>,
}

/// A member who is connected.
#[derive(Debug)]
struct Online {
    /// In the order in which they signed in; never empty.
    sessions: Vec<SessionId>,
    requests: Arc<Turnstile>,
}

impl People {
    pub(super) fn new(last_seen: HashMap<MemberId, i64>) -> Self {
        Self {
            last_seen,
            ..Self::default()
        }
    }

    pub(super) fn connects(&mut self, outlet: Outlet, now: Instant) {
        let id = outlet.session.id;
        self.strangers
            .push_back((now + Duration::from_millis(SIGN_IN_WITHIN_MS), id));
        let seat = Seat {
            outlet,
            member: None,
            presence: PresenceState::Online,
            text: String::new(),
            watching: Vec::new(),
            marked: HashMap::new(),
        };
        self.seats.insert(id, seat);
    }

    /// The member behind the session if this was their last.
    pub(super) fn disconnects(&mut self, id: SessionId, now: i64) -> Option<MemberId> {
        let seat = self.seats.remove(&id)?;
        for member in &seat.watching {
            self.unwatch(member, id);
        }
        let member = seat.member?;
        self.changed.insert(member);
        let Entry::Occupied(mut online) = self.online.entry(member) else {
            return None;
        };
        online.get_mut().sessions.retain(|other| *other != id);
        if !online.get().sessions.is_empty() {
            return None;
        }
        online.remove();
        self.last_seen.insert(member, now);
        self.last_seen_moved = true;
        Some(member)
    }

    /// Somebody has signed in. One connection too many: the oldest is answered, to be closed.
    pub(super) fn signs_in(
        &mut self,
        outlet: &Outlet,
        member: MemberId,
        rate: u32,
        now: Instant,
    ) -> Option<Outlet> {
        let id = outlet.session.id;
        let seat = self.seats.get_mut(&id)?;
        seat.member = Some(member);
        let online = self.online.entry(member).or_insert_with(|| Online {
            sessions: Vec::new(),
            requests: Arc::new(Turnstile::new(rate, now)),
        });
        online.sessions.push(id);
        outlet.session.is_signed_in_as(Who {
            member,
            requests: online.requests.clone(),
        });
        self.changed.insert(member);
        self.last_seen_moved = true;
        if online.sessions.len() <= CONNECTIONS_PER_MEMBER {
            return None;
        }
        let oldest = online.sessions.first()?;
        self.seats.get(oldest).map(|seat| seat.outlet.clone())
    }

    pub(super) fn is_connected(&self, id: SessionId) -> bool {
        self.seats.contains_key(&id)
    }

    pub(super) fn count(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn outlets(&self, member: &MemberId) -> impl Iterator<Item = &Outlet> {
        let sessions = self
            .online
            .get(member)
            .map(|online| online.sessions.as_slice());
        let sessions = sessions.unwrap_or_default().iter();
        sessions
            .filter_map(|id| self.seats.get(id))
            .map(|seat| &seat.outlet)
    }

    pub(super) fn everybody(&self) -> impl Iterator<Item = &Outlet> {
        self.seats.values().map(|seat| &seat.outlet)
    }

    /// Ends the connections on which nobody has signed in in time.
    pub(super) fn turn_strangers_away(&mut self, now: Instant) {
        while let Some((until, id)) = self.strangers.front().copied() {
            if until > now {
                return;
            }
            self.strangers.pop_front();
            if let Some(seat) = self.seats.get(&id).filter(|seat| seat.member.is_none()) {
                seat.outlet.goodbye(GoodbyeReason::ProtocolError);
            }
        }
    }

    /// Whether a mark may be set from here in this room now; if not, milliseconds until it may.
    pub(super) fn may_mark(
        &mut self,
        id: SessionId,
        room: RoomId,
        every: Duration,
        now: Instant,
    ) -> Result<(), u64> {
        let Some(seat) = self.seats.get_mut(&id) else {
            return Ok(());
        };
        if let Some(last) = seat.marked.get(&room) {
            let wait = every.saturating_sub(now.saturating_duration_since(*last));
            if !wait.is_zero() {
                return Err(wait.as_millis() as u64 + 1);
            }
        }
        seat.marked
            .retain(|_, last| now.saturating_duration_since(*last) < every);
        seat.marked.insert(room, now);
        Ok(())
    }

    // ----- presence ------------------------------------------------------------------------------

    pub(super) fn shows(&mut self, id: SessionId, state: PresenceState, text: String) {
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        seat.presence = state;
        seat.text = text;
        self.changed.extend(seat.member);
    }

    /// The words that show with this session's state.
    pub(super) fn shown(&self, id: SessionId) -> Option<&String> {
        self.seats.get(&id).map(|seat| &seat.text)
    }

    /// Replaces the list of whom this session watches.
    pub(super) fn watch(&mut self, id: SessionId, members: Vec<MemberId>) {
        let Some(seat) = self.seats.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut seat.watching, members.clone());
        for member in &before {
            self.unwatch(member, id);
        }
        for member in members {
            self.watchers.entry(member).or_default().insert(id);
        }
    }

    fn unwatch(&mut self, member: &MemberId, id: SessionId) {
        if let Entry::Occupied(mut watchers) = self.watchers.entry(*member) {
            watchers.get_mut().remove(&id);
            if watchers.get().is_empty() {
                watchers.remove();
            }
        }
    }

    /// How a member shows now. Of several connections the one that tells most counts: who must not
    /// be disturbed on one of them must not be at all.
    pub(super) fn presence(&self, member: &MemberId) -> PresenceChange {
        let rank = |seat: &&Seat| match seat.presence {
            PresenceState::Dnd => 2,
            PresenceState::Online => 1,
            PresenceState::Away | PresenceState::Offline | PresenceState::Unknown => 0,
        };
        let sessions = self
            .online
            .get(member)
            .map(|online| online.sessions.as_slice());
        let seats = sessions
            .unwrap_or_default()
            .iter()
            .filter_map(|id| self.seats.get(id));
        match seats.max_by_key(rank) {
            Some(seat) => PresenceChange {
                member: *member,
                state: seat.presence,
                text: seat.text.clone(),
                last_seen: None,
            },
            None => PresenceChange {
                member: *member,
                state: PresenceState::Offline,
                text: String::new(),
                last_seen: self.last_seen.get(member).copied(),
            },
        }
    }

    /// Tells those who watch what has changed since the last time.
    pub(super) fn tell_presence(&mut self, now: i64) {
        let mut news: HashMap<SessionId, Vec<PresenceChange>> = HashMap::new();
        for member in std::mem::take(&mut self.changed) {
            let Some(watchers) = self.watchers.get(&member) else {
                continue;
            };
            let mut change = self.presence(&member);
            change.last_seen = change.last_seen.or(Some(now));
            for watcher in watchers {
                news.entry(*watcher).or_default().push(change.clone());
            }
        }
        for (id, changes) in news {
            if let Some(seat) = self.seats.get(&id) {
                seat.outlet.send("presence", &PresenceChanges { changes });
            }
        }
    }

    /// When everybody was last seen, if people have come or gone since it was last taken.
    pub(super) fn take_last_seen(&mut self, now: i64) -> Option<HashMap<MemberId, i64>> {
        std::mem::take(&mut self.last_seen_moved).then(|| self.last_seen(now))
    }

    /// When everybody was last seen. Who is connected now is seen `now`.
    pub(super) fn last_seen(&self, now: i64) -> HashMap<MemberId, i64> {
        let mut last_seen = self.last_seen.clone();
        last_seen.extend(self.online.keys().map(|member| (*member, now)));
        last_seen
    }
}
