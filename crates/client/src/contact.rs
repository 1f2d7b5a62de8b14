//! From nothing to signed in: dial, `welcome`, `sign_in`.
//!
//! ```text
//! dial ─► Welcome ─► the right space? protocol? key? ─► sign_in ─► Contact
//!   │                        │ no                           │
//!   └─► Lost                 └─► next address / Refused     └─► Refused
//! ```
//!
//! One function for the first contact with a space and for every later one.

use landline_protocol::down::Welcome;
use landline_protocol::up::{ClientInfo, SignIn, SignedIn};
use landline_protocol::{Code, PROTOCOL, Refusal, SpaceId, sign_in_text, sign_text};
use tokio::sync::mpsc;

use crate::data::Identity;
use crate::link::{Dial, Link, LinkEvent, LinkLoss, Peer, Target};

/// Pushes that may come before the answer to `sign_in`.
const EARLY_PUSHES: usize = 64;
/// `rid` of `sign_in`; later requests count on from it.
pub(crate) const SIGN_IN_RID: u64 = 1;

/// What one says of oneself at a sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) identity: Identity,
    pub(crate) name: String,
    pub(crate) client: ClientInfo,
    pub(crate) passcode: Option<String>,
    pub(crate) invite: Option<String>,
}

/// A link that is signed in.
pub(crate) struct Contact {
    pub(crate) link: Box<dyn Link>,
    pub(crate) peer: Peer,
    pub(crate) events: mpsc::Receiver<LinkEvent>,
    pub(crate) welcome: Welcome,
    pub(crate) signed_in: SignedIn,
    /// What the node pushed before it answered.
    pub(crate) early: Vec<LinkEvent>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Why there is no contact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoContact {
    /// To be tried again.
    #[error("{0}")]
    Lost(#[from] LinkLoss),
    /// The node does not let us in. Tried again by itself only where the code says so.
    #[error("{0}")]
    Refused(Refusal),
}

/// Reaches a node and signs in. With `space`, addresses where another space is hosted by now are
/// passed over.
pub(crate) async fn contact(
    dial: &dyn Dial,
    mut target: Target,
    space: Option<SpaceId>,
    credentials: &Credentials,
) -> Result<Contact, NoContact> {
    loop {
        let (link, mut events) = dial.dial(target.clone()).await?;
        let welcome = match events.recv().await {
            Some(LinkEvent::Welcome(welcome)) => *welcome,
            Some(LinkEvent::Closed(loss)) => return Err(loss.into()),
            Some(LinkEvent::Reply { .. } | LinkEvent::Push { .. }) | None => {
                return Err(LinkLoss::Protocol("no welcome".into()).into());
            }
        };
        let peer = link.peer().clone();
        if space.is_some_and(|space| space != welcome.space.id) {
            let before = target.addresses.len();
            target.addresses.retain(|address| *address != peer.address);
            if target.addresses.is_empty() || target.addresses.len() == before {
                return Err(
                    LinkLoss::Unreachable("another space is hosted there now".into()).into(),
                );
            }
            continue;
        }
        let (signed_in, early) = sign_in(&*link, &peer, &mut events, &welcome, credentials).await?;
        return Ok(Contact {
            link,
            peer,
            events,
            welcome,
            signed_in,
            early,
        });
    }
}

async fn sign_in(
    link: &dyn Link,
    peer: &Peer,
    events: &mut mpsc::Receiver<LinkEvent>,
    welcome: &Welcome,
    credentials: &Credentials,
) -> Result<(SignedIn, Vec<LinkEvent>), NoContact> {
    link.send(
        "sign_in",
        Some(SIGN_IN_RID),
        to_json(&request(peer, welcome, credentials)?)?,
    )?;
    let mut early = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Reply {
                rid: SIGN_IN_RID,
                answer,
            } => {
                let signed_in = answer.map_err(NoContact::Refused)?;
                let signed_in: SignedIn = serde_json::from_value(signed_in)
                    .map_err(|error| LinkLoss::Protocol(format!("sign_in: {error}")))?;
                return Ok((signed_in, early));
            }
            LinkEvent::Push { name, payload } if name == "goodbye" => {
                return Err(goodbye(payload));
            }
            LinkEvent::Closed(loss) => return Err(loss.into()),
            LinkEvent::Push { .. } if early.len() < EARLY_PUSHES => early.push(event),
            LinkEvent::Push { .. } | LinkEvent::Reply { .. } | LinkEvent::Welcome(_) => {
                return Err(LinkLoss::Protocol("no answer to sign_in".into()).into());
            }
        }
    }
    Err(LinkLoss::Closed.into())
}

fn request(peer: &Peer, welcome: &Welcome, credentials: &Credentials) -> Result<SignIn, NoContact> {
    if !(welcome.protocol.min..=welcome.protocol.max).contains(&PROTOCOL) {
        return Err(NoContact::Refused(Refusal::new(
            Code::UnsupportedProtocol,
            format!(
                "the host speaks another version of Landline ({}); bring both up to date",
                welcome.node.version
            ),
        )));
    }
    let seen = (peer.fingerprint != "-").then_some(peer.fingerprint.as_str());
    // Somebody in between would show a key of their own and relay the true node's welcome.
    if welcome.node.fingerprint.as_deref() != seen {
        return Err(NoContact::Refused(Refusal::new(
            Code::BadSignature,
            "the connection shows another key than the host's; somebody may be in between",
        )));
    }
    let text = sign_in_text(seen, welcome.space.id, &welcome.nonce);
    Ok(SignIn {
        protocol: PROTOCOL,
        client: credentials.client.clone(),
        public_key: credentials.identity.member.to_string(),
        name: credentials.name.clone(),
        signature: sign_text(credentials.identity.key(), &text),
        passcode: credentials.passcode.clone(),
        invite: credentials.invite.clone(),
    })
}

fn goodbye(payload: serde_json::Value) -> NoContact {
    use landline_protocol::GoodbyeReason as Reason;
    let Ok(goodbye) = serde_json::from_value::<landline_protocol::down::Goodbye>(payload) else {
        return LinkLoss::Closed.into();
    };
    match goodbye.reason {
        Reason::Banned => NoContact::Refused(Refusal::new(Code::Banned, BANNED)),
        Reason::Removed => NoContact::Refused(Refusal::new(Code::NotAdmitted, REMOVED)),
        Reason::ShuttingDown
        | Reason::Moved
        | Reason::TooSlow
        | Reason::TooManyConnections
        | Reason::ProtocolError
        | Reason::Unknown => LinkLoss::Closed.into(),
    }
}

/// Words for a ban.
pub(crate) const BANNED: &str = "You are banned from this space.";
/// Words for one who is no longer a member.
pub(crate) const REMOVED: &str = "You are no longer a member of this space.";

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, LinkLoss> {
    serde_json::to_value(value).map_err(|error| LinkLoss::Protocol(error.to_string()))
}
