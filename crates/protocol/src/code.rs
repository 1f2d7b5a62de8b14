//! Refusals: a code for programs, words for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::words::words;

words!(
    /// What a program must tell apart. A code it does not know reads as `internal`.
    Code {
        BadRequest = "bad_request",
        UnsupportedProtocol = "unsupported_protocol",
        NotSignedIn = "not_signed_in",
        BadSignature = "bad_signature",
        WrongPasscode = "wrong_passcode",
        InviteInvalid = "invite_invalid",
        NotAdmitted = "not_admitted",
        Banned = "banned",
        Muted = "muted",
        NotAllowed = "not_allowed",
        NotFound = "not_found",
        TooLarge = "too_large",
        TooManyRequests = "too_many_requests",
        Conflict = "conflict",
        Unavailable = "unavailable",
        Internal = "internal",
    }
);

impl Code {
    /// The same request may succeed later, unchanged.
    pub const fn may_be_tried_again(self) -> bool {
        match self {
            Self::TooManyRequests | Self::Unavailable | Self::Internal | Self::Unknown => true,
            Self::BadRequest
            | Self::UnsupportedProtocol
            | Self::NotSignedIn
            | Self::BadSignature
            | Self::WrongPasscode
            | Self::InviteInvalid
            | Self::NotAdmitted
            | Self::Banned
            | Self::Muted
            | Self::NotAllowed
            | Self::NotFound
            | Self::TooLarge
            | Self::Conflict => false,
        }
    }
}

/// A refused request: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Refusal {
    pub code: Code,
    /// For people, in plain words.
    pub message: String,
    /// Milliseconds to wait before trying again, where that makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after_ms: None,
        }
    }

    #[must_use]
    pub const fn retry_after(mut self, milliseconds: u64) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    pub fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(Code::NotAllowed, message)
    }

    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Code::TooLarge, message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for Refusal {}
