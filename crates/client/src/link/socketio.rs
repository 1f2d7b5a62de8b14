//! rust_socketio, used for JSON events over one WebSocket and for nothing more.
//!
//! Its acknowledgements, reconnects, binary packets and `disconnect` are never used (each has a
//! defect that loses or hangs). It runs in a task of its own that nothing can stop but the end of
//! its connection; the callbacks belong to that task, so the end of `incoming` is its end.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use landline_protocol::down;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Event, Payload, TransportType};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use super::keeper::{Carried, Incoming, Pulse};
use super::{LinkLoss, Peer};

/// Events between rust_socketio and the keeper. When they are as many, its callback waits, with it
/// the reading from the socket, and so the node.
const BETWEEN: usize = 64;

/// What is below: a tunnel to the node.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) url: String,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) cut: CancellationToken,
    pub(crate) peer: Peer,
}

/// Connects, and waits for `welcome`. The caller limits the time, and cuts the line on any error.
pub(crate) async fn connect(line: Line) -> Result<Carried, LinkLoss> {
    let Line {
        url,
        pulse,
        cut,
        peer,
    } = line;
    let (sender, mut incoming) = mpsc::channel(BETWEEN);
    // A task of its own: a hostile handshake can make it panic.
    let connecting = AbortOnDropHandle::new(tokio::spawn(builder(url, sender).connect()));
    let client = match connecting.await {
        Ok(Ok(client)) => client,
        Ok(Err(_)) | Err(_) if pulse.has_ended() => return Err(LinkLoss::Closed),
        Ok(Err(error)) => return Err(LinkLoss::Protocol(error.to_string())),
        Err(error) => return Err(LinkLoss::Protocol(error.to_string())),
    };
    let welcome = match incoming.recv().await {
        Some(Incoming::Event { name, payload }) => welcome(&name, payload)?,
        Some(Incoming::Failed(text)) if !pulse.has_ended() => return Err(LinkLoss::Protocol(text)),
        Some(Incoming::Failed(_) | Incoming::Ended) | None => return Err(LinkLoss::Closed),
    };
    let emit = move |event: &'static str, payload: Value| {
        let client = client.clone();
        async move {
            client
                .emit(event, payload)
                .await
                .map_err(|_| LinkLoss::Closed)
        }
        .boxed()
    };
    Ok(Carried {
        welcome,
        peer,
        emit: Box::new(emit),
        incoming,
        pulse,
        cut,
    })
}

/// Nothing may be emitted before it: socketioxide closes a connection that speaks too early.
fn welcome(name: &str, payload: Value) -> Result<Box<down::Welcome>, LinkLoss> {
    if name != "welcome" {
        return Err(LinkLoss::Protocol(format!(
            "“{}” came before “welcome”",
            short(name)
        )));
    }
    serde_json::from_value(payload)
        .map(Box::new)
        .map_err(|error| LinkLoss::Protocol(format!("a welcome that can't be read: {error}")))
}

fn builder(url: String, sender: mpsc::Sender<Incoming>) -> ClientBuilder {
    let (failed, ended) = (sender.clone(), sender.clone());
    ClientBuilder::new(url)
        .transport_type(TransportType::Websocket)
        .reconnect(false)
        .on_any(move |event, payload, _: Client| pass(&sender, read(event, payload)))
        .on(Event::Error, move |payload, _: Client| {
            pass(&failed, Some(Incoming::Failed(text(payload))))
        })
        .on(Event::Close, move |_, _: Client| {
            pass(&ended, Some(Incoming::Ended))
        })
}

/// All that a callback does. It waits while the keeper is busy; a keeper that has gone refuses.
fn pass(sender: &mpsc::Sender<Incoming>, incoming: Option<Incoming>) -> BoxFuture<'static, ()> {
    let sender = sender.clone();
    async move {
        if let Some(incoming) = incoming {
            let _ = sender.send(incoming).await;
        }
    }
    .boxed()
}

/// An event as the protocol has them: a name and one object. Others are passed over.
fn read(event: Event, payload: Payload) -> Option<Incoming> {
    let name = String::from(event);
    match payload {
        Payload::Text(mut values) if values.len() == 1 && values.iter().all(Value::is_object) => {
            values
                .pop()
                .map(|payload| Incoming::Event { name, payload })
        }
        _ => {
            debug!(name = short(&name), "an event without exactly one object");
            None
        }
    }
}

fn text(payload: Payload) -> String {
    match payload {
        Payload::Text(values) => match values.first() {
            Some(Value::String(text)) => short(text).to_owned(),
            Some(value) => short(&value.to_string()).to_owned(),
            None => String::new(),
        },
        _ => String::new(),
    }
}

/// The other side chooses these words: enough of them to understand.
fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(200))
        .unwrap_or_default()
}
