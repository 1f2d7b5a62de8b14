//! An upload: `HEAD` (is it there already?), `POST`, `HEAD` (how far?), `PATCH`.

use std::fmt;
use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Response, StatusCode};
use landline_protocol::{Code, File, FileHash, Refusal};
use landline_store::{Store, transfers};
use tokio::io::AsyncSeekExt as _;
use tokio::time::{Instant, sleep};
use tokio_util::io::ReaderStream;

use super::http::{Http, Sent, Trouble, refused, told};
use super::shelf::Shelf;
use crate::link::{Dial, Target};

/// Bytes that are read at once.
const PIECE: usize = 256 * 1024;
/// Without a byte taken for this long, the host is gone.
const STUCK: Duration = Duration::from_secs(60);
/// For the answer once all is over: the host has a gigabyte to bring to its disk, perhaps.
const FINISH_WITHIN: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a transfer needs.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) target: Target,
    pub(crate) token: String,
    pub(crate) shelf: Shelf,
    pub(crate) store: Store,
    pub(crate) transfer: transfers::Transfer,
    /// As the message names it.
    pub(crate) file: File,
    /// Where the bytes of an upload are.
    pub(crate) from: PathBuf,
    /// Bytes that are over.
    pub(crate) progress: Arc<AtomicU64>,
}

impl fmt::Debug for Job {
    /// Without the token: whoever has it is signed in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("target", &self.target)
            .field("transfer", &self.transfer)
            .finish_non_exhaustive()
    }
}

impl Job {
    pub(crate) const fn hash(&self) -> FileHash {
        self.transfer.blake3
    }

    pub(crate) async fn connect(&self) -> Result<Http, Trouble> {
        let (target, token) = (self.target.clone(), self.token.clone());
        Http::connect(&*self.dial, target, token).await
    }

    async fn set_url(&self, url: Option<String>) -> Result<(), Trouble> {
        let id = self.transfer.id;
        let set = self
            .store
            .write(move |c| transfers::set_url(c, id, url.as_deref()));
        set.await.map_err(|_| Trouble::later())
    }
}

/// Resolves when the node has the file, whole and checked.
pub(crate) async fn upload(job: &Job) -> Result<(), Trouble> {
    let mut http = job.connect().await?;
    let known = http.request("HEAD", &format!("/files/{}", job.hash()));
    let known = http.ask(known).await?;
    match known.status() {
        StatusCode::OK => return Ok(()),
        StatusCode::NOT_FOUND => {}
        // An answer to HEAD has no body that would say why.
        StatusCode::UNAUTHORIZED => return Err(Trouble::Session),
        _ => return Err(Trouble::later()),
    }
    let (url, offset) = match resume(job, &mut http).await? {
        Resumed::Whole => return Ok(()),
        Resumed::At(url, offset) => (url, offset),
        Resumed::Nowhere => (begin(job, &mut http).await?, 0),
    };
    if job.transfer.bytes == 0 {
        return Ok(());
    }
    send(job, &mut http, &url, offset).await
}

/// Tells the node that an upload will not go on: until it expires, it would count against the quota
/// of whoever began it.
pub(crate) async fn withdraw(
    dial: &dyn Dial,
    target: Target,
    token: String,
    url: &str,
) -> Result<(), Trouble> {
    let mut http = Http::connect(dial, target, token).await?;
    let answer = http.ask(http.request("DELETE", url)).await?;
    match answer.status() {
        StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
        _ => Err(refused(answer).await),
    }
}

enum Resumed {
    /// It was at its end already; the answer was lost.
    Whole,
    At(String, u64),
    Nowhere,
}

async fn resume(job: &Job, http: &mut Http) -> Result<Resumed, Trouble> {
    let Some(url) = job.transfer.url.clone() else {
        return Ok(Resumed::Nowhere);
    };
    let head = http.ask(http.request("HEAD", &url)).await?;
    match head.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(Trouble::Session),
        status if status.is_server_error() => return Err(Trouble::later()),
        StatusCode::LOCKED | StatusCode::TOO_MANY_REQUESTS => return Err(Trouble::later()),
        // It has expired, or was another than was announced.
        _ => return Ok(Resumed::Nowhere),
    }
    if told(&head, "landline-blake3").is_some_and(|hash| hash == job.hash().to_string()) {
        return Ok(Resumed::Whole);
    }
    let offset = told(&head, "upload-offset").and_then(|offset| offset.parse().ok());
    Ok(match offset {
        Some(offset) if offset < job.transfer.bytes => Resumed::At(url, offset),
        Some(_) | None => Resumed::Nowhere,
    })
}

