//! The system's clock.

use flightdeck_app::port::clock::Clock;

/// Tells the time of the operating system.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
        jiff::Timestamp::now()
    }
}
