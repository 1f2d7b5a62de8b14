//! Spaces near, and why none may be seen.

use landline_discovery::Sighting;
use tokio::sync::{mpsc, watch};

use super::Home;
use crate::engine;
use crate::ui::{Snapshot, UiEvent};

impl Home {
    pub(super) fn on_sighting(&mut self, sighting: Sighting) {
        let changed = match sighting {
            Sighting::SpaceSeen(seen) => {
                if let Some(joined) = self.spaces.get(&seen.space) {
                    // Anybody can advertise: another key than the known one is not our space.
                    let key = &joined.known.fingerprint;
                    if key.is_none() || *key == seen.fingerprint {
                        joined.tell(engine::Input::Seen(seen.clone()));
                    }
                }
                self.nearby.seen(seen)
            }
            Sighting::SpaceGone { space, fingerprint } => self.nearby.gone(space, fingerprint),
        };
        if changed {
            self.tell_nearby();
        }
    }

    /// Why spaces near can't be found; none: they can.
    pub(super) fn on_problem(&mut self, problem: Option<String>) {
        if self.picture.now().discovery_problem != problem {
            let snapshot = Snapshot {
                discovery_problem: problem,
                ..self.picture.now().clone()
            };
            self.tell(vec![UiEvent::Snapshot(snapshot)]);
        }
    }

    pub(super) fn tell_nearby(&mut self) {
        let known = |space| {
            let joined = self.spaces.get(&space)?;
            Some(joined.known.fingerprint.clone())
        };
        let spaces = self.nearby.view(known);
        self.tell(vec![UiEvent::Nearby { spaces }]);
    }
}

pub(super) async fn next_sighting(
    sightings: &mut Option<mpsc::Receiver<Sighting>>,
) -> Option<Sighting> {
    match sightings {
        Some(sightings) => sightings.recv().await,
        None => std::future::pending().await,
    }
}

pub(super) async fn next_problem(
    problem: &mut Option<watch::Receiver<Option<String>>>,
) -> Option<Option<String>> {
    match problem {
        Some(problem) => {
            problem.changed().await.ok()?;
            Some(problem.borrow_and_update().clone())
        }
        None => std::future::pending().await,
    }
}
