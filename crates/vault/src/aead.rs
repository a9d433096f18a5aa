//! AES-256-GCM with a fresh nonce, and the associated data it binds.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use rand::RngCore as _;
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes of an authentication tag.
pub(crate) const TAG_BYTES: usize = 16;

/// A key that is overwritten when it is dropped.
///
/// It lives on the heap so that moving its owner copies a pointer and leaves no
/// second copy of the key on a stack.
pub(crate) struct Key(Box<Zeroizing<[u8; KEY_BYTES]>>);

impl Key {
    /// Makes a key that nobody has seen.
    pub(crate) fn random() -> Self {
        let mut key = Self(Box::new(Zeroizing::new([0; KEY_BYTES])));
        rand::rng().fill_bytes(key.0.as_mut_slice());
        key
    }

    /// Takes over a key of the right length.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_BYTES {
            return None;
        }
        let mut key = Self(Box::new(Zeroizing::new([0; KEY_BYTES])));
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The bytes themselves: for wrapping them and for nothing else.
    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Encrypts `plain`, appending nonce, ciphertext and tag to `out`.
    pub(crate) fn encrypt_onto(&self, mut out: Vec<u8>, bound: &Bound, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let sealed = self
            .cipher()
            .encrypt(&nonce.into(), Payload { msg: plain, aad: &bound.0 })
            .expect("AES-GCM encrypts anything shorter than 64 GiB");
        out.reserve_exact(NONCE_BYTES + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Decrypts nonce, ciphertext and tag; `None` when they are not authentic.
    pub(crate) fn decrypt(&self, bound: &Bound, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher()
            .decrypt(nonce.into(), Payload { msg: sealed, aad: &bound.0 })
            .ok()
            .map(Zeroizing::new)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.expose().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Associated data: fields that are authenticated and not stored.
///
/// Every field is preceded by its length, so no two lists of fields encode to
/// the same bytes (`ab`,`c` is not `a`,`bc`).
pub(crate) struct Bound(Vec<u8>);

impl Bound {
    /// Starts with what the bytes are for, so that a wrapped key never opens as a value.
    pub(crate) fn to(subject: &'static str) -> Self {
        Self(Vec::with_capacity(160)).and(subject.as_bytes())
    }

    /// Adds a field.
    pub(crate) fn and(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_run_together_bind_differently() {
        let one = Bound::to("test").and(b"ab").and(b"c");
        let other = Bound::to("test").and(b"a").and(b"bc");

        assert_ne!(one.0, other.0, "a row `ab` of `c` is not a row `a` of `bc`");
    }

    #[test]
    fn a_key_shows_nothing() {
        let key = Key::from_slice(&[0x41; KEY_BYTES]).expect("32 bytes are a key");

        assert_eq!(format!("{key:?}"), "Key(…)");
    }
}
