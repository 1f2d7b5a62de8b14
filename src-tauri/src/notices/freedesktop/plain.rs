//! Notifications of notify-rust, for desktops where one can't answer in them.

use notify_rust::error::Result;
use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Urgency};

use super::{CATEGORY, DESKTOP_ENTRY, End, SOUND};
use crate::notices::{Notice, Response, text};

/// A notification that is on the screen, for as long as this is there: GNOME lets one go with the
/// connection that it came by.
pub(super) struct Shown {
    /// None once it could not be changed.
    handle: Option<NotificationHandle>,
}

impl Shown {
    pub(super) async fn show(notice: &Notice) -> Result<Self> {
        let handle = notification(notice).show_async().await?;
        Ok(Self {
            handle: Some(handle),
        })
    }

    /// Shows another in its place, over the same connection. The library waits for the desktop, so
    /// not in this task.
    pub(super) async fn put(&mut self, notice: &Notice) -> Result<()> {
        let next = notification(notice);
        let Some(mut handle) = self.handle.take() else {
            return Ok(());
        };
        let updating = tokio::task::spawn_blocking(move || {
            *handle = next;
            handle.update().map(|()| handle)
        });
        // Where it panicked, there is nothing to keep.
        if let Ok(updated) = updating.await {
            self.handle = Some(updated?);
        }
        Ok(())
    }

    pub(super) async fn end(&self) -> End {
        let mut end = End::Closed;
        if let Some(handle) = &self.handle {
            let on_response = |response: &NotificationResponse| {
                if matches!(
                    response,
                    NotificationResponse::Default | NotificationResponse::Action(_)
                ) {
                    end = End::Response(Response::Clicked);
                }
            };
            handle.wait_for_action_async(on_response).await;
        }
        end
    }

    pub(super) async fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.close_async().await;
        }
    }
}

fn notification(notice: &Notice) -> Notification {
    let sound = if notice.sound {
        Hint::SoundName(SOUND.to_owned())
    } else {
        Hint::SuppressSound(true)
    };
    Notification::new()
        .appname("Landline")
        .summary(&text::title(&notice.title))
        .body(&text::escaped(&text::body(&notice.body)))
        .icon("landline")
        .hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()))
        .hint(sound)
        .hint(Hint::Category(CATEGORY.to_owned()))
        .urgency(if notice.personal {
            Urgency::Normal
        } else {
            Urgency::Low
        })
        // The name that means a click on the notification itself.
        .action("default", "Open")
        .finalize()
}
