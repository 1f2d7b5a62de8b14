//! Who asks, and how often they may.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use landline_protocol::{Code, MemberId, Refusal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Files;
use super::answer::{Refused, SOON_MS, TUS_RESUMABLE};
use crate::door::Wire;
use crate::hub::{HubCommand, Visitor, token_hash};
use crate::rate::Bucket;

const SECOND: Duration = Duration::from_secs(1);
/// Requests a second and address with a token that is good for nothing.
const STRANGERS_RATE: u32 = 20;
/// Buckets that are kept; past it, those that are full are forgotten.
const BUCKETS: usize = 4096;
/// Bytes of a token: 32 random ones as base64url.
const TOKEN_CHARS: usize = 43;

/// How often who may ask.
#[derive(Debug)]
pub(super) struct Bounds {
    /// Requests a second and member; 0: no limit.
    rate: u32,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    members: HashMap<MemberId, Bucket>,
    strangers: HashMap<IpAddr, Bucket>,
}

impl Bounds {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    fn member(&self, member: MemberId) -> Result<(), Refusal> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        pass(&mut buckets.members, member, self.rate)
    }

    fn stranger(&self, peer: IpAddr) -> Result<(), Refusal> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        pass(&mut buckets.strangers, peer, STRANGERS_RATE)
    }
}

fn pass<K: Eq + std::hash::Hash>(
    buckets: &mut HashMap<K, Bucket>,
    key: K,
    rate: u32,
) -> Result<(), Refusal> {
    let now = Instant::now();
    if buckets.len() >= BUCKETS {
        buckets.retain(|_, bucket| !bucket.is_full(now));
    }
    let bucket = buckets
        .entry(key)
        .or_insert_with(|| Bucket::new(rate, SECOND, rate, now));
    bucket.take(1, now).map_err(|wait| {
        let words = format!("more than {rate} requests a second");
        Refusal::new(Code::TooManyRequests, words).retry_after(wait)
    })
}

impl Files {
    /// The member whose token came with the request.
    pub(super) async fn visitor(&self, request: &Parts) -> Result<Visitor, Refused> {
        let wire = request.extensions.get::<Arc<Wire>>();
        let Some(visitor) = self.visitor_again(request).await? else {
            if let Some(wire) = wire {
                self.0.bounds.stranger(wire.peer())?;
            }
            let words =
                "sign in, and send `Authorization: Bearer` with the `session` of the answer";
            return Err(Refusal::new(Code::NotSignedIn, words).into());
        };
        if let Some(wire) = wire {
            wire.is_known();
        }
        self.0.bounds.member(visitor.member)?;
        Ok(visitor)
    }

    /// Who they are now, once something was waited for since [`Self::visitor`].
    pub(super) async fn visitor_again(&self, request: &Parts) -> Result<Option<Visitor>, Refused> {
        match token(request) {
            Some(token) => self.ask_hub(token).await,
            None => Ok(None),
        }
    }

    async fn ask_hub(&self, token: &str) -> Result<Option<Visitor>, Refused> {
        let (reply, answer) = oneshot::channel();
        let token = token_hash(token);
        let busy = || {
            let words = "the node has too much to do; try again in a moment";
            Refused::from(Refusal::new(Code::Unavailable, words).retry_after(SOON_MS))
        };
        let asked = self.0.hub.offer(HubCommand::Visit { token, reply });
        asked.map_err(|_| busy())?;
        answer.await.map_err(|_| busy())
    }
}

fn token(request: &Parts) -> Option<&str> {
    let value = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.len() == TOKEN_CHARS).then_some(token)
}

/// A client that speaks another tus than ours must not go on.
pub(super) fn speaks_tus(request: &Parts) -> Result<(), Refused> {
    let version = request.headers.get(TUS_RESUMABLE);
    if version.is_some_and(|version| version == "1.0.0") {
        return Ok(());
    }
    let refusal = Refusal::bad_request("the header `Tus-Resumable: 1.0.0` is missing");
    Err(Refused::new(StatusCode::PRECONDITION_FAILED, refusal))
}
