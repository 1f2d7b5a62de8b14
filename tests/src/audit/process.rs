//! The process that a person of the audit runs: the client core, with orders on standard input and
//! what the window is told on standard output. One line of JSON each.
//!
//! ```text
//! in   {"n":1,"command":{"name":"post","request":{…}}}
//! out  {"n":1,"ok":{…}}  {"n":1,"error":{…}}  {"ui":[…]}
//! ```
//! A process of its own so that `kill -9` is a real one.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use landline_client::command::Command;
use landline_client::link::Timing;
use landline_client::{Client, PlainHost};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::mpsc;

use crate::person::config;

/// Lines that wait to be printed.
const LINES: usize = 1_024;

#[derive(Debug, Deserialize)]
struct Order {
    n: u64,
    command: Command,
}

/// Runs until standard input ends. `hurry`: with the shorter limits of a short audit.
pub async fn live(name: &str, data: &Path, hurry: bool) -> Result<(), String> {
    let config = config(name, data, if hurry { short() } else { Timing::default() });
    let client = Client::start(config, Arc::new(PlainHost))
        .await
        .map_err(|error| error.to_string())?;
    let (say, mut said) = mpsc::channel::<Value>(LINES);
    // A thread, since standard output is a pipe that blocks.
    let speaking = std::thread::spawn(move || {
        let mut out = std::io::stdout().lock();
        while let Some(line) = said.blocking_recv() {
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return;
            }
        }
    });
    let mut window = client.listen().await;
    let say_window = say.clone();
    tokio::spawn(async move {
        while let Some(batch) = window.recv().await {
            if say_window.send(json!({ "ui": batch })).await.is_err() {
                return;
            }
        }
    });
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = orders.next_line().await {
        let order: Order = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        let (client, say) = (client.clone(), say.clone());
        tokio::spawn(async move {
            let answer = match client.call(order.command).await {
                Ok(ok) => json!({ "n": order.n, "ok": ok }),
                Err(refusal) => json!({ "n": order.n, "error": refusal }),
            };
            let _ = say.send(answer).await;
        });
    }
    client.stop().await;
    drop((client, say));
    let _ = speaking.join();
    Ok(())
}

/// Silence is noticed in seconds.
fn short() -> Timing {
    Timing {
        welcome: Duration::from_secs(5),
        request: Duration::from_secs(4),
        heartbeat_every: Duration::from_secs(2),
        heartbeat: Duration::from_secs(2),
        ..Timing::default()
    }
}
