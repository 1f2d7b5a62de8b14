//! The node inside this program: on, off, and on again at the next start.
//!
//! One task owns it. The client core asks for it through [`crate::shell::Shell`] and joins it over
//! loopback like anybody else; what changes by itself (addresses, people connected, a failure) is
//! told to the core.
//!
//! ```text
//! off ── host, set(on), remembered at the start ──▶ on ── set(off) ──▶ off
//!                                                   └── the node fails ─▶ off, told
//! ```
//!
//! A computer hosts one space at a time, and keeps each that it has hosted in a folder of its own:
//! all of them can be hosted again, also those that one has left.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use landline_client::ui::HostingView;
use landline_client::{HostRequest, Hosted};
use landline_node::{Node, NodeConfig, NodeError};
use landline_protocol::{Code, DEFAULT_PORT, Refusal, SpaceId};
use tauri::async_runtime;
use tokio::fs;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, MissedTickBehavior};

use crate::core::Core;

mod addresses;
mod remembered;

use addresses::{addresses, listen, loopback};
use remembered::{Kept, Remembered};

/// Orders that wait for the task; past it, callers wait.
const ORDERS_WAITING: usize = 8;
/// How often addresses and the number of people are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The node inside this program.
#[derive(Debug, Clone)]
pub(crate) struct Hosting {
    orders: mpsc::Sender<Order>,
    name: watch::Receiver<Option<String>>,
}

#[derive(Debug)]
enum Order {
    Host(HostRequest, oneshot::Sender<Result<Hosted, Refusal>>),
    Set(SpaceId, bool, oneshot::Sender<Result<Hosted, Refusal>>),
    Stop(oneshot::Sender<()>),
}

impl Hosting {
    /// Starts the task, and the node if one was on when the program ended.
    pub(crate) fn start(data: &Path, core: Core) -> Self {
        Self::start_with(data, core, NodeConfig::new)
    }

    fn start_with(data: &Path, core: Core, config: fn(PathBuf) -> NodeConfig) -> Self {
        let (orders, waiting) = mpsc::channel(ORDERS_WAITING);
        let (name, name_of) = watch::channel(None);
        let host = Host {
            folder: data.join("hosted"),
            config,
            core,
            name,
            remembered: Remembered::default(),
            on: None,
        };
        async_runtime::spawn(host.run(waiting));
        Self {
            orders,
            name: name_of,
        }
    }

    /// The name of the space that is hosted now.
    pub(crate) fn hosted_name(&self) -> Option<String> {
        self.name.borrow().clone()
    }

    /// Hosts a new space.
    pub(crate) async fn host(&self, request: HostRequest) -> Result<Hosted, Refusal> {
        self.order(|reply| Order::Host(request, reply)).await?
    }

    /// Starts or stops the node of a space hosted before, now and at the next start.
    pub(crate) async fn set(&self, space: SpaceId, on: bool) -> Result<Hosted, Refusal> {
        self.order(|reply| Order::Set(space, on, reply)).await?
    }

    /// The program ends: the node stops, and starts again with the program.
    pub(crate) async fn stop(&self) {
        // The task is gone where it has stopped before.
        let _ = self.order(Order::Stop).await;
    }

