//! Values sealed for one place.
//!
//! Layout: format byte, key id (16 bytes), nonce (12), ciphertext, tag (16).
//! The place is not stored. It is authenticated, so a sealed value that was
//! copied to another row, table, column or workspace does not open there.
//!
//! Nonces are random: 2³² values a key are safe, and a workspace key is rotated
//! long before.

use flightdeck_domain::id::{KeyId, OrganizationId};
use zeroize::Zeroizing;

use crate::{
    aead::{Bound, NONCE_BYTES, TAG_BYTES},
    keys::WorkspaceKey,
};

/// The first byte of every value this version seals.
const FORMAT: u8 = 1;

const KEY_ID_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;

/// What sealing adds to a value's length.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/// Where a sealed value belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub workspace: OrganizationId,
    /// The table it is kept in.
    pub table: &'static str,
    /// The row's primary key; several columns are joined by the caller.
    pub row: String,
    /// The column.
    pub column: &'static str,
}

/// Why a sealed value stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is shorter than the shortest sealed value.
    #[error("the sealed value has {length} bytes; the shortest has {OVERHEAD_BYTES}")]
    Truncated {
        /// How many bytes there are.
        length: usize,
    },
    /// A newer program sealed it, or the first byte is damaged.
    #[error("the sealed value has format {format}, which this version doesn't know")]
    Format {
        /// Its first byte.
        format: u8,
    },
    /// It says that another key sealed it.
    #[error("the value was sealed with key {sealed_with}, not with {offered}")]
    WrongKey {
        /// The key it names.
        sealed_with: KeyId,
        /// The key that was tried.
        offered: KeyId,
    },
    /// It was changed, or it does not belong here.
    #[error("the sealed value was changed, or it was sealed for another place")]
    NotAuthentic,
}

/// Reads which key sealed a value, without opening it.
pub fn sealed_with(sealed: &[u8]) -> Result<KeyId, OpenError> {
    match sealed.first() {
        Some(&format) if format != FORMAT => return Err(OpenError::Format { format }),
        _ if sealed.len() < OVERHEAD_BYTES => {
            return Err(OpenError::Truncated { length: sealed.len() });
        }
        _ => {}
    }
    let mut id = [0; KEY_ID_BYTES];
    id.copy_from_slice(&sealed[1..HEADER_BYTES]);
    Ok(KeyId::from_bytes(id))
}

impl WorkspaceKey {
    /// Seals `plain` so that it opens at `place` only.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(OVERHEAD_BYTES + plain.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.id.to_bytes());
        self.key.encrypt_onto(sealed, &self.bound(place), plain)
    }

    /// Opens what this key sealed for `place`.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let sealed_with = sealed_with(sealed)?;
        if sealed_with != self.id {
            return Err(OpenError::WrongKey { sealed_with, offered: self.id });
        }
        self.key.decrypt(&self.bound(place), &sealed[HEADER_BYTES..]).ok_or(OpenError::NotAuthentic)
    }

    fn bound(&self, place: &Place) -> Bound {
        Bound::to("flightdeck sealed value 1")
            .and(&place.workspace.to_bytes())
            .and(place.table.as_bytes())
            .and(place.row.as_bytes())
            .and(place.column.as_bytes())
            .and(&self.version.to_be_bytes())
            .and(self.purpose.as_str().as_bytes())
            .and(&self.workspace.to_bytes())
            .and(&self.id.to_bytes())
    }
}
