//! Files on their way: which run, which wait, and what is told of them.
//!
//! ```text
//! rows in the replica ──▶ carry_files: end what may not run, start what may ──▶ tasks
//!         ▲                                                                       │
//!         └──────────── transfer_ended: done, later, failed ◀─────────────────────┘
//! ```
//! The rows say what is wished and survive a restart; what runs is only here, and ends with the
//! link. How far an upload is, the node knows; how far a download is, its part on the disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use landline_protocol::{Code, EventId, File, FileHash, Refusal, RoomId, SpaceId, TransferId};
use landline_store::transfers::{self, State, Transfer};
use tokio::sync::oneshot;
use tokio::task::{self, AbortHandle, JoinSet};
use tokio::time::{Duration, Instant};

use super::attach::file_of;
use super::linking::Wait;
use super::{Engine, Phase};
use crate::ClientError;
use crate::files::LocalFile;
use crate::files::down::download;
use crate::files::http::Trouble;
use crate::files::up::{Job, upload};
use crate::link::{Backoff, Target};
use crate::ui::{TransferState, TransferView, TransferWay, UiEvent};

mod ended;
mod wishes;

/// Uploads at a time.
const UP_AT_ONCE: usize = 2;
/// Downloads at a time, the smallest first.
const DOWN_AT_ONCE: usize = 4;
/// Between two rounds of what is told.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// A link that is older than this is given up for a token that the node refuses: a new sign-in
/// brings a new one. Twice as old each time, until a transfer is done: a node that takes none must
/// not cost the link again and again.
const TOKEN_AGE: Duration = Duration::from_secs(10);
/// [`TOKEN_AGE`] is doubled so often at most: to three hours.
const TOKEN_DOUBLINGS: u32 = 10;
/// From when something was deleted to a look which files nobody needs any more.
const CLEAR_AFTER: Duration = Duration::from_secs(5);

/// How files reach the node of the link.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) target: Target,
    pub(super) token: String,
}

impl fmt::Debug for Way {
    /// Without the token: whoever has it is signed in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// What is on its way, and what waits to be.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    /// None without a link.
    way: Option<Way>,
    /// As stored last; without those that are done.
    rows: Vec<Transfer>,
    /// The rows have changed.
    stale: bool,
    running: BTreeMap<TransferId, Running>,
    tasks: JoinSet<Ended>,
    later: HashMap<TransferId, Later>,
    /// Tells the node of uploads that do not go on; ends with the engine.
    withdrawing: JoinSet<()>,
    waiters: Vec<Waiter>,
    /// Done, and to be told so once.
    finished: Vec<TransferView>,
    told: BTreeMap<TransferId, TransferView>,
    told_at: Option<Instant>,
    /// There may be something to tell.
    news: bool,
    clear_at: Option<Instant>,
    /// New sign-ins for a token that was refused, since a transfer was done.
    sign_ins: u32,
    /// Events whose files were uploaded anew because the node had lost them: once since the start,
    /// then the person decides.
    renewed: HashSet<EventId>,
}

#[derive(Debug)]
struct Running {
    blake3: FileHash,
    way: transfers::Way,
    abort: AbortHandle,
    progress: Arc<AtomicU64>,
}

/// One that is tried again.
#[derive(Debug, Default)]
struct Later {
    backoff: Backoff,
    /// Not before.
    at: Option<Instant>,
    /// Why.
    words: Option<String>,
}

/// Somebody who waits for a file.
#[derive(Debug)]
struct Waiter {
    blake3: FileHash,
    reply: oneshot::Sender<Result<LocalFile, Refusal>>,
}

/// A task that has come to its end.
#[derive(Debug)]
pub(super) struct Ended {
    id: TransferId,
    /// A transfer that was ended and begun again may have two.
    task: task::Id,
    result: Result<(), Trouble>,
}

impl Transfers {
    /// Rows were written.
    pub(super) fn have_changed(&mut self) {
        self.stale = true;
        self.may_be_unnamed();
    }

    /// Something that named a file may be gone.
    pub(super) fn may_be_unnamed(&mut self) {
        self.clear_at
            .get_or_insert_with(|| Instant::now() + CLEAR_AFTER);
    }

    pub(super) fn linked(&mut self, way: Way) {
        self.way = Some(way);
        self.stale = true;
    }

    /// The link is gone, and with it all that runs.
    pub(super) fn lost(&mut self) {
        self.way = None;
        for (_, running) in std::mem::take(&mut self.running) {
            running.abort.abort();
        }
        self.later.clear();
        self.news = true;
    }

    /// Resolves when a task has come to its end by itself.
    pub(super) async fn ended(&mut self) -> Ended {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(ended)) => return ended,
                Some(Err(error)) if error.is_panic() => {
                    self.running
                        .retain(|_, running| !running.abort.is_finished());
                    self.stale = true;
                }
                // It was ended by us.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// What ran, unless it was paused or cancelled at the last moment: then another may run by now.
    fn take_ended(&mut self, ended: &Ended) -> Option<Running> {
        let running = self.running.get(&ended.id)?;
        if running.abort.id() != ended.task {
            return None;
        }
        self.running.remove(&ended.id)
    }

