//! The windows that listen. None can hold the core up: one that falls behind misses what it did
//! not take and gets a fresh snapshot once it has room again.

use tokio::sync::mpsc;

use crate::picture::Picture;
use crate::ui::UiEvent;

/// Batches that wait for a window; past it, the window has fallen behind.
pub(crate) const WINDOW_BATCHES: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Windows {
    open: Vec<Window>,
}

#[derive(Debug)]
struct Window {
    batches: mpsc::Sender<Vec<UiEvent>>,
    behind: bool,
}

impl Windows {
    pub(crate) fn add(&mut self, batches: mpsc::Sender<Vec<UiEvent>>, picture: &Picture) {
        let mut window = Window {
            batches,
            behind: true,
        };
        window.catch_up(picture);
        self.open.push(window);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Some window has missed something.
    pub(crate) fn any_behind(&self) -> bool {
        self.open.iter().any(|window| window.behind)
    }

    /// `picture` holds these events already.
    pub(crate) fn tell(&mut self, events: &[UiEvent], picture: &Picture) {
        if events.is_empty() {
            return;
        }
        for window in &mut self.open {
            if window.behind {
                window.catch_up(picture);
            } else {
                window.behind = window.batches.try_send(events.to_vec()).is_err();
            }
        }
        self.open.retain(|window| !window.batches.is_closed());
    }

    pub(crate) fn catch_up(&mut self, picture: &Picture) {
        for window in self.open.iter_mut().filter(|window| window.behind) {
            window.catch_up(picture);
        }
        self.open.retain(|window| !window.batches.is_closed());
    }
}

impl Window {
    /// The snapshot, where there is room for it, and that every page shown must be read anew.
    fn catch_up(&mut self, picture: &Picture) {
        if let Ok(place) = self.batches.try_reserve() {
            place.send(vec![UiEvent::Snapshot(picture.now().clone())]);
            self.behind = false;
        }
    }
}
