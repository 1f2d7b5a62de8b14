//! What is signed, and how.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::{EventId, MemberId, RoomId, SpaceId};

/// The text that `sign_in`'s signature is over. `fingerprint` is that of the certificate seen on
/// this connection; `None` without TLS. Signing what was *seen* is what stops a relay in between.
pub fn sign_in_text(fingerprint: Option<&str>, space: SpaceId, nonce: &str) -> String {
    format!(
        "landline-sign-in-v1\n{}\n{space}\n{nonce}",
        fingerprint.unwrap_or("-")
    )
}

/// What an event's `sig` is over, but for the content.
#[derive(Debug, Clone, Copy)]
pub struct EventSignature<'a> {
    pub space: SpaceId,
    pub room: RoomId,
    pub id: EventId,
    pub author: &'a MemberId,
    pub sent_at: i64,
}

/// The text that an event's `sig` is over: the content enters by the SHA-256 of its RFC 8785 form.
pub fn event_text(
    of: &EventSignature<'_>,
    content: &RawValue,
) -> Result<String, serde_json::Error> {
    let hash = content_hash(content)?;
    let mut hex = String::with_capacity(64);
    for byte in hash {
        use std::fmt::Write as _;
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(format!(
        "landline-event-v1\n{}\n{}\n{}\n{}\n{}\n{hex}",
        of.space, of.room, of.id, of.author, of.sent_at
    ))
}

/// SHA-256 of a content in RFC 8785 form: what is kept of one that was deleted, so that its
/// signature can still be verified.
pub fn content_hash(content: &RawValue) -> Result<[u8; 32], serde_json::Error> {
    let value: serde_json::Value = serde_json::from_str(content.get())?;
    let canonical = serde_json_canonicalizer::to_vec(&value)?;
    Ok(Sha256::digest(&canonical).into())
}

/// A signature as it stands on the wire: base64url, 86 characters.
pub fn sign_text(key: &SigningKey, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).to_bytes())
}

/// An event's `sig`.
pub fn sign_event(
    key: &SigningKey,
    of: &EventSignature<'_>,
    content: &RawValue,
) -> Result<String, serde_json::Error> {
    Ok(sign_text(key, &event_text(of, content)?))
}

/// Whether `signature` is by this member over this text. Strict: weak keys are refused.
pub fn verify_text(member: &MemberId, text: &str, signature: &str) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(member.as_bytes()) else {
        return false;
    };
    let mut bytes = [0u8; 64];
    let Ok(64) = URL_SAFE_NO_PAD.decode_slice(signature, &mut bytes) else {
        return false;
    };
    key.verify_strict(text.as_bytes(), &Signature::from_bytes(&bytes))
        .is_ok()
}

/// Whether an event's `sig` is by its author.
pub fn verify_event(of: &EventSignature<'_>, content: &RawValue, signature: &str) -> bool {
    event_text(of, content).is_ok_and(|text| verify_text(of.author, &text, signature))
}
