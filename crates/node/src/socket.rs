//! The socket edge: from a packet to a request the Hub may decide on.
//!
//! socketioxide spawns the futures of its handlers, so two events of one client run at once and
//! order is lost. Everything here therefore happens in the closures themselves, which it calls one
//! after the other from the socket's read loop: decode, check size and rate, `try_send` to the Hub.
//! There is one handler for all events, registered in the middleware: an event that finds none
//! would be dropped without a word, and there no event can be before it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use landline_protocol::limits::PACKET_TO_NODE_BYTES;
use landline_protocol::{Code, MemberId, PROTOCOL, Refusal, SpaceId, sign_in_text, verify_text};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::handler::{ConnectHandler as _, FromMessageParts, Value};
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::{DisconnectReason, Socket};
use socketioxide::{ParserConfig, SocketIo, TransportType};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

use crate::door::Wire;
use crate::hub::{HubCommand, HubHandle};
use crate::random;
use crate::request::{self, Request};
use crate::session::{Asker, INCOMING_BYTES_OF_ALL, OUTGOING_PACKETS, Outlet, Session, SessionId};

const PING_EVERY: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(8);
/// From the WebSocket to the namespace.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of the buffer that each connection reads into, and holds as long as it lives. Several
/// requests of the usual size fit; it grows for a bigger one.
const READ_BUFFER: usize = 1024;

/// Builds the Socket.IO layer whose events go to the Hub.
pub(crate) fn layer(hub: HubHandle, space: SpaceId) -> (SocketIoLayer, SocketIo) {
    // Binary packets are no part of the protocol; without any place for attachments the first one
    // closes the connection.
    let parser = ParserConfig::common()
        .max_incoming_binaries(0)
        .max_incoming_binary_buf_size(0);
    let (layer, io) = SocketIo::builder()
        .transports([TransportType::Websocket])
        .with_parser(parser)
        .ping_interval(PING_EVERY)
        .ping_timeout(PONG_WITHIN)
        .connect_timeout(CONNECT_WITHIN)
        .max_buffer_size(OUTGOING_PACKETS)
        .max_payload(PACKET_TO_NODE_BYTES as u64)
        .ws_max_message_size(PACKET_TO_NODE_BYTES)
        .ws_max_frame_size(PACKET_TO_NODE_BYTES)
        .ws_read_buffer_size(READ_BUFFER)
        .build_layer();
    let edge = Arc::new(Edge {
        hub,
        space,
        sessions: AtomicU64::new(0),
        incoming_of_all: Arc::new(Semaphore::new(INCOMING_BYTES_OF_ALL)),
    });
    let prepared = edge.clone();
    let prepare = move |socket: SocketRef| std::future::ready(prepared.prepare(&socket));
    let connected = move |socket: SocketRef| {
        edge.connected(socket);
        std::future::ready(())
    };
    io.ns("/", connected.with(prepare));
    (layer, io)
}

struct Edge {
    hub: HubHandle,
    space: SpaceId,
    /// How many there have been: the number of the next.
    sessions: AtomicU64,
    incoming_of_all: Arc<Semaphore>,
}

impl Edge {
    /// Before the client is told that it is connected: its session, and the handlers.
    fn prepare(self: &Arc<Self>, socket: &SocketRef) -> Result<(), &'static str> {
        let wire = socket.req_parts().extensions.get::<Arc<Wire>>().cloned();
        let wire = wire.ok_or("this connection did not come through the door")?;
        let nonce = random::token().map_err(|_| "the node has no random numbers")?;
        let id = SessionId(self.sessions.fetch_add(1, Ordering::Relaxed));
        let session = Arc::new(Session::new(
            id,
            nonce,
            wire,
            self.incoming_of_all.clone(),
            Instant::now(),
        ));