    async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<T>) -> Order,
    ) -> Result<T, Refusal> {
        let ended = || Refusal::new(Code::Unavailable, "Landline is ending");
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

/// What the task owns.
#[derive(Debug)]
struct Host {
    /// Holds a folder for each space that was ever hosted here, and what is remembered.
    folder: PathBuf,
    /// Of a node, by the folder of its space.
    config: fn(PathBuf) -> NodeConfig,
    core: Core,
    name: watch::Sender<Option<String>>,
    remembered: Remembered,
    on: Option<On>,
}

/// A node that runs.
#[derive(Debug)]
struct On {
    node: Node,
    /// Below `hosted/`.
    folder: String,
    /// The one to be had again, which is not always the one it has now.
    port: u16,
    view: HostingView,
}

impl Host {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        self.resume().await;
        let mut look = time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = look.tick() => self.look().await,
                order = orders.recv() => match order {
                    // Whoever asked may have gone: nothing to answer then.
                    Some(Order::Host(request, reply)) => drop(reply.send(self.host(request).await)),
                    Some(Order::Set(space, on, reply)) => {
                        drop(reply.send(self.set(space, on).await));
                    }
                    Some(Order::Stop(reply)) => {
                        self.turn_off().await;
                        let _ = reply.send(());
                        return;
                    }
                    None => return self.turn_off().await,
                }
            }
        }
    }

    /// Hosts again what was hosted when the program ended.
    async fn resume(&mut self) {
        let (remembered, words) = Remembered::read(&self.folder).await;
        self.remembered = remembered;
        for words in words {
            self.notice(words).await;
        }
        self.tell().await;
        let Some(space) = self.remembered.on else {
            return;
        };
        match self.turn_on(space).await {
            Ok(()) => self.tell().await,
            Err(error) => {
                tracing::error!(%error, "the space can't be hosted again");
                let words = format!("The space can't be hosted again: {}.", error.message);
                self.notice(words).await;
            }
        }
    }

    async fn host(&mut self, request: HostRequest) -> Result<Hosted, Refusal> {
        self.none_is_on()?;
        let folder = self.free_folder();
        let path = self.folder.join(&folder);
        let config = NodeConfig {
            name: Some(request.name),
            admission: Some(request.admission),
            passcode: request.passcode,
            owner: Some(request.owner),
            ..(self.config)(path.clone())
        };
        if let Err(refusal) = self.start(config, folder, DEFAULT_PORT).await {
            // A space that was made and then refused is none: nobody was ever in it.
            if let Err(error) = fs::remove_dir_all(&path).await
                && error.kind() != ErrorKind::NotFound
            {
                tracing::warn!(%error, "the folder of a space that was refused is still there");
            }
            return Err(refusal);
        }
        if let Some(on) = &mut self.on {
            on.port = on.node.address().port();
        }
        self.remember().await;
        Ok(self.hosted())
    }

    async fn set(&mut self, space: SpaceId, on: bool) -> Result<Hosted, Refusal> {
        if on {
            self.turn_on(space).await?;
        } else if self.remembered.on == Some(space) {
            self.turn_off().await;
            self.remembered.on = None;
            self.write().await;
        }
        Ok(self.hosted())
    }

    /// Starts the node of a space hosted before.
    async fn turn_on(&mut self, space: SpaceId) -> Result<(), Refusal> {
        if self.on.as_ref().is_some_and(|on| on.view.space == space) {
            return Ok(());
        }
        self.none_is_on()?;
        let kept = self.remembered.find(space).cloned();
        let Kept { folder, port, .. } =
            kept.ok_or_else(|| Refusal::not_found("this computer has not hosted that space"))?;
        let path = self.folder.join(&folder);
        if !path.exists() {
            let words = format!("its folder {} is gone", path.display());
            return Err(Refusal::not_found(words));
        }
        self.start((self.config)(path), folder, port).await?;
        self.remember().await;
        Ok(())
    }

    fn none_is_on(&self) -> Result<(), Refusal> {
        let Some(On { view, .. }) = &self.on else {
            return Ok(());
        };
        let words = format!("this computer hosts {}: stop that first", view.name);
        Err(Refusal::new(Code::Conflict, words))
    }

    async fn start(
        &mut self,
        config: NodeConfig,
        folder: String,
        port: u16,
    ) -> Result<(), Refusal> {
        let listener = listen(port).await.map_err(|error| {
            Refusal::new(
                Code::Internal,
                format!("this computer gives no port to listen on: {error}"),
            )
        })?;
        // It runs until it is told to stop.
        let node = Node::start(config, listener, std::future::pending())
            .await
            .map_err(refused)?;
        if let Some(restored) = node.restored() {
            self.notice(restored.to_string()).await;
        }
        let view = view(&node);
        self.name.send_replace(Some(view.name.clone()));
        self.on = Some(On {
            node,
            folder,
            port,
            view,
        });
        Ok(())
    }

    async fn turn_off(&mut self) {
        self.name.send_replace(None);
        if let Some(on) = self.on.take()
            && let Err(error) = on.node.stop().await
        {
            tracing::error!(%error, "the node did not stop in good order");
        }
    }

    /// Tells the core what has changed by itself.
    async fn look(&mut self) {
        let Some(on) = &mut self.on else { return };
        if on.node.has_ended() {
            return self.ended().await;
        }
        let view = view(&on.node);
        if view != on.view {
            on.view = view;
            self.remember().await;
            self.tell().await;
        }
    }

    /// The node has ended by itself. One whose database has proved damaged is started again, which
    /// puts it right.
    async fn ended(&mut self) {
        let Some(On { node, view, .. }) = self.on.take() else {
            return;
        };
        self.name.send_replace(None);
        let why = node.wait().await.err();
        tracing::error!(?why, "the node has ended by itself");
        let again = match why {
            Some(NodeError::DamagedInUse(_)) => self.turn_on(view.space).await,
            Some(error) => Err(refused(error)),
            None => Ok(()),
        };
        if let Err(refusal) = &again {
            self.notice(format!(
                "This computer hosts no longer: {}.",
                refusal.message
            ))
            .await;
        }
        self.tell().await;
    }

    /// Everything that was hosted here, as it is now.
    fn hosted(&self) -> Hosted {
        let kept = self.remembered.spaces.iter();
        let spaces = kept.map(|kept| match &self.on {
            Some(on) if on.view.space == kept.space => on.view.clone(),
            _ => kept.off(),
        });
        let on = self.on.as_ref();
        Hosted {
            spaces: spaces.collect(),
            loopback: on.map(|on| loopback(on.node.address().port())),
        }
    }

    async fn notice(&self, words: String) {
        if let Ok(client) = self.core.client().await {
            client.notice(words).await;
        }
    }

    async fn tell(&self) {
        // A core that could not start has nobody to tell.
        if let Ok(client) = self.core.client().await {
            client.hosting_changed(self.hosted()).await;
        }
    }

    /// Keeps what is on for the next start.
    async fn remember(&mut self) {
        let Some(on) = &self.on else { return };
        let kept = Kept {
            space: on.view.space,
            name: on.view.name.clone(),
            admission: on.view.admission,
            folder: on.folder.clone(),
            port: on.port,
        };
        if self.remembered.is_on(kept) {
            self.write().await;
        }
    }

    async fn write(&self) {
        if let Err(error) = self.remembered.write(&self.folder).await {
            let words = format!("What is hosted can't be kept for the next start: {error}.");
            self.notice(words).await;
        }
    }

    /// A name below `hosted/` that is not in use: 1, 2, …
    fn free_folder(&self) -> String {
        let mut names = (1_u32..).map(|number| number.to_string());
        names
            .find(|name| !self.folder.join(name).exists() && !self.remembered.names(name))
            .unwrap_or_default()
    }
}

fn view(node: &Node) -> HostingView {
    let port = node.address().port();
    HostingView {
        space: node.space(),
        name: node.name(),
        on: true,
        addresses: addresses()
            .map(|address| SocketAddr::new(address, port).to_string())
            .collect(),
        admission: node.admission(),
        connected: u64::try_from(node.connections()).unwrap_or(u64::MAX),
    }
}

fn refused(error: NodeError) -> Refusal {
    let code = match &error {
        NodeError::NameMissing
        | NodeError::Name(_)
        | NodeError::PasscodeMissing
        | NodeError::NoInvitations => Code::BadRequest,
        NodeError::InUse(_) | NodeError::HostedElsewhere(_) => Code::Conflict,
        NodeError::Folder { .. }
        | NodeError::Key(_)
        | NodeError::Damaged { .. }
        | NodeError::DamagedInUse(_)
        | NodeError::Store(_)
        | NodeError::Listener(_)
        | NodeError::Random(_)
        | NodeError::Stopped => Code::Internal,
    };
    Refusal::new(code, error.to_string())
}

#[cfg(test)]
mod tests;
