//! tus 1.0 with `creation`, `expiration` and `termination`.
//!
//! ```text
//! POST ──▶ 201, Location ──▶ PATCH … PATCH ──▶ whole: synced, hashed, named ──▶ 204, Landline-Blake3
//!                              ▲      │ broken off
//!                              └─ HEAD (how far?)
//! ```
//! What is whole is brought to its end by a task of its own, whether anybody still waits for the
//! answer or not.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::response::Builder;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use blake3::Hasher;
use landline_protocol::limits::UPLOAD_KEPT_MS;
use landline_protocol::{Code, FileHash, Refusal, size};
use landline_store::shelf::open_end;
use landline_store::uploads::{self, Upload, UploadId};
use tracing::{info, warn};
use uuid::Uuid;

use super::Files;
use super::answer::{Answer, Refused, SOON_MS, TUS, TUS_RESUMABLE, TUS_VERSION};
use super::metadata::Metadata;
use super::receive::{Broken, Received, Target, receive};
use super::running::{Hashed, Slot};
use super::visit::speaks_tus;
use crate::random;

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const LANDLINE_BLAKE3: HeaderName = HeaderName::from_static("landline-blake3");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const PIECE: &str = "application/offset+octet-stream";
/// Uploads of one member that are not whole.
const UPLOADS_PER_MEMBER: u64 = 64;
/// A status of tus: what came is not what was announced.
const CHECKSUM_MISMATCH: u16 = 460;

pub(super) async fn options() -> Response {
    let answer = answer(StatusCode::NO_CONTENT)
        .header(TUS_VERSION, TUS)
        .header(TUS_EXTENSION, "creation,expiration,termination");
    done(answer)
}

pub(super) async fn create(State(files): State<Files>, request: Request) -> Answer {
    let (request, _) = request.into_parts();
    speaks_tus(&request)?;
    let visitor = files.visitor(&request).await?;
    let (member, most) = (visitor.member, visitor.world.space.max_file_bytes);
    drop(visitor);
    let bytes = number(&request, &UPLOAD_LENGTH)?.ok_or_else(|| {
        Refusal::bad_request("`Upload-Length` is missing: how many bytes will it be?")
    })?;
    if bytes > most {
        let words = format!(
            "the file is too large: this space takes up to {}",
            size(most)
        );
        return Err(Refusal::too_large(words).into());
    }
    let metadata = match text(&request, &UPLOAD_METADATA)? {
        Some(header) => Metadata::parse(header)?,
        None => Metadata::default(),
    };
    let to_come = files.0.running.to_come();
    files.has_room_for(bytes.saturating_add(to_come)).await?;
    let upload = Upload {
        id: new_id()?,
        member,
        bytes,
        announced: metadata.blake3,
        blake3: None,
        begun_at: files.0.clock.now(),
    };
    let quota = files.0.quota;
    files
        .0
        .store
        .write(move |c| {
            let used = uploads::used(c, member)?;
            if used.uploads >= UPLOADS_PER_MEMBER {
                let words = format!(
                    "{UPLOADS_PER_MEMBER} of your uploads here are not finished; finish or cancel one"
                );
                return Err(Refusal::new(Code::TooManyRequests, words).into());
            }
            if used.bytes.saturating_add(uploads::counted(bytes)) > quota {
                let words = format!(
                    "your files here have {}; with this one they would be more than the {} that \
                     each member may have",
                    size(used.bytes),
                    size(quota)
                );
                return Err(Refusal::too_large(words).into());
            }
            Ok::<_, Refused>(uploads::begin(c, &upload)?)
        })
        .await?;
    let location = format!("/files/uploads/{}", Uuid::from_bytes(upload.id));
    let mut answer = of(&upload, 0, StatusCode::CREATED).header(header::LOCATION, location);
    if bytes == 0 {
        // There is no piece to come: it is whole.
        let slot = files.turn(member, upload.id).await?;
        let file = files.make_whole(slot, upload, Some(Hasher::new())).await?;
        answer = answer.header(LANDLINE_BLAKE3, file.to_string());
    }
    Ok(done(answer))
}

