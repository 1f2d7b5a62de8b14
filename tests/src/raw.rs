//! A client that speaks Socket.IO by hand, so that it can also speak it badly.

use std::net::SocketAddr;

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use landline_protocol::down::Welcome;
use landline_protocol::up::SignedIn;
use landline_protocol::{MemberId, sign_in_text, sign_text};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::deadline::soon;

/// Engine.IO packets, and Socket.IO packets in them.
const PING: &str = "2";
const PONG: &str = "3";
const CONNECT: &str = "40";
const EVENT: &str = "42";

/// `sign_in` as the owner of this key.
pub fn sign_in_request(key: &SigningKey, name: &str, welcome: &Welcome) -> Value {
    let text = sign_in_text(None, welcome.space.id, &welcome.nonce);
    json!({
        "protocol": 1,
        "client": { "name": "raw", "version": "1" },
        "public_key": MemberId::from_bytes(key.verifying_key().to_bytes()),
        "name": name,
        "signature": sign_text(key, &text),
    })
}

/// A WebSocket to a node.
#[derive(Debug)]
pub struct Raw {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Raw {
    /// Up to the WebSocket, and no further.
    pub async fn open(node: SocketAddr) -> Result<Self, Error> {
        let url = format!("ws://{node}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = connect_async(url).await?;
        Ok(Self { socket })
    }

    /// Connected and signed in as somebody new.
    pub async fn sign_in(node: SocketAddr, seed: u8) -> (Self, SignedIn) {
        let mut raw = Self::open(node).await.unwrap();
        raw.write(CONNECT).await.unwrap();
        let welcome: Welcome = raw.event("welcome").await;
        let key = SigningKey::from_bytes(&[seed; 32]);
        let request = sign_in_request(&key, &format!("raw {seed}"), &welcome);
        let ok = raw.ask("sign_in", request).await;
        (raw, serde_json::from_value(ok).unwrap())
    }

    /// [`Self::sign_in`] for where it may go wrong: `None` then.
    pub async fn enter(node: SocketAddr, seed: u8) -> Option<Self> {
        let mut raw = Self::open(node).await.ok()?;
        raw.write(CONNECT).await.ok()?;
        let welcome = loop {
            let (name, payload) = raw.packet().await?;
            if name == "welcome" {
                break serde_json::from_value(payload).ok()?;
            }
        };
        let key = SigningKey::from_bytes(&[seed; 32]);
        let mut request = sign_in_request(&key, &format!("raw {seed}"), &welcome);
        request["rid"] = "sign_in".into();
        raw.emit("sign_in", &request).await.ok()?;
        loop {
            let (name, payload) = raw.packet().await?;
            if name == "reply" {
                return payload["ok"].is_object().then_some(raw);
            }
        }
    }

    /// Asks for the connection; `welcome` follows.
    pub async fn connect(&mut self) -> Result<(), Error> {
        self.write(CONNECT).await
    }

    /// The next event, name and payload; pings are answered. `None` once the node has closed.
    pub async fn packet(&mut self) -> Option<(String, Value)> {
        loop {
            let text = self.next().await?;
            let Some(packet) = text.strip_prefix(EVENT) else {
                continue;
            };
            let mut event: Value = serde_json::from_str(packet).ok()?;
            let name = event[0].as_str()?.to_owned();
            return Some((name, event[1].take()));
        }
    }

    /// A request that must be granted.
    pub async fn ask(&mut self, event: &str, mut payload: Value) -> Value {
        payload["rid"] = event.into();
        self.emit(event, &payload).await.unwrap();
        let mut reply: Value = self.event("reply").await;
        assert_eq!(reply["rid"], event);
        assert!(reply["ok"].is_object(), "{event}: {reply}");
        reply["ok"].take()
    }

    pub async fn emit(&mut self, event: &str, payload: &Value) -> Result<(), Error> {
        self.write(&format!("{EVENT}{}", json!([event, payload])))
            .await
    }

    /// Any text as one frame.
    pub async fn write(&mut self, text: &str) -> Result<(), Error> {
        self.frame(Message::text(text)).await
    }

    pub async fn frame(&mut self, frame: Message) -> Result<(), Error> {
        self.socket.send(frame).await
    }

    /// The payload of the next event of this name; others are passed over, pings answered.
    pub async fn event<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> T {
        let arrives = async {
            loop {
                let text = self
                    .next()
                    .await
                    .unwrap_or_else(|| panic!("closed before `{name}`"));
                let Some(packet) = text.strip_prefix(EVENT) else {
                    continue;
                };
                let mut event: Value = serde_json::from_str(packet).unwrap();
                if event[0] == name {
                    return serde_json::from_value(event[1].take()).unwrap();
                }
            }
        };
        soon(name, arrives).await
    }

    /// The next text frame; `None` once the node has closed.
    async fn next(&mut self) -> Option<String> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) if text.as_str() == PING => self.write(PONG).await.ok()?,
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Waits until the node closes.
    pub async fn is_closed(mut self) {
        soon("the node closes the connection", async {
            while self.next().await.is_some() {}
        })
        .await;
    }
}
