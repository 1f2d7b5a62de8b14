//! Notifications of Linux and the BSDs, over D-Bus. notify-rust shows them ([`plain`]), but where
//! the desktop has a field for a reply, which that library does not know ([`answerable`]).

use std::sync::Once;

use tokio::sync::watch;

use super::{Notice, Responded, Response};

#[path = "freedesktop/answerable.rs"]
mod answerable;
#[path = "freedesktop/plain.rs"]
mod plain;

/// The name of the installed `.desktop` file: desktops group notifications by it.
const DESKTOP_ENTRY: &str = "Landline";
/// Of the specification of notifications.
const CATEGORY: &str = "im.received";
/// Of the sound naming specification; a desktop that has none by this name is silent.
const SOUND: &str = "message-new-instant";

/// The desktop's notifications.
#[derive(Debug, Clone, Default)]
pub(super) struct System {
    desktop: answerable::Desktop,
}

/// Shows the notice, then whatever takes its place, until it is clicked, answered or closed; closes
/// it when the sender is gone.
pub(super) async fn keep(
    system: System,
    mut notices: watch::Receiver<Notice>,
    responded: Responded,
) {
    let mut notice = notices.borrow_and_update().clone();
    let mut shown = match Shown::show(&system, &notice).await {
        Ok(shown) => shown,
        Err(error) => return say_once(&error),
    };
    loop {
        tokio::select! {
            end = shown.end() => {
                if let End::Response(response) = end {
                    shown.close().await;
                    responded(notice.about, notice.item, response);
                }
                return;
            }
            changed = notices.changed() => {
                if changed.is_err() {
                    return shown.close().await;
                }
                notice = notices.borrow_and_update().clone();
                if let Err(error) = shown.put(&notice).await {
                    return tracing::warn!(%error, "a notification can't be updated");
                }
            }
        }
    }
}

/// A desktop without notifications has none for every message: the log need not say each.
fn say_once(error: &anyhow::Error) {
    static SAID: Once = Once::new();
    SAID.call_once(|| tracing::warn!(%error, "this desktop shows no notifications"));
}

/// How a notification ends.
enum End {
    Response(Response),
    Closed,
}

/// A notification that is on the screen.
enum Shown<'s> {
    Plain(Box<plain::Shown>),
    Answerable(Box<answerable::Shown<'s>>),
}

impl<'s> Shown<'s> {
    async fn show(system: &'s System, notice: &Notice) -> anyhow::Result<Self> {
        Ok(match system.desktop.that_takes_replies().await? {
            Some(desktop) => {
                let shown = answerable::Shown::show(desktop, notice).await?;
                Self::Answerable(Box::new(shown))
            }
            None => Self::Plain(Box::new(plain::Shown::show(notice).await?)),
        })
    }

    /// Shows another in the place of what was there.
    async fn put(&mut self, notice: &Notice) -> anyhow::Result<()> {
        match self {
            Self::Plain(shown) => shown.put(notice).await?,
            Self::Answerable(shown) => shown.put(notice).await?,
        }
        Ok(())
    }

    async fn end(&mut self) -> End {
        match self {
            Self::Plain(shown) => shown.end().await,
            Self::Answerable(shown) => shown.end().await,
        }
    }

    /// Some desktops close what was clicked or answered, others leave that to the program.
    async fn close(&mut self) {
        match self {
            Self::Plain(shown) => shown.close().await,
            Self::Answerable(shown) => shown.close().await,
        }
    }
}
