//! Bearer tokens for HTTP: given at sign-in, known by their hashes, stored lazily. One that a crash
//! takes is of a connection that it took too.

use std::collections::{HashMap, VecDeque};

use landline_protocol::MemberId;
use landline_protocol::limits::CONNECTIONS_PER_MEMBER;
use landline_store::sessions::Session;
use sha2::{Digest as _, Sha256};

use crate::random;

/// How long a token is good, in milliseconds.
const GOOD_FOR_MS: i64 = 24 * 60 * 60 * 1000;
/// Tokens of one member that are good at a time: as many as their connections. One more ends the
/// oldest.
const PER_MEMBER: usize = CONNECTIONS_PER_MEMBER;

/// The hash that a token is known by.
pub(crate) type TokenHash = [u8; 32];

pub(crate) fn token_hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// Who may come with which token, and what of it is to be stored.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    good: HashMap<TokenHash, Session>,
    /// The oldest first.
    by_member: HashMap<MemberId, VecDeque<TokenHash>>,
    given: Vec<Session>,
    ended: Vec<TokenHash>,
    revoked: Vec<MemberId>,
    /// What is being stored now.
    under_way: Option<Unstored>,
}

/// What is to be stored about tokens, in this order.
#[derive(Debug, Clone)]
pub(super) struct Unstored {
    pub(super) revoked: Vec<MemberId>,
    pub(super) given: Vec<Session>,
    pub(super) ended: Vec<TokenHash>,
}

impl Unstored {
    pub(super) fn is_empty(&self) -> bool {
        self.revoked.is_empty() && self.given.is_empty() && self.ended.is_empty()
    }
}

impl Tokens {
    /// Those from before the node was started, the oldest first.
    pub(super) fn new(sessions: Vec<Session>) -> Self {
        let mut tokens = Self::default();
        sessions
            .into_iter()
            .for_each(|session| tokens.keep(session));
        tokens
    }

    /// `None` where the system has no random numbers.
    pub(super) fn give(&mut self, member: MemberId, now: i64) -> Option<String> {
        let token = random::token().ok()?;
        let session = Session {
            token_hash: token_hash(&token),
            member,
            expires_at: now + GOOD_FOR_MS,
        };
        self.keep(session);
        self.given.push(session);
        Some(token)
    }

    /// Whose token it is, if it is still good.
    pub(super) fn whose(&self, hash: &TokenHash, now: i64) -> Option<MemberId> {
        let session = self.good.get(hash)?;
        (session.expires_at > now).then_some(session.member)
    }

    /// All tokens of this member end.
    pub(super) fn revoke(&mut self, member: &MemberId) {
        for hash in self.by_member.remove(member).into_iter().flatten() {
            self.good.remove(&hash);
        }
        self.given.retain(|session| session.member != *member);
        self.revoked.push(*member);
    }

    /// What is to be stored; [`Self::stored`] or [`Self::store_again`] tells what became of it.
    pub(super) fn take_unstored(&mut self, now: i64) -> Unstored {
        self.forget(now);
        let unstored = Unstored {
            revoked: std::mem::take(&mut self.revoked),
            given: std::mem::take(&mut self.given),
            ended: std::mem::take(&mut self.ended),
        };
        self.under_way = Some(unstored.clone());
        unstored
    }

    pub(super) fn stored(&mut self) {
        self.under_way = None;
    }

    /// What was taken to be stored was not. A token that has ended must not be good again after a
    /// restart.
    pub(super) fn store_again(&mut self) {
        let Some(mut unstored) = self.under_way.take() else {
            return;
        };
        // Of whoever was revoked since, none is to come back.
        let revoked = &self.revoked;
        unstored
            .given
            .retain(|session| !revoked.contains(&session.member));
        unstored.revoked.append(&mut self.revoked);
        unstored.given.append(&mut self.given);
        unstored.ended.append(&mut self.ended);
        Unstored {
            revoked: self.revoked,
            given: self.given,
            ended: self.ended,
        } = unstored;
    }

    fn keep(&mut self, session: Session) {
        let mine = self.by_member.entry(session.member).or_default();
        mine.push_back(session.token_hash);
        if mine.len() > PER_MEMBER
            && let Some(oldest) = mine.pop_front()
        {
            self.good.remove(&oldest);
            self.ended.push(oldest);
        }
        self.good.insert(session.token_hash, session);
    }

    fn forget(&mut self, now: i64) {
        let before = self.good.len();
        self.good.retain(|_, session| session.expires_at > now);
        if self.good.len() == before {
            return;
        }
        let good = &self.good;
        self.by_member.retain(|_, hashes| {
            hashes.retain(|hash| good.contains_key(hash));
            !hashes.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_640_000_000;

    fn member(number: u8) -> MemberId {
        MemberId::from_bytes([number; 32])
    }

    #[test]
    fn a_token_is_good_for_a_day() {
        let mut tokens = Tokens::default();
        let token = token_hash(&tokens.give(member(1), NOW).unwrap());
        assert_eq!(tokens.whose(&token, NOW + GOOD_FOR_MS - 1), Some(member(1)));
        assert_eq!(tokens.whose(&token, NOW + GOOD_FOR_MS), None);
        assert_eq!(tokens.whose(&token_hash("another"), NOW), None);
    }

    #[test]
    fn tokens_of_one_who_is_cast_out_end_at_once() {
        let mut tokens = Tokens::default();
        let mine = token_hash(&tokens.give(member(1), NOW).unwrap());
        let others = token_hash(&tokens.give(member(2), NOW).unwrap());
        tokens.revoke(&member(1));
        assert_eq!(tokens.whose(&mine, NOW), None);
        assert_eq!(tokens.whose(&others, NOW), Some(member(2)));
    }

    #[test]
    fn what_could_not_be_stored_is_stored_the_next_time() {
        let mut tokens = Tokens::default();
        tokens.give(member(1), NOW).unwrap();
        tokens.take_unstored(NOW);
        tokens.stored();
        tokens.revoke(&member(1));
        let mine = token_hash(&tokens.give(member(2), NOW).unwrap());
        let others = token_hash(&tokens.give(member(3), NOW).unwrap());
        tokens.take_unstored(NOW);
        // While the disk is full, somebody else is cast out and the first comes back.
        tokens.revoke(&member(2));
        let again = token_hash(&tokens.give(member(1), NOW).unwrap());
        tokens.store_again();
        let stored = tokens.take_unstored(NOW);
        assert_eq!(stored.revoked, [member(1), member(2)]);
        let given: Vec<TokenHash> = stored.given.iter().map(|s| s.token_hash).collect();
        assert_eq!(given, [others, again]);
        assert!(!given.contains(&mine));
        tokens.stored();
        tokens.store_again();
        assert!(tokens.take_unstored(NOW).is_empty());
    }

    #[test]
    fn one_token_too_many_ends_the_oldest_and_what_is_kept_is_good_after_a_restart() {
        let mut tokens = Tokens::default();
        let given: Vec<TokenHash> = (0..=PER_MEMBER)
            .map(|n| {
                let now = NOW + i64::try_from(n).unwrap();
                token_hash(&tokens.give(member(1), now).unwrap())
            })
            .collect();
        assert_eq!(tokens.whose(&given[0], NOW), None);
        assert_eq!(tokens.whose(&given[1], NOW), Some(member(1)));
        let stored = tokens.take_unstored(NOW);
        assert_eq!(stored.ended, given[..1]);
        let again = Tokens::new(stored.given);
        assert_eq!(again.whose(&given[1], NOW), Some(member(1)));
    }
}
