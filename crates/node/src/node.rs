//! A node as a whole: start, wait, stop.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use landline_discovery::Discovery;
use landline_protocol::{Admission, SpaceId};
use landline_store::Store;
use socketioxide::SocketIo;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::copies::{Care, Restored};
use crate::files::{self, Files};
use crate::http::{self, About};
use crate::hub::{Hub, HubCommand, HubHandle, Outside};
use crate::{NodeConfig, NodeError, advert, door, socket, space};

/// For what waits to be written, when the node stops.
const FINISH_WITHIN: Duration = Duration::from_secs(10);
/// For connections to close by themselves, when the node stops; the rest is cut.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// A running node. Dropping it stops it too, but does not wait.
#[derive(Debug)]
pub struct Node {
    address: SocketAddr,
    space: SpaceId,
    outside: watch::Receiver<Outside>,
    restored: Option<Restored>,
    stop: CancellationToken,
    ended: Option<JoinHandle<Result<(), NodeError>>>,
}

impl Node {
    /// Opens (or makes) the space in the data folder and serves it on `listener` until `shutdown`
    /// resolves or [`Node::stop`] is called.
    ///
    /// Refused with one line for people: a folder that another node uses or that can't be written,
    /// a database that is damaged or newer than this program, a new space without a name, a space
    /// that another computer on the network hosts.
    pub async fn start(
        config: NodeConfig,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, NodeError> {
        let address = listener.local_addr().map_err(NodeError::Listener)?;
        let discovery = config.advertise.then(Discovery::start);
        let (copy_every, quota) = (config.copy_every, config.file_quota);
        let opened = tokio::task::spawn_blocking(move || space::open(config)).await;
        let beginning = opened.map_err(|_| NodeError::Stopped)??;
        let space = beginning.world.space.id;
        if let Some(discovery) = &discovery
            && !beginning.is_new
            && let Some(host) = advert::host_of(discovery, space).await
        {
            beginning.store.close().await?;
            return Err(NodeError::HostedElsewhere(host));
        }

        let (hub, commands) = HubHandle::new();
        let (outside, told) = watch::channel(Outside {
            stores: true,
            connections: 0,
            space: beginning.world.space_info(),
        });
        let (layer, io) = socket::layer(hub.clone(), space);
        let about = About {
            space,
            version: beginning.version.clone(),
            outside: told.clone(),
        };
        let files = Files::new(files::Parts {
            hub: hub.clone(),
            store: beginning.store.clone(),
            folder: beginning.folder.uploaded(),
            clock: beginning.clock.clone(),
            quota,
            rates: beginning.rates,
        });
        files.prepare().map_err(|cause| NodeError::Folder {
            path: beginning.folder.uploaded(),
            cause,
        })?;
        let routes = http::routes(about)
            .merge(files.clone().routes())
            .layer(layer);
        let stop = CancellationToken::new();
        let restored = beginning.restored.clone();
        let care = Care {
            store: beginning.store.clone(),
            folder: beginning.folder.clone(),
            every: copy_every,
            clock: beginning.clock.clone(),
            outside: told.clone(),
        };
        let running = Running {
            care,
            store: beginning.store.clone(),
            hub,
            files,
            io: io.clone(),
            routes,
            listener,
            discovery,
            outside: told.clone(),
            address,
            stop: stop.clone(),
        };
        let hub = tokio::spawn(Hub::new(beginning, io, outside).run(commands));
        let ended = tokio::spawn(running.run(hub, shutdown));
        info!(%space, %address, "serving");
        Ok(Self {
            address,
            space,
            outside: told,
            restored,
            stop,
            ended: Some(ended),
        })
    }

    /// Where it listens; the port is the true one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub const fn space(&self) -> SpaceId {
        self.space
    }

    /// The space's name now.
    pub fn name(&self) -> String {
        self.outside.borrow().space.name.clone()
    }

    /// How one becomes a member now.
    pub fn admission(&self) -> Admission {
        self.outside.borrow().space.admission
    }

    /// People's connections now.
    pub fn connections(&self) -> usize {
        self.outside.borrow().connections
    }

    /// The database was damaged when it started, and what was done about it.
    pub const fn restored(&self) -> Option<&Restored> {
        self.restored.as_ref()
    }

    /// The node runs no longer: it has failed, or its `shutdown` has resolved.
    pub fn has_ended(&self) -> bool {
        self.ended.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops accepting, says goodbye, stores what waits, closes, and resolves when that is done.
    pub async fn stop(self) -> Result<(), NodeError> {
        self.stop.cancel();
        self.wait().await
    }

    /// Resolves when the node has stopped: by its shutdown, by [`Node::stop`], or by a failure.
    pub async fn wait(mut self) -> Result<(), NodeError> {
        match self.ended.take() {
            Some(ended) => ended.await.map_err(|_| NodeError::Stopped)?,
            None => Ok(()),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // `wait` consumes the node while it runs on, so only one that nobody waits for stops here.
        if self.ended.is_some() {
            self.stop.cancel();
        }
    }
}

/// What a node is made of while it runs.
struct Running {
    care: Care,
    store: Store,
    hub: HubHandle,
    files: Files,
    io: SocketIo,
    routes: Router,
    listener: TcpListener,
    discovery: Option<Discovery>,
    outside: watch::Receiver<Outside>,
    address: SocketAddr,
    stop: CancellationToken,
}

impl Running {
    async fn run(
        self,
        mut hub: JoinHandle<()>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), NodeError> {
        let Self {
            care,
            store,
            hub: commands,
            files,
            io,
            routes,
            listener,
            discovery,
            outside,
            address,
            stop,
        } = self;
        if let Some(discovery) = discovery.clone() {
            tokio::spawn(advert::advertise(discovery, outside, address));
        }
        let connections = TaskTracker::new();
        let closed = CancellationToken::new();
        let door = door::open(listener, routes, closed.clone(), connections.clone());
        let door = tokio::spawn(door);

        let files = tokio::spawn(files.look_after());
        let mut damage = None;
        let failed = tokio::select! {
            () = shutdown => false,
            () = stop.cancelled() => false,
            found = care.look_after() => {
                damage = Some(found);
                false
            }
            _ = &mut hub => true,
        };
        info!("stopping");
        files.abort();
        closed.cancel();
        if !failed {
            let (done, finished) = oneshot::channel();
            commands.tell(HubCommand::Stop(done)).await;
            if timeout(FINISH_WITHIN, finished).await.is_err() {
                warn!("what waited could not be stored in time");
            }
        }
        if let Some(discovery) = discovery {
            discovery.stop().await;
        }
        if timeout(CLOSE_WITHIN, io.close()).await.is_err() {
            warn!("some connections did not close by themselves");
        }
        let _ = door.await;
        connections.close();
        let _ = timeout(CLOSE_WITHIN, connections.wait()).await;
        let closed = store.close().await;
        if let Some(damage) = damage {
            return Err(NodeError::DamagedInUse(damage));
        }
        closed?;
        if failed {
            Err(NodeError::Stopped)
        } else {
            Ok(())
        }
    }
}
