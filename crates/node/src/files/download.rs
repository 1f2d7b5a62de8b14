//! Downloads by hash, whole or in part.
//!
//! Whatever the bytes are, they are sent as an attachment of no kind: a browser that is led here
//! must never show a page (HTML, SVG) that somebody uploaded, with the node as its origin.

use std::io::SeekFrom;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use landline_protocol::access::no_such_file;
use landline_protocol::{FileHash, MemberId, RoomId, RoomState};
use landline_store::{StoreError, named, uploads};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use tracing::error;

use super::Files;
use super::answer::{Answer, Refused};
use super::range::Part;
use super::running::Slot;
use crate::door::Wire;
use crate::hub::Visitor;

/// Bytes that are read at once.
const PIECE: usize = 256 * 1024;
/// A client that takes no piece for this long is cut: it keeps one of few places.
const STUCK: Duration = Duration::from_secs(60);

/// A file that somebody may read.
struct Readable {
    member: MemberId,
    hash: FileHash,
    bytes: u64,
}

pub(super) async fn get(
    State(files): State<Files>,
    Path(hash): Path<String>,
    request: Request,
) -> Answer {
    let (request, _) = request.into_parts();
    let Readable {
        member,
        hash,
        bytes,
    } = files.may_read(&request, &hash).await?;
    let tag = format!("\"{hash}\"");
    if request
        .headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known == tag.as_str())
    {
        return Ok(with_headers(StatusCode::NOT_MODIFIED, &tag, Body::empty()));
    }
    let part = Part::parse(range(&request.headers, &tag), bytes);
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..bytes),
        Part::Of(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Beyond => {
            let mut response = with_headers(StatusCode::RANGE_NOT_SATISFIABLE, &tag, Body::empty());
            put(
                &mut response,
                header::CONTENT_RANGE,
                &format!("bytes */{bytes}"),
            );
            return Ok(response);
        }
    };
    let length = range.end - range.start;
    let body = if request.method == Method::HEAD {
        Body::empty()
    } else {
        let slot = files.slot(member)?;
        files
            .body(&request, slot, hash, range.start..range.end)
            .await?
    };
    let mut response = with_headers(status, &tag, body);
    put(&mut response, header::CONTENT_LENGTH, &length.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{bytes}", range.start, range.end - 1);
        put(&mut response, header::CONTENT_RANGE, &range);
    }
    Ok(response)
}

/// What is asked for; all of it where the client holds a part of something else.
fn range<'r>(headers: &'r HeaderMap, tag: &str) -> Option<&'r str> {
    let same = headers
        .get(header::IF_RANGE)
        .is_none_or(|known| known == tag);
    let range = headers.get(header::RANGE).filter(|_| same)?;
    range.to_str().ok()
}

impl Files {
    /// The file of this hash and its bytes, if whoever asks has uploaded it or is in a room where
    /// it is named. To others it is not there.
    async fn may_read(&self, request: &Parts, hash: &str) -> Result<Readable, Refused> {
        // Not the world: while the disk is read, the Hub changes its own in place.
        let member = self.visitor(request).await?.member;
        let hash: FileHash = hash.parse().map_err(|_| no_such_file())?;
        let (bytes, uploaded, rooms) = self
            .0
            .store
            .read(move |c| {
                let uploaded = uploads::has_uploaded(c, member, hash)?;
                let bytes = uploads::bytes_of(c, hash)?;
                Ok::<_, StoreError>((bytes, uploaded, named::rooms(c, hash)?))
            })
            .await?;
        let bytes = bytes.ok_or_else(no_such_file)?;
        if !uploaded && !self.is_in_one_of(request, rooms).await? {
            return Err(no_such_file().into());
        }
        // One that the disk has lost is brought again by who sent it, once it is said to be missing.
        if !self.at_disk(move |s| Ok(s.files.has(hash, bytes))).await? {
            error!(%hash, "a file that the database knows is not on the disk as it should be");
            return Err(no_such_file().into());
        }
        Ok(Readable {
            member,
            hash,
            bytes,
        })
    }

    /// Whether whoever asks is in one of these rooms now; everybody is in the directory.
    async fn is_in_one_of(&self, request: &Parts, rooms: Vec<RoomId>) -> Result<bool, Refused> {
        if rooms.is_empty() {
            return Ok(false);
        }
        let Some(Visitor { member, world }) = self.visitor_again(request).await? else {
            return Ok(false);
        };
        Ok(rooms.into_iter().any(|room| {
            let in_it = |room: &Arc<RoomState>| room.has(&world.space, &member);
            room == world.space.id.directory() || world.room(room).is_some_and(in_it)
        }))
    }

    async fn body(
        &self,
        request: &Parts,
        slot: Slot,
        hash: FileHash,
        range: Range<u64>,
    ) -> Result<Body, Refused> {
        let mut file = File::open(self.0.shelf.files.file(hash))
            .await
            .map_err(|cause| {
                error!(%cause, %hash, "a file that the database knows can't be read");
                Refused::from(no_such_file())
            })?;
        file.seek(SeekFrom::Start(range.start))
            .await
            .map_err(|cause| Refused::disk(&cause))?;
        let wire = request.extensions.get::<Arc<Wire>>().cloned();
        Ok(pieces(file.take(range.end - range.start), slot, wire))
    }
}

/// The pieces of a file, as they are taken.
fn pieces(file: tokio::io::Take<File>, slot: Slot, wire: Option<Arc<Wire>>) -> Body {
    let taken = Arc::new(AtomicU64::new(0));
    let watched = Arc::downgrade(&taken);
    tokio::spawn(async move {
        let mut before = 0;
        loop {
            tokio::time::sleep(STUCK).await;
            let Some(taken) = watched.upgrade() else {
                return;
            };
            let now = taken.load(Ordering::Relaxed);
            if now == before {
                wire.iter().for_each(|wire| wire.cut());
                return;
            }
            before = now;
        }
    });
    let stream = ReaderStream::with_capacity(file, PIECE).map(move |piece| {
        // The place is held as long as the stream is.
        let _held = &slot;
        taken.fetch_add(1, Ordering::Relaxed);
        piece
    });
    Body::from_stream(stream)
}

fn with_headers(status: StatusCode, tag: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::ETAG, tag),
    ] {
        put(&mut response, name, value);
    }
    response
}

fn put(response: &mut Response, name: header::HeaderName, value: &str) {
    // Every value is a number, a hash or ours.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
