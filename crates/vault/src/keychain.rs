//! The keychain of the operating system.

use std::thread;

use keyring::Entry;
use zeroize::Zeroizing;

/// Why a keychain gave no answer that helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyStoreError {
    /// It has no entry of this name.
    #[error("the keychain has no entry `{account}`")]
    Absent {
        /// The entry that was asked for.
        account: String,
    },
    /// There is no keychain, it is locked, or it refused.
    #[error("the keychain is not available: {reason}")]
    Unavailable {
        /// What it said.
        reason: String,
    },
}

/// Keeps small secrets by account name, encrypted, for this user.
///
/// The vault asks from threads that may wait: an implementation may show a
/// dialog and return minutes later. `set` replaces; `delete` of an absent entry
/// is [`KeyStoreError::Absent`].
pub trait KeyStore: Send + Sync {
    /// Reads an entry.
    fn get(&self, account: &str) -> Result<Zeroizing<Vec<u8>>, KeyStoreError>;
    /// Writes an entry, whether or not there was one.
    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyStoreError>;
    /// Removes an entry.
    fn delete(&self, account: &str) -> Result<(), KeyStoreError>;
}

/// Keychain Services, the Credential Manager, or the Secret Service.
///
/// Calls block, for as long as a dialog is open. Each runs on a thread of its
/// own, because the Secret Service client starts an async runtime and would
/// panic inside another one; that makes a call from async code wrong (it blocks
/// the executor) but not fatal.
#[derive(Debug, Clone)]
pub struct OsKeychain {
    service: String,
}

impl OsKeychain {
    /// Speaks for `service`, the name under which people see the entries.
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into() }
    }

    fn ask<T: Send>(
        &self,
        account: &str,
        question: impl FnOnce(&Entry) -> keyring::Result<T> + Send,
    ) -> Result<T, KeyStoreError> {
        let ask = || match Entry::store_status() {
            Ok(()) => Entry::new(&self.service, account).and_then(|entry| question(&entry)),
            Err(error) => Err(keyring::Error::NotSupportedByStore(error.to_string())),
        };
        let answer = thread::scope(|scope| scope.spawn(ask).join());
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(keyring::Error::NoEntry)) => {
                Err(KeyStoreError::Absent { account: account.to_owned() })
            }
            Ok(Err(error)) => Err(KeyStoreError::Unavailable { reason: reason(&error) }),
            Err(_) => Err(KeyStoreError::Unavailable {
                reason: "the keychain's client stopped without a reason".to_owned(),
            }),
        }
    }
}

impl KeyStore for OsKeychain {
    fn get(&self, account: &str) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        self.ask(account, |entry| entry.get_secret().map(Zeroizing::new))
    }

    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyStoreError> {
        self.ask(account, |entry| entry.set_secret(secret))
    }

    fn delete(&self, account: &str) -> Result<(), KeyStoreError> {
        self.ask(account, Entry::delete_credential)
    }
}

/// The variants that carry an entry's bytes are named, never printed.
fn reason(error: &keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => {
            "the entry is not in the keychain's own format".to_owned()
        }
        keyring::Error::NotSupportedByStore(reason) => reason.clone(),
        other => other.to_string(),
    }
}
