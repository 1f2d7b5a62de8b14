//! Files between the window and the core, on the computer's own address.
//!
//! A command can't stream a file, and WebKitGTK plays neither sound nor film from a scheme of our
//! own. So the shell listens on 127.0.0.1, for its own window and nobody else:
//!
//! ```text
//! POST      /<secret>/attach?space&room&thread&name&type   a file for what is being written
//! GET, HEAD /<secret>/<space>/attached/<attachment>        one that is attached to it
//! GET, HEAD /<secret>/<space>/<event>/<blake3>             one of a message, also in ranges
//! ```
//!
//! Whatever runs on this computer can connect, and so can any page in a browser. Hence the secret,
//! which only the window is told. `Host` must be this very address: a page whose own name leads to
//! 127.0.0.1 (DNS rebinding) says that name. An `Origin` must be the window's. No file is in memory
//! as a whole. How many may connect, and for how long, is the [`door`]'s.

mod door;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::{fmt, io};

use anyhow::{Context, Result};
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures_util::TryStreamExt as _;
use landline_client::LocalFile;
use landline_protocol::{AttachmentId, EventId, FileHash, RoomId, SpaceId};
use mime::Mime;
use serde::Deserialize;
use tauri::{Url, async_runtime};
use tokio_util::io::StreamReader;
use tower_http::services::ServeFile;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::core::Core;
use crate::{instance, window};
use door::{LIMITS, Limits, Pass};

/// How long, in seconds, the web view need not ask again whether it may send a file.
const ASKED_FOR: &str = "600";

/// The listener, before anybody is served: the window is told of it when it is made.
pub(crate) struct FileServer {
    listener: TcpListener,
    /// `127.0.0.1:port`
    authority: String,
    secret: String,
}

impl FileServer {
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("the computer's own address can't be listened on")?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            authority: listener.local_addr()?.to_string(),
            listener,
            secret: instance::token()?,
        })
    }

    /// What the window's security policy must let through, and nothing more.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// Tells the window where it is.
    pub(crate) fn script(&self) -> String {
        let address = format!("{}/{}", self.origin(), self.secret);
        format!("Object.defineProperty(window, 'landlineFiles', {{ value: '{address}' }});")
    }

    /// Serves until the program ends.
    pub(crate) fn serve(self, core: Core) {
        self.serve_within(core, LIMITS);
    }

    fn serve_within(self, core: Core, limits: Limits) {
        let route = Arc::new(Route {
            core,
            authority: self.authority,
            secret: self.secret,
        });
        async_runtime::spawn(async move {
            match tokio::net::TcpListener::from_std(self.listener) {
                Ok(listener) => door::open(listener, routes(route, limits), limits).await,
                Err(error) => tracing::error!(%error, "files can't be served to the window"),
            }
        });
    }
}

impl fmt::Debug for FileServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileServer")
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

struct Route {
    core: Core,
    authority: String,
    secret: String,
}

fn routes(route: Arc<Route>, limits: Limits) -> Router {
    let pieces = RequestBodyTimeoutLayer::new(limits.piece_within);
    Router::new()
        .route("/{secret}/attach", post(attach).layer(pieces))
        .route("/{secret}/{space}/attached/{id}", get(attached))
        .route("/{secret}/{space}/{event}/{blake3}", get(of_message))
        .layer(middleware::from_fn_with_state(route.clone(), guard))
        .with_state(route)
}

/// Lets in the window and nobody else; see the head of this module.
async fn guard(
    State(route): State<Arc<Route>>,
    Extension(pass): Extension<Pass>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let secret = request.uri().path().split('/').nth(1).unwrap_or_default();
    if host != Some(route.authority.as_bytes()) || !same(secret, &route.secret) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let origin = headers.get(header::ORIGIN).cloned();
    if origin.as_ref().is_some_and(|origin| !is_window(origin)) {
        return StatusCode::FORBIDDEN.into_response();
    }
    pass.is_window();
    let mut response = if request.method() == Method::OPTIONS {
        let may = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, range"),
            (header::ACCESS_CONTROL_MAX_AGE, ASKED_FOR),
        ];
        (StatusCode::NO_CONTENT, may).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    protect(headers);
    response
}

/// Even if something led the window, or a browser, straight to a file: it is saved and not shown,
/// runs nothing, is taken for nothing else, and leaves no copy in a cache once it is deleted.
fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "Origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn is_window(origin: &HeaderValue) -> bool {
    let url = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    url.is_some_and(|url| window::is_interface(&url))
}

/// Takes the same time whatever is given, so that nobody can guess the secret letter by letter.
fn same(given: &str, secret: &str) -> bool {
    let pairs = given.bytes().zip(secret.bytes());
    given.len() == secret.len() && pairs.fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// What a file is to go with.
#[derive(Debug, Deserialize)]
struct Draft {
    space: SpaceId,
    room: RoomId,
    thread: Option<EventId>,
    name: String,
    /// As the web view says; empty where it does not know.
    #[serde(rename = "type")]
    media_type: String,
}

async fn attach(
    State(route): State<Arc<Route>>,
    Query(draft): Query<Draft>,
    body: Body,
) -> Response {
    let mut bytes = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let attached = async {
        let client = route.core.client().await?;
        let media_type = Some(draft.media_type).filter(|said| !said.is_empty());
        let Draft {
            space,
            room,
            thread,
            name,
            ..
        } = draft;
        client
            .attach(space, room, thread, name, media_type, &mut bytes)
            .await
    };
    match attached.await {
        // The window takes it from here: what the core tells of it may come later.
        Ok(view) => Json(view).into_response(),
        Err(refusal) => {
            // Where it is answered before all has come, the web view sees a broken connection
            // instead of the answer.
            if let Err(error) = tokio::io::copy(&mut bytes, &mut tokio::io::sink()).await {
                tracing::debug!(%error, "the rest of a refused file did not come");
            }
            (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal)).into_response()
        }
    }
}

async fn attached(
    State(route): State<Arc<Route>>,
    Path((_, space, id)): Path<(String, SpaceId, AttachmentId)>,
    request: Request,
) -> Response {
    let file = match route.core.client().await {
        Ok(client) => client.attached_file(space, id).await,
        Err(_) => None,
    };
    send(file, request).await
}

async fn of_message(
    State(route): State<Arc<Route>>,
    Path((_, space, event, blake3)): Path<(String, SpaceId, EventId, FileHash)>,
    request: Request,
) -> Response {
    let file = match route.core.client().await {
        Ok(client) => client.local_file(space, event, blake3).await,
        Err(_) => None,
    };
    send(file, request).await
}

async fn send(file: Option<LocalFile>, request: Request) -> Response {
    let Some(file) = file else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match ServeFile::new_with_mime(&file.path, &served_as(&file.media_type))
        .try_call(request)
        .await
    {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            tracing::warn!(%error, "a file that should be here can't be read");
            StatusCode::NOT_FOUND.into_response()
        }
    }
}

/// The core has looked at the bytes, and calls what may run something, or fills the memory once it
/// is drawn, plain bytes. What is no picture, sound or film is never more than that here.
fn served_as(media_type: &str) -> Mime {
    const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    let is_shown = PICTURES.contains(&media_type)
        || media_type.starts_with("audio/")
        || media_type.starts_with("video/");
    let known = is_shown.then(|| media_type.parse().ok()).flatten();
    known.unwrap_or(mime::APPLICATION_OCTET_STREAM)
}

#[cfg(test)]
mod tests;
