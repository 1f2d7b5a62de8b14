//! A node on a temporary folder and a free port.

use std::net::SocketAddr;
use std::path::Path;

use landline_node::{Node, NodeConfig, Rates};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) struct Place {
    pub(crate) dir: TempDir,
    node: Option<Node>,
}

/// What most tests want: no rates, no mDNS.
pub(crate) fn config(dir: &Path) -> NodeConfig {
    NodeConfig {
        name: Some("Test".to_owned()),
        rates: Rates {
            append: 0,
            request: 0,
            join: 0,
        },
        advertise: false,
        ..NodeConfig::new(dir)
    }
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut NodeConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        change(&mut config);
        let node = start(config).await;
        Self {
            dir,
            node: Some(node),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.node.as_ref().unwrap().address()
    }

    pub(crate) async fn stop(&mut self) {
        self.node.take().unwrap().stop().await.expect("stopped");
    }

    /// Starts the node again on the same folder, on another port.
    pub(crate) async fn start(&mut self, change: impl FnOnce(&mut NodeConfig)) {
        let mut config = config(self.dir.path());
        change(&mut config);
        self.node = Some(start(config).await);
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start(|_| {}).await;
    }
}

async fn start(config: NodeConfig) -> Node {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Node::start(config, listener, std::future::pending())
        .await
        .expect("started")
}
