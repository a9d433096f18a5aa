//! Failures of the store and the vault, as people are told of them.

use flightdeck_store::StoreError;
use flightdeck_vault::{protection::VaultError, ring::RingError};

use crate::error::{Code, Error};

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::TooNew { .. } => Self::new(
                Code::DatabaseTooNew,
                "this data directory was written by a newer version of the program",
            )
            .hint("install the newer version, or use another data directory"),
            _ if error.is_unique_violation() => {
                Self::new(Code::AlreadyExists, "that name is taken").hint("choose another name")
            }
            _ => Self::new(Code::Storage, "the data directory can't be read or written")
                .hint("check that the disk has space and that you may write there"),
        }
        .cause(error)
    }
}

impl From<RingError> for Error {
    fn from(error: RingError) -> Self {
        match error {
            RingError::Locked => Self::new(Code::VaultLocked, "the vault is locked")
                .hint("unlock it, then try again"),
            RingError::NoKey { .. }
            | RingError::UnknownKey { .. }
            | RingError::Unwrap(_)
            | RingError::Open(_) => Self::new(Code::SealBroken, "a sealed value does not open")
                .hint("restore the data directory from a backup; it was changed from outside")
                .cause(error),
        }
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        let message = error.to_string();
        let (code, message, hint) = match &error {
            VaultError::Absent { .. } => (
                Code::VaultAbsent,
                "there is no vault yet".to_owned(),
                "set the installation up first",
            ),
            VaultError::Exists { .. } => (
                Code::AlreadyExists,
                "this installation is set up already".to_owned(),
                "unlock the vault instead",
            ),
            VaultError::PassphraseRequired => {
                (Code::VaultLocked, message, "give the passphrase that protects the vault")
            }
            VaultError::PassphraseTooShort => {
                (Code::InvalidInput, message, "choose a longer passphrase; a sentence is best")
            }
            VaultError::WrongPassphrase { wait_seconds } if *wait_seconds > 0 => (
                Code::WrongPassphrase,
                format!("the passphrase is wrong; the next try is possible in {wait_seconds} s"),
                "check caps lock and the keyboard's language",
            ),
            VaultError::WrongPassphrase { .. } => {
                (Code::WrongPassphrase, message, "check caps lock and the keyboard's language")
            }
            VaultError::TooSoon { .. } => (Code::WrongPassphrase, message, "wait, then try again"),
            VaultError::KeychainUnavailable { .. } => (
                Code::KeychainUnavailable,
                message,
                "unlock the keychain of your desktop, or protect the vault with a passphrase",
            ),
            VaultError::KeyMissing { .. } | VaultError::WrongKey { .. } => (
                Code::KeychainUnavailable,
                message,
                "log in as the person who set this installation up",
            ),
            VaultError::Damaged { .. } => {
                (Code::SealBroken, message, "restore the file from a backup")
            }
            VaultError::TooNew { .. } => {
                (Code::DatabaseTooNew, message, "install the newer version of the program")
            }
            VaultError::File { .. } => (
                Code::Storage,
                message,
                "check that the disk has space and that you may write there",
            ),
        };
        Self::new(code, message).hint(hint).cause(error)
    }
}
