//! Over real connections, as a web view, a browser and others of this computer make them.

use std::sync::Arc;
use std::time::Duration;

use landline_client::{Client, ClientConfig, PlainHost, Random, SystemClock, TcpDial};
use landline_protocol::up::ClientInfo;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const WINDOW: &str = "tauri://localhost";
/// Long enough on any machine.
const GENEROUS: Duration = Duration::from_secs(30);
const NOBODYS: &str = "00000000-0000-7000-8000-000000000001";

/// A server of files with a core that is in no space.
struct Served {
    authority: String,
    secret: String,
    _folder: TempDir,
}

impl Served {
    async fn start() -> Self {
        Self::within(LIMITS).await
    }

    async fn within(limits: Limits) -> Self {
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
        files.serve_within(core, limits);
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

    /// The window's connection on which a file of so many bytes is about to come.
    async fn begin_upload(&self, bytes: usize) -> TcpStream {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nOrigin: {WINDOW}\r\nContent-Length: {bytes}\r\n\
             Expect: 100-continue\r\n\r\n",
            self.attach(),
            self.authority
        );
        let mut stream = TcpStream::connect(&self.authority).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        let read = stream.read_exact(&mut go_on);
        timeout(GENEROUS, read).await.expect("is heard").unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
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

/// Reads until the other side ends it.
async fn ended(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A reset is an end, too.
    let _ = timeout(GENEROUS, read).await.expect("it is ended");
    String::from_utf8(answer).unwrap().to_lowercase()
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

#[tokio::test]
async fn a_request_whose_head_never_ends_is_cut_however_it_drips() {
    let head_within = Duration::from_millis(300);
    let served = Served::within(Limits {
        head_within,
        ..LIMITS
    })
    .await;
    let silent = TcpStream::connect(&served.authority).await.unwrap();
    assert_eq!(ended(silent).await, "");

    let (reader, mut writer) = TcpStream::connect(&served.authority)
        .await
        .unwrap()
        .into_split();
    let drips = tokio::spawn(async move {
        while writer.write_all(b"G").await.is_ok() {
            tokio::time::sleep(head_within / 10).await;
        }
    });
    timeout(GENEROUS, drips).await.expect("it is cut").unwrap();
    drop(reader);
}

#[tokio::test]
async fn however_many_connect_and_say_nothing_the_window_is_answered() {
    let served = Served::within(Limits {
        connections: 8,
        strangers: 4,
        head_within: GENEROUS * 10,
        ..LIMITS
    })
    .await;
    let mut window = served.begin_upload(10).await;

    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(&served.authority).await.unwrap());
    }
    let answer = served.ask("GET", &served.unknown(), &[]).await;
    assert_eq!(status(&answer), "404");
    assert!(answer.contains("nosniff"), "{answer}");
    assert_eq!(ended(silent.remove(0)).await, "");

    window.write_all(b"0123456789").await.unwrap();
    assert_eq!(status(&ended(window).await), "422");
}

#[tokio::test]
async fn more_connections_than_there_are_places_for_are_turned_away() {
    let served = Served::within(Limits {
        connections: 2,
        strangers: 2,
        ..LIMITS
    })
    .await;
    let mut held = served.begin_upload(10).await;
    let _also_held = served.begin_upload(10).await;
    let one_more = TcpStream::connect(&served.authority).await.unwrap();
    assert_eq!(ended(one_more).await, "");
    held.write_all(b"0123456789").await.unwrap();
    assert_eq!(status(&ended(held).await), "422");
}

#[tokio::test]
async fn a_file_that_stops_coming_is_given_up() {
    let served = Served::within(Limits {
        piece_within: Duration::from_millis(300),
        ..LIMITS
    })
    .await;
    let mut stream = served.begin_upload(1_000_000).await;
    stream.write_all(b"its beginning").await.unwrap();
    assert_eq!(status(&ended(stream).await), "422");
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
