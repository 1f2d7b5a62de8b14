//! Bearer tokens for HTTP: given at sign-in, kept as hashes, stored lazily. One that a crash takes
//! is of a connection that it took too.

use landline_protocol::MemberId;
use sha2::{Digest as _, Sha256};

use crate::random;

/// How long a token is good, in milliseconds.
const GOOD_FOR_MS: i64 = 24 * 60 * 60 * 1000;

/// A token as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenRow {
    pub(super) hash: [u8; 32],
    pub(super) member: MemberId,
    /// Milliseconds since 1970.
    pub(super) expires_at: i64,
}

/// What is to be stored about tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: Vec<TokenRow>,
    revoked: Vec<MemberId>,
}

impl Tokens {
    /// `None` where the system has no random numbers.
    pub(super) fn give(&mut self, member: MemberId, now: i64) -> Option<String> {
        let token = random::token().ok()?;
        let hash = Sha256::digest(token.as_bytes()).into();
        self.given.push(TokenRow {
            hash,
            member,
            expires_at: now + GOOD_FOR_MS,
        });
        Some(token)
    }

    /// All tokens of this member end.
    pub(super) fn revoke(&mut self, member: &MemberId) {
        self.given.retain(|row| row.member != *member);
        self.revoked.push(*member);
    }

    /// What is to be stored: whose tokens end, and then which are new.
    pub(super) fn take_unstored(&mut self) -> (Vec<MemberId>, Vec<TokenRow>) {
        (
            std::mem::take(&mut self.revoked),
            std::mem::take(&mut self.given),
        )
    }
}
