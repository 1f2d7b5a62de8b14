//! Following the logs: does what each room's [`Sync`](crate::sync::Sync) says is next.

use landline_protocol::up::{Fetch, Fetched};
use landline_protocol::{Refusal, RoomId};
use landline_store::log;
use tokio::time::{Duration, Instant};

use super::linking::Wait;
use super::online::Asked;
use super::receive::Way;
use super::{Engine, Phase, replica};
use crate::ClientError;
use crate::sync::{NodeLog, Step, Urgency};

/// Fetches under way at once, over all rooms: enough to keep the link busy, few enough that what
/// somebody looks at does not wait behind old history.
const FETCHES_AT_ONCE: usize = 4;
/// After a fetch that was refused for now without saying for how long.
const FETCH_AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Starts the most urgent steps, as many as may be under way at once.
    pub(super) async fn follow(&mut self) -> Result<(), ClientError> {
        if self.fetch_after.is_some_and(|at| at > Instant::now()) {
            return Ok(());
        }
        self.fetch_after = None;
        while matches!(&self.phase, Phase::Online(online) if online.fetches < FETCHES_AT_ONCE) {
            let Some((room, step)) = self.most_urgent() else {
                break;
            };
            match step {
                Step::Back { to } => self.step_back(room, to).await?,
                Step::Probe { .. }
                | Step::After { .. }
                | Step::Newest { .. }
                | Step::Before { .. } => {
                    if !self.fetch(room, step) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// What to do first. Rooms with nothing to do leave the list of those that are due.
    fn most_urgent(&mut self) -> Option<(RoomId, Step)> {
        let mut best: Option<((Urgency, bool, bool), RoomId, Step)> = None;
        let (directory, looked_at) = (self.directory(), self.looked_at());
        let rooms = &self.rooms;
        self.due.retain(|id| {
            let Some((urgency, step)) = rooms.get(id).and_then(|room| room.sync.next()) else {
                return false;
            };
            // The directory first: it holds the names. Then what is on the screen.
            let rank = (urgency, *id != directory, Some(*id) != looked_at);
            if best.is_none_or(|(least, ..)| rank < least) {
                best = Some((rank, *id, step));
            }
            true
        });
        best.map(|(_, room, step)| (room, step))
    }

    /// Asks for a part of a log; false where the link can't take it now.
    fn fetch(&mut self, id: RoomId, step: Step) -> bool {
        let request = match step {
            Step::Probe { seq } => Fetch {
                room: id,
                limit: 1,
                after: Some(seq - 1),
                before: None,
            },
            Step::After { seq, limit } => Fetch {
                room: id,
                limit,
                after: Some(seq),
                before: None,
            },
            Step::Newest { limit } => Fetch {
                room: id,
                limit,
                after: None,
                before: None,
            },
            Step::Before { seq, limit } => Fetch {
                room: id,
                limit,
                after: None,
                before: Some(seq),
            },
            Step::Back { .. } => return false,
        };
        let (Phase::Online(online), Some(room)) = (&mut self.phase, self.rooms.get_mut(&id)) else {
            return false;
        };
        let sent = online
            .ask("fetch", &request, Asked::Fetch { room: id, step })
            .is_ok();
        if sent {
            online.fetches += 1;
            room.sync.begun(step);
        }
        sent
    }

    /// The answer to a fetch; `None` in it where it could not be read.
    pub(super) async fn fetched(
        &mut self,
        id: RoomId,
        step: Step,
        answer: Result<Option<Fetched>, Refusal>,
    ) -> Result<(), ClientError> {
        self.due.insert(id);
        let Some(room) = self.rooms.get_mut(&id) else {
            return Ok(());
        };
        let fetched = match answer {
            Ok(Some(fetched)) => fetched,
            Ok(None) => {
                room.sync.stop();
                return Ok(());
            }
            Err(refusal) if refusal.code.may_be_tried_again() => {
                let wait = refusal
                    .retry_after_ms
                    .map_or(FETCH_AGAIN, Duration::from_millis);
                self.fetch_after = Some(Instant::now() + wait);
                room.sync.gave_up();
                return Ok(());
            }
            Err(refusal) => {
                tracing::debug!(room = %id, code = %refusal.code, "a log can't be fetched");
                room.sync.stop();
                return Ok(());
            }
        };
        if matches!(&self.phase, Phase::Online(online) if fetched.epoch > online.epoch) {
            self.lose(None, Wait::Not);
            return Ok(());
        }
        if let Step::Probe { seq } = step {
            return self.probed(id, seq, &fetched).await;
        }
        let node = NodeLog {
            first: fetched.first,
            head: fetched.head,
            head_id: Some(fetched.head_id),
        };
        let seqs: Vec<u64> = fetched.events.iter().map(|event| event.seq).collect();
        let fits = room.sync.fits(step, &seqs, node);
        if fits.is_err() || fetched.events.iter().any(|event| event.room != id) {
            tracing::warn!(room = %id, ?step, ?fits, "an answer to fetch that does not fit");
            room.sync.stop();
            return Ok(());
        }
        self.take(fetched.events, Way::Fetched).await?;
        if let Some(room) = self.rooms.get_mut(&id) {
            room.sync.finished(node);
            if room.sync.is_live() {
                self.announce_missed(id).await?;
            }
        }
        self.out.space_changed();
        Ok(())
    }

    /// The same event is one accepted at the same instant: one that was appended again, after a
    /// node was restored from a copy, may by chance have its old seq, and others before it.
    async fn probed(&mut self, id: RoomId, seq: u64, fetched: &Fetched) -> Result<(), ClientError> {
        let theirs = fetched
            .events
            .first()
            .filter(|event| event.seq == seq)
            .map(|event| (event.id, event.accepted_at));
        let ours = self
            .config
            .store
            .read(move |c| log::at(c, id, seq))
            .await?
            .map(|event| (event.id, event.accepted_at));
        if let Some(room) = self.rooms.get_mut(&id) {
            room.sync.probed(seq, theirs.is_some() && theirs == ours);
        }
        Ok(())
    }

    /// The node was restored from a copy, or its space taken over: what is here beyond `to` was
    /// never there. It is set aside; my own part of it goes back into the outbox.
    async fn step_back(&mut self, id: RoomId, to: u64) -> Result<(), ClientError> {
        let (me, path) = (self.me(), self.config.folder.join("set-aside.jsonl"));
        let Some(room) = self.rooms.get(&id) else {
            return Ok(());
        };
        let info = room
            .listed
            .then(|| room.info.clone())
            .filter(|_| id != self.directory());
        let back = self
            .config
            .store
            .write(move |c| replica::step_back(c, id, to, me, info.as_ref(), &path))
            .await?;
        tracing::warn!(room = %id, to, set_aside = back.set_aside, again = back.again, "stepped back");
        if let Some(room) = self.rooms.get_mut(&id) {
            room.sync.stepped_back(to, back.head_id);
            room.marks.cut(to);
            room.threads_read = room.threads_read.min(to);
            room.unread_replies = None;
        }
        self.marks.cut(id, to);
        self.appending.wake();
        if id == self.directory() {
            self.out.everybody_changed();
        } else {
            self.out.room_changed(id);
            self.out.reload(id);
        }
        self.out.space_changed();
        Ok(())
    }
}
