//! A download: what has come goes on where it was, and the whole is checked by its hash.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use landline_protocol::{Code, Refusal};
use tokio::time::timeout;

use super::http::{Http, Trouble, refused, told};
use super::keep::{Keeping, Kept, disk_words};
use super::up::Job;

/// Without a byte for this long, the host is gone.
const STUCK: Duration = Duration::from_secs(60);

/// Resolves when the file is in its part, whole and checked.
pub(crate) async fn download(job: &Job) -> Result<(), Trouble> {
    let part = job.shelf.part(job.hash());
    let here = tokio::fs::metadata(&part)
        .await
        .map_or(0, |part| part.len());
    if here > job.transfer.bytes {
        job.shelf.remove_part(job.hash());
        return Err(Trouble::later());
    }
    if here == job.transfer.bytes && here > 0 {
        // It had come, and the program ended before it was in its place.
        let kept = Keeping::begin(job.shelf.clone(), part, here).end().await;
        let kept = kept.map_err(|error| not_kept(job, &error))?;
        return checked(job, kept, true);
    }
    if job.shelf.is_full_with(job.transfer.bytes - here) {
        return Err(no_room(job));
    }
    let mut http = job.connect().await?;
    fetch(job, &mut http, here).await
}

async fn fetch(job: &Job, http: &mut Http, here: u64) -> Result<(), Trouble> {
    let mut request = http.request("GET", &format!("/files/{}", job.hash()));
    if here > 0 {
        request = request
            .header("Range", format!("bytes={here}-"))
            .header("If-Range", format!("\"{}\"", job.hash()));
    }
    let answer = http.ask(request).await?;
    match answer.status() {
        StatusCode::OK if here == 0 => {}
        StatusCode::PARTIAL_CONTENT if goes_on(&answer, here) => {}
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            job.shelf.remove_part(job.hash());
            return Err(Trouble::later());
        }
        StatusCode::NOT_FOUND => {
            let words = "the host does not have this file any more, or not for you";
            return Err(Trouble::Never(Refusal::not_found(words)));
        }
        _ => return Err(refused(answer).await),
    }
    keep(job, answer.into_body(), here).await
}

fn goes_on(answer: &Response<Incoming>, here: u64) -> bool {
    told(answer, "content-range").is_some_and(|range| range.starts_with(&format!("bytes {here}-")))
}

async fn keep(job: &Job, mut body: Incoming, here: u64) -> Result<(), Trouble> {
    let keeping = Keeping::begin(job.shelf.clone(), job.shelf.part(job.hash()), here);
    let mut bytes = here;
    job.progress.store(bytes, Ordering::Relaxed);
    let came = loop {
        let Ok(frame) = timeout(STUCK, body.frame()).await else {
            break Err(Trouble::later());
        };
        let piece = match frame {
            None => break Ok(()),
            Some(Err(error)) => break Err(error.into()),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        bytes += piece.len() as u64;
        if bytes > job.transfer.bytes {
            // Whatever it is, it is not what the message names.
            break Err(another(job));
        }
        if !keeping.piece(piece).await {
            break Ok(());
        }
        job.progress.store(bytes, Ordering::Relaxed);
    };
    let kept = keeping.end().await.map_err(|error| not_kept(job, &error))?;
    came?;
    if kept.bytes < job.transfer.bytes {
        return Err(Trouble::later());
    }
    checked(job, kept, here > 0)
}

/// `resumed`: a part of it was on the disk before, which may not have kept it well.
fn checked(job: &Job, kept: Kept, resumed: bool) -> Result<(), Trouble> {
    if kept.hash == job.hash() {
        return Ok(());
    }
    let trouble = another(job);
    Err(if resumed { Trouble::later() } else { trouble })
}

/// What came has another hash.
fn another(job: &Job) -> Trouble {
    job.shelf.remove_part(job.hash());
    let words = "what came is not the file that the message names";
    Trouble::Never(Refusal::new(Code::Conflict, words))
}

fn not_kept(job: &Job, error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::StorageFull => no_room(job),
        // The thread of a download that was ended has not yet written what it had.
        io::ErrorKind::WouldBlock => Trouble::later(),
        _ => Trouble::Never(disk_words(error)),
    }
}

/// What has come makes room again, for what the person writes.
fn no_room(job: &Job) -> Trouble {
    job.shelf.remove_part(job.hash());
    Trouble::Never(disk_words(&io::ErrorKind::StorageFull.into()))
}
