//! How the rest of the node speaks with the Hub, and what it lets be known.

use landline_protocol::up::{SignIn, SpaceInfo};
use landline_protocol::{MemberId, Refusal};
use tokio::sync::{mpsc, oneshot};

use crate::request::Request;
use crate::session::{Asker, Outlet, SessionId};
use crate::world::World;

use super::tokens::TokenHash;

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
    /// Who comes by HTTP with this token; `None`: nobody that it is good for.
    Visit {
        token: TokenHash,
        reply: oneshot::Sender<Option<Visitor>>,
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
            // A reply that is dropped says that the node is not to be had.
            Self::Connected(_) | Self::Disconnected(_) | Self::Visit { .. } | Self::Stop(_) => {}
        }
    }
}

/// A member who comes by HTTP.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) member: MemberId,
    /// As it stands now. Not to be kept: as long as it is held, the Hub copies what it changes.
    pub(crate) world: World,
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
