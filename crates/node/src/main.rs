//! `landline-node`: a space served without a window.
//!
//! Standard output carries one line of JSON, printed when the node serves; the log goes to standard
//! error. SIGTERM and Ctrl-C stop it gracefully. Exit codes: 0 stopped, 1 could not start or go on
//! (one line says why), 2 bad flags.

mod args;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use landline_node::{Node, NodeError};
use landline_protocol::{DEFAULT_PORT, SpaceId};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use args::{Args, LogFormat};

/// The C library's keeps what bursts have freed, for each thread apart: a core that follows a busy
/// room for hours grew by that alone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ports tried after the default one, if that is taken and none was asked for.
const PORTS_TRIED: u16 = 100;

/// What is printed when the node serves.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    ready: bool,
    /// Where it can be reached from this machine.
    address: SocketAddr,
    space: SpaceId,
    name: String,
    fingerprint: Option<&'a str>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "landline-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(args: Args) -> anyhow::Result<()> {
    log_to_stderr(args.log);
    allow_many_connections();
    let stop = CancellationToken::new();
    let (signal, bind, port) = (stop_signal()?, args.bind, args.port);
    tokio::spawn({
        let stop = stop.clone();
        async move {
            signal.await;
            stop.cancel();
        }
    });
    let config = args.into_config();
    let listener = listen(bind, port).await?;
    let node = Node::start(config.clone(), listener, stop.clone().cancelled_owned()).await;
    let node = node.map_err(with_a_way_out)?;
    tell_ready(&node)?;
    let port = node.address().port();
    match node.wait().await {
        Err(damage @ NodeError::DamagedInUse(_)) => {
            // Once: what is damaged again so soon is for people to look at.
            tracing::error!(%damage, "starting again");
            let listener = listen(bind, Some(port)).await?;
            let node = Node::start(config, listener, stop.cancelled_owned()).await?;
            Ok(node.wait().await?)
        }
        ended => Ok(ended?),
    }
}

/// Who answers for the space may be somebody who must not.
fn with_a_way_out(error: NodeError) -> anyhow::Error {
    if matches!(error, NodeError::HostedElsewhere(_)) {
        anyhow::anyhow!("{error} (if it must not, --no-mdns starts without asking)")
    } else {
        error.into()
    }
}

fn tell_ready(node: &Node) -> anyhow::Result<()> {
    let ready = Ready {
        ready: true,
        address: reachable(node.address()),
        space: node.space(),
        name: node.name(),
        fingerprint: None,
    };
    let mut line = serde_json::to_string(&ready)?;
    line.push('\n');
    let mut stdout = std::io::stdout();
    stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.flush())?;
    Ok(())
}

/// Takes the port that was asked for, or the first free one from the default on.
async fn listen(bind: IpAddr, port: Option<u16>) -> anyhow::Result<TcpListener> {
    if let Some(port) = port {
        let address = SocketAddr::new(bind, port);
        let listener = TcpListener::bind(address).await;
        return listener.with_context(|| format!("can't listen on {address}"));
    }
    let mut last = None;
    for port in DEFAULT_PORT..=DEFAULT_PORT + PORTS_TRIED {
        match TcpListener::bind(SocketAddr::new(bind, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => last = Some(error),
            Err(error) => return Err(error).with_context(|| format!("can't listen on {bind}")),
        }
    }
    let error = last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    let last = DEFAULT_PORT + PORTS_TRIED;
    Err(error).with_context(|| format!("no free port from {DEFAULT_PORT} to {last} on {bind}"))
}

fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Each connection takes a file descriptor, and many systems give a program only 1,024 unless it
/// asks for more.
#[cfg(unix)]
fn allow_many_connections() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
fn allow_many_connections() {}

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_env("LANDLINE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"));
    // Whoever read standard error may have gone: the library would say so there, and panic.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
