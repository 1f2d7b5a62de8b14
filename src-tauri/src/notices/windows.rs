//! Notifications of Windows. They can't be changed or taken back once shown: a newer one is shown
//! beside the older. Nor can one be answered: the library that shows them has no field for it.

use notify_rust::{Notification, NotificationHandle, NotificationResponse};
use tokio::sync::watch;

use super::{Notice, Responded, Response, text};

/// What the installer's shortcut has; without it Windows names PowerShell as the sender.
const APP_ID: &str = "chat.landline.desktop";

#[derive(Debug, Clone, Default)]
pub(super) struct System;

/// Shows the notice and whatever takes its place, until one is clicked or the sender is gone.
pub(super) async fn keep(
    _system: System,
    mut notices: watch::Receiver<Notice>,
    responded: Responded,
) {
    loop {
        let notice = notices.borrow_and_update().clone();
        match notification(&notice).show() {
            Ok(shown) => wait(shown, notice, responded.clone()),
            Err(error) => return tracing::warn!(%error, "notifications can't be shown"),
        }
        if notices.changed().await.is_err() {
            return;
        }
    }
}

/// Waiting takes a thread; it ends when the notification does.
fn wait(shown: NotificationHandle, notice: Notice, responded: Responded) {
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

fn notification(notice: &Notice) -> Notification {
    Notification::new()
        .app_id(APP_ID)
        .summary(&text::title(&notice.title))
        .body(&text::body(&notice.body))
        .finalize()
}
