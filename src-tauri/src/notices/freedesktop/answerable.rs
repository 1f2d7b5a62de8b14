//! Notifications that one can answer: KDE's extension of [`org.freedesktop.Notifications`][spec].
//!
//! They go over one connection of ours, since a desktop tells of a reply to the connection that
//! showed what it is to, and to no other; notify-rust keeps its own to itself.
//!
//! [spec]: https://specifications.freedesktop.org/notification-spec/latest/

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::OnceCell;
use zbus::proxy::{Builder, CacheProperties, SignalStream};
use zbus::{Connection, Message, Proxy, Variant};

use super::{CATEGORY, DESKTOP_ENTRY, End, SOUND};
use crate::notices::{Notice, Response, text};

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

/// The service that shows notifications; clones share a connection, made when the first is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Desktop(Arc<OnceCell<Proxy<'static>>>);

impl Desktop {
    /// None where it announces no field for them. Asked each time: another service may have taken
    /// its place.
    pub(super) async fn that_takes_replies(&self) -> zbus::Result<Option<&Proxy<'static>>> {
        let desktop = self.0.get_or_try_init(connect).await?;
        let capabilities: Vec<String> = desktop.call("GetCapabilities", &()).await?;
        let takes_replies = capabilities.iter().any(|one| one == INLINE_REPLY);
        Ok(takes_replies.then_some(desktop))
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

/// A notification that is on the screen.
pub(super) struct Shown<'d> {
    desktop: &'d Proxy<'static>,
    /// Of the desktop's service and of nobody else; in the order in which it sent them.
    signals: SignalStream<'static>,
    /// 0: not shown yet.
    id: u32,
}

impl<'d> Shown<'d> {
    pub(super) async fn show(desktop: &'d Proxy<'static>, notice: &Notice) -> zbus::Result<Self> {
        // Before it is shown, so that no click comes too early.
        let signals = desktop.receive_all_signals().await?;
        let mut shown = Self {
            desktop,
            signals,
            id: 0,
        };
        shown.put(notice).await?;
        Ok(shown)
    }

    /// Shows it, in the place of what was there.
    pub(super) async fn put(&mut self, notice: &Notice) -> zbus::Result<()> {
        let reply = notice.may_be_answered();
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

    pub(super) async fn end(&mut self) -> End {
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

    pub(super) async fn close(&self) {
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
        ("category", Variant::from(CATEGORY)),
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
