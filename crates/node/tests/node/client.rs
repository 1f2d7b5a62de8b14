//! A tiny Socket.IO client over a bare WebSocket, so that tests can also send what no library would.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use landline_protocol::{SpaceId, sign_in_text, sign_text};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// For anything that must happen. Far longer than it takes, even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// How long nothing is waited for, where nothing must happen.
pub(crate) const SILENCE: Duration = Duration::from_millis(600);

pub(crate) type Answer = Result<Value, String>;

pub(crate) struct Client {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) key: SigningKey,
    pub(crate) welcome: Value,
    pushes: VecDeque<(String, Value)>,
    replies: VecDeque<Value>,
    rids: u64,
    pub(crate) closed: bool,
}

/// The key of a named person: always the same for a name.
pub(crate) fn key(name: &str) -> SigningKey {
    let mut seed = [0; 32];
    for (at, byte) in name.bytes().enumerate() {
        seed[at % 32] ^= byte.rotate_left(at as u32 / 32 + 1);
    }
    SigningKey::from_bytes(&seed)
}

impl Client {
    /// Connects as somebody who has not signed in.
    pub(crate) async fn connect(node: SocketAddr, name: &str) -> Self {
        let mut client = Self::open(node, name).await;
        client.welcome = client.push("welcome").await;
        client
    }

    /// Up to the namespace, without waiting for the welcome.
    pub(crate) async fn open(node: SocketAddr, name: &str) -> Self {
        let url = format!("ws://{node}/socket.io/?EIO=4&transport=websocket");
        let (ws, _) = timeout(DEADLINE, tokio_tungstenite::connect_async(url))
            .await
            .expect("connected in time")
            .expect("connected");
        let mut client = Self {
            ws,
            key: key(name),
            welcome: Value::Null,
            pushes: VecDeque::new(),
            replies: VecDeque::new(),
            rids: 0,
            closed: false,
        };
        client.raw("40").await;
        client
    }

    /// Connects and signs in.
    pub(crate) async fn enter(node: SocketAddr, name: &str) -> Self {
        Self::try_enter(node, name).await.expect("signed in").0
    }

    pub(crate) async fn try_enter(node: SocketAddr, name: &str) -> Result<(Self, Value), String> {
        let mut client = Self::connect(node, name).await;
        let answer = client.sign_in(json!({ "name": name })).await?;
        Ok((client, answer))
    }

    pub(crate) async fn sign_in(&mut self, more: Value) -> Answer {
        let mut payload = self.sign_in_payload();
        for (field, value) in more.as_object().unwrap() {
            payload[field] = value.clone();
        }
        self.ask("sign_in", payload).await
    }

    pub(crate) fn sign_in_payload(&self) -> Value {
        let space: SpaceId = self.welcome["space"]["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let nonce = self.welcome["nonce"].as_str().unwrap();
        json!({
            "protocol": 1,
            "client": { "name": "test", "version": "1" },
            "public_key": self.id(),
            "name": "somebody",
            "signature": sign_text(&self.key, &sign_in_text(None, space, nonce)),
        })
    }

    pub(crate) fn id(&self) -> String {
        landline_protocol::MemberId::from_bytes(self.key.verifying_key().to_bytes()).to_string()
    }

    pub(crate) async fn raw(&mut self, text: &str) {
        self.ws
            .send(Message::text(text.to_owned()))
            .await
            .expect("sent");
    }

    pub(crate) async fn raw_binary(&mut self, bytes: &[u8]) {
        self.ws
            .send(Message::binary(bytes.to_vec()))
            .await
            .expect("sent");
    }

    /// Sends without waiting for an answer; answers the `rid`.
    pub(crate) async fn send(&mut self, event: &str, mut payload: Value) -> String {
        self.rids += 1;
        let rid = format!("r{}", self.rids);
        payload["rid"] = json!(rid);
        self.raw(&format!("42{}", json!([event, payload]))).await;
        rid
    }

    /// Asks with a `rid`; an error is answered as its code.
    pub(crate) async fn ask(&mut self, event: &str, payload: Value) -> Answer {
        let rid = self.send(event, payload).await;
        self.answer(&rid).await
    }

    pub(crate) async fn answer(&mut self, rid: &str) -> Answer {
        to_answer(self.reply(rid).await)
    }

    /// The whole `reply` with this `rid`.
    pub(crate) async fn reply(&mut self, rid: &str) -> Value {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.replies.iter().position(|reply| reply["rid"] == rid) {
                return self.replies.remove(at).unwrap();
            }
            assert!(self.read(until).await, "no answer to {rid}");
        }
    }

    /// The next push with this name; others are kept.
    pub(crate) async fn push(&mut self, event: &str) -> Value {
        self.push_within(event, DEADLINE)
            .await
            .unwrap_or_else(|| panic!("no `{event}` came"))
    }

