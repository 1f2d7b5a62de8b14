//! Over real connections, as a web view, a browser and others of this computer make them.

use std::sync::Arc;

use landline_client::{Client, ClientConfig, PlainHost, Random, SystemClock, TcpDial};
use landline_protocol::up::ClientInfo;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const WINDOW: &str = "tauri://localhost";
const NOBODYS: &str = "00000000-0000-7000-8000-000000000001";

/// A server of files with a core that is in no space.
struct Served {
    authority: String,
    secret: String,
    _folder: TempDir,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = ClientConfig {
            data_dir: folder.path().to_owned(),
            clock: Arc::new(SystemClock),
            random: Random::from_system().unwrap(),
            dial: Arc::new(TcpDial::default()),
            discovery: None,
            client: ClientInfo {
                name: "test".to_owned(),
                version: "0".to_owned(),
            },
            suggested_name: "Ana".to_owned(),
        };
        let core = Core::default();
        core.set(
            Client::start(config, Arc::new(PlainHost))
                .await
                .map_err(Into::into),
        );
        let files = FileServer::open().unwrap();
        let (authority, secret) = (files.authority.clone(), files.secret.clone());
        files.serve(core);
        Self {
            authority,
            secret,
            _folder: folder,
        }
    }

    fn unknown(&self) -> String {
        format!("/{}/{NOBODYS}/{NOBODYS}/{}", self.secret, "0".repeat(64))
    }

    fn attach(&self) -> String {
        format!(
            "/{}/attach?space={NOBODYS}&room={NOBODYS}&name=a.txt&type=",
            self.secret
        )
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        self.send(method, path, headers, &[]).await
    }

    /// The whole answer, in small letters.
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> String {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request += &format!("Host: {}\r\n", self.authority);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut stream = TcpStream::connect(&self.authority).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap().to_lowercase()
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn without_the_secret_nothing_is_there() {
    let served = Served::start().await;
    let nearly = format!("{}x", served.secret.get(1..).unwrap());
    for secret in ["", "guess", &nearly] {
        let path = format!("/{secret}/attach?space={NOBODYS}&room={NOBODYS}&name=a&type=");
        let answer = served.ask("POST", &path, &[("Origin", WINDOW)]).await;
        assert_eq!(status(&answer), "404", "{secret}");
        assert!(!answer.contains("access-control"), "{answer}");
    }
}

#[tokio::test]
async fn a_page_whose_name_leads_to_this_computer_is_not_let_in() {
    let served = Served::start().await;
    let port = served.authority.split(':').nth(1).unwrap();
    for host in ["evil.example", &format!("localhost:{port}"), "127.0.0.1"] {
        let answer = served
            .ask("POST", &served.attach(), &[("Host", host)])
            .await;
        assert_eq!(status(&answer), "404", "{host}");
    }
}

#[tokio::test]
async fn another_page_is_not_let_in_even_with_the_secret() {
    let served = Served::start().await;
    for origin in [
        "https://evil.example",
        "http://localhost.evil.example",
        "null",
    ] {
        for method in ["OPTIONS", "POST"] {
            let answer = served
                .ask(method, &served.attach(), &[("Origin", origin)])
                .await;
            assert_eq!(status(&answer), "403", "{origin}");
            assert!(!answer.contains("access-control"), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_window_may_ask_and_is_answered() {
    let served = Served::start().await;
    let origin = [("Origin", WINDOW)];
    let asked = served.ask("OPTIONS", &served.attach(), &origin).await;
    assert_eq!(status(&asked), "204");
    assert!(asked.contains("access-control-allow-origin: tauri://localhost"));
    assert!(asked.contains("access-control-allow-headers: content-type"));

    let answer = served.ask("GET", &served.unknown(), &origin).await;
    assert_eq!(status(&answer), "404");
    for header in [
        "access-control-allow-origin: tauri://localhost",
        "x-content-type-options: nosniff",
        "content-disposition: attachment",
        "content-security-policy: default-src 'none'; sandbox",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(header), "{header} in {answer}");
    }
}

#[tokio::test]
async fn a_refused_file_is_answered_in_words_however_large_it_is() {
    let served = Served::start().await;
    let body = vec![7; 32 * 1024 * 1024];
    let answer = served
        .send("POST", &served.attach(), &[("Origin", WINDOW)], &body)
        .await;
    assert_eq!(status(&answer), "422", "{answer}");
    assert!(answer.contains("\"message\""), "{answer}");
}

#[test]
fn what_may_run_something_is_only_bytes() {
    for media_type in [
        "text/html",
        "image/svg+xml",
        "text/plain",
        "",
        "image/*",
        "audio/\n",
    ] {
        assert_eq!(
            served_as(media_type),
            mime::APPLICATION_OCTET_STREAM,
            "{media_type}"
        );
    }
    assert_eq!(served_as("image/png"), mime::IMAGE_PNG);
    assert_eq!(served_as("video/mp4").essence_str(), "video/mp4");
}

#[test]
fn the_window_is_told_where_it_is() {
    let files = FileServer::open().unwrap();
    assert!(files.origin().starts_with("http://127.0.0.1:"));
    assert!(files.script().contains(&files.secret));
    assert!(!format!("{files:?}").contains(&files.secret));
}