    /// When there is something to do.
    pub(super) fn due(&self, now: Instant, online: bool) -> Option<Instant> {
        let tell = (self.news || !self.running.is_empty())
            .then(|| self.told_at.map_or(now, |at| at + TELL_EVERY));
        let again = self.later.values().filter_map(|later| later.at).min();
        let again = again.filter(|_| online);
        [tell, again, self.clear_at].into_iter().flatten().min()
    }

    fn row(&self, id: TransferId) -> Option<&Transfer> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Ends what runs and may no longer: paused, cancelled, its message discarded.
    fn end_unwished(&mut self) {
        let wished: Vec<TransferId> = self
            .rows
            .iter()
            .filter(|row| row.state == State::Waiting)
            .map(|row| row.id)
            .collect();
        self.running.retain(|id, running| {
            let keeps = wished.contains(id);
            if !keeps {
                running.abort.abort();
            }
            keeps
        });
        self.later.retain(|id, _| wished.contains(id));
    }

    /// What may start now, in the order in which it is to.
    fn next(&mut self, now: Instant) -> Vec<Transfer> {
        for later in self.later.values_mut() {
            later.at = later.at.filter(|at| *at > now);
        }
        let mut taken: Vec<(FileHash, transfers::Way)> =
            self.running.values().map(|r| (r.blake3, r.way)).collect();
        let mut waiting: Vec<&Transfer> = self
            .rows
            .iter()
            .filter(|row| {
                row.state == State::Waiting
                    && !self.running.contains_key(&row.id)
                    && self
                        .later
                        .get(&row.id)
                        .is_none_or(|later| later.at.is_none())
            })
            .collect();
        waiting.sort_by_key(|row| match row.way {
            // In the order of their messages.
            transfers::Way::Up => 0,
            transfers::Way::Down => row.bytes,
        });
        let mut next = Vec::new();
        for row in waiting {
            let limit = match row.way {
                transfers::Way::Up => UP_AT_ONCE,
                transfers::Way::Down => DOWN_AT_ONCE,
            };
            let running = taken.iter().filter(|(_, way)| *way == row.way).count();
            // One file is brought once at a time, whoever names it.
            if running < limit && !taken.contains(&(row.blake3, row.way)) {
                taken.push((row.blake3, row.way));
                next.push(row.clone());
            }
        }
        next
    }

    fn view(&self, space: SpaceId, row: &Transfer) -> TransferView {
        let running = self.running.get(&row.id);
        let later = self.later.get(&row.id);
        let progress = running.map(|running| running.progress.load(Ordering::Relaxed));
        let state = match row.state {
            _ if running.is_some() => TransferState::Running,
            State::Waiting => TransferState::Waiting,
            State::Paused => TransferState::Paused,
            State::Failed => TransferState::Failed,
            State::Done => TransferState::Done,
        };
        TransferView {
            id: row.id,
            space,
            room: row.room,
            event: row.event,
            blake3: row.blake3,
            way: match row.way {
                transfers::Way::Up => TransferWay::Up,
                transfers::Way::Down => TransferWay::Down,
            },
            state,
            done: progress.unwrap_or(row.done).min(row.bytes),
            bytes: row.bytes,
            words: row
                .words
                .clone()
                .or_else(|| later.and_then(|later| later.words.clone())),
        }
    }

    /// What has changed since it was told last.
    fn changes(&mut self, space: SpaceId) -> Option<UiEvent> {
        let now: BTreeMap<TransferId, TransferView> = self
            .rows
            .iter()
            .map(|row| (row.id, self.view(space, row)))
            .collect();
        let changed = now
            .values()
            .filter(|view| self.told.get(&view.id) != Some(view));
        let mut transfers: Vec<TransferView> = changed.cloned().collect();
        let finished = std::mem::take(&mut self.finished);
        let gone: Vec<TransferId> = self
            .told
            .keys()
            .filter(|id| !now.contains_key(id) && !finished.iter().any(|view| view.id == **id))
            .copied()
            .collect();
        transfers.extend(finished);
        self.told = now;
        (!transfers.is_empty() || !gone.is_empty()).then_some(UiEvent::Transfers {
            space,
            transfers,
            gone,
        })
    }
}

impl Engine {
    /// What brings a file to the node for a message that goes past the outbox. Nothing of it is kept
    /// here.
    pub(super) fn job_for(
        &self,
        (room, event): (RoomId, EventId),
        file: File,
        from: PathBuf,
    ) -> Result<Job, Refusal> {
        let away = || Refusal::new(Code::Unavailable, "the space can't be reached now");
        let way = self.transfers.way.as_ref().ok_or_else(away)?;
        let blake3 = file.blake3.parse();
        let transfer = Transfer {
            id: self.config.random.transfer_id(self.config.clock.now()),
            room,
            event,
            blake3: blake3.map_err(|_| Refusal::bad_request("a file has no hash"))?,
            bytes: file.bytes,
            way: transfers::Way::Up,
            state: State::Waiting,
            done: 0,
            url: None,
            words: None,
        };
        Ok(Job {
            dial: self.config.dial.clone(),
            target: way.target.clone(),
            token: way.token.clone(),
            shelf: self.shelf.clone(),
            store: self.config.store.clone(),
            file,
            from,
            progress: Arc::default(),
            transfer,
        })
    }

