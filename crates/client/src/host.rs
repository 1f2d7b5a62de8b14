//! What the core needs from its surroundings: a desktop shell, or nothing much.

use std::fmt;

use futures_util::future::BoxFuture;
use landline_protocol::{Admission, Code, EventId, MemberId, Refusal, RoomId, SpaceId};

use crate::ui::HostingView;

/// Something worth a desktop notification. At most one is shown per room: a newer one takes the
/// place of the older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub space: SpaceId,
    pub room: RoomId,
    /// What a click goes to; none: the first unread message of the room.
    pub item: Option<EventId>,
    /// Who, and where: `Ana in general`, `Ana`.
    pub title: String,
    /// The text, shortened, or how many messages. Empty where previews are off.
    pub body: String,
    /// In a direct room, or it mentions me.
    pub personal: bool,
    /// With a sound, where the system has one.
    pub sound: bool,
}

/// What became of a reply that was written into a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replied {
    /// It is a message in the outbox.
    Queued,
    /// It can't be sent, as windows are told, and stands at the end of the draft.
    Drafted,
}

/// A space to be hosted by this computer.
#[derive(Debug, Clone)]
pub struct HostRequest {
    pub name: String,
    pub admission: Admission,
    pub passcode: Option<String>,
    /// Who becomes its owner: the person at this computer.
    pub owner: MemberId,
}

/// What this computer hosts, and what it can host again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosted {
    /// Every space that it has ever hosted; at most one of them is on.
    pub spaces: Vec<HostingView>,
    /// Of the one that is on, `127.0.0.1:port`: the client joins it like anybody else.
    pub loopback: Option<String>,
}

impl Hosted {
    /// The space that is on, and its loopback address.
    pub(crate) fn on(&self) -> Option<(&HostingView, &str)> {
        let on = self.spaces.iter().find(|space| space.on)?;
        Some((on, self.loopback.as_deref()?))
    }
}

/// The surroundings of a client. No method may wait.
pub trait Host: fmt::Debug + Send + Sync + 'static {
    /// Shows a notification. A click on it ends in [`crate::Client::open`], what is written into
    /// it in [`crate::Client::reply`].
    fn notify(&self, notification: Notification);

    /// The room was read: its notifications go.
    fn clear_notifications(&self, space: SpaceId, room: RoomId);

    /// Starts a node with a new space. Refused while another is on.
    fn host_space(&self, request: HostRequest) -> BoxFuture<'static, Result<Hosted, Refusal>>;

    /// Starts or stops the node of a space that was hosted before, now and at the next start.
    /// Starting is refused while another is on.
    fn set_hosting(&self, space: SpaceId, on: bool) -> BoxFuture<'static, Result<Hosted, Refusal>>;

    /// Opens an address (`http`, `https` or `mailto`, checked) in the system's browser.
    fn open_link(&self, url: &str) -> Result<(), Refusal>;
}

/// Surroundings without a screen: no notifications, no hosting. For the CLI.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainHost;

impl PlainHost {
    fn without_window(what: &str) -> Refusal {
        Refusal::new(Code::NotAllowed, format!("{what} needs the desktop app"))
    }
}

impl Host for PlainHost {
    fn notify(&self, _: Notification) {}

    fn clear_notifications(&self, _: SpaceId, _: RoomId) {}

    fn host_space(&self, _: HostRequest) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        Box::pin(async {
            Err(Refusal::new(
                Code::NotAllowed,
                "hosting needs the desktop app; without a screen, run `landline-node`",
            ))
        })
    }

    fn set_hosting(&self, _: SpaceId, _: bool) -> BoxFuture<'static, Result<Hosted, Refusal>> {
        Box::pin(async { Err(Self::without_window("hosting")) })
    }

    fn open_link(&self, _: &str) -> Result<(), Refusal> {
        Err(Self::without_window("opening a link"))
    }
}
