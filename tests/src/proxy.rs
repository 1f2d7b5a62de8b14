//! A TCP proxy whose faults the test chooses: the bad network between two ends that are well.
//!
//! ```text
//! client ──► Proxy ──► node        one task a connection, two pumps in it
//! ```
//! It also sees where in the traffic an `append` and its answer are ([`Point`]), and can strike
//! just there.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

mod eye;

pub use eye::Point;
use eye::{Frames, Trap, is_answer};

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// How the network is, for all connections, present and future, until it is set anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Fair,
    /// Nothing passes, nothing ends: a pulled cable. Buffers fill up on both sides.
    BlackHole,
    /// Each piece comes so much later.
    Delay(Duration),
    /// From the node comes only so much at a time: a slow network.
    Trickle { bytes: usize, every: Duration },
    /// After so many more bytes from the node (of each connection): [`Proxy::kill`].
    CutAfter { bytes: usize },
    /// The node's side has ended (it sees that), the client's side is not told.
    HalfOpen,
    /// Whoever connects is reset at once.
    Refuse,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Kill,
    Finish,
}

/// Dropping it ends it with all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    acts: broadcast::Sender<Act>,
    slips: broadcast::Sender<Vec<u8>>,
    snare: Arc<Snare>,
    counts: Arc<Counts>,
    _accepting: AbortOnDropHandle<()>,
}

/// At most one trap, for the first connection whose traffic comes to its point.
#[derive(Debug, Default)]
struct Snare(Mutex<Option<Trap>>);

