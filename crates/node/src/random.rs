//! The one place that takes random numbers from the system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::NodeError;

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NodeError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NodeError::Random)?;
    Ok(bytes)
}

/// 32 random bytes as base64url: a nonce, a token.
pub(crate) fn token() -> Result<String, NodeError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}
