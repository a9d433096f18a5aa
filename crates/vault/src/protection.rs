//! How the master key is kept while the program does not run.
//!
//! `vault.json` says which of the two ways was chosen. It is no secret: with
//! the keychain it holds a check value, with a passphrase the wrapped key.

use std::{io, path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flightdeck_domain::{id::DeviceId, secret::Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    aead::{Bound, Key},
    attempts::Attempts,
    file::{self, Existing},
    keychain::{KeyStore, KeyStoreError},
    keys::MasterKey,
    passphrase::{self, Refusal, Wrapped},
};

/// The newest version of `vault.json` that this program reads.
const VERSION: u32 = 1;
const NAME: &str = "vault.json";
const MOST_BYTES: u64 = 64 * 1024;

/// The fewest characters of a new passphrase.
pub const LEAST_PASSPHRASE: usize = 8;

/// Where the master key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// In the keychain of the operating system.
    Keychain,
    /// In `vault.json`, wrapped by a passphrase.
    Passphrase,
}

/// The way that was chosen for a new vault.
#[derive(Debug)]
pub enum Choice<'a> {
    /// Keep the master key in the keychain.
    Keychain,
    /// Wrap it with this.
    Passphrase(&'a Secret),
}

/// Why the vault was not made or stays closed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no vault in this directory.
    #[error("there is no vault in `{}`", directory.display())]
    Absent {
        /// The directory.
        directory: PathBuf,
    },
    /// There already is one; making another would lose everything it seals.
    #[error("there already is a vault in `{}`", directory.display())]
    Exists {
        /// The directory.
        directory: PathBuf,
    },
    /// The vault wants a passphrase and none was given.
    #[error("the vault is protected by a passphrase")]
    PassphraseRequired,
    /// A new passphrase that is too short.
    #[error("a passphrase has at least {LEAST_PASSPHRASE} characters")]
    PassphraseTooShort,
    /// The passphrase is not the one.
    #[error("the passphrase is wrong")]
    WrongPassphrase {
        /// How long to wait before the next attempt.
        wait_seconds: u64,
    },
    /// Too many wrong passphrases: this one was not even tried.
    #[error("too many wrong passphrases; wait {wait_seconds} s")]
    TooSoon {
        /// How long to wait before the next attempt.
        wait_seconds: u64,
    },
    /// The keychain does not answer, is locked, or refused.
    #[error("the keychain is not available: {reason}")]
    KeychainUnavailable {
        /// What it said.
        reason: String,
    },
    /// The keychain answers and has no key for this vault.
    #[error("the keychain has no key `{account}`")]
    KeyMissing {
        /// The entry that should be there.
        account: String,
    },
    /// The keychain's key is not the one this vault was made with.
    #[error("the keychain's key `{account}` is not this vault's key")]
    WrongKey {
        /// The entry.
        account: String,
    },
    /// The file is not what was written.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer program wrote the file.
    #[error("`{}` has version {version}; this program reads up to {VERSION}", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The disk refused.
    #[error("can't {action} `{}`", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// The vault of one data directory.
pub struct Vault {
    directory: PathBuf,
    keychain: Arc<dyn KeyStore>,
}

impl Vault {
    /// Speaks of the vault in `directory`, whether or not there is one.
    pub fn new(directory: impl Into<PathBuf>, keychain: Arc<dyn KeyStore>) -> Self {
        Self { directory: directory.into(), keychain }
    }

    /// Says how the vault is protected, or `None` if there is no vault yet.
    pub fn probe(&self) -> Result<Option<Protection>, VaultError> {
        Ok(self.load()?.map(|content| content.kept.protection()))
    }

    /// Makes a vault and returns its master key; blocks.
    ///
    /// The keychain's account is the device id. A key that is already there is
    /// taken over, not replaced: it is left from a start that broke off, or from
    /// a `vault.json` that was lost, and in both cases it opens what exists.
    pub fn create(&self, device: DeviceId, choice: Choice<'_>) -> Result<MasterKey, VaultError> {
        if self.load()?.is_some() {
            return Err(VaultError::Exists { directory: self.directory.clone() });
        }
        let (master, kept) = match choice {
            Choice::Keychain => {
                let master = self.key_in_keychain(device)?;
                let check = check_value(device, &master);
                (master, Kept::Keychain { check })
            }
            Choice::Passphrase(passphrase) => {
                if passphrase.expose().chars().count() < LEAST_PASSPHRASE {
                    return Err(VaultError::PassphraseTooShort);
                }
                let master = MasterKey::random();
                let wrapped = passphrase::wrap(device, passphrase, &master);
                (master, Kept::Passphrase(wrapped))
            }
        };
        self.store(&Content { device, kept })?;
        Ok(master)
    }

    /// Fetches the master key; blocks.
    ///
    /// `passphrase` is ignored by a vault in the keychain. `now` is what the
    /// pause between wrong passphrases is measured with.
    pub fn unlock(
        &self,
        passphrase: Option<&Secret>,
        now: Timestamp,
    ) -> Result<MasterKey, VaultError> {
        let Some(Content { device, kept }) = self.load()? else {
            return Err(VaultError::Absent { directory: self.directory.clone() });
        };
        match kept {
            Kept::Keychain { check } => self.unlock_by_keychain(device, &check),
            Kept::Passphrase(wrapped) => {
                let passphrase = passphrase.ok_or(VaultError::PassphraseRequired)?;
                self.unlock_by_passphrase(device, &wrapped, passphrase, now)
            }
        }
    }