pub(super) async fn head(
    State(files): State<Files>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let (request, _) = request.into_parts();
    speaks_tus(&request)?;
    let upload = files.upload_of(&request, &id).await?;
    let (bytes, file) = files.how_far(upload).await?;
    let mut answer = of(&upload, bytes, StatusCode::OK)
        .header(UPLOAD_LENGTH, upload.bytes)
        .header(header::CACHE_CONTROL, "no-store");
    if let Some(file) = file {
        answer = answer.header(LANDLINE_BLAKE3, file.to_string());
    }
    Ok(done(answer))
}

pub(super) async fn patch(
    State(files): State<Files>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let (request, body) = request.into_parts();
    speaks_tus(&request)?;
    let upload = files.upload_of(&request, &id).await?;
    if text(&request, &header::CONTENT_TYPE)?.is_none_or(|kind| kind != PIECE) {
        let refusal = Refusal::bad_request(format!("the `Content-Type` is not `{PIECE}`"));
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal));
    }
    let from = number(&request, &UPLOAD_OFFSET)?
        .ok_or_else(|| Refusal::bad_request("`Upload-Offset` is missing"))?;
    // By a task of its own: what has come is brought to its end, whoever waits for the answer.
    let taking = tokio::spawn(async move { files.take_piece(upload, from, body).await });
    let broke_off = || Refusal::new(Code::Internal, "the upload broke off in the node");
    let (bytes, file) = taking.await.map_err(|_| broke_off())??;
    let mut answer = of(&upload, bytes, StatusCode::NO_CONTENT);
    if let Some(file) = file {
        answer = answer.header(LANDLINE_BLAKE3, file.to_string());
    }
    Ok(done(answer))
}

pub(super) async fn delete(
    State(files): State<Files>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let (request, _) = request.into_parts();
    speaks_tus(&request)?;
    let upload = files.upload_of(&request, &id).await?;
    let _slot = files.turn(upload.member, upload.id).await?;
    files.discard(upload.id).await?;
    Ok(done(answer(StatusCode::NO_CONTENT)))
}

/// For clients that can send nothing but `POST`.
pub(super) async fn overridden(files: State<Files>, id: Path<String>, request: Request) -> Answer {
    let method = request.headers().get(METHOD_OVERRIDE);
    match method.and_then(|method| method.to_str().ok()) {
        Some("PATCH") => patch(files, id, request).await,
        Some("DELETE") => delete(files, id, request).await,
        Some("HEAD") => head(files, id, request).await,
        Some(_) | None => {
            let refusal = Refusal::bad_request("an upload takes HEAD, PATCH and DELETE");
            Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, refusal))
        }
    }
}

impl Files {
    /// The upload at this address; to others than its uploader it is not there.
    async fn upload_of(&self, request: &Parts, id: &str) -> Result<Upload, Refused> {
        let member = self.visitor(request).await?.member;
        let id: UploadId = Uuid::parse_str(id).map_err(|_| gone())?.into_bytes();
        let upload = self.now(id).await?;
        Ok(Some(upload)
            .filter(|upload| upload.member == member)
            .ok_or_else(gone)?)
    }

    /// How an upload stands now. Whoever has waited for a turn asks again: meanwhile another
    /// request may have brought it to its end, or it was taken away.
    async fn now(&self, id: UploadId) -> Result<Upload, Refused> {
        let upload = self.0.store.read(move |c| uploads::get(c, id)).await?;
        Ok(upload.ok_or_else(gone)?)
    }

