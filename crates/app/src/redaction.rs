//! The last filter before a log: known secret values become dots.
//!
//! Types keep secrets out of logs by construction. Text from outside
//! (Terraform, Docker, a provider's error) may still quote one back at us; this
//! catches the ones that were opened since the start.

use std::sync::{PoisonError, RwLock};

use zeroize::Zeroizing;

use crate::App;

/// Shorter values would blank out ordinary words.
const LEAST_LENGTH: usize = 8;

/// The secret values that were opened since the start.
#[derive(Default)]
pub(crate) struct KnownSecrets(RwLock<Vec<Zeroizing<String>>>);

impl App {
    /// Remembers a value that must not appear in any log.
    pub(crate) fn remember_secret(&self, value: &str) {
        let mut known = self.0.secrets.0.write().unwrap_or_else(PoisonError::into_inner);
        let parts = value.lines().map(str::trim).filter(|line| line.len() >= LEAST_LENGTH);
        for part in parts {
            if !known.iter().any(|secret| secret.as_str() == part) {
                known.push(Zeroizing::new(part.to_owned()));
            }
        }
    }

    pub(crate) fn forget_secrets(&self) {
        self.0.secrets.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Blanks out every known secret in `text`.
    pub fn redact(&self, text: &str) -> String {
        let known = self.0.secrets.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "•••");
            }
        }
        text
    }
}
