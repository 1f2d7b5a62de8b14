//! Notifications of macOS. A click brings the window to the front by itself; what to do besides,
//! and a reply, is told to a thread that waits for it.

use std::sync::atomic::{AtomicUsize, Ordering};

use notify_rust::{Notification, NotificationHandle, NotificationResponse};

pub(super) use super::beside::keep;
use super::{Notice, Responded, Response, text};

/// Threads that wait, each for one notification. Past it, one is only shown.
const WAITING_MAX: usize = 8;

static WAITING: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Clone, Default)]
pub(super) struct System;

pub(super) fn wait(shown: NotificationHandle, notice: Notice, responded: Responded) {
    if WAITING.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
        WAITING.fetch_sub(1, Ordering::Relaxed);
        // Dropped, it is shown all the same.
        return;
    }
    let on_response = move |response: &NotificationResponse| match response {
        NotificationResponse::Default | NotificationResponse::Action(_) => {
            responded(notice.about, notice.item, Response::Clicked);
        }
        NotificationResponse::Reply(text) => {
            responded(
                notice.about,
                notice.item,
                Response::Replied(text::reply(text)),
            );
        }
        NotificationResponse::Closed(_) => {}
    };
    tokio::task::spawn_blocking(move || {
        let waited = shown.wait_for_response(on_response);
        WAITING.fetch_sub(1, Ordering::Relaxed);
        if let Err(error) = waited {
            tracing::warn!(%error, "a notification can't be shown");
        }
    });
}

pub(super) fn notification(notice: &Notice) -> Notification {
    let mut shown = Notification::new();
    shown
        .summary(&text::title(&notice.title))
        .body(&text::body(&notice.body));
    if notice.sound {
        shown.sound_name("Ping");
    }
    if notice.may_be_answered() {
        shown.reply(text::YOUR_REPLY);
    }
    shown
}
