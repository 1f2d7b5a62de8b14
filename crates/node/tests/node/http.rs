//! HTTP by hand, so that tests can also do what no library would.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::DEADLINE;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", std::string::String::as_str)
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["error"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn words(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["error"]["message"].as_str().unwrap().to_owned()
    }
}

/// Somebody with a token.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    pub(crate) node: SocketAddr,
    pub(crate) token: String,
}

impl Http {
    pub(crate) fn new(node: SocketAddr, token: &str) -> Self {
        Self {
            node,
            token: token.to_owned(),
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.begin(method, path, headers, body.len()).await;
        // The node may have answered before it has read all of it.
        let _ = stream.write_all(body).await;
        read(stream, method == "HEAD").await
    }

    /// Sends the head of a request whose body will be so long.
    pub(crate) async fn begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        length: usize,
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.node).await.unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: {length}\r\n"
        );
        if !self.token.is_empty() {
            head += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        if !matches!(method, "GET") {
            head += "Tus-Resumable: 1.0.0\r\n";
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
        stream
    }

    /// Begins an upload; where it is taken.
    pub(crate) async fn create(&self, bytes: usize, announced: Option<&str>) -> Answer {
        let length = bytes.to_string();
        let mut headers = vec![("Upload-Length", length.as_str())];
        let metadata =
            announced.map(|hash| format!("name {},blake3 {}", base64("a.bin"), base64(hash)));
        if let Some(metadata) = &metadata {
            headers.push(("Upload-Metadata", metadata));
        }
        self.send("POST", "/files", &headers, b"").await
    }

    pub(crate) async fn patch(&self, url: &str, offset: usize, bytes: &[u8]) -> Answer {
        let offset = offset.to_string();
        let headers = [
            ("Upload-Offset", offset.as_str()),
            ("Content-Type", "application/offset+octet-stream"),
        ];
        self.send("PATCH", url, &headers, bytes).await
    }

    /// Begins an upload and answers its address.
    pub(crate) async fn begun(&self, bytes: usize, announced: Option<&str>) -> String {
        let created = self.create(bytes, announced).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.header("location").to_owned()
    }

    /// Uploads a file; answers its hash as the node says.
    pub(crate) async fn upload(&self, bytes: &[u8]) -> String {
        let url = self.begun(bytes.len(), Some(&hash(bytes))).await;
        let last = self.patch(&url, 0, bytes).await;
        assert_eq!(last.status, 204, "{last:?}");
        last.header("landline-blake3").to_owned()
    }

    /// How far an upload is.
    pub(crate) async fn offset(&self, url: &str) -> Option<usize> {
        let head = self.send("HEAD", url, &[], b"").await;
        (head.status == 200).then(|| head.header("upload-offset").parse().unwrap())
    }

    pub(crate) async fn get(&self, hash: &str) -> Answer {
        self.send("GET", &format!("/files/{hash}"), &[], b"").await
    }
}

pub(crate) async fn read(stream: TcpStream, is_head: bool) -> Answer {
    answer(&whole(stream, DEADLINE).await, is_head)
}

/// An answer that may take longer.
pub(crate) async fn read_within(stream: TcpStream, within: Duration) -> Answer {
    answer(&whole(stream, within).await, false)
}

async fn whole(mut stream: TcpStream, within: Duration) -> Vec<u8> {
    let mut all = Vec::new();
    timeout(within, stream.read_to_end(&mut all))
        .await
        .expect("an answer in time")
        .ok();
    all
}

fn answer(all: &[u8], is_head: bool) -> Answer {
    let end = all
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(all)));
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: HashMap<String, String> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        })
        .collect();
    let body = all[end + 4..].to_vec();
    if let (false, Some(length)) = (is_head, headers.get("content-length")) {
        assert_eq!(body.len().to_string(), *length, "the whole body");
    }
    Answer {
        status: status.parse().unwrap(),
        headers,
        body,
    }
}

pub(crate) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_string()
}

/// Bytes that are like no others.
pub(crate) fn noise(bytes: usize, seed: &str) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new()
        .update(seed.as_bytes())
        .finalize_xof()
        .fill(&mut noise);
    noise
}
