//! `cargo xtask bench` and `cargo xtask soak`: what a node carries, beside the server of the chat
//! tutorials, and for how long.
//!
//! Everything is real: processes, sockets, SQLite with `synchronous=FULL`. Every delivery is counted
//! and its order checked; a run that loses or reorders one ends with an error, not with a figure.
#![allow(clippy::print_stdout, reason = "the figures are the output")]
#![allow(
    clippy::indexing_slicing,
    reason = "indexing a JSON value that is not there answers null"
)]

mod client;
mod files;
mod joins;
mod limit;
mod machine;
mod marks;
mod mixed;
mod node;
mod raw;
mod report;
mod room;
mod server;
mod soak;
mod text;
#[cfg(feature = "window")]
mod window;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What `landline-node` carries, beside an in-memory socket.io server and the practical limit.
    Node(node::Options),
    /// Catch-up, start, paging, search and memory of the client core.
    Client(client::Options),
    /// The real window: start, opening a long room, scrolling, a thousand events at once, memory.
    #[cfg(feature = "window")]
    Window(window::Options),
    /// A large file up and down, beside a plain copy through one TCP connection.
    Files(files::Options),
    /// Whether anything grows while people come and go and a million messages pass.
    Soak(soak::Options),
    /// The server of the practical limit; started by `node`.
    #[command(hide = true)]
    Limit,
    /// The other end of the plain copy; started by `files`.
    #[command(hide = true)]
    Copy { to: std::path::PathBuf },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    allow_many_connections();
    match Arguments::parse().what {
        What::Node(options) => node::run(options).await,
        What::Client(options) => client::run(options).await,
        #[cfg(feature = "window")]
        What::Window(options) => window::run(options).await,
        What::Soak(options) => soak::run(options).await,
        What::Files(options) => files::run(options).await,
        What::Limit => limit::serve().await,
        What::Copy { to } => files::take_copy(&to),
    }
}

/// Each person of the load is a connection.
fn allow_many_connections() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it is refused, the run says which connection it could not make.
    let _ = setrlimit(Resource::Nofile, limit);
}
