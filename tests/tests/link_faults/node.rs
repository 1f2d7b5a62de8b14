//! The least that is a node to a link: a real socketioxide server that says `welcome`, answers by
//! `rid` and does what the test asks of it. It runs on a runtime of its own, so that the tasks of
//! the test's runtime are the client's alone.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use landline_protocol::down::{NodeInfo, ProtocolRange, Reply, Welcome};
use landline_protocol::up::SpaceInfo;
use landline_protocol::{Admission, Limits, MemberId, SpaceId};
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};
use socketioxide::handler::ConnectHandler as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Packets that wait for one client: these tests measure the link, not the node's patience.
const BUFFER: usize = 50_000;

/// How the node receives whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    Good,
    /// Accepts and says nothing.
    Mute,
    /// Turns everybody away.
    Closed,
    /// Says something else before `welcome`.
    Rude,
    /// A `welcome` of another kind of program.
    Foreign,
}

/// Dropping it kills it.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Node {
    pub(crate) fn start(manners: Manners) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, address) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    _ = stopped => {}
                    served = axum::serve(listener, router(manners)) => served.unwrap(),
                }
            });
            runtime.shutdown_background();
        });
        Self {
            address: address.recv().unwrap(),
            _stop: stop,
        }
    }
}

fn router(manners: Manners) -> Router {
    let (layer, io) = SocketIo::builder()
        .transports([socketioxide::TransportType::Websocket])
        .max_buffer_size(BUFFER)
        .ping_interval(Duration::from_secs(10))
        .connect_timeout(Duration::from_secs(5))
        .build_layer();
    let receive = move |socket: SocketRef| {
        listen(&socket);
        match manners {
            Manners::Good => tell(&socket, "welcome", &welcome()),
            Manners::Mute | Manners::Closed => {}
            Manners::Rude => tell(&socket, "events", &json!({ "room": "x" })),
            Manners::Foreign => tell(&socket, "welcome", &json!({ "hello": "game" })),
        }
        std::future::ready(())
    };
    let admit = async move |_: SocketRef| match manners {
        Manners::Closed => Err("this is not for you"),
        _ => Ok(()),
    };
    io.ns("/", receive.with(admit));
    Router::new().layer(layer)
}

/// As a node must: all work in the synchronous part of the handlers, so that order is kept.
fn listen(socket: &SocketRef) {
    socket.on("echo", |socket: SocketRef, Data(said): Data<Value>| {
        reply(&socket, &said);
        tell(&socket, "echoed", &said);
        std::future::ready(())
    });
    socket.on("my_rooms", |socket: SocketRef, Data(said): Data<Value>| {
        reply(&socket, &said);
        std::future::ready(())
    });
    // A large answer: `bytes` of text.
    socket.on("large", |socket: SocketRef, Data(said): Data<Value>| {
        let bytes = said["bytes"].as_u64().unwrap_or_default();
        let rid = said["rid"].as_str().unwrap_or_default().to_owned();
        let text = "x".repeat(usize::try_from(bytes).unwrap());
        tell(
            &socket,
            "reply",
            &Reply::new(rid, Ok(json!({ "text": text }))),
        );
        std::future::ready(())
    });
    // `count` pushes at once.
    socket.on("flood", |socket: SocketRef, Data(said): Data<Value>| {
        for number in 0..said["count"].as_u64().unwrap_or_default() {
            tell(&socket, "drop", &json!({ "number": number }));
        }
        std::future::ready(())
    });
    // The last words of a node that closes.
    socket.on("leave", |socket: SocketRef, Data(_): Data<Value>| {
        for number in 0..50 {
            tell(&socket, "drop", &json!({ "number": number }));
        }
        tell(&socket, "goodbye", &json!({ "reason": "shutting_down" }));
        let _ = socket.disconnect();
        std::future::ready(())
    });
    // Things that no node sends.
    socket.on("binary", |socket: SocketRef, Data(_): Data<Value>| {
        tell(
            &socket,
            "blob",
            &axum::body::Bytes::from_static(&[1, 0x1e, 2]),
        );
        tell(&socket, "echoed", &json!({ "after": "binary" }));
        std::future::ready(())
    });
    socket.on("odd", |socket: SocketRef, Data(_): Data<Value>| {
        tell(&socket, "number", &1);
        tell(&socket, "two", &(json!({}), json!({})));
        tell(&socket, "nothing", &());
        tell(&socket, "reply", &json!({ "rid": "4711", "ok": {} }));
        tell(
            &socket,
            "reply",
            &json!({ "rid": "not a number", "ok": {} }),
        );
        tell(&socket, "echoed", &json!({ "after": "odd" }));
        std::future::ready(())
    });
}

fn reply(socket: &SocketRef, said: &Value) {
    let rid = said["rid"].as_str().unwrap_or_default().to_owned();
    tell(
        socket,
        "reply",
        &Reply::new(rid, Ok(json!({ "said": said["text"] }))),
    );
}

fn tell<T: serde::Serialize + ?Sized>(socket: &SocketRef, event: &str, payload: &T) {
    // A client that has gone needs nothing any more.
    let _ = socket.emit(event, payload);
}

fn welcome() -> Welcome {
    Welcome {
        protocol: ProtocolRange { min: 1, max: 1 },
        features: Vec::new(),
        node: NodeInfo {
            id: MemberId::from_bytes([7; 32]),
            fingerprint: None,
            version: "0.0.0".to_owned(),
            epoch: 1,
        },
        space: SpaceInfo {
            id: "0193e0f0-0000-7000-8000-000000000001"
                .parse::<SpaceId>()
                .unwrap(),
            name: "Workshop".to_owned(),
            admission: Admission::Open,
        },
        nonce: "bm9uY2U".to_owned(),
        server_time: 1_763_640_000_000,
        limits: Limits::default(),
    }
}
