//! A damaged database of this device: set aside, what can be read of it saved, the rest fetched anew
//! from the host. The person is told each time; other spaces go on meanwhile.
//!
//! ```text
//! start ── can't be opened ──┐
//! engine ── proves damaged ──┼─▶ no engine ── put right, beside ──▶ engine
//! check, after the start ────┘            └── can't be ──▶ no engine, and why; Connect tries again
//! ```
//! An engine that has ended by itself, which is a fault of this program, leaves its space shown
//! without one in the same way.

use std::path::Path;
use std::time::Duration;

use landline_protocol::{Code, MemberId, Refusal, SpaceId};
use landline_store::mend::{self, Logs, Saved};
use landline_store::{Check, Store, StoreError, rooms};

use super::{Home, Joined, Note, Running, blocking, kept};
use crate::ClientError;
use crate::data::DataDir;
use crate::known::KnownSpace;
use crate::ui::{LinkState, LinkView, SpaceView, UiEvent};

/// From an engine's start to the look over its whole replica: windows come first.
const CHECK_AFTER: Duration = Duration::from_secs(3);
/// Notices kept for a window to come; of more, the newest are left out.
const UNHEARD: usize = 16;

/// The database of a replica, in the space's folder.
pub(super) const REPLICA: &str = "replica.db";

impl Home {
    /// Starts the engine of a known space. Where that can't be, the space is shown without one.
    pub(super) async fn start_space(&mut self, known: KnownSpace) {
        let space = known.space;
        let path = self.data.space(space).join(REPLICA);
        if known.last_connected.is_some() && !mend::is_there(&path) {
            self.notice(format!(
                "What this computer kept of {} is gone. It is fetched anew from the host.",
                known.name
            ));
        }
        if let Err(error) = self.start_engine(known.clone(), None).await {
            self.without_engine(known, error);
        }
    }

    /// Another try for a space without an engine.
    pub(super) async fn start_again(&mut self, space: SpaceId) {
        let known = self
            .spaces
            .get(&space)
            .and_then(|joined| match &joined.engine {
                // One that is being put right starts by itself.
                Running::No(why) if why.code != Code::Unavailable => Some(joined.known.clone()),
                Running::No(_) | Running::Yes(_) => None,
            });
        if let Some(known) = known {
            self.start_space(known).await;
        }
    }

    /// The space is there, and can't be used now.
    pub(super) fn without_engine(&mut self, known: KnownSpace, error: ClientError) {
        tracing::error!(space = %known.space, %error, "a space can't be opened");
        let space = known.space;
        let damaged = is_damaged(&error);
        let why = Refusal::new(Code::Internal, error.to_string());
        self.show_without(known, why);
        if damaged {
            self.mend(space);
        }
    }

    fn show_without(&mut self, known: KnownSpace, why: Refusal) {
        let view = SpaceView {
            space: known.space,
            name: known.name.clone(),
            admission: known.admission,
            me: self.identity.member,
            role: known.role,
            link: LinkView {
                state: LinkState::Refused,
                host: known.host.clone(),
                last_connected: known.last_connected,
                next_try: None,
                catching_up: None,
                problem: Some(why.clone()),
            },
            queued: 0,
            hosted_here: false,
        };
        let engine = Running::No(why);
        self.spaces.insert(known.space, Joined { known, engine });
        self.tell(vec![UiEvent::Space { space: view }]);
    }

    /// Its engine has ended by itself: the space is shown without one. Connect starts another.
    pub(super) fn ended(&mut self, space: SpaceId) {
        // Another may be there meanwhile, or the space may have been left.
        let known = match self.spaces.get(&space) {
            Some(Joined {
                known,
                engine: Running::Yes(engine),
            }) if engine.has_ended() => known.clone(),
            Some(_) | None => return,
        };
        let words = format!(
            "Something went wrong in {}. What was written is kept; connect to go on.",
            known.name
        );
        self.show_without(known, Refusal::new(Code::Internal, words));
    }

    /// Puts a damaged replica right, beside all else.
    pub(super) fn mend(&mut self, space: SpaceId) {
        let Some(joined) = self.spaces.remove(&space) else {
            return;
        };
        let engine = match joined.engine {
            Running::Yes(engine) => Some(engine),
            Running::No(why) if why.code == Code::Unavailable => {
                // It is under way.
                let engine = Running::No(why);
                self.spaces.insert(space, Joined { engine, ..joined });
                return;
            }
            Running::No(_) => None,
        };
        let name = joined.known.name.clone();
        let words =
            format!("What this computer kept of {name} was damaged; it is being put right.");
        self.show_without(joined.known, Refusal::new(Code::Unavailable, words));
        let (path, notes) = (self.data.space(space).join(REPLICA), self.notes.clone());
        self.mending.spawn(async move {
            if let Some(engine) = engine {
                engine.stop().await;
            }
            let result = blocking(move || mend_replica(&path, &name)).await;
            // Home has ended: then the next start goes on with it.
            let _ = notes.send(Note::Mended { space, result }).await;
        });
    }