    pub(crate) async fn push_within(&mut self, event: &str, within: Duration) -> Option<Value> {
        let until = Instant::now() + within;
        loop {
            if let Some(at) = self.pushes.iter().position(|(name, _)| name == event) {
                return self.pushes.remove(at).map(|(_, payload)| payload);
            }
            if !self.read(until).await {
                return None;
            }
        }
    }

    /// The next push that fits, which others with its name may come before.
    pub(crate) async fn push_where(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let push = self.push(event).await;
            if fits(&push) {
                return push;
            }
        }
    }

    /// Everything that has come and comes until nothing comes for a while.
    pub(crate) async fn pushes(&mut self) -> Vec<(String, Value)> {
        while self.read(Instant::now() + SILENCE).await {}
        self.pushes.drain(..).collect()
    }

    /// Waits until the node has closed the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let until = Instant::now() + DEADLINE;
        while self.read(until).await {}
        self.closed
    }

    /// The text of the next frame that fits; the others are lost.
    pub(crate) async fn raw_where(&mut self, fits: impl Fn(&str) -> bool) -> String {
        let reading = async {
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Text(text))) if fits(&text) => return text.to_string(),
                    Some(Ok(_)) => {}
                    end => panic!("closed: {end:?}"),
                }
            }
        };
        timeout(DEADLINE, reading).await.expect("a frame that fits")
    }

    /// Reads one frame; false: none came in time, or the connection is closed.
    async fn read(&mut self, until: Instant) -> bool {
        let frame = match timeout_at(until, self.ws.next()).await {
            Err(_) => return false,
            Ok(None | Some(Err(_))) => {
                self.closed = true;
                return false;
            }
            Ok(Some(Ok(frame))) => frame,
        };
        let Message::Text(text) = frame else {
            return true;
        };
        match text.as_str() {
            "2" => {
                // The connection may be closing.
                let _ = self.ws.send(Message::text("3")).await;
            }
            text if text.starts_with("42") => {
                let value: Value = serde_json::from_str(&text[2..]).expect("an event is JSON");
                let (name, payload) = (value[0].as_str().unwrap().to_owned(), value[1].clone());
                if name == "reply" {
                    self.replies.push_back(payload);
                } else {
                    self.pushes.push_back((name, payload));
                }
            }
            text if text.starts_with("43") => {
                let at = text.find('[').unwrap();
                let value: Value = serde_json::from_str(&text[at..]).expect("an ack is JSON");
                let mut reply = value[0].clone();
                reply["rid"] = json!(format!("ack{}", &text[2..at]));
                self.replies.push_back(reply);
            }
            _ => {}
        }
        true
    }

    // ----- what people do ------------------------------------------------------------------------

    pub(crate) async fn append(&mut self, events: Value) -> Result<Vec<Value>, String> {
        let ok = self.ask("append", json!({ "events": events })).await?;
        Ok(ok["results"].as_array().unwrap().clone())
    }

    /// Appends one event; an error is answered as its code.
    pub(crate) async fn put(&mut self, room: &str, content: Value) -> Answer {
        let results = self.append(json!([event(room, content)])).await?;
        match results[0]["error"]["code"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(results[0].clone()),
        }
    }

    pub(crate) async fn say(&mut self, room: &str, text: &str) -> Value {
        self.put(room, message(text)).await.expect("accepted")
    }

    /// Creates a room and answers its id.
    pub(crate) async fn make_room(&mut self, kind: &str, name: &str, members: &[&str]) -> String {
        let room = uuid::Uuid::now_v7().to_string();
        let mut content = json!({ "type": "room_created", "kind": kind, "name": name });
        if !members.is_empty() {
            content["members"] = json!(members);
        }
        self.put(&room, content).await.expect("a room");
        room
    }

    pub(crate) async fn fetch(&mut self, room: &str, after: u64) -> Answer {
        self.ask(
            "fetch",
            json!({ "room": room, "after": after, "limit": 500 }),
        )
        .await
    }

    /// The whole log of a room.
    pub(crate) async fn log(&mut self, room: &str) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let after = events
                .last()
                .map_or(0, |event| event["seq"].as_u64().unwrap());
            let page = self.fetch(room, after).await.expect("a page");
            let page = page["events"].as_array().unwrap().clone();
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    pub(crate) async fn general(&mut self) -> String {
        let rooms = self.ask("my_rooms", json!({})).await.expect("rooms");
        let rooms = rooms["rooms"].as_array().unwrap().clone();
        let general = rooms
            .iter()
            .find(|room| room["everyone"] == true)
            .expect("general");
        general["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn space(&self) -> String {
        self.welcome["space"]["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn to_answer(reply: Value) -> Answer {
    match reply["error"]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(reply["ok"].clone()),
    }
}

pub(crate) fn event(room: &str, content: Value) -> Value {
    let id = uuid::Uuid::now_v7().to_string();
    json!({ "id": id, "room": room, "sent_at": 1_763_640_000_000_i64, "content": content })
}

pub(crate) fn message(text: &str) -> Value {
    json!({ "type": "message", "text": text })
}