    /// The node takes the token of this link no more: it lasts a day by the node's clock, which may
    /// be set right in the meantime, and others of mine that sign in may have taken its place.
    pub(super) fn token_refused(&mut self) {
        let doublings = self.transfers.sign_ins.min(TOKEN_DOUBLINGS);
        let age = TOKEN_AGE.saturating_mul(1 << doublings);
        if matches!(&self.phase, Phase::Online(online) if online.since.elapsed() > age) {
            self.transfers.sign_ins += 1;
            self.lose(None, Wait::Not);
        }
    }

    /// The node has refused the token of a job that goes past the outbox.
    pub(super) fn job_refused(&mut self, job: &Job) {
        let way = self.transfers.way.as_ref();
        if way.is_some_and(|way| way.token == job.token) {
            self.token_refused();
        }
    }

    /// Does what has become possible for files.
    pub(super) async fn carry_files(&mut self) -> Result<(), ClientError> {
        let now = Instant::now();
        if self.transfers.stale {
            self.transfers.rows = self.config.store.read(transfers::open).await?;
            self.transfers.stale = false;
            self.transfers.news = true;
            self.transfers.end_unwished();
            self.answer_forgotten();
        }
        if matches!(&self.phase, Phase::Online(online) if online.knows_its_rooms())
            && let Some(way) = self.transfers.way.clone()
        {
            for row in self.transfers.next(now) {
                self.start_transfer(&way, row).await?;
            }
        }
        if self.transfers.clear_at.is_some_and(|at| at <= now) {
            self.transfers.clear_at = None;
            self.clear_unnamed().await?;
        }
        self.tell_transfers(now);
        Ok(())
    }

    fn tell_transfers(&mut self, now: Instant) {
        let transfers = &mut self.transfers;
        let rested = transfers.told_at.is_none_or(|at| at + TELL_EVERY <= now);
        if !rested || (!transfers.news && transfers.running.is_empty()) {
            return;
        }
        transfers.told_at = Some(now);
        transfers.news = false;
        let space = self.config.known.space;
        if let Some(changes) = self.transfers.changes(space) {
            self.out.say(changes);
        }
    }

    async fn start_transfer(&mut self, way: &Way, row: Transfer) -> Result<(), ClientError> {
        let (id, event, blake3) = (row.id, row.event, row.blake3);
        let file = self.config.store.read(move |c| file_of(c, event, blake3));
        let Some((_, file)) = file.await? else {
            // The message is gone, or names it no longer.
            self.config
                .store
                .write(move |c| transfers::remove(c, id))
                .await?;
            self.transfers.have_changed();
            // What was behind it may go now.
            self.appending.wake();
            return Ok(());
        };
        let progress = Arc::new(AtomicU64::new(row.done));
        let job = Job {
            dial: self.config.dial.clone(),
            target: way.target.clone(),
            token: way.token.clone(),
            shelf: self.shelf.clone(),
            store: self.config.store.clone(),
            from: self.shelf.file(row.blake3),
            file,
            progress: progress.clone(),
            transfer: row,
        };
        let direction = job.transfer.way;
        let abort = self.transfers.tasks.spawn(async move {
            let result = match direction {
                transfers::Way::Up => upload(&job).await,
                transfers::Way::Down => download(&job).await,
            };
            let task = task::id();
            Ended { id, task, result }
        });
        let running = Running {
            blake3,
            way: direction,
            abort,
            progress,
        };
        self.transfers.running.insert(id, running);
        self.transfers.news = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spawn(transfers: &mut Transfers, id: TransferId) -> AbortHandle {
        transfers.tasks.spawn(async move {
            let task = task::id();
            Ended {
                id,
                task,
                result: Ok(()),
            }
        })
    }

    #[tokio::test]
    async fn the_late_end_of_a_paused_task_does_not_end_the_one_that_was_resumed() {
        let id = TransferId::from_bytes([1; 16]);
        let mut transfers = Transfers::default();
        let paused = spawn(&mut transfers, id);
        let late = transfers.ended().await;
        assert!(paused.is_finished());
        let resumed = Running {
            blake3: FileHash::from_bytes([1; 32]),
            way: transfers::Way::Down,
            abort: spawn(&mut transfers, id),
            progress: Arc::default(),
        };
        transfers.running.insert(id, resumed);

        assert!(transfers.take_ended(&late).is_none());
        assert!(transfers.running.contains_key(&id));
        let ended = transfers.ended().await;
        assert!(transfers.take_ended(&ended).is_some());
    }
}