impl Snare {
    /// Springs the trap that is set at this point; whether the bytes are to be lost.
    fn reached(&self, point: Point) -> bool {
        let mut set = self.0.lock().unwrap();
        match set.take_if(|trap| trap.point == point) {
            Some(trap) => {
                (trap.spring)();
                trap.lose
            }
            None => false,
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

impl Proxy {
    /// Listens on a free loopback port in front of `node`.
    pub async fn start(node: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (weather, _) = watch::channel(Weather::Fair);
        let (acts, _) = broadcast::channel(16);
        let (slips, _) = broadcast::channel(16);
        let snare = Arc::new(Snare::default());
        let counts = Arc::new(Counts::default());
        let accepting = Accepting {
            listener,
            node,
            weather: weather.clone(),
            acts: acts.clone(),
            slips: slips.clone(),
            snare: snare.clone(),
            counts: counts.clone(),
        };
        let _accepting = AbortOnDropHandle::new(tokio::spawn(accepting.run()));
        Ok(Self {
            address,
            weather,
            acts,
            slips,
            snare,
            counts,
            _accepting,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Resets every connection, both sides: a process killed, a NAT that forgot.
    pub fn kill(&self) {
        self.act(Act::Kill);
    }

    /// Ends every connection in order (FIN), both sides.
    pub fn finish(&self) {
        self.act(Act::Finish);
    }

    /// Slips bytes to every client that the node never sent.
    pub fn inject(&self, bytes: &[u8]) {
        // As below: nobody listens where no connection is open, and there is nothing to do.
        let _ = self.slips.send(bytes.to_vec());
    }

    /// Does something once, when the traffic next comes to this point. `lose`: the bytes that come
    /// to it do not pass, and the connection is reset.
    pub fn trap(&self, point: Point, lose: bool, spring: impl FnOnce() + Send + 'static) {
        let spring = Box::new(spring);
        let trap = Trap {
            point,
            lose,
            spring,
        };
        *self.snare.0.lock().unwrap() = Some(trap);
    }

    /// Takes the trap away again; false where it has sprung, or there was none.
    pub fn untrap(&self) -> bool {
        self.snare.0.lock().unwrap().take().is_some()
    }

    fn act(&self, act: Act) {
        let _ = self.acts.send(act);
    }

    /// Connections taken from clients so far.
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }
}

struct Accepting {
    listener: TcpListener,
    node: SocketAddr,
    weather: watch::Sender<Weather>,
    acts: broadcast::Sender<Act>,
    slips: broadcast::Sender<Vec<u8>>,
    snare: Arc<Snare>,
    counts: Arc<Counts>,
}

impl Accepting {
    async fn run(self) {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = self.listener.accept().await {
            while connections.try_join_next().is_some() {}
            let weather = self.weather.subscribe();
            if *weather.borrow() == Weather::Refuse {
                reset_on_close(SockRef::from(&client));
                continue;
            }
            self.counts.accepted.fetch_add(1, Ordering::SeqCst);
            let counts = self.counts.clone();
            let (acts, slips) = (self.acts.subscribe(), self.slips.subscribe());
            let snare = self.snare.clone();
            let carried = carry(client, self.node, weather, acts, slips, snare);
            connections.spawn(async move {
                counts.open.fetch_add(1, Ordering::SeqCst);
                // However it ended: both sides have seen it.
                let _ = carried.await;
                counts.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }
}

/// Closing this socket is a reset from now on.
fn reset_on_close(socket: SockRef<'_>) {
    let _ = socket.set_linger(Some(Duration::ZERO));
}

async fn carry(
    client: TcpStream,
    node: SocketAddr,
    weather: watch::Receiver<Weather>,
    mut acts: broadcast::Receiver<Act>,
    slipped: broadcast::Receiver<Vec<u8>>,
    snare: Arc<Snare>,
) -> io::Result<()> {
    let node = TcpStream::connect(node).await?;
    client.set_nodelay(true)?;
    node.set_nodelay(true)?;
    // Second handles: for the reset, and to keep the client's side open without the node's.
    let (client_too, node_too) = (dup(&client)?, dup(&node)?);
    let (from_client, to_client) = split(client);
    let (from_node, to_node) = split(node);
    let mut fates = weather.clone();
    let flow = async {
        let up = Up {
            from: from_client,
            to: to_node,
            weather: weather.clone(),
            snare: snare.clone(),
        };
        let down = Down {
            from: from_node,
            to: to_client,
            weather,
            slipped,
            snare,
        };
        tokio::try_join!(up.run(), down.run())
    };
    tokio::select! {
        act = acts.recv() => {
            if matches!(act, Ok(Act::Kill)) {
                reset_on_close(SockRef::from(&client_too));
                reset_on_close(SockRef::from(&node_too));
            }
            return Ok(());
        }
        _ = fates.wait_for(|weather| *weather == Weather::HalfOpen) => {}
        ended = flow => {
            if ended.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionAborted) {
                reset_on_close(SockRef::from(&client_too));
                reset_on_close(SockRef::from(&node_too));
            }
            return Ok(());
        }
    }
    // Half open: `flow` and with it the node's side are gone, the client is never told.
    drop(node_too);
    hold(client_too, acts).await
}

fn dup(stream: &TcpStream) -> io::Result<Socket> {
    SockRef::from(stream).try_clone()
}

async fn hold(client: Socket, mut acts: broadcast::Receiver<Act>) -> io::Result<()> {
    let mut client = TcpStream::from_std(client.into())?;
    let mut nowhere = tokio::io::sink();
    tokio::select! {
        _ = acts.recv() => {}
        _ = tokio::io::copy(&mut client, &mut nowhere) => {}
    }
    Ok(())
}

/// From the client to the node.
struct Up {
    from: ReadHalf<TcpStream>,
    to: WriteHalf<TcpStream>,
    weather: watch::Receiver<Weather>,
    snare: Arc<Snare>,
}

impl Up {
    async fn run(mut self) -> io::Result<()> {
        let mut frames = Frames::default();
        loop {
            let weather = passable(&mut self.weather).await?;
            let mut piece = vec![0; CHUNK];
            let read = tokio::select! {
                changed = self.weather.changed() => { changed.map_err(io::Error::other)?; continue }
                read = self.from.read(&mut piece) => read?,
            };
            if read == 0 {
                return self.to.shutdown().await;
            }
            if let Weather::Delay(time) = weather {
                sleep(time).await;
            }
            let piece = piece.get(..read).unwrap_or_default();
            self.to.write_all(piece).await?;
            if frames.take(piece) && self.snare.reached(Point::AppendWritten) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
    }
}

/// From the node to the client.
struct Down {
    from: ReadHalf<TcpStream>,
    to: WriteHalf<TcpStream>,
    weather: watch::Receiver<Weather>,
    slipped: broadcast::Receiver<Vec<u8>>,
    snare: Arc<Snare>,
}

impl Down {
    async fn run(mut self) -> io::Result<()> {
        let mut until_cut: Option<usize> = None;
        loop {
            let weather = passable(&mut self.weather).await?;
            let most = match weather {
                Weather::CutAfter { bytes } => *until_cut.get_or_insert(bytes),
                Weather::Trickle { bytes, .. } => bytes,
                _ => CHUNK,
            };
            if !matches!(weather, Weather::CutAfter { .. }) {
                until_cut = None;
            }
            if most == 0 {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let mut piece = vec![0; most.min(CHUNK)];
            let read = tokio::select! {
                changed = self.weather.changed() => { changed.map_err(io::Error::other)?; continue }
                Ok(bytes) = self.slipped.recv() => { self.to.write_all(&bytes).await?; continue }
                read = self.from.read(&mut piece) => read?,
            };
            if read == 0 {
                return self.to.shutdown().await;
            }
            match weather {
                Weather::Delay(time) | Weather::Trickle { every: time, .. } => sleep(time).await,
                _ => {}
            }
            until_cut = until_cut.map(|left| left - read);
            let piece = piece.get(..read).unwrap_or_default();
            let answer = is_answer(piece);
            if answer && self.snare.reached(Point::AnswerSeen) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            self.to.write_all(piece).await?;
            if answer && self.snare.reached(Point::AnswerPassed) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
    }
}

/// The weather, once it lets anything pass.
async fn passable(weather: &mut watch::Receiver<Weather>) -> io::Result<Weather> {
    let passable = |weather: &Weather| !matches!(weather, Weather::BlackHole | Weather::HalfOpen);
    weather
        .wait_for(passable)
        .await
        .map(|weather| *weather)
        .map_err(io::Error::other)
}
