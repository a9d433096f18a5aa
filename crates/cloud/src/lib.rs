//! Provider APIs used directly: credential tests.