        let (edge, of) = (self.clone(), session.clone());
        socket.on_fallback(move |socket: SocketRef, packet: Packet, ack: AckSender| {
            edge.take(
                Outlet {
                    socket,
                    session: of,
                },
                packet,
                ack,
            );
            std::future::ready(())
        });
        let (hub, of) = (self.hub.clone(), session.clone());
        socket.on_disconnect(move |reason: DisconnectReason| {
            of.has_gone();
            debug!(session = of.id.0, %reason, "disconnected");
            if matches!(reason, DisconnectReason::ClientNSDisconnect) {
                // The WebSocket is still there, on a place at the door and with no seat at the Hub.
                of.linger();
            }
            async move { hub.tell(HubCommand::Disconnected(of.id)).await }
        });
        socket.extensions.insert(session);
        Ok(())
    }

    fn connected(&self, socket: SocketRef) {
        let Some(session) = socket.extensions.get::<Arc<Session>>() else {
            return;
        };
        let wire = session.wire.clone();
        let outlet = Outlet { socket, session };
        if self.hub.offer(HubCommand::Connected(outlet)).is_err() {
            // Too much to do even for a welcome: the client comes again.
            wire.cut();
        }
    }

    /// One event of one client, in the order in which it sent them.
    fn take(&self, outlet: Outlet, packet: Packet, ack: AckSender) {
        let now = Instant::now();
        let session = outlet.session.clone();
        let mut asker = Asker {
            outlet,
            ack: packet.acked.then_some(ack),
            rid: None,
            permits: None,
        };
        let taken = packet.payload.and_then(|payload| {
            asker.rid = request::rid(&payload)?;
            if packet.name != "append" || session.who().is_none() {
                session.pass(now)?;
            }
            if session.who().is_none() && packet.name != "sign_in" {
                return Err(Refusal::new(Code::NotSignedIn, "sign in first"));
            }
            asker.permits = Some(session.room_for(payload.get().len())?);
            Request::decode(&packet.name, &payload)
        });
        let command = match taken {
            Ok(Request::SignIn(request)) => {
                match self.prove(&session, &request.public_key, &request) {
                    Ok(member) => HubCommand::SignIn {
                        asker,
                        member,
                        request,
                    },
                    Err(refusal) => return asker.answer::<()>(Err(refusal)),
                }
            }
            Ok(request) => HubCommand::Request { asker, request },
            Err(refusal) => return asker.answer::<()>(Err(refusal)),
        };
        if let Err(command) = self.hub.offer(command) {
            let refusal = Refusal::new(Code::Unavailable, "the node has too much to do");
            command.refuse(refusal.retry_after(200));
        }
    }

    /// Who signs in, shown by their signature over this connection's nonce.
    fn prove(
        &self,
        session: &Session,
        public_key: &str,
        request: &landline_protocol::up::SignIn,
    ) -> Result<MemberId, Refusal> {
        if session.who().is_some() {
            return Err(Refusal::bad_request(
                "somebody has signed in on this connection already",
            ));
        }
        if request.protocol != PROTOCOL {
            let words = format!("this node speaks protocol {PROTOCOL} only");
            return Err(Refusal::new(Code::UnsupportedProtocol, words));
        }
        let member: MemberId = public_key
            .parse()
            .map_err(|error| Refusal::bad_request(format!("`public_key` is {error}")))?;
        let bad = |words| Refusal::new(Code::BadSignature, words);
        if !session.take_nonce() {
            return Err(bad(
                "the nonce of this connection has served; connect again",
            ));
        }
        let text = sign_in_text(None, self.space, &session.nonce);
        if !verify_text(&member, &text, &request.signature) {
            return Err(bad(
                "the signature is not of this key over this connection's nonce",
            ));
        }
        Ok(member)
    }
}

/// An event as it came: its name, and its payload if that is one object.
struct Packet {
    name: String,
    payload: Result<Box<RawValue>, Refusal>,
    /// The client wants an acknowledgement.
    acked: bool,
}

impl FromMessageParts<LocalAdapter> for Packet {
    type Error = Infallible;

    fn from_message_parts(
        _: &Arc<Socket<LocalAdapter>>,
        value: &mut Value,
        ack: &Option<i64>,
    ) -> Result<Self, Infallible> {
        let text = value.as_str().map(|text| text.as_str()).unwrap_or_default();
        let (name, payload) = match serde_json::from_str::<Arguments>(text) {
            Ok(Arguments {
                name,
                payload,
                more: false,
            }) => (name, one_object(payload)),
            Ok(Arguments {
                name,
                payload: _,
                more: true,
            }) => (
                name,
                Err(Refusal::bad_request(
                    "the payload is one object, not several values",
                )),
            ),
            Err(error) => {
                let words = format!("the packet is not JSON: {error}");
                (String::new(), Err(Refusal::bad_request(words)))
            }
        };
        Ok(Self {
            name,
            payload,
            acked: ack.is_some(),
        })
    }
}

fn one_object(payload: Option<Box<RawValue>>) -> Result<Box<RawValue>, Refusal> {
    match payload {
        Some(payload) if payload.get().starts_with('{') => Ok(payload),
        Some(_) | None => Err(Refusal::bad_request("the payload is one object")),
    }
}

/// `["name", payload, …]`.
struct Arguments {
    name: String,
    payload: Option<Box<RawValue>>,
    more: bool,
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;

        impl<'de> Visitor<'de> for Array {
            type Value = Arguments;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array of an event's name and its payload")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Arguments, A::Error> {
                let name = seq.next_element()?.unwrap_or_default();
                let payload = seq.next_element()?;
                let mut more = false;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Arguments {
                    name,
                    payload,
                    more,
                })
            }
        }

        deserializer.deserialize_seq(Array)
    }
}
