//! The tunnel: one loopback connection of rust_socketio, carried to the node.
//!
//! ```text
//! rust_socketio ── 127.0.0.1 ──► tunnel ──► node        one task, CHUNK bytes in each direction
//! ```
//!
//! It ends when it is cut, or when rust_socketio has gone. When the *node* has gone, rust_socketio
//! may still read what came before; the [`Pulse`] says so first.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::link::{LinkLoss, Pulse};

/// Bytes that are on their way in each direction, besides what the system holds.
const CHUNK: usize = 16 * 1024;
/// Bytes of the request line that are read at most to know who knocks.
const KNOCK_BYTES: usize = 512;
/// For whoever knocks to say who it is.
const KNOCK_WITHIN: Duration = Duration::from_secs(1);

/// Opens a tunnel to `node`; the URL is good for one connection.
pub(super) async fn open<N>(
    node: N,
    cut: CancellationToken,
) -> Result<(String, Arc<Pulse>), LinkLoss>
where
    N: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let no_tunnel = |error: &dyn std::fmt::Display| {
        LinkLoss::Unreachable(format!("this computer's loopback can't be used: {error}"))
    };
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|e| no_tunnel(&e))?;
    let port = listener.local_addr().map_err(|e| no_tunnel(&e))?.port();
    let secret = secret().map_err(|e| no_tunnel(&e))?;
    let url = format!("ws://127.0.0.1:{port}/socket.io/?tunnel={secret}");
    let knock = format!("GET /socket.io/?tunnel={secret}&");

    let pulse = Pulse::new();
    let beaten = pulse.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = cut.cancelled() => {}
            ended = carry(listener, knock, node, &beaten) => {
                if let Err(error) = ended {
                    debug!(%error, "tunnel ended");
                }
            }
        }
    });
    Ok((url, pulse))
}

/// Any process of this computer can connect to the port: without this it could speak to the node
/// through our (later: encrypted) connection, or keep us from it.
fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

async fn carry<N>(listener: TcpListener, knock: String, node: N, pulse: &Pulse) -> io::Result<()>
where
    N: AsyncRead + AsyncWrite + Unpin,
{
    let (local, said) = accept(&listener, knock.as_bytes()).await?;
    drop(listener);
    local.set_nodelay(true)?;
    let (from_local, to_local) = local.into_split();
    let (from_node, to_node) = split(node);
    tokio::select! {
        ended = up(said, from_local, to_node) => ended,
        ended = down(from_node, to_local, pulse) => ended,
    }
}

/// The connection that knows the secret, with what it has said so far.
async fn accept(listener: &TcpListener, knock: &[u8]) -> io::Result<(TcpStream, Vec<u8>)> {
    loop {
        let (mut stream, from) = listener.accept().await?;
        let mut said = Vec::with_capacity(KNOCK_BYTES);
        let told = async {
            while said.len() < knock.len() && stream.read_buf(&mut said).await? > 0 {}
            io::Result::Ok(said.starts_with(knock))
        };
        match timeout(KNOCK_WITHIN, told).await {
            Ok(Ok(true)) => return Ok((stream, said)),
            Ok(_) | Err(_) => debug!(%from, "somebody else has knocked at the tunnel"),
        }
    }
}

/// Until rust_socketio has gone. A node that takes nothing any more is no reason to end: it may
/// have said why, and that is still to be read.
async fn up(
    said: Vec<u8>,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let carried = async {
        to.write_all(&said).await?;
        to.flush().await?;
        copy(&mut from, &mut to).await?;
        to.shutdown().await
    };
    if carried.await.is_err() {
        copy(&mut from, &mut sink()).await?;
    }
    Ok(())
}

/// Until rust_socketio has gone; after the node's end, waits for that.
async fn down(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    pulse: &Pulse,
) -> io::Result<()> {
    let mut chunk = Vec::with_capacity(CHUNK);
    while let Ok(1..) = from.read_buf(&mut chunk).await {
        pulse.beat();
        to.write_all(&chunk).await?;
        chunk.clear();
    }
    pulse.end();
    to.shutdown().await?;
    std::future::pending().await
}
