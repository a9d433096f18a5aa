//! Nouns and rules: no IO, no clock, no async.
