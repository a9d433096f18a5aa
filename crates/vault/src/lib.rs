//! Sealed values, the key hierarchy, the keychain.
//!
//! One master key opens the workspace keys; a workspace key opens values. The
//! master key rests in the keychain of the operating system or, wrapped by a
//! passphrase, in `vault.json`. Nothing here knows where sealed bytes are kept:
//! callers pass bytes in and get bytes back.
//!
//! Everything blocks. A keychain may show a dialog and Argon2 takes a third of a
//! second, so call this crate from a thread that may wait.

pub mod keychain;
pub mod keys;
pub mod protection;
pub mod ring;
pub mod seal;

mod aead;
mod attempts;
mod file;
mod passphrase;
