//! Simulated hosts, Terraform, keychain, clock and cloud APIs, builders.
//!
//! Stand-ins only for what this project does not control. Everything of its own
//! runs for real in tests.

pub mod clock;
pub mod hetzner;
pub mod hosts;
pub mod keychain;
pub mod terraform;
