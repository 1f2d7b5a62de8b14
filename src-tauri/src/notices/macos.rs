//! Notifications of macOS. Without a signed bundle they can be shown and nothing more: macOS
//! brings the window to the front by itself when one is clicked.

use notify_rust::Notification;
use tokio::sync::watch;

use super::{Clicked, Notice, text};

/// Shows the notice and whatever takes its place, until the sender is gone.
pub(super) async fn keep(mut notices: watch::Receiver<Notice>, _clicked: Clicked) {
    loop {
        let notice = notices.borrow_and_update().clone();
        let mut shown = Notification::new();
        shown
            .summary(&text::title(&notice.title))
            .body(&text::body(&notice.body));
        if notice.sound {
            shown.sound_name("Ping");
        }
        let shown = shown.show();
        if let Err(error) = shown {
            return tracing::warn!(%error, "notifications can't be shown");
        }
        if notices.changed().await.is_err() {
            return;
        }
    }
}
