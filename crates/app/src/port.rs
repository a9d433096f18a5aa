//! What we don't control, as the use cases see it.
//!
//! A trait stands here only for a machine, a process, a network or the time.
//! SQLite and the vault are ours: they are used as they are.

pub mod clock;
pub mod cloud;
pub mod hosts;
pub mod terraform;
