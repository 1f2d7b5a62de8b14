//! A Socket.IO client of a few lines on a bare socket, so that the load costs less than what it
//! drives: frames are looked at where they were read, never copied, and no mask is computed (a
//! mask of zeros is a valid one).

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

/// Bytes read at once, to begin with.
const READ: usize = 4 * 1024;
/// Bytes of a frame at most: what a node may send, with room to spare.
const FRAME: usize = 4 * 1024 * 1024;
const SHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// One connection, past the Socket.IO handshake.
pub(crate) struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer is read and not yet looked at.
    start: usize,
    end: usize,
    out: Vec<u8>,
}

/// What a server sends.
pub(crate) enum Frame<'a> {
    /// `42["name",payload]`, whole.
    Event(&'a [u8]),
    /// `43<id>[answer]`: the answer's JSON array.
    Ack(u64, &'a [u8]),
}

impl Raw {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        Self::connect_by(TcpSocket::new_v4()?, address).await
    }

    /// One whose system takes in as little as possible for it before it reads.
    pub(crate) async fn connect_narrow(address: &str) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(2 * 1024)?;
        Self::connect_by(socket, address).await
    }

    async fn connect_by(socket: TcpSocket, address: &str) -> anyhow::Result<Self> {
        let stream = socket.connect(address.parse()?).await?;
        stream.set_nodelay(true)?;
        let mut raw = Self {
            stream,
            buffer: vec![0; READ],
            start: 0,
            end: 0,
            out: Vec::new(),
        };
        let hello = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\n{SHAKE}"
        );
        raw.stream.write_all(hello.as_bytes()).await?;
        let head = loop {
            let read = raw.buffer.get(..raw.end).unwrap_or_default();
            if let Some(end) = memchr::memmem::find(read, b"\r\n\r\n") {
                break end + 4;
            }
            raw.read().await?;
        };
        ensure!(
            raw.buffer.starts_with(b"HTTP/1.1 101"),
            "the server refused the WebSocket"
        );
        raw.start = head;
        raw.packet().await?;
        raw.send("40").await?;
        // A first ping may come before it.
        while !raw.packet_after_pings().await?.starts_with(b"40") {}
        Ok(raw)
    }

    pub(crate) async fn emit(
        &mut self,
        ack: u64,
        name: &str,
        payload: &impl Serialize,
    ) -> anyhow::Result<()> {
        let payload = serde_json::to_string(payload)?;
        self.send(&format!("42{ack}[\"{name}\",{payload}]")).await
    }

    /// The next event or acknowledgement. May be given up at any time without loss.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Frame<'_>> {
        let packet = self.packet_after_pings().await?;
        if packet.starts_with(b"42") {
            return Ok(Frame::Event(packet));
        }
        let Some(ack) = packet.strip_prefix(b"43") else {
            bail!("the server sent {:?}", String::from_utf8_lossy(packet));
        };
        let digits = ack.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (id, answer) = ack.split_at(digits);
        Ok(Frame::Ack(std::str::from_utf8(id)?.parse()?, answer))
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
                let mut answers: Vec<Value> = serde_json::from_slice(answer)?;
                return answers
                    .pop()
                    .context("an acknowledgement without an answer");
            }
        }
    }

    /// The next event of this name, passing over others.
    pub(crate) async fn event(&mut self, name: &str) -> anyhow::Result<Value> {
        loop {
            if let Frame::Event(packet) = self.next().await? {
                let mut event: Value = serde_json::from_slice(packet.get(2..).unwrap_or_default())?;
                if event[0] == name {
                    return Ok(event[1].take());
                }
            }
        }
    }

    /// The next packet that is no ping; pings are answered.
    async fn packet_after_pings(&mut self) -> anyhow::Result<&[u8]> {
        loop {
            let (start, end) = self.packet().await?;
            if self.buffer.get(start..end) == Some(b"2") {
                self.send("3").await?;
            } else {
                return self.buffer.get(start..end).context("a packet");
            }
        }
    }

    /// Where in the buffer the next text frame's payload is.
    async fn packet(&mut self) -> anyhow::Result<(usize, usize)> {
        loop {
            let read = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some((head, length)) = head(read)? {
                if read.len() >= head + length {
                    let start = self.start + head;
                    self.start = start + length;
                    return Ok((start, self.start));
                }
                self.make_room(head + length)?;
            }
            self.read().await?;
        }
    }

    fn make_room(&mut self, frame: usize) -> anyhow::Result<()> {
        ensure!(frame <= FRAME, "a frame of {frame} bytes");
        if self.start + frame > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if frame > self.buffer.len() {
                self.buffer.resize(frame.next_power_of_two(), 0);
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.buffer.len() {
            let held = self.end - self.start;
            self.make_room(held + READ)?;
        }
        loop {
            self.stream.readable().await?;
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.stream.try_read(free) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(read) => {
                    self.end += read;
                    return Ok(());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        self.out.clear();
        self.out.push(0x81);
        match u8::try_from(text.len()) {
            Ok(length) if length < 126 => self.out.push(0x80 | length),
            _ => match u16::try_from(text.len()) {
                Ok(length) => {
                    self.out.push(0x80 | 126);
                    self.out.extend_from_slice(&length.to_be_bytes());
                }
                Err(_) => {
                    self.out.push(0x80 | 127);
                    self.out
                        .extend_from_slice(&(text.len() as u64).to_be_bytes());
                }
            },
        }
        self.out.extend_from_slice(&[0; 4]);
        self.out.extend_from_slice(text.as_bytes());
        self.stream.write_all(&self.out).await?;
        Ok(())
    }
}

/// Bytes of a frame's head and of its payload, once enough of it is there.
fn head(read: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let (Some(&kind), Some(&short)) = (read.first(), read.get(1)) else {
        return Ok(None);
    };
    ensure!(kind == 0x81, "a frame of kind {kind:#x}");
    Ok(match short {
        126 => read
            .get(2..4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| (4, usize::from(u16::from_be_bytes(bytes)))),
        127 => (read.get(2..10).and_then(|bytes| bytes.try_into().ok()))
            .map(|bytes| (10, u64::from_be_bytes(bytes) as usize)),
        length => Some((2, usize::from(length))),
    })
}
