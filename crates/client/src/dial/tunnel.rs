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

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink, split};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::link::{LinkLoss, Pulse};

/// Bytes that are on their way in each direction, besides what the system holds.
const CHUNK: usize = 16 * 1024;
/// Bytes of the request line that are read at most to know who knocks.
const KNOCK_BYTES: usize = 512;
/// For whoever knocks to say who it is: more than any pause in which this process does not get on,
/// between rust_socketio's connecting and what it says then.
const KNOCK_WITHIN: Duration = Duration::from_secs(10);
/// Who may knock at one time; others wait before the door.
const KNOCKING: usize = 16;

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
    let mut knocking = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if knocking.len() < KNOCKING => {
                let (stream, _) = accepted?;
                knocking.push(timeout(KNOCK_WITHIN, hear(stream, knock)));
            }
            Some(told) = knocking.next() => match told {
                Ok(Ok((stream, said))) if said.starts_with(knock) => return Ok((stream, said)),
                Ok(_) | Err(_) => debug!("somebody else has knocked at the tunnel"),
            }
        }
    }
}

/// What is said, as far as it takes to know who it is.
async fn hear(mut stream: TcpStream, knock: &[u8]) -> io::Result<(TcpStream, Vec<u8>)> {
    let mut said = Vec::with_capacity(KNOCK_BYTES);
    while said.len() < knock.len() && stream.read_buf(&mut said).await? > 0 {}
    Ok((stream, said))
}

/// Until rust_socketio has gone. A node that takes nothing any more is no reason to end: it may
/// have said why, and that is still to be read.
async fn up(
    said: Vec<u8>,
    mut from: OwnedReadHalf,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let carried = async {
        to.write_all(&said).await?;
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            to.flush().await?;
            chunk.clear();
            acknowledge_at_once(from.as_ref());
            if from.read_buf(&mut chunk).await? == 0 {
                return to.shutdown().await;
            }
            to.write_all(&chunk).await?;
        }
    };
    if carried.await.is_err() {
        copy(&mut from, &mut sink()).await?;
    }
    Ok(())
}

/// rust_socketio leaves Nagle's algorithm on: its second small event waits for the first to be
/// acknowledged, which the system puts off by 40 ms. Linux forgets this with each read; the other
/// systems have no such switch, so there an event that follows another within a moment waits.
fn acknowledge_at_once(local: &TcpStream) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(local).set_tcp_quickack(true) {
        debug!(%error, "acknowledged late");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = local;
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

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn request(url: &str) -> (String, String) {
        let rest = url.strip_prefix("ws://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        (
            host.to_owned(),
            format!("GET /{path}&EIO=4&transport=websocket HTTP/1.1\r\n\r\n"),
        )
    }

    #[tokio::test]
    async fn carries_the_one_connection_that_knows_the_secret_and_no_other() {
        let (ours, mut node) = duplex(CHUNK);
        let (url, _) = open(ours, CancellationToken::new()).await.unwrap();
        let (host, knock) = request(&url);
        for wrong in [
            "GET /socket.io/?EIO=4 HTTP/1.1\r\n\r\n",
            "GET /socket.io/?tunnel=0&",
            "\0",
        ] {
            let mut stranger = TcpStream::connect(&host).await.unwrap();
            stranger.write_all(wrong.as_bytes()).await.unwrap();
            stranger.shutdown().await.unwrap();
            let mut heard = Vec::new();
            let _ = timeout(SOON, stranger.read_to_end(&mut heard))
                .await
                .expect("sent away");
            assert!(heard.is_empty());
        }

        let mut friend = TcpStream::connect(&host).await.unwrap();
        friend.write_all(knock.as_bytes()).await.unwrap();
        let mut said = vec![0; knock.len()];
        timeout(SOON, node.read_exact(&mut said))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            said,
            knock.as_bytes(),
            "nothing of the strangers came before"
        );
        node.write_all(b"welcome").await.unwrap();
        let mut heard = [0; 7];
        timeout(SOON, friend.read_exact(&mut heard))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&heard, b"welcome");

        assert!(
            TcpStream::connect(&host).await.is_err(),
            "the door is closed after the one"
        );
    }

    #[tokio::test]
    async fn a_stranger_who_says_nothing_does_not_block_the_door() {
        let (ours, mut node) = duplex(CHUNK);
        let (url, _) = open(ours, CancellationToken::new()).await.unwrap();
        let (host, knock) = request(&url);
        let _silent = TcpStream::connect(&host).await.unwrap();
        let mut friend = TcpStream::connect(&host).await.unwrap();
        friend.write_all(knock.as_bytes()).await.unwrap();
        let mut first = [0; 3];
        timeout(SOON, node.read_exact(&mut first))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&first, b"GET");
    }

    #[tokio::test]
    async fn a_cut_ends_both_sides_before_and_after_the_connection() {
        for connect in [false, true] {
            let (ours, mut node) = duplex(CHUNK);
            let cut = CancellationToken::new();
            let (url, pulse) = open(ours, cut.clone()).await.unwrap();
            let (host, knock) = request(&url);
            let mut friend = None;
            if connect {
                let mut stream = TcpStream::connect(&host).await.unwrap();
                stream.write_all(knock.as_bytes()).await.unwrap();
                let mut first = [0; 3];
                timeout(SOON, node.read_exact(&mut first))
                    .await
                    .unwrap()
                    .unwrap();
                friend = Some(stream);
            }
            cut.cancel();
            let _ = timeout(SOON, node.read_to_end(&mut Vec::new()))
                .await
                .expect("node's side");
            if let Some(mut friend) = friend {
                let _ = timeout(SOON, friend.read_to_end(&mut Vec::new()))
                    .await
                    .expect("ours");
            }
            assert!(TcpStream::connect(&host).await.is_err());
            assert!(!pulse.has_ended(), "the node did not end it");
        }
    }

    #[tokio::test]
    async fn what_the_node_said_last_arrives_after_it_has_gone() {
        let (ours, mut node) = duplex(CHUNK);
        let (url, pulse) = open(ours, CancellationToken::new()).await.unwrap();
        let (host, knock) = request(&url);
        let mut friend = TcpStream::connect(&host).await.unwrap();
        friend.write_all(knock.as_bytes()).await.unwrap();
        node.write_all(b"goodbye").await.unwrap();
        drop(node);
        // Writing meets a node that has gone; that must not take away what it said.
        let _ = friend.write_all(&[0; 1_000]).await;
        let mut heard = Vec::new();
        timeout(SOON, friend.read_to_end(&mut heard))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(heard, b"goodbye");
        assert!(pulse.has_ended());
    }
}
