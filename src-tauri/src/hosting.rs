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
//! A computer hosts one space at a time. Hosting a new one leaves the data of the one before in
//! its folder.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use landline_client::ui::HostingView;
use landline_client::{HostRequest, Hosted};
use landline_node::{Node, NodeConfig, NodeError};
use landline_protocol::{Code, DEFAULT_PORT, Refusal};
use tauri::async_runtime;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, MissedTickBehavior};

use crate::core::Core;

mod remembered;

use remembered::Remembered;

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
    Set(bool, oneshot::Sender<Result<Option<Hosted>, Refusal>>),
    Stop(oneshot::Sender<()>),
}

impl Hosting {
    /// Starts the task, and the node if one was on when the program ended.
    pub(crate) fn start(data: &Path, core: Core) -> Self {
        let (orders, waiting) = mpsc::channel(ORDERS_WAITING);
        let (name, name_of) = watch::channel(None);
        let host = Host {
            folder: data.join("hosted"),
            core,
            name,
            remembered: None,
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

    /// Starts or stops the node of the space hosted before, now and at the next start.
    pub(crate) async fn set(&self, on: bool) -> Result<Option<Hosted>, Refusal> {
        self.order(|reply| Order::Set(on, reply)).await?
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
    core: Core,
    name: watch::Sender<Option<String>>,
    remembered: Option<Remembered>,
    on: Option<On>,
}

/// A node that runs.
#[derive(Debug)]
struct On {
    node: Node,
    hosted: Hosted,
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
                    Some(Order::Set(on, reply)) => drop(reply.send(self.set(on).await)),
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
        match Remembered::read(&self.folder).await {
            Ok(remembered) => self.remembered = remembered,
            Err(error) => tracing::error!(%error, "what was hosted can't be read"),
        }
        if self
            .remembered
            .as_ref()
            .is_some_and(|remembered| remembered.on)
        {
            match self.turn_on().await {
                Ok(hosted) => self.tell(Some(hosted)).await,
                Err(error) => {
                    tracing::error!(%error, "the space can't be hosted again");
                    self.notice(format!(
                        "The space can't be hosted again: {}.",
                        error.message
                    ))
                    .await;
                }
            }
        }
    }

    async fn host(&mut self, request: HostRequest) -> Result<Hosted, Refusal> {
        if let Some(on) = &self.on {
            let name = &on.hosted.view.name;
            return Err(Refusal::new(
                Code::Conflict,
                format!("this computer hosts {name}: stop that first"),
            ));
        }
        let folder = self.free_folder();
        let config = NodeConfig {
            name: Some(request.name),
            admission: Some(request.admission),
            passcode: request.passcode,
            owner: Some(request.owner),
            ..NodeConfig::new(self.folder.join(&folder))
        };
        let hosted = self.start(config, DEFAULT_PORT).await?;
        self.remember(folder).await?;
        Ok(hosted)
    }

    async fn set(&mut self, on: bool) -> Result<Option<Hosted>, Refusal> {
        let hosted = if on {
            Some(self.turn_on().await?)
        } else {
            self.turn_off().await;
            None
        };
        if let Some(remembered) = &mut self.remembered {
            remembered.on = on;
            remembered.write(&self.folder).await.map_err(not_kept)?;
        }
        Ok(hosted)
    }

    /// Starts the node of the space hosted before.
    async fn turn_on(&mut self) -> Result<Hosted, Refusal> {
        if let Some(on) = &self.on {
            return Ok(on.hosted.clone());
        }
        let remembered = self.remembered.as_ref();
        let remembered = remembered
            .ok_or_else(|| Refusal::not_found("this computer has hosted no space yet"))?;
        let config = NodeConfig::new(self.folder.join(&remembered.folder));
        let port = remembered.port;
        self.start(config, port).await
    }

    async fn start(&mut self, config: NodeConfig, port: u16) -> Result<Hosted, Refusal> {
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
        let hosted = hosted(&node);
        self.name.send_replace(Some(hosted.view.name.clone()));
        self.on = Some(On {
            node,
            hosted: hosted.clone(),
        });
        Ok(hosted)
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
        let hosted = hosted(&on.node);
        if hosted != on.hosted {
            on.hosted = hosted.clone();
            self.tell(Some(hosted)).await;
        }
    }

    /// The node has ended by itself. One whose database has proved damaged is started again, which
    /// puts it right.
    async fn ended(&mut self) {
        let Some(on) = self.on.take() else { return };
        self.name.send_replace(None);
        let why = on.node.wait().await.err();
        tracing::error!(?why, "the node has ended by itself");
        let again = match why {
            Some(NodeError::DamagedInUse(_)) => self.turn_on().await.map(Some),
            Some(error) => Err(refused(error)),
            None => Ok(None),
        };
        if let Err(refusal) = &again {
            self.notice(format!(
                "This computer hosts no longer: {}.",
                refusal.message
            ))
            .await;
        }
        self.tell(again.ok().flatten()).await;
    }

    async fn notice(&self, words: String) {
        if let Ok(client) = self.core.client().await {
            client.notice(words).await;
        }
    }

    async fn tell(&self, hosted: Option<Hosted>) {
        // A core that could not start has nobody to tell.
        if let Ok(client) = self.core.client().await {
            client.hosting_changed(hosted).await;
        }
    }

    async fn remember(&mut self, folder: String) -> Result<(), Refusal> {
        let Some(on) = &self.on else { return Ok(()) };
        let remembered = Remembered {
            folder,
            port: on.node.address().port(),
            on: true,
        };
        remembered.write(&self.folder).await.map_err(not_kept)?;
        self.remembered = Some(remembered);
        Ok(())
    }

    /// A name below `hosted/` that is not in use: 1, 2, …
    fn free_folder(&self) -> String {
        let mut names = (1_u32..).map(|number| number.to_string());
        names
            .find(|name| !self.folder.join(name).exists())
            .unwrap_or_default()
    }
}

/// Listens on every network of this computer: on `port`, or any other if that is taken.
async fn listen(port: u16) -> std::io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            tracing::warn!(%error, port, "the usual port is not to be had: another one is taken");
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await
        }
    }
}

fn hosted(node: &Node) -> Hosted {
    let port = node.address().port();
    let view = HostingView {
        space: node.space(),
        name: node.name().to_owned(),
        on: true,
        addresses: addresses()
            .map(|address| SocketAddr::new(address, port).to_string())
            .collect(),
        admission: node.admission(),
        connected: u64::try_from(node.connections()).unwrap_or(u64::MAX),
    };
    Hosted {
        view,
        loopback: SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string(),
    }
}

/// The addresses of this computer that others can reach: IPv4, since the node listens there.
fn addresses() -> impl Iterator<Item = IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the addresses of this computer can't be found out");
        Vec::new()
    });
    let usable = interfaces
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local());
    usable
        .map(|interface| interface.ip())
        .filter(IpAddr::is_ipv4)
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

fn not_kept(error: std::io::Error) -> Refusal {
    Refusal::new(
        Code::Internal,
        format!("it can't be kept for the next start: {error}"),
    )
}
