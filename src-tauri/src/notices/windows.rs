//! Notifications of Windows. None can be answered: the library that shows them has no field for it.

use notify_rust::{Notification, NotificationHandle, NotificationResponse};

pub(super) use super::beside::keep;
use super::{Notice, Responded, Response, text};

/// What the installer's shortcut has; without it Windows names PowerShell as the sender.
const APP_ID: &str = "chat.landline.desktop";

#[derive(Debug, Clone, Default)]
pub(super) struct System;

/// Waiting takes a thread; it ends when the notification does.
pub(super) fn wait(shown: NotificationHandle, notice: Notice, responded: Responded) {
    let on_response = move |response: &NotificationResponse| {
        if matches!(
            response,
            NotificationResponse::Default | NotificationResponse::Action(_)
        ) {
            responded(notice.about, notice.item, Response::Clicked);
        }
    };
    tokio::task::spawn_blocking(move || shown.wait_for_response(on_response));
}

pub(super) fn notification(notice: &Notice) -> Notification {
    Notification::new()
        .app_id(APP_ID)
        .summary(&text::title(&notice.title))
        .body(&text::body(&notice.body))
        .finalize()
}
