//! A person's desktop: the notifications that stand on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use landline_client::{Host, HostRequest, Hosted, Notification, PlainHost};
use landline_protocol::{Refusal, RoomId, SpaceId};

/// Keeps what it is told to show, as a desktop does: the newest of each room.
#[derive(Debug, Default)]
pub struct Desk(Mutex<BTreeMap<RoomId, Notification>>);

impl Desk {
    /// What stands there now.
    pub fn shown(&self) -> BTreeMap<RoomId, Notification> {
        self.with(|shown| shown.clone())
    }

    fn with<T>(&self, with: impl FnOnce(&mut BTreeMap<RoomId, Notification>) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Host for Desk {
    fn notify(&self, notification: Notification) {
        self.with(|shown| shown.insert(notification.room, notification));
    }

    fn clear_notifications(&self, _: SpaceId, room: RoomId) {
        self.with(|shown| shown.remove(&room));
    }

    fn host_space(&self, request: HostRequest) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        PlainHost.host_space(request)
    }

    fn set_hosting(&self, space: SpaceId, on: bool) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        PlainHost.set_hosting(space, on)
    }

    fn open_link(&self, url: &str) -> Result<(), Refusal> {
        PlainHost.open_link(url)
    }
}
