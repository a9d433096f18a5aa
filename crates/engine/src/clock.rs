//! The system's clock.

use flightdeck_app::port::clock::Clock;

/// Tells the time of the operating system.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
        let now = jiff::Timestamp::now();
        // The store keeps milliseconds; a finer time would not come back as it went in.
        jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}
