//! Journeys on real servers.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod cli;
mod core;
mod kill;
