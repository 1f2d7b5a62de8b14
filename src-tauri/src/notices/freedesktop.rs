//! Notifications of Linux and the BSDs, over D-Bus: [`org.freedesktop.Notifications`][spec], and the
//! extension of KDE's by which one can answer in a notification.
//!
//! The program shows them over one connection, since a desktop tells of a reply to the connection
//! that showed what it is to, and to no other; and GNOME lets a notification go with its connection.
//!
//! [spec]: https://specifications.freedesktop.org/notification-spec/latest/

use std::collections::HashMap;
use std::sync::{Arc, Once};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::{OnceCell, watch};
use zbus::proxy::{Builder, CacheProperties, SignalStream};
use zbus::{Connection, Message, Proxy, Variant};

use super::{Notice, Responded, Response, text};

/// Of the service and of its interface.
const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// For the desktop to answer a call: it may have to start its service first.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// The action that means a click on the notification itself.
const CLICK: &str = "default";
/// The name of KDE's extension, as a capability and as an action.
const INLINE_REPLY: &str = "inline-reply";
/// Of the specification: as long as the desktop thinks best.
const USUAL_TIME: i32 = -1;
/// The name of the installed `.desktop` file: desktops group notifications by it.
const DESKTOP_ENTRY: &str = "Landline";
/// Of the sound naming specification; a desktop that has none by this name is silent.
const SOUND: &str = "message-new-instant";

/// The desktop's notifications; clones share a connection, made when the first one is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct System(Arc<OnceCell<Proxy<'static>>>);

impl System {
    async fn desktop(&self) -> zbus::Result<&Proxy<'static>> {
        self.0.get_or_try_init(connect).await
    }
}

async fn connect() -> zbus::Result<Proxy<'static>> {
    let bus: Connection = zbus::connection::Builder::session()
        .method_timeout(CALL_LIMIT)
        .build()
        .await?;
    Builder::new(&bus)
        .destination(NAME)
        .path(PATH)
        .interface(NAME)
        .cache_properties(CacheProperties::No)
        .build()
        .await
}

/// Shows the notice, then whatever takes its place, until it is clicked, answered or closed; closes
/// it when the sender is gone.
pub(super) async fn keep(
    system: System,
    mut notices: watch::Receiver<Notice>,
    responded: Responded,
) {
    let mut notice = notices.borrow_and_update().clone();
    let shown = match system.desktop().await {
        Ok(desktop) => Shown::show(desktop, &notice).await,
        Err(error) => Err(error),
    };
    let mut shown = match shown {
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
fn say_once(error: &zbus::Error) {
    static SAID: Once = Once::new();
    SAID.call_once(|| tracing::warn!(%error, "this desktop shows no notifications"));
}

/// How a notification ends.
enum End {
    Response(Response),
    Closed,
}

/// A notification that is on the screen.
struct Shown<'d> {
    desktop: &'d Proxy<'static>,
    /// Of the desktop's service and of nobody else; in the order in which it sent them.
    signals: SignalStream<'static>,
    takes_replies: bool,
    /// 0: not shown yet.
    id: u32,
}

impl<'d> Shown<'d> {
    async fn show(desktop: &'d Proxy<'static>, notice: &Notice) -> zbus::Result<Self> {
        // Before it is shown, so that no click comes too early.
        let signals = desktop.receive_all_signals().await?;
        let capabilities: Vec<String> = desktop.call("GetCapabilities", &()).await?;
        let mut shown = Self {
            desktop,
            signals,
            takes_replies: capabilities.iter().any(|one| one == INLINE_REPLY),
            id: 0,
        };
        shown.put(notice).await?;
        Ok(shown)
    }

    /// Shows it, in the place of what was there.
    async fn put(&mut self, notice: &Notice) -> zbus::Result<()> {
        let reply = self.takes_replies && notice.may_be_answered();
        let mut actions = vec![CLICK, "Open"];
        if reply {
            actions.extend([INLINE_REPLY, text::REPLY]);
        }
        let notification = (
            "Landline",
            self.id,
            "landline",
            text::title(&notice.title),
            text::escaped(&text::body(&notice.body)),
            actions,
            hints(notice, reply),
            USUAL_TIME,
        );
        self.id = self.desktop.call("Notify", &notification).await?;
        Ok(())
    }

    async fn end(&mut self) -> End {
        while let Some(signal) = self.signals.next().await {
            if let Some(end) = self.end_by(&signal) {
                return end;
            }
        }
        End::Closed
    }

    /// How this signal ends it, where it does.
    fn end_by(&self, signal: &Message) -> Option<End> {
        let (header, body) = (signal.header(), signal.body());
        let (id, end) = match header.member()?.as_str() {
            "ActionInvoked" => {
                let (id, _): (u32, &str) = body.deserialize().ok()?;
                (id, End::Response(Response::Clicked))
            }
            "NotificationReplied" => {
                let (id, text): (u32, &str) = body.deserialize().ok()?;
                (id, End::Response(Response::Replied(text::reply(text))))
            }
            "NotificationClosed" => {
                let (id, _): (u32, u32) = body.deserialize().ok()?;
                (id, End::Closed)
            }
            _ => return None,
        };
        (id == self.id).then_some(end)
    }

    /// Some desktops close what was clicked or answered, others leave that to the program.
    async fn close(&self) {
        let closed: zbus::Result<()> = self.desktop.call("CloseNotification", &self.id).await;
        if let Err(error) = closed {
            tracing::debug!(%error, "a notification was closed already");
        }
    }
}

fn hints(notice: &Notice, reply: bool) -> HashMap<&'static str, Variant<'static>> {
    const LOW: u8 = 0;
    const NORMAL: u8 = 1;
    let urgency = if notice.personal { NORMAL } else { LOW };
    let sound = if notice.sound {
        ("sound-name", Variant::from(SOUND))
    } else {
        ("suppress-sound", Variant::from(true))
    };
    let mut hints = HashMap::from([
        ("desktop-entry", Variant::from(DESKTOP_ENTRY)),
        ("category", Variant::from("im.received")),
        ("urgency", Variant::from(urgency)),
        sound,
    ]);
    if reply {
        hints.extend([
            (
                "x-kde-reply-placeholder-text",
                Variant::from(text::YOUR_REPLY),
            ),
            ("x-kde-reply-submit-button-text", Variant::from(text::SEND)),
        ]);
    }
    hints
}
