//! Simulated keychain, clock and cloud APIs, builders.
