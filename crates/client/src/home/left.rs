//! What this computer keeps of a space that was left: taken away, whatever comes in between.
//!
//! ```text
//! leave ─▶ off the list, on that of spaces left (one write) ─▶ engine stopped ─▶ folder renamed
//!                                                                                   │
//! start ─▶ those on the list: once more; folders with such a name: deleted          ▼
//! join  ─▶ waits ─────────────────────────────────────────────────▶ off the list, deleted beside
//! ```
//! Only what the list names is ever taken away, or has such a name already: a folder may be of a
//! space whose place in the list of spaces was lost, and holds what waits to be sent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use landline_protocol::{Code, Refusal, SpaceId};
use landline_store::{shelf, sync_name};

use super::{Home, Note, Reply, Running, blocking};
use crate::ClientError;
use crate::command::{Answer, SpaceAnswer};
use crate::contact::{Contact, NoContact};
use crate::engine::EngineHandle;

/// In the name of a folder that is to be deleted: `<space>.left-<n>`.
const LEFT: &str = ".left-";

/// A space that was left, and whose folder has its name still.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// The folder is being given another name.
    under_way: bool,
    /// Who came again meanwhile.
    joins: Vec<Arrival>,
}

/// A contact that somebody who joins has made, or not.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(super) result: Box<Result<Contact, NoContact>>,
    pub(super) asked: Asked,
}

/// The command that wants it, where there is one.
#[derive(Debug)]
pub(super) struct Asked {
    /// Makes it the answer to that command.
    pub(super) answer: fn(SpaceAnswer) -> Answer,
    pub(super) reply: Option<Reply>,
}

impl Home {
    /// At the start: goes on with what was begun, and deletes what is to be deleted.
    pub(super) fn take_away_rest(&mut self, left: BTreeSet<SpaceId>) {
        let spaces = self.data.spaces();
        // Not waited for: it may be much.
        drop(tokio::task::spawn_blocking(move || delete_left(&spaces)));
        for space in left {
            if !self.spaces.contains_key(&space) {
                self.left.insert(space, Leaving::default());
                self.rename_left(space, None);
            }
        }
    }

    /// Takes away what is kept of a space that was left.
    pub(super) fn take_away(&mut self, space: SpaceId, engine: Running) {
        match engine {
            Running::Yes(engine) => self.rename_left(space, Some(engine)),
            // Being put right: nothing else may touch it before that has ended.
            Running::No(why) if why.code == Code::Unavailable => {
                if let Some(leaving) = self.left.get_mut(&space) {
                    leaving.under_way = true;
                }
            }
            Running::No(_) => self.rename_left(space, None),
        }
    }

    /// Gives its folder another name, once its engine has ended, and deletes it.
    pub(super) fn rename_left(&mut self, space: SpaceId, engine: Option<EngineHandle>) {
        let Some(leaving) = self.left.get_mut(&space) else {
            return;
        };
        leaving.under_way = true;
        let (folder, notes) = (self.data.space(space), self.notes.clone());
        self.mending.spawn(async move {
            if let Some(engine) = engine {
                engine.stop().await;
            }
            let renamed = blocking(move || {
                let renamed = rename(&folder);
                renamed.map_err(|error| ClientError::Folder {
                    path: folder,
                    error,
                })
            });
            let result = renamed.await.map(|renamed| {
                // Not waited for: it may be much.
                drop(tokio::task::spawn_blocking(move || {
                    renamed.iter().for_each(|folder| delete(folder));
                }));
            });
            // Home has ended: then the next start goes on with it.
            let _ = notes.send(Note::TakenAway { space, result }).await;
        });
    }

    /// Its folder has another name now, or can't have one: then the next join tries again.
    pub(super) async fn taken_away(&mut self, space: SpaceId, result: Result<(), ClientError>) {
        let Some(leaving) = self.left.remove(&space) else {
            return;
        };
        match result {
            Ok(()) => {
                if let Err(error) = self.save_spaces().await {
                    tracing::warn!(%error, "the list of spaces that were left was not stored");
                }
                for arrival in leaving.joins {
                    self.arrived(arrival).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the replica of a space that was left is still there");
                let refusal = Refusal::from(error);
                for arrival in leaving.joins {
                    arrival.asked.answers(Err(refusal.clone()));
                }
                self.left.insert(space, Leaving::default());
            }
        }
    }

    /// Takes over a contact; one with a space that is being left waits until that is done.
    pub(super) async fn arrived(&mut self, arrival: Arrival) {
        let contact = arrival.result.as_ref().as_ref().ok();
        let space = contact.map(|contact| contact.signed_in.space.id);
        if let Some(space) = space
            && let Some(leaving) = self.left.get_mut(&space)
        {
            leaving.joins.push(arrival);
            if !leaving.under_way {
                self.rename_left(space, None);
            }
            return;
        }
        let Arrival { result, asked } = arrival;
        asked.answers(self.joined(*result).await);
    }
}

impl Asked {
    fn answers(self, joined: Result<SpaceId, Refusal>) {
        if let Some(reply) = self.reply {
            // Whoever joined may have gone.
            let _ = reply.send(joined.map(|space| (self.answer)(SpaceAnswer { space })));
        }
    }
}

/// From then on nothing opens it by its name, and that survives a loss of power. `None`: it is not
/// there.
fn rename(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut taken = 0_u32;
    loop {
        taken += 1;
        let to = folder.with_extension(format!("left-{taken}"));
        if to.symlink_metadata().is_ok() {
            continue;
        }
        return match fs::rename(folder, &to) {
            Ok(()) => sync_name(&to).map(|()| Some(to)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
    }
}

/// Deletes what an earlier end came in between of.
fn delete_left(spaces: &Path) {
    let names = shelf::names(spaces).unwrap_or_default();
    let left = names.iter().filter(|name| {
        name.split_once(LEFT).is_some_and(|(space, n)| {
            space.parse::<SpaceId>().is_ok() && n.bytes().all(|digit| digit.is_ascii_digit())
        })
    });
    left.for_each(|name| delete(&spaces.join(name)));
}

fn delete(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, folder = %folder.display(), "a folder can't be deleted");
        }
        Ok(()) | Err(_) => {}
    }
}
