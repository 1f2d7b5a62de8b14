//! The handle that the shell and the CLI hold.
//!
//! Behind it is one task ([`crate::home`]) that owns what is above the spaces, and one engine per
//! space. A handle is cheap to clone; the core ends with [`Client::stop`] or when the last is gone.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use landline_discovery::Discovery;
use landline_protocol::up::{AppendResult, ClientInfo};
use landline_protocol::{Code, EventId, MemberId, Refusal, RoomId, SpaceId};
use tokio::sync::{mpsc, oneshot};

use crate::command::{Answer, Command};
use crate::engine::{self, NewReply};
use crate::export::Source;
use crate::home::{self, Input};
use crate::import::Ready;
use crate::link::Dial;
use crate::ui::UiEvent;
use crate::{ClientError, Clock, Host, Hosted, Random, Replied};

/// Commands that may wait for the core; past it, a caller waits.
const COMMANDS_WAITING: usize = 256;

/// What a client is made of.
#[derive(Clone)]
pub struct ClientConfig {
    /// Where everything is kept; made if it is not there. One client at a time.
    pub data_dir: PathBuf,
    pub clock: Arc<dyn Clock>,
    pub random: Random,
    /// How a node is reached.
    pub dial: Arc<dyn Dial>,
    /// Finds spaces near; none: by address only.
    pub discovery: Option<Discovery>,
    /// What nodes are told of this program.
    pub client: ClientInfo,
    /// A friendly name to begin with: the account's full name, else the computer's.
    pub suggested_name: String,
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// The client core.
#[derive(Debug, Clone)]
pub struct Client {
    inputs: mpsc::Sender<Input>,
    me: MemberId,
}

impl Client {
    /// Opens the data folder and starts to look for every known space. Refuses a folder that
    /// another program uses, that can't be written, or whose databases are newer or damaged.
    pub async fn start(config: ClientConfig, host: Arc<dyn Host>) -> Result<Self, ClientError> {
        let (inputs, waiting) = mpsc::channel(COMMANDS_WAITING);
        let me = home::start(config, host, waiting).await?;
        Ok(Self { inputs, me })
    }

    /// Who this is: the public key of this device.
    pub const fn me(&self) -> MemberId {
        self.me
    }

    /// Does what a window asks. The answer's shape is that of the command in
    /// [`crate::command::CommandMap`].
    pub async fn call(&self, command: Command) -> Result<serde_json::Value, Refusal> {
        let answer = self.ask(command).await?;
        serde_json::to_value(&answer).map_err(|error| ClientError::Json(error).into())
    }

    /// A new window: its first batch begins with [`UiEvent::Snapshot`]. A window that falls behind
    /// misses what it did not take and gets a snapshot again. Drop the receiver to end it.
    pub async fn listen(&self) -> mpsc::Receiver<Vec<UiEvent>> {
        let (window, events) = mpsc::channel(home::WINDOW_BATCHES);
        // A core that has stopped drops the sender, and the window sees the end of its stream.
        let _ = self.inputs.send(Input::Listen(window)).await;
        events
    }

    /// The shell has started, or its node was started, has changed, or was stopped.
    pub async fn hosting_changed(&self, hosted: Hosted) {
        let _ = self.inputs.send(Input::Hosting(hosted)).await;
    }

    /// Tells the person something that belongs to no place on the screen: now, or once there is a
    /// window.
    pub async fn notice(&self, words: String) {
        let _ = self.inputs.send(Input::Notice(words)).await;
    }

    /// Somebody clicked a notification: the windows go there, or the next one that listens.
    pub async fn open(&self, space: SpaceId, room: RoomId, item: Option<EventId>) {
        let _ = self.inputs.send(Input::Open { space, room, item }).await;
    }

    /// Somebody wrote an answer into a notification about `item`: it is queued as a message where
    /// that stands, and what is there is read. Refused where it could not even be kept as a draft.
    pub async fn reply(
        &self,
        space: SpaceId,
        room: RoomId,
        item: Option<EventId>,
        text: &str,
    ) -> Result<Replied, Refusal> {
        let (reply, answer) = oneshot::channel();
        let new = NewReply {
            room,
            item,
            text: text.trim().to_owned(),
            mentions: Vec::new(),
            reply,
        };
        self.send(Input::Reply { space, new }).await?;
        answer
            .await
            .unwrap_or_else(|_| Err(ClientError::Stopped.into()))
    }

    /// The person has left this computer, or is back: others see them as away meanwhile, unless
    /// they have chosen something else than to be online.
    pub async fn away(&self, away: bool) {
        let _ = self.inputs.send(Input::Away(away)).await;
    }

    /// Appends events past the outbox, as one `append`: for an import (see [`crate::import`]).
    /// Refused with `unavailable` where there is no link, or it is lost before the answer.
    pub(crate) async fn append(
        &self,
        space: SpaceId,
        events: Vec<Ready>,
    ) -> Result<Vec<AppendResult>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Append {
            space,
            events,
            reply,
        })
        .await?;
        answer
            .await
            .unwrap_or_else(|_| Err(ClientError::Stopped.into()))
    }

    pub(crate) async fn export_source(
        &self,
        space: SpaceId,
        rooms: Vec<RoomId>,
    ) -> Result<Source, Refusal> {
        let (reply, source) = oneshot::channel();
        self.send(Input::Export {
            space,
            rooms,
            reply,
        })
        .await?;
        source
            .await
            .unwrap_or_else(|_| Err(ClientError::Stopped.into()))
    }

    pub(crate) async fn to_engine(
        &self,
        space: SpaceId,
        input: engine::Input,
    ) -> Result<(), Refusal> {
        let input = Box::new(input);
        self.send(Input::Engine { space, input }).await
    }

    /// Ends every link and closes every database. Nothing is lost: what is queued stays queued.
    pub async fn stop(&self) {
        let (done, ended) = oneshot::channel();
        if self.inputs.send(Input::Stop(done)).await.is_ok() {
            let _ = ended.await;
        }
    }

    pub(crate) async fn ask(&self, command: Command) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Command {
            command: Box::new(command),
            reply,
        })
        .await?;
        answer
            .await
            .unwrap_or_else(|_| Err(ClientError::Stopped.into()))
    }

    async fn send(&self, input: Input) -> Result<(), Refusal> {
        self.inputs
            .send(input)
            .await
            .map_err(|_| ClientError::Stopped.into())
    }
}

/// An answer that is not the command's: a mistake in this crate.
pub(crate) fn mismatched(command: &str) -> Refusal {
    Refusal::new(
        Code::Internal,
        format!("`{command}` was answered with something else"),
    )
}
