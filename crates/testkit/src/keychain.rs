//! A keychain in memory, for tests of what stands on one.
//!
//! The vault's own tests use the real Secret Service.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use flightdeck_vault::keychain::{KeyStore, KeyStoreError};
use zeroize::Zeroizing;

/// Keeps entries until it is dropped; may be told to be unavailable.
#[derive(Debug, Default)]
pub struct MemoryKeychain(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Vec<u8>>,
    unavailable: Option<String>,
}

impl MemoryKeychain {
    /// Refuses every call for `reason`, until [`Self::come_back`].
    pub fn go_away(&self, reason: &str) {
        self.lock().unavailable = Some(reason.to_owned());
    }

    /// Answers again, with what it kept.
    pub fn come_back(&self) {
        self.lock().unavailable = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, KeyStoreError> {
        let state = self.lock();
        match &state.unavailable {
            Some(reason) => Err(KeyStoreError::Unavailable { reason: reason.clone() }),
            None => Ok(state),
        }
    }
}

impl KeyStore for MemoryKeychain {
    fn get(&self, account: &str) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        self.open()?
            .entries
            .get(account)
            .map(|secret| Zeroizing::new(secret.clone()))
            .ok_or_else(|| KeyStoreError::Absent { account: account.to_owned() })
    }

    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyStoreError> {
        self.open()?.entries.insert(account.to_owned(), secret.to_vec());
        Ok(())
    }

    fn delete(&self, account: &str) -> Result<(), KeyStoreError> {
        self.open()?
            .entries
            .remove(account)
            .map(drop)
            .ok_or_else(|| KeyStoreError::Absent { account: account.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_as_the_real_one_does() {
        let keychain = MemoryKeychain::default();
        let absent = KeyStoreError::Absent { account: "a".to_owned() };

        assert_eq!(keychain.get("a"), Err(absent.clone()));
        assert_eq!(keychain.set("a", b"1"), Ok(()));
        assert_eq!(keychain.set("a", b"2"), Ok(()), "a second write replaces the first");
        assert_eq!(keychain.get("a").map(|secret| secret.to_vec()), Ok(b"2".to_vec()));
        keychain.go_away("no bus");
        assert_eq!(
            keychain.get("a"),
            Err(KeyStoreError::Unavailable { reason: "no bus".to_owned() })
        );
        keychain.come_back();
        assert_eq!(keychain.delete("a"), Ok(()));
        assert_eq!(keychain.delete("a"), Err(absent));
    }
}