async fn begin(job: &Job, http: &mut Http) -> Result<String, Trouble> {
    let metadata = format!(
        "name {},type {},blake3 {}",
        STANDARD.encode(&job.file.name),
        STANDARD.encode(&job.file.media_type),
        STANDARD.encode(job.hash().to_string()),
    );
    let request = http
        .request("POST", "/files")
        .header("Upload-Length", job.transfer.bytes)
        .header("Upload-Metadata", metadata);
    let answer = http.ask(request).await?;
    if answer.status() != StatusCode::CREATED {
        return Err(refused(answer).await);
    }
    let url = told(&answer, "location").and_then(|url| path_of(url).map(str::to_owned));
    let url = url
        .ok_or_else(|| Trouble::Never(Refusal::new(Code::Internal, "the host takes it nowhere")))?;
    job.set_url(Some(url.clone())).await?;
    Ok(url)
}

async fn send(job: &Job, http: &mut Http, url: &str, offset: u64) -> Result<(), Trouble> {
    let request = http
        .request("PATCH", url)
        .header("Content-Type", "application/offset+octet-stream")
        .header("Content-Length", job.transfer.bytes - offset)
        .header("Upload-Offset", offset)
        .body(body(job, offset).await?)?;
    let answer = tokio::select! {
        answer = http.send(request) => answer?,
        () = stuck(job) => return Err(Trouble::later()),
    };
    sent(job, answer, offset).await
}

/// `offset`: where it was taken up.
async fn sent(job: &Job, answer: Response<Incoming>, offset: u64) -> Result<(), Trouble> {
    const MISMATCH: u16 = 460;
    match answer.status() {
        StatusCode::NO_CONTENT => {}
        status if status.as_u16() == MISMATCH => {
            job.set_url(None).await?;
            if offset == 0 {
                return Err(not_ours());
            }
            // The host may have lost bytes of the beginning when its power went. What is sent
            // whole tells whose disk it is.
            job.progress.store(0, Ordering::Relaxed);
            return Err(Trouble::later());
        }
        StatusCode::NOT_FOUND => {
            job.set_url(None).await?;
            return Err(Trouble::later());
        }
        _ => return Err(refused(answer).await),
    }
    match told(&answer, "landline-blake3") {
        Some(hash) if hash == job.hash().to_string() => Ok(()),
        // The node does not keep to what it says; never is something sent that is not ours.
        Some(_) => Err(not_ours()),
        None => Err(Trouble::later()),
    }
}

/// What the node got is not what was attached: the bytes on this disk are no longer the same.
fn not_ours() -> Trouble {
    let words = "the file on this computer's disk is damaged; attach it again";
    Trouble::Never(Refusal::new(Code::Conflict, words))
}

/// The rest of the file, counted as it is taken.
async fn body(job: &Job, offset: u64) -> Result<Sent, Trouble> {
    let unread = |error: io::Error| {
        Trouble::Never(match error.kind() {
            io::ErrorKind::NotFound => {
                Refusal::not_found("the file is no longer on this computer; attach it again")
            }
            _ => Refusal::new(Code::Internal, format!("the file can't be read: {error}")),
        })
    };
    let mut file = tokio::fs::File::open(&job.from).await.map_err(unread)?;
    let length = file.metadata().await.map_err(unread)?.len();
    if length != job.transfer.bytes {
        return Err(not_ours());
    }
    file.seek(SeekFrom::Start(offset)).await.map_err(unread)?;
    job.progress.store(offset, Ordering::Relaxed);
    let progress = job.progress.clone();
    let pieces = ReaderStream::with_capacity(file, PIECE)
        .map(move |piece| {
            piece.inspect(|piece| {
                progress.fetch_add(piece.len() as u64, Ordering::Relaxed);
            })
        })
        .map_ok(Frame::data);
    Ok(BodyExt::boxed(StreamBody::new(pieces)))
}

/// Resolves when nothing has moved for too long.
async fn stuck(job: &Job) {
    let mut before = job.progress.load(Ordering::Relaxed);
    let mut moved = Instant::now();
    loop {
        sleep(LOOK_EVERY).await;
        let now = job.progress.load(Ordering::Relaxed);
        if now != before {
            (before, moved) = (now, Instant::now());
        }
        let limit = if now >= job.transfer.bytes {
            FINISH_WITHIN
        } else {
            STUCK
        };
        if moved.elapsed() > limit {
            return;
        }
    }
}

