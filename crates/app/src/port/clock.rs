//! The time.

use jiff::Timestamp;

/// Tells the time; tests move it by hand.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}
