//! A Socket.IO client of a few lines over one WebSocket, so that the load driver costs less than
//! what it drives.

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// One connection, past the Socket.IO handshake.
pub(crate) struct Raw {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What a server sends.
pub(crate) enum Frame {
    /// `42["name",payload]`, whole.
    Event(String),
    /// `43<id>[answer]`: the answer's JSON array.
    Ack(u64, String),
}

impl Raw {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = connect_async(url).await.context("connecting")?;
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_nodelay(true)?;
        }
        let mut raw = Self { socket };
        raw.text().await?;
        raw.send("40".to_owned()).await?;
        // A first ping may come before it.
        while !raw.text_after_pings().await?.starts_with("40") {}
        Ok(raw)
    }

    pub(crate) async fn emit(
        &mut self,
        ack: u64,
        name: &str,
        payload: &impl Serialize,
    ) -> anyhow::Result<()> {
        let payload = serde_json::to_string(payload)?;
        self.send(format!("42{ack}[\"{name}\",{payload}]")).await
    }

    /// The next event or acknowledgement.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Frame> {
        let text = self.text_after_pings().await?;
        if text.starts_with("42") {
            return Ok(Frame::Event(text));
        }
        let Some(ack) = text.strip_prefix("43") else {
            bail!("the server sent {text:?}");
        };
        let digits = ack.bytes().take_while(u8::is_ascii_digit).count();
        let (id, answer) = ack.split_at(digits);
        Ok(Frame::Ack(id.parse()?, answer.to_owned()))
    }

    /// Emits and waits for the acknowledgement, passing over events.
    pub(crate) async fn ask(
        &mut self,
        name: &str,
        payload: &impl Serialize,
    ) -> anyhow::Result<Value> {
        self.emit(0, name, payload).await?;
        loop {
            if let Frame::Ack(0, answer) = self.next().await? {
                let mut answers: Vec<Value> = serde_json::from_str(&answer)?;
                return answers
                    .pop()
                    .context("an acknowledgement without an answer");
            }
        }
    }

    /// The next event of this name, passing over others.
    pub(crate) async fn event(&mut self, name: &str) -> anyhow::Result<Value> {
        loop {
            if let Frame::Event(text) = self.next().await? {
                let event: Value = serde_json::from_str(text.trim_start_matches("42"))?;
                if event.get(0).and_then(Value::as_str) == Some(name) {
                    return Ok(event.get(1).cloned().unwrap_or_default());
                }
            }
        }
    }

    /// The next packet that is no ping; pings are answered.
    async fn text_after_pings(&mut self) -> anyhow::Result<String> {
        loop {
            let text = self.text().await?;
            if text != "2" {
                return Ok(text);
            }
            self.send("3".to_owned()).await?;
        }
    }

    async fn send(&mut self, text: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    async fn text(&mut self) -> anyhow::Result<String> {
        loop {
            match self
                .socket
                .next()
                .await
                .context("the server closed the connection")??
            {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(close) => bail!("the server closed the connection: {close:?}"),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}
