//! Use cases, ports, `authorize()`, and jobs.

pub mod error;
pub mod port;
