//! How the rest of the node speaks with the Hub, and what it lets be known.

use landline_protocol::up::{SignIn, SpaceInfo};
use landline_protocol::{MemberId, Refusal};
use tokio::sync::{mpsc, oneshot};

use crate::request::Request;
use crate::session::{Asker, Outlet, SessionId};

/// Commands that wait for the Hub. Past it: `unavailable`.
const COMMANDS: usize = 4096;

/// What the Hub is asked to do.
#[derive(Debug)]
pub(crate) enum HubCommand {
    Connected(Outlet),
    Disconnected(SessionId),
    /// The signature has been verified.
    SignIn {
        asker: Asker,
        member: MemberId,
        request: Box<SignIn>,
    },
    Request {
        asker: Asker,
        request: Request,
    },
    /// Finish what waits, say goodbye, end.
    Stop(oneshot::Sender<()>),
}

impl HubCommand {
    /// Answers the one who asks, where somebody does.
    pub(crate) fn refuse(self, refusal: Refusal) {
        match self {
            Self::SignIn { asker, .. } | Self::Request { asker, .. } => {
                asker.answer::<()>(Err(refusal));
            }
            Self::Connected(_) | Self::Disconnected(_) | Self::Stop(_) => {}
        }
    }
}

/// The way to the Hub.
#[derive(Debug, Clone)]
pub(crate) struct HubHandle(mpsc::Sender<HubCommand>);

impl HubHandle {
    /// A handle, and what its Hub takes from.
    pub(crate) fn new() -> (Self, mpsc::Receiver<HubCommand>) {
        let (commands, taken) = mpsc::channel(COMMANDS);
        (Self(commands), taken)
    }

    /// Hands a command over at once, or back.
    pub(crate) fn offer(&self, command: HubCommand) -> Result<(), Box<HubCommand>> {
        self.0.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(command)
            | mpsc::error::TrySendError::Closed(command) => Box::new(command),
        })
    }

    /// Hands a command over as soon as there is place. A Hub that has ended needs none.
    pub(crate) async fn tell(&self, command: HubCommand) {
        let _ = self.0.send(command).await;
    }
}

/// What is known of the node outside of it: by `/health`, on the LAN, in the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    /// The last write was stored.
    pub(crate) stores: bool,
    pub(crate) connections: usize,
    pub(crate) space: SpaceInfo,
}
