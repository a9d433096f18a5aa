//! Sealed values, the key hierarchy, the keychain.
