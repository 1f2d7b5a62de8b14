//! Notifications of Linux and the BSDs, over D-Bus.

use std::sync::Once;

use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Urgency};
use tokio::sync::watch;

use super::{Clicked, Notice, text};

/// The name of the installed `.desktop` file: desktops group notifications by it.
const DESKTOP_ENTRY: &str = "Landline";

/// Shows the notice, then whatever takes its place, until it is clicked or closed; closes it when
/// the sender is gone.
pub(super) async fn keep(mut notices: watch::Receiver<Notice>, clicked: Clicked) {
    let mut notice = notices.borrow_and_update().clone();
    let mut shown = match notification(&notice).show_async().await {
        Ok(shown) => shown,
        Err(error) => return say_once(&error),
    };
    loop {
        tokio::select! {
            was_clicked = wait(&shown) => {
                if was_clicked {
                    clicked(notice.about, notice.item);
                }
                return;
            }
            changed = notices.changed() => {
                if changed.is_err() {
                    return shown.close_async().await;
                }
                notice = notices.borrow_and_update().clone();
                match update(shown, notification(&notice)).await {
                    Some(updated) => shown = updated,
                    None => return,
                }
            }
        }
    }
}

/// A desktop without notifications has none for every message: the log need not say each.
fn say_once(error: &notify_rust::error::Error) {
    static SAID: Once = Once::new();
    SAID.call_once(|| tracing::warn!(%error, "this desktop shows no notifications"));
}

/// Waits until it is gone: true if by a click.
async fn wait(shown: &NotificationHandle) -> bool {
    let mut was_clicked = false;
    let on_response = |response: &NotificationResponse| {
        was_clicked = matches!(
            response,
            NotificationResponse::Default | NotificationResponse::Action(_)
        );
    };
    shown.wait_for_action_async(on_response).await;
    was_clicked
}

/// Shows another text in the place of what is shown, over the same connection: GNOME lets a
/// notification go with the connection that it came by. The library waits, so not in this task.
async fn update(mut shown: NotificationHandle, next: Notification) -> Option<NotificationHandle> {
    let updating = tokio::task::spawn_blocking(move || {
        *shown = next;
        shown.update().map(|()| shown)
    });
    match updating.await {
        Ok(Ok(shown)) => Some(shown),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a notification can't be updated");
            None
        }
        Err(error) => {
            tracing::error!(%error, "a notification can't be updated");
            None
        }
    }
}

fn notification(notice: &Notice) -> Notification {
    // Of the sound naming specification; a desktop that has none by this name is silent.
    let sound = if notice.sound {
        Hint::SoundName("message-new-instant".to_owned())
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
        .hint(Hint::Category("im.received".to_owned()))
        .urgency(if notice.personal {
            Urgency::Normal
        } else {
            Urgency::Low
        })
        // The name that means a click on the notification itself.
        .action("default", "Open")
        .finalize()
}
