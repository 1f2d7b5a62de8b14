//! The desktop as the client core sees it.

use futures_util::future::BoxFuture;
use landline_client::{Host, HostRequest, Hosted, Notification};
use landline_protocol::{Code, Refusal, RoomId, SpaceId};

use crate::hosting::Hosting;
use crate::notices::{About, Notice, Notices};

/// The desktop as the client core sees it.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) notices: Notices,
    pub(crate) hosting: Hosting,
}

impl Host for Shell {
    fn notify(&self, notification: Notification) {
        let Notification {
            space,
            room,
            item,
            title,
            body,
            personal,
            sound,
        } = notification;
        self.notices.show(Notice {
            about: About::Room { space, room },
            item,
            title,
            body,
            personal,
            sound,
        });
    }

    fn clear_notifications(&self, space: SpaceId, room: RoomId) {
        self.notices.clear(About::Room { space, room });
    }

    fn host_space(&self, request: HostRequest) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        let hosting = self.hosting.clone();
        Box::pin(async move { hosting.host(request).await })
    }

    fn set_hosting(&self, space: SpaceId, on: bool) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        let hosting = self.hosting.clone();
        Box::pin(async move { hosting.set(space, on).await })
    }

    fn open_link(&self, url: &str) -> Result<(), Refusal> {
        open::that_detached(url).map_err(|error| {
            Refusal::new(
                Code::Internal,
                format!("no program opens this link: {error}"),
            )
        })
    }
}
