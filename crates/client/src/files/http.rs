//! HTTP to the node of a link: one connection for one transfer.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, StatusCode, header, http};
use hyper_util::rt::TokioIo;
use landline_protocol::{Code, Refusal};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::link::{Dial, LinkLoss, Target};

/// For the head of an answer to a request that asks for little.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of a refusal.
const REFUSAL_BYTES: usize = 16 * 1024;

/// What is sent.
pub(crate) type Sent = BoxBody<Bytes, io::Error>;

/// Why a transfer did not come to its end.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// To be tried again; the words, where the person should know.
    Later {
        words: Option<String>,
        after: Option<Duration>,
    },
    /// The token is no longer good.
    Session,
    /// For good.
    Never(Refusal),
}

impl Trouble {
    /// To be tried again, and nothing to tell.
    pub(crate) const fn later() -> Self {
        Self::Later {
            words: None,
            after: None,
        }
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Never(refusal) => refusal,
            Trouble::Session => Self::new(Code::Unavailable, "the host asks to sign in again"),
            Trouble::Later { words, after } => {
                let words = words.unwrap_or_else(|| "the host did not take the file".to_owned());
                let after = after.and_then(|after| u64::try_from(after.as_millis()).ok());
                Self {
                    retry_after_ms: after,
                    ..Self::new(Code::Unavailable, words)
                }
            }
        }
    }
}

impl From<LinkLoss> for Trouble {
    fn from(loss: LinkLoss) -> Self {
        tracing::debug!(%loss, "no connection for a file");
        Self::later()
    }
}

impl From<hyper::Error> for Trouble {
    fn from(error: hyper::Error) -> Self {
        tracing::debug!(%error, "a connection for a file broke off");
        Self::later()
    }
}

impl From<http::Error> for Trouble {
    fn from(error: http::Error) -> Self {
        Self::Never(Refusal::new(Code::Internal, error.to_string()))
    }
}

/// A connection, signed in.
pub(crate) struct Http {
    sender: SendRequest<Sent>,
    token: String,
    host: String,
    /// Drives it; ends with it.
    _driver: JoinSet<()>,
}

impl Http {
    pub(crate) async fn connect(
        dial: &dyn Dial,
        target: Target,
        token: String,
    ) -> Result<Self, Trouble> {
        let host = target.addresses.first().cloned().unwrap_or_default();
        let stream = dial.stream(target).await?;
        let shaken = http1::handshake(TokioIo::new(stream));
        let (sender, connection) = timeout(ANSWER_WITHIN, shaken)
            .await
            .map_err(|_| Trouble::later())??;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection for a file ended early");
            }
        });
        Ok(Self {
            sender,
            token,
            host,
            _driver: driver,
        })
    }

    /// The head of a request to the node.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header("Tus-Resumable", "1.0.0")
    }

    /// Sends a request; the answer's head, whatever it says.
    pub(crate) async fn send(
        &mut self,
        request: Request<Sent>,
    ) -> Result<Response<Incoming>, Trouble> {
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }

    /// Asks something that is answered soon, without a body either way.
    pub(crate) async fn ask(
        &mut self,
        request: http::request::Builder,
    ) -> Result<Response<Incoming>, Trouble> {
        let sent = self.send(request.body(nothing())?);
        let answer = timeout(ANSWER_WITHIN, sent).await;
        answer.map_err(|_| Trouble::later())?
    }
}

pub(crate) fn nothing() -> Sent {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// Ends an answer that says no in the trouble that it is.
pub(crate) async fn refused(answer: Response<Incoming>) -> Trouble {
    #[derive(Deserialize)]
    struct Body {
        error: Refusal,
    }
    let status = answer.status();
    let body = Limited::new(answer.into_body(), REFUSAL_BYTES);
    let body = timeout(ANSWER_WITHIN, body.collect()).await.ok();
    let body = body
        .and_then(Result::ok)
        .map(http_body_util::Collected::to_bytes);
    let told = body.and_then(|body| serde_json::from_slice::<Body>(&body).ok());
    let refusal = told.map_or_else(
        || Refusal::new(Code::Internal, format!("the host answers {status}")),
        |body| body.error,
    );
    let after = refusal.retry_after_ms.map(Duration::from_millis);
    match status {
        StatusCode::UNAUTHORIZED => Trouble::Session,
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::LOCKED => {
            Trouble::Later { words: None, after }
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Trouble::Later {
                words: Some(refusal.message),
                after,
            }
        }
        _ => Trouble::Never(refusal),
    }
}

/// A header of an answer, as text.
pub(crate) fn told<'a>(answer: &'a Response<Incoming>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}
