//! The passcode: kept as an argon2id hash, tried off the runtime's threads and a few at a time.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

/// Passcodes tried at one time: each takes 19 MiB and a core for some tens of milliseconds.
const TRIED_AT_ONCE: usize = 2;

/// Tries and hashes passcodes.
#[derive(Debug, Clone)]
pub(crate) struct Passcodes(Arc<Semaphore>);

impl Passcodes {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(TRIED_AT_ONCE)))
    }

    /// Whether this is the passcode that was hashed.
    pub(crate) async fn fits(&self, passcode: String, hash: String) -> bool {
        let Ok(_permit) = self.0.acquire().await else {
            return false;
        };
        let tried = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(passcode.as_bytes(), &hash)
                    .is_ok()
            })
        });
        tried.await.unwrap_or(false)
    }

    /// `None` when the system gives no random salt.
    pub(crate) async fn hash(&self, passcode: String) -> Option<String> {
        let _permit = self.0.acquire().await.ok()?;
        tokio::task::spawn_blocking(move || hash(&passcode))
            .await
            .ok()?
    }
}

/// Blocking; see [`Passcodes::hash`].
pub(crate) fn hash(passcode: &str) -> Option<String> {
    let hash = Argon2::default().hash_password(passcode.as_bytes()).ok()?;
    Some(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_passcode_fits_its_hash() {
        let passcodes = Passcodes::new();
        let hash = passcodes.hash("correct horse".into()).await.unwrap();
        assert!(!hash.contains("correct horse"));
        assert!(passcodes.fits("correct horse".into(), hash.clone()).await);
        assert!(!passcodes.fits("battery staple".into(), hash).await);
    }
}