    pub(super) async fn mended(&mut self, space: SpaceId, result: Result<String, ClientError>) {
        let Some(known) = self.spaces.get(&space).map(|joined| joined.known.clone()) else {
            // It was left meanwhile.
            self.rename_left(space, None);
            return;
        };
        let started = match result {
            Ok(words) => {
                self.notice(words);
                self.start_engine(known.clone(), None).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = started {
            tracing::error!(%space, %error, "a damaged replica could not be put right");
            self.show_without(known, Refusal::new(Code::Internal, error.to_string()));
        }
    }

    /// Looks the replica of an engine that has just started over.
    pub(super) fn check_later(&self, space: SpaceId, store: Store) {
        let notes = self.notes.downgrade();
        tokio::spawn(async move {
            tokio::time::sleep(CHECK_AFTER).await;
            if let Err(StoreError::Damaged(found)) = store.check().await
                && let Some(notes) = notes.upgrade()
            {
                tracing::error!(%space, found, "the replica is damaged");
                let _ = notes.send(Note::Damaged(space)).await;
            }
        });
    }

    /// Tells the person something that belongs to no place; kept where there is no window yet.
    pub(super) fn notice(&mut self, words: String) {
        let refusal = Refusal::new(Code::Internal, words);
        let notice = UiEvent::Notice { refusal };
        if !self.windows.is_empty() {
            self.tell(vec![notice]);
        } else if self.unheard.len() < UNHEARD {
            self.unheard.push(notice);
        }
    }
}

pub(crate) fn is_damaged(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Store(StoreError::Damaged(_))
            | ClientError::Database {
                error: StoreError::Damaged(_),
                ..
            }
    )
}

/// Opens `landline.db`; a damaged one is put right first, and what is to be said of it.
pub(super) fn open_own(
    data: &DataDir,
    me: MemberId,
) -> Result<(Store, Option<String>), ClientError> {
    let path = data.database();
    match kept::open(&path, Check::AfterUncleanStop) {
        Err(error) if is_damaged(&error) => {}
        opened => return Ok((opened?, None)),
    }
    let (saved, aside) = put_right(&path)?;
    let store = kept::open(&path, Check::NotNow)?;
    let mut words = "The file with your settings and spaces was damaged.".to_owned();
    if saved.complete {
        words += " All of it could be read and is kept.";
    } else {
        let found = find_spaces(data, me);
        let spaces = found.len();
        kept::add_found(&store, found)?;
        words +=
            &format!(" Settings may have been lost; {spaces} spaces were found in their folders.");
    }
    Ok((
        store,
        Some(format!("{words} The damaged file is in {aside}.")),
    ))
}

/// The spaces that have a replica here, and what they call me.
fn find_spaces(data: &DataDir, me: MemberId) -> Vec<(KnownSpace, Option<String>)> {
    let folders = std::fs::read_dir(data.spaces()).into_iter().flatten();
    let ids = folders.filter_map(|folder| folder.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(|space: SpaceId| {
        let store = kept::open(&data.space(space).join(REPLICA), Check::NotNow).ok()?;
        let state = store
            .read_blocking(move |c| rooms::space_state(c, space))
            .ok()?;
        let person = state.people.get(&me);
        Some((
            KnownSpace {
                space,
                name: state.name.clone(),
                admission: state.admission,
                role: person.map_or(landline_protocol::Role::Member, |person| person.role),
                addresses: Vec::new(),
                fingerprint: None,
                host: None,
                last_connected: None,
            },
            person.map(|person| person.name.clone()),
        ))
    })
    .collect()
}

/// Puts a damaged replica right; the words for the person.
fn mend_replica(path: &Path, name: &str) -> Result<String, ClientError> {
    let (saved, aside) = put_right(path)?;
    let mut words = format!("What this computer kept of {name} was damaged.");
    if saved.log {
        words += " It has been put right, and nothing of it is lost.";
    } else {
        words += " It is fetched anew from the host.";
        if saved.waiting > 0 || saved.drafts > 0 {
            words += &format!(
                " What waits to be sent ({}) and drafts ({}) were saved.",
                saved.waiting, saved.drafts
            );
        }
    }
    if !saved.complete {
        words += " Some of what was written here and not sent yet could not be read.";
    }
    Ok(format!("{words} The damaged file is in {aside}."))
}

/// What was saved, and where the damaged file is now.
fn put_right(path: &Path) -> Result<(Saved, String), ClientError> {
    let new = path.with_extension("new");
    let mended = mend::save(path, &new, Logs::Parts)
        .and_then(|saved| Ok((saved, mend::replace(path, &new)?)));
    match mended {
        Ok((saved, aside)) => Ok((saved, aside.display().to_string())),
        Err(error) => Err(ClientError::Database {
            path: path.to_owned(),
            error,
        }),
    }
}
