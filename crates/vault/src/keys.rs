//! The key hierarchy: one master key, and workspace keys that it wraps.
//!
//! Workspaces have a key per purpose, so that credentials and state rotate
//! apart and a leaked key of one opens nothing of the other.

use std::{fmt, str::FromStr};

use flightdeck_domain::id::{KeyId, OrganizationId};
use serde::{Deserialize, Serialize};

use crate::aead::{Bound, KEY_BYTES, Key, NONCE_BYTES, TAG_BYTES};

/// The first byte of every wrapped key this version writes.
const FORMAT: u8 = 1;

/// Length of a wrapped key.
const WRAPPED_BYTES: usize = 1 + NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/// What a workspace key may seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Fields of credentials.
    Credentials,
    /// Terraform state and plans.
    State,
    /// Changes on their way to another device.
    Sync,
}

impl Purpose {
    /// Every purpose: a workspace has one key for each.
    pub const ALL: &'static [Self] = &[Self::Credentials, Self::State, Self::Sync];

    /// Its name in the database and in what a key binds.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::State => "state",
            Self::Sync => "sync",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|purpose| purpose.as_str() == text)
            .ok_or_else(|| UnknownPurpose(text.to_owned()))
    }
}

/// Text that names no purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no key purpose `{0}`; use credentials, state or sync")]
pub struct UnknownPurpose(pub String);

/// The key that opens all others.
///
/// It has no accessor: whoever holds it can wrap and unwrap workspace keys, and
/// only this crate puts its bytes anywhere.
#[derive(Debug)]
pub struct MasterKey(pub(crate) Key);

impl MasterKey {
    /// Makes a master key that nobody has seen.
    pub fn random() -> Self {
        Self(Key::random())
    }

    /// Wraps a workspace key for storage beside the data it opens.
    pub fn wrap(&self, key: &WorkspaceKey) -> WrappedKey {
        let bound = bound(key.id, key.version, key.purpose, key.workspace);
        WrappedKey {
            id: key.id,
            version: key.version,
            purpose: key.purpose,
            workspace: key.workspace,
            bytes: self.0.encrypt_onto(vec![FORMAT], &bound, key.key.expose()),
        }
    }

    /// Unwraps a workspace key, if this master key wrapped exactly it.
    pub fn unwrap(&self, wrapped: &WrappedKey) -> Result<WorkspaceKey, UnwrapError> {
        let WrappedKey { id, version, purpose, workspace, ref bytes } = *wrapped;
        let Some((&format, sealed)) = bytes.split_first() else {
            return Err(UnwrapError::Length { id, length: 0 });
        };
        if format != FORMAT {
            return Err(UnwrapError::Format { id, format });
        }
        if bytes.len() != WRAPPED_BYTES {
            return Err(UnwrapError::Length { id, length: bytes.len() });
        }
        let key = self
            .0
            .decrypt(&bound(id, version, purpose, workspace), sealed)
            .and_then(|plain| Key::from_slice(&plain))
            .ok_or(UnwrapError::NotAuthentic { id })?;
        Ok(WorkspaceKey { id, version, purpose, workspace, key })
    }
}

/// A key of one workspace for one purpose.
///
/// The version counts rotations. It is bound into each sealed value together
/// with the id, so that a value of an earlier version can't pass for a new one.
#[derive(Debug)]
pub struct WorkspaceKey {
    /// Names it, also inside the values it sealed.
    pub id: KeyId,
    /// Which rotation of this purpose's key it is, from 1.
    pub version: u32,
    /// What it may seal.
    pub purpose: Purpose,
    /// Whose it is.
    pub workspace: OrganizationId,
    pub(crate) key: Key,
}

impl WorkspaceKey {
    /// Makes a workspace's key for `purpose`.
    pub fn random(workspace: OrganizationId, purpose: Purpose, version: u32) -> Self {
        Self { id: KeyId::new(), version, purpose, workspace, key: Key::random() }
    }
}

/// A workspace key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Names it.
    pub id: KeyId,
    /// Which rotation it is.
    pub version: u32,
    /// What it may seal.
    pub purpose: Purpose,
    /// Whose it is.
    pub workspace: OrganizationId,
    /// Format, nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// Why a wrapped key stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// Bytes are missing or too many.
    #[error("wrapped key {id} has {length} bytes instead of {WRAPPED_BYTES}")]
    Length {
        /// Which key.
        id: KeyId,
        /// How many bytes there are.
        length: usize,
    },
    /// A newer program wrote it, or the first byte is damaged.
    #[error("wrapped key {id} has format {format}, which this version doesn't know")]
    Format {
        /// Which key.
        id: KeyId,
        /// Its first byte.
        format: u8,
    },
    /// Another master key wrapped it, or somebody changed it or its place.
    #[error("wrapped key {id} doesn't open with this master key, or it was changed")]
    NotAuthentic {
        /// Which key.
        id: KeyId,
    },
}

fn bound(id: KeyId, version: u32, purpose: Purpose, workspace: OrganizationId) -> Bound {
    Bound::to("flightdeck workspace key 1")
        .and(&workspace.to_bytes())
        .and(purpose.as_str().as_bytes())
        .and(&id.to_bytes())
        .and(&version.to_be_bytes())
}
