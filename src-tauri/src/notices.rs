//! Desktop notifications: at most one per room, a newer one in the place of the older.
//!
//! One task per live notification. The registry task below knows which live:
//!
//! ```text
//! show, clear ─▶ registry ─ latest text ─▶ keep (one per room) ─ a click, a reply ─▶ responded
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use landline_protocol::{EventId, RoomId, SpaceId};
use tauri::async_runtime::{self, JoinHandle};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

#[cfg(any(target_os = "macos", target_os = "windows"))]
mod beside;
#[cfg_attr(all(unix, not(target_os = "macos")), path = "notices/freedesktop.rs")]
#[cfg_attr(target_os = "windows", path = "notices/windows.rs")]
#[cfg_attr(target_os = "macos", path = "notices/macos.rs")]
mod system;
mod text;

/// Notifications that are kept alive; past it the oldest goes.
const LIVE_MAX: usize = 16;
/// Orders that wait for the registry; past it they are dropped: unread counts tell as well.
const ORDERS_WAITING: usize = 64;
/// For the desktop to take the last ones from the screen.
const END_WITHIN: Duration = Duration::from_secs(5);

/// What a notification is about. There is at most one about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Room {
        space: SpaceId,
        room: RoomId,
    },
    /// The window was closed and the program goes on.
    Hosting,
}

/// A notification.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) about: About,
    /// What a click goes to, in a room.
    pub(crate) item: Option<EventId>,
    pub(crate) title: String,
    pub(crate) body: String,
    /// In a direct room, or it mentions me.
    pub(crate) personal: bool,
    /// With a sound.
    pub(crate) sound: bool,
}

impl Notice {
    /// A message is shown, and not only how many there are.
    #[cfg_attr(target_os = "windows", allow(dead_code))]
    fn may_be_answered(&self) -> bool {
        matches!(self.about, About::Room { .. }) && self.item.is_some()
    }
}

/// What somebody does with a notification.
pub(crate) enum Response {
    Clicked,
    /// This was written into it.
    #[cfg_attr(target_os = "windows", allow(dead_code))]
    Replied(String),
}

/// What is called then.
type Responded = Arc<dyn Fn(About, Option<EventId>, Response) + Send + Sync>;

/// Shows notifications.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
enum Order {
    Show(Notice),
    Clear(About),
    End(oneshot::Sender<()>),
}

impl Notices {
    pub(crate) fn start(
        responded: impl Fn(About, Option<EventId>, Response) + Send + Sync + 'static,
    ) -> Self {
        let (orders, waiting) = mpsc::channel(ORDERS_WAITING);
        let registry = Registry {
            live: Vec::new(),
            system: system::System::default(),
            responded: Arc::new(responded),
        };
        async_runtime::spawn(registry.run(waiting));
        Self { orders }
    }

    pub(crate) fn show(&self, notice: Notice) {
        self.order(Order::Show(notice));
    }

    pub(crate) fn clear(&self, about: About) {
        self.order(Order::Clear(about));
    }

    /// Takes all from the screen, and shows no more: whoever clicked on one that the program has
    /// left behind, or wrote a reply into it, would be heard by nobody.
    pub(crate) async fn end(&self) {
        let (ended, end) = oneshot::channel();
        let ending = async {
            self.orders.send(Order::End(ended)).await.ok()?;
            end.await.ok()
        };
        if timeout(END_WITHIN, ending).await.is_err() {
            tracing::warn!("the desktop does not take the notifications from the screen");
        }
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::debug!("too many notifications at once: one is not shown");
        }
    }
}

struct Registry {
    /// Oldest first.
    live: Vec<Live>,
    system: system::System,
    responded: Responded,
}

/// A notification that its own task keeps; the task closes it when this is dropped.
struct Live {
    about: About,
    latest: watch::Sender<Notice>,
    keeping: JoinHandle<()>,
}

impl Registry {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            // Those that were clicked, answered, closed, or could not be shown.
            self.live.retain(|live| !live.latest.is_closed());
            match order {
                Order::Show(notice) => self.show(notice),
                Order::Clear(about) => self.live.retain(|live| live.about != about),
                Order::End(ended) => {
                    self.end().await;
                    // Who asked may not wait any longer.
                    let _ = ended.send(());
                    return;
                }
            }
        }
    }

    async fn end(self) {
        let mut closing = Vec::new();
        for Live {
            latest, keeping, ..
        } in self.live
        {
            drop(latest);
            closing.push(keeping);
        }
        for closed in closing {
            // One that panicked is gone, too.
            let _ = closed.await;
        }
    }

    fn show(&mut self, notice: Notice) {
        let same = self.live.iter().find(|live| live.about == notice.about);
        if same.is_some_and(|live| live.latest.send(notice.clone()).is_ok()) {
            return;
        }
        if self.live.len() >= LIVE_MAX {
            self.live.remove(0);
        }
        let about = notice.about;
        let (latest, notices) = watch::channel(notice);
        let (system, responded) = (self.system.clone(), self.responded.clone());
        let keeping = async_runtime::spawn(system::keep(system, notices, responded));
        self.live.push(Live {
            about,
            latest,
            keeping,
        });
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("live", &self.live.len())
            .finish_non_exhaustive()
    }
}
