//! Refusals as HTTP answers: a status for libraries, the same JSON as everywhere else for people.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use landline_protocol::{Code, Refusal};
use landline_store::StoreError;
use serde_json::json;
use tracing::error;

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
/// Milliseconds until what ends soon by itself has ended: another transfer, a batch, a full queue.
pub(super) const SOON_MS: u64 = 1_000;
/// Milliseconds until there may be room on the disk: somebody has to make it, or uploads that are
/// under way have to end.
const ROOM_MS: u64 = 10_000;
/// Milliseconds until a disk that fails may work again: somebody has to see to it.
const REPAIR_MS: u64 = 30_000;
/// The version of tus that is spoken here.
pub(super) const TUS: HeaderValue = HeaderValue::from_static("1.0.0");

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    refusal: Refusal,
}

pub(super) type Answer = Result<Response, Refused>;

impl Refused {
    pub(super) const fn new(status: StatusCode, refusal: Refusal) -> Self {
        Self { status, refusal }
    }

    /// Another request on the same upload goes before this one.
    pub(super) fn locked() -> Self {
        let words = "another request is at this upload";
        let refusal = Refusal::new(Code::Unavailable, words).retry_after(SOON_MS);
        Self::new(StatusCode::LOCKED, refusal)
    }

    /// The host's disk has no room for it, now.
    pub(super) fn disk_full() -> Self {
        let words = "the host's disk is nearly full; make room there, and it goes on";
        let refusal = Refusal::new(Code::Unavailable, words).retry_after(ROOM_MS);
        Self::new(StatusCode::INSUFFICIENT_STORAGE, refusal)
    }

    /// The disk could not be written or read.
    pub(super) fn disk(cause: &std::io::Error) -> Self {
        if matches!(
            cause.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        ) {
            return Self::disk_full();
        }
        error!(%cause, "a file can't be written or read");
        let refusal = Refusal::new(Code::Unavailable, "the host's disk fails");
        refusal.retry_after(REPAIR_MS).into()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            Code::BadRequest | Code::UnsupportedProtocol | Code::Unknown => StatusCode::BAD_REQUEST,
            Code::NotSignedIn | Code::BadSignature | Code::WrongPasscode | Code::InviteInvalid => {
                StatusCode::UNAUTHORIZED
            }
            Code::NotAdmitted | Code::Banned | Code::Muted | Code::NotAllowed => {
                StatusCode::FORBIDDEN
            }
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Code::Conflict => StatusCode::CONFLICT,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, refusal }
    }
}

impl From<StoreError> for Refused {
    fn from(cause: StoreError) -> Self {
        if matches!(cause, StoreError::Full) {
            return Self::disk_full();
        }
        error!(%cause, "the store failed");
        let refusal = Refusal::new(Code::Unavailable, "the node could not store it");
        refusal.retry_after(SOON_MS).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, refusal } = self;
        let after = refusal.retry_after_ms.map(|ms| ms.div_ceil(1000).max(1));
        let mut response = (status, Json(json!({ "error": refusal }))).into_response();
        let headers = response.headers_mut();
        headers.insert(TUS_RESUMABLE, TUS);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match status {
            StatusCode::UNAUTHORIZED => {
                let bearer = HeaderValue::from_static("Bearer");
                headers.insert(header::WWW_AUTHENTICATE, bearer);
            }
            StatusCode::PRECONDITION_FAILED => {
                headers.insert(TUS_VERSION, TUS);
            }
            _ => {}
        }
        response
    }
}
