//! A door between a client and a node, which can be shut: a network that is cut and healed.

use std::time::SystemTime;

use anyhow::Context as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::machine::wall_clock;

/// It, and all that passes through it, ends with this value.
pub(super) struct Door {
    pub(super) address: String,
    is_open: watch::Sender<bool>,
    /// When somebody came in last.
    entered: watch::Receiver<Option<SystemTime>>,
    _keeper: JoinSet<()>,
}

impl Door {
    /// An open one, on a free loopback port.
    pub(super) async fn before(node: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (is_open, open) = watch::channel(true);
        let (enters, entered) = watch::channel(None);
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(listener, node.to_owned(), open, enters));
        Ok(Self {
            address,
            is_open,
            entered,
            _keeper: keeper,
        })
    }

    /// Cuts everybody off; who comes now is turned away.
    pub(super) fn shut(&self) {
        self.is_open.send_replace(false);
    }

    /// Opens it and waits until somebody comes in: when that was.
    pub(super) async fn open(&mut self) -> anyhow::Result<SystemTime> {
        self.entered.mark_unchanged();
        self.is_open.send_replace(true);
        self.entered.changed().await?;
        let entered = *self.entered.borrow();
        entered.context("nobody came in")
    }
}

async fn keep(
    listener: TcpListener,
    node: String,
    mut open: watch::Receiver<bool>,
    enters: watch::Sender<Option<SystemTime>>,
) {
    let mut inside = JoinSet::new();
    loop {
        tokio::select! {
            came = listener.accept() => {
                let Ok((client, _)) = came else { return };
                if *open.borrow() {
                    enters.send_replace(Some(wall_clock()));
                    inside.spawn(pass(client, node.clone()));
                }
            }
            changed = open.changed() => {
                if changed.is_err() {
                    return;
                }
                if !*open.borrow_and_update() {
                    inside.shutdown().await;
                }
            }
            Some(_) = inside.join_next() => {}
        }
    }
}

async fn pass(mut client: TcpStream, node: String) {
    // Whoever finds the node gone is told by the end of the connection.
    if let Ok(mut node) = TcpStream::connect(node).await {
        let _ = client.set_nodelay(true);
        let _ = node.set_nodelay(true);
        let _ = copy_bidirectional(&mut client, &mut node).await;
    }
}