    fn key_in_keychain(&self, device: DeviceId) -> Result<MasterKey, VaultError> {
        let account = device.to_string();
        match self.keychain.get(&account) {
            Ok(bytes) => {
                Key::from_slice(&bytes).map(MasterKey).ok_or(VaultError::WrongKey { account })
            }
            Err(KeyStoreError::Absent { .. }) => {
                let master = MasterKey::random();
                self.keychain.set(&account, master.0.expose()).map_err(from_key_store)?;
                Ok(master)
            }
            Err(error) => Err(from_key_store(error)),
        }
    }

    fn unlock_by_keychain(&self, device: DeviceId, check: &str) -> Result<MasterKey, VaultError> {
        let account = device.to_string();
        let bytes = self.keychain.get(&account).map_err(from_key_store)?;
        let check = STANDARD.decode(check).map_err(|_| self.damaged("bad check value"))?;
        Key::from_slice(&bytes)
            .filter(|key| key.decrypt(&check_bound(device), &check).is_some())
            .map(MasterKey)
            .ok_or(VaultError::WrongKey { account })
    }

    fn unlock_by_passphrase(
        &self,
        device: DeviceId,
        wrapped: &Wrapped,
        passphrase: &Secret,
        now: Timestamp,
    ) -> Result<MasterKey, VaultError> {
        let count = |source| self.file_error("count attempts beside", source);
        let mut attempts = Attempts::load(&self.directory).map_err(count)?;
        if let Err(wait_seconds) = attempts.begin(now).map_err(count)? {
            return Err(VaultError::TooSoon { wait_seconds });
        }
        match passphrase::unwrap(device, passphrase, wrapped) {
            Ok(master) => {
                attempts.succeed().map_err(count)?;
                Ok(master)
            }
            Err(Refusal::WrongPassphrase) => {
                Err(VaultError::WrongPassphrase { wait_seconds: attempts.wait(now) })
            }
            Err(Refusal::Damaged(reason)) => {
                attempts.succeed().map_err(count)?;
                Err(self.damaged(reason))
            }
        }
    }

    fn load(&self) -> Result<Option<Content>, VaultError> {
        let bytes = match file::read(&self.path(), MOST_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(self.damaged(error.to_string()));
            }
            Err(error) => return Err(self.file_error("read", error)),
        };
        let Versioned { version } =
            serde_json::from_slice(&bytes).map_err(|error| self.damaged(error.to_string()))?;
        if version > VERSION {
            return Err(VaultError::TooNew { path: self.path(), version });
        }
        let document: Document =
            serde_json::from_slice(&bytes).map_err(|error| self.damaged(error.to_string()))?;
        if version != VERSION || document.checksum != checksum(&document.vault) {
            return Err(self.damaged("the checksum doesn't match"));
        }
        Ok(Some(document.vault))
    }

    fn store(&self, vault: &Content) -> Result<(), VaultError> {
        let document =
            Document { version: VERSION, checksum: checksum(vault), vault: vault.clone() };
        let bytes = serde_json::to_vec_pretty(&document)
            .map_err(|error| self.file_error("write", error.into()))?;
        file::write(&self.path(), &bytes, Existing::Keep).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                VaultError::Exists { directory: self.directory.clone() }
            }
            _ => self.file_error("write", error),
        })
    }

    fn path(&self) -> PathBuf {
        self.directory.join(NAME)
    }

    fn damaged(&self, reason: impl Into<String>) -> VaultError {
        VaultError::Damaged { path: self.path(), reason: reason.into() }
    }

    fn file_error(&self, action: &'static str, source: io::Error) -> VaultError {
        VaultError::File { action, path: self.path(), source }
    }
}

/// Only the version, so that a newer file is told from a damaged one.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// `vault.json`. The checksum tells an accident from a wrong passphrase; it does
/// not stop anybody who can compute it, the authenticated key does.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    checksum: String,
    vault: Content,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    device: DeviceId,
    #[serde(rename = "protection")]
    kept: Kept,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kept {
    /// The check value is an empty message under the key: it opens with no other.
    Keychain {
        check: String,
    },
    Passphrase(Wrapped),
}

impl Kept {
    const fn protection(&self) -> Protection {
        match self {
            Self::Keychain { .. } => Protection::Keychain,
            Self::Passphrase(_) => Protection::Passphrase,
        }
    }
}

fn check_value(device: DeviceId, master: &MasterKey) -> String {
    STANDARD.encode(master.0.encrypt_onto(Vec::new(), &check_bound(device), b""))
}

fn check_bound(device: DeviceId) -> Bound {
    Bound::to("flightdeck keychain check 1").and(&device.to_bytes())
}

fn checksum(vault: &Content) -> String {
    hex::encode(Sha256::digest(
        serde_json::to_vec(vault).expect("the content has string keys only"),
    ))
}

fn from_key_store(error: KeyStoreError) -> VaultError {
    match error {
        KeyStoreError::Absent { account } => VaultError::KeyMissing { account },
        KeyStoreError::Unavailable { reason } => VaultError::KeychainUnavailable { reason },
    }
}