    /// How far an upload is, and its hash where it is whole.
    async fn how_far(&self, upload: Upload) -> Result<(u64, Option<FileHash>), Refused> {
        if upload.blake3.is_some() {
            return Ok((upload.bytes, upload.blake3));
        }
        let bytes = self.at_disk(move |s| s.received(upload.id)).await?;
        if bytes < upload.bytes {
            return Ok((bytes, None));
        }
        let slot = self.turn(upload.member, upload.id).await?;
        if bytes > upload.bytes {
            // It is not what came. Whoever sends it begins anew, instead of asking for ever.
            warn!(member = %upload.member, "an upload has more bytes on the disk than came");
            self.discard(upload.id).await?;
            return Err(gone().into());
        }
        // The node ended between the last piece and its name.
        let file = match self.now(upload.id).await?.blake3 {
            Some(file) => file,
            None => self.make_whole(slot, upload, None).await?,
        };
        Ok((upload.bytes, Some(file)))
    }

    async fn take_piece(
        &self,
        upload: Upload,
        from: u64,
        body: Body,
    ) -> Result<(u64, Option<FileHash>), Refused> {
        let slot = self.turn(upload.member, upload.id).await?;
        let whole = self.now(upload.id).await?.blake3;
        let bytes = match whole {
            Some(_) => upload.bytes,
            None => self.at_disk(move |s| s.received(upload.id)).await?,
        };
        if from != bytes {
            let words = format!("the upload is at {bytes}, not at {from}");
            return Err(Refusal::new(Code::Conflict, words).into());
        }
        if whole.is_some() {
            return Ok((bytes, whole));
        }
        let rest = upload.bytes - bytes;
        let others = slot.expect(rest);
        self.has_room_for(rest.saturating_add(others)).await?;
        let target = Target {
            slot,
            shelf: self.0.shelf.clone(),
            path: self.0.shelf.upload(upload.id),
            from,
            bytes: upload.bytes,
            hasher: self.0.running.take_hash(upload.id, from),
        };
        let broke_off = || Refusal::new(Code::Internal, "the upload broke off in the node");
        let received = receive(target, body).await.ok_or_else(broke_off)?;
        let Received {
            slot,
            bytes,
            hasher,
            end,
        } = received;
        match end {
            Ok(()) if bytes == upload.bytes => {
                let file = self.make_whole(slot, upload, hasher).await?;
                return Ok((bytes, Some(file)));
            }
            Ok(()) | Err(Broken::Gone | Broken::Superseded) => {
                if let Some(hasher) = hasher {
                    let hashed = Hashed { bytes, hasher };
                    self.0.running.keep_hash(upload.id, hashed);
                }
            }
            Err(_) => {}
        }
        match end {
            Ok(()) => Ok((bytes, None)),
            Err(Broken::Gone) => {
                let words = "the bytes stopped coming before the piece ended; go on from there";
                let refusal = Refusal::new(Code::Unavailable, words).retry_after(SOON_MS);
                Err(Refused::new(StatusCode::REQUEST_TIMEOUT, refusal))
            }
            Err(Broken::Superseded) => Err(Refused::locked()),
            Err(Broken::TooMuch) => {
                let words = format!("more bytes than the {} that were told", upload.bytes);
                Err(Refusal::too_large(words).into())
            }
            Err(Broken::Full) => Err(Refused::disk_full()),
            Err(Broken::Disk(cause)) => Err(Refused::disk(&cause)),
        }
    }

    /// All bytes are there and synced: checks the hash, gives the file its name, and writes down
    /// whose it is. Goes on where nobody waits for it any more.
    async fn make_whole(
        &self,
        slot: Slot,
        upload: Upload,
        hasher: Option<Hasher>,
    ) -> Result<FileHash, Refused> {
        let files = self.clone();
        let task = tokio::spawn(async move {
            let made = files.name_it(upload, hasher).await;
            drop(slot);
            made
        });
        let broke_off = || Refusal::new(Code::Internal, "the upload broke off in the node");
        task.await.map_err(|_| broke_off())?
    }