/// The path of an address on this node; none of one elsewhere.
fn path_of(url: &str) -> Option<&str> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..))?,
        None => url,
    };
    (path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|b| b.is_ascii_graphic()))
        .then_some(path)
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use landline_protocol::{EventId, RoomId, TransferId};
    use landline_store::{Check, Durability, Options, StoreError};
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

    use super::*;
    use crate::link::{Dialed, LinkLoss, Stream};

    const BYTES: &[u8] = b"what was attached";

    /// A host that has three bytes of an upload, and says of whatever comes that it is not what was
    /// announced.
    struct Damaged;

    impl Dial for Damaged {
        fn dial(&self, _: Target) -> BoxFuture<'static, Result<Dialed, LinkLoss>> {
            Box::pin(async { Err(LinkLoss::Silent) })
        }

        fn stream(&self, _: Target) -> BoxFuture<'static, Result<Box<dyn Stream>, LinkLoss>> {
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(answer(BufReader::new(far)));
            Box::pin(async { Ok(Box::new(near) as Box<dyn Stream>) })
        }
    }

    async fn answer(mut stream: BufReader<tokio::io::DuplexStream>) {
        loop {
            let (mut head, mut line) = (String::new(), String::new());
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 2) {
                head.push_str(&line.to_lowercase());
                line.clear();
            }
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            let answer = match head.split_once(' ') {
                Some(("head", rest)) if rest.starts_with("/files/uploads/") => {
                    "200 OK\r\nUpload-Offset: 3"
                }
                Some(("head", _)) => "404 Not Found",
                Some(("post", _)) => "201 Created\r\nLocation: /files/uploads/2",
                Some(("patch", _)) => "460 Checksum Mismatch",
                _ => return,
            };
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_the_host_lost_of_an_upload_is_sent_again_before_this_disk_is_blamed() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let hash = FileHash::from_bytes(*blake3::hash(BYTES).as_bytes());
        let new = shelf.fresh([1; 32]);
        shelf.make().unwrap();
        std::fs::write(&new, BYTES).unwrap();
        shelf.place(&new, hash).unwrap();
        let options = Options {
            durability: Durability::Normal,
            check: Check::NotNow,
            readers: 1,
        };
        let store = Store::open(&folder.path().join("replica.db"), options).unwrap();
        let transfer = transfers::Transfer {
            id: TransferId::from_bytes([1; 16]),
            room: RoomId::from_bytes([1; 16]),
            event: EventId::from_bytes([1; 16]),
            blake3: hash,
            bytes: BYTES.len() as u64,
            way: transfers::Way::Up,
            state: transfers::State::Waiting,
            done: 3,
            url: Some("/files/uploads/1".into()),
            words: None,
        };
        let row = transfer.clone();
        store
            .write(move |c| transfers::begin(c, &row))
            .await
            .unwrap();
        let mut job = Job {
            dial: Arc::new(Damaged),
            target: Target::default(),
            token: "token".into(),
            from: shelf.file(hash),
            shelf,
            store: store.clone(),
            file: File {
                blake3: hash.to_string(),
                name: "notes.txt".into(),
                media_type: "text/plain".into(),
                bytes: transfer.bytes,
                width: None,
                height: None,
                preview: None,
            },
            progress: Arc::default(),
            transfer,
        };

        let resumed = upload(&job).await;
        assert!(matches!(resumed, Err(Trouble::Later { .. })), "{resumed:?}");
        let id = job.transfer.id;
        let row = store.read(move |c| transfers::get(c, id)).await;
        job.transfer = row.map_err(|error: StoreError| error).unwrap().unwrap();
        assert_eq!(job.transfer.url, None);

        let whole = upload(&job).await;
        assert!(matches!(whole, Err(Trouble::Never(_))), "{whole:?}");
    }

    #[test]
    fn an_upload_goes_to_the_node_of_the_link_whatever_it_answers() {
        assert_eq!(path_of("/files/uploads/1"), Some("/files/uploads/1"));
        assert_eq!(path_of("http://elsewhere:1/files/1"), Some("/files/1"));
        for url in [
            "",
            "files/1",
            "//elsewhere/x",
            "http://elsewhere",
            "/a b",
            "/a\r\nX: y",
        ] {
            assert_eq!(path_of(url), None, "{url:?}");
        }
    }
}