    async fn name_it(&self, upload: Upload, hasher: Option<Hasher>) -> Result<FileHash, Refused> {
        let file = self
            .at_disk(move |shelf| {
                // It may be empty, and then nobody has made it yet; or from before a restart.
                let file = open_end(&shelf.upload(upload.id))?;
                file.sync_all()?;
                if file.metadata()?.len() != upload.bytes {
                    return Err(io::Error::other("an upload's file is not what was written"));
                }
                let hasher = match hasher {
                    Some(hasher) => hasher,
                    None => {
                        let mut hasher = Hasher::new();
                        hasher.update_reader(&file)?;
                        hasher
                    }
                };
                Ok(FileHash::from_bytes(*hasher.finalize().as_bytes()))
            })
            .await?;
        if upload.announced.is_some_and(|announced| announced != file) {
            warn!(member = %upload.member, "an upload is not what was announced");
            self.discard(upload.id).await?;
            let words = format!("what came has another hash than was announced: {file}");
            let status = StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::CONFLICT);
            return Err(Refused::new(status, Refusal::new(Code::Conflict, words)));
        }
        // Not while files that nobody names are taken away: this may be one of them.
        let turn = self.0.shelf_turn.acquire().await;
        self.now(upload.id).await?;
        self.at_disk(move |shelf| {
            let whole = shelf.upload(upload.id);
            shelf.files.place(&whole, file, upload.bytes)
        })
        .await?;
        let now = self.0.clock.now();
        let store = &self.0.store;
        store
            .write(move |c| uploads::finish(c, &upload, file, now))
            .await?;
        drop(turn);
        info!(member = %upload.member, %file, bytes = upload.bytes, "a file is here");
        Ok(file)
    }

    /// Nothing is left of it. For whoever has the turn.
    async fn discard(&self, id: UploadId) -> Result<(), Refused> {
        let store = &self.0.store;
        store.write(move |c| uploads::forget(c, id)).await?;
        self.at_disk(move |shelf| shelf.remove_upload(id)).await
    }

    async fn has_room_for(&self, bytes: u64) -> Result<(), Refused> {
        let full = self
            .at_disk(move |shelf| Ok(shelf.files.is_full_with(bytes)))
            .await?;
        if full {
            return Err(Refused::disk_full());
        }
        Ok(())
    }
}

fn gone() -> Refusal {
    Refusal::not_found("there is no such upload, or it has expired")
}

fn new_id() -> Result<UploadId, Refused> {
    let no_random = |_| Refusal::new(Code::Internal, "the node has no random numbers");
    let bytes = random::bytes().map_err(no_random)?;
    Ok(uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .into_bytes())
}

fn answer(status: StatusCode) -> Builder {
    Response::builder()
        .status(status)
        .header(TUS_RESUMABLE, TUS)
}

/// An answer about an upload that is so far.
fn of(upload: &Upload, bytes: u64, status: StatusCode) -> Builder {
    let expires = u64::try_from(upload.begun_at + UPLOAD_KEPT_MS).unwrap_or(0);
    let expires = UNIX_EPOCH + Duration::from_millis(expires);
    answer(status)
        .header(UPLOAD_OFFSET, bytes)
        .header(UPLOAD_EXPIRES, httpdate::fmt_http_date(expires))
}

fn done(answer: Builder) -> Response {
    // Every header above is a number, a date or ours.
    answer.body(Body::empty()).unwrap_or_default()
}

fn text<'r>(request: &'r Parts, name: &HeaderName) -> Result<Option<&'r str>, Refusal> {
    let Some(value) = request.headers.get(name) else {
        return Ok(None);
    };
    let value = value
        .to_str()
        .map_err(|_| Refusal::bad_request(format!("`{name}` is not text")))?;
    Ok(Some(value.trim()))
}

fn number(request: &Parts, name: &HeaderName) -> Result<Option<u64>, Refusal> {
    text(request, name)?
        .map(|text| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse()
                .ok()
                .filter(|_| plain)
                .ok_or_else(|| Refusal::bad_request(format!("`{name}` is not a number of bytes")))
        })
        .transpose()
}
