//! A clock that stands still until a test moves it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flightdeck_app::port::clock::Clock;
use jiff::Timestamp;

/// Tells the time that the test set.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Starts at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves on by `time`.
    ///
    /// # Panics
    /// Past the year 9999.
    pub fn advance(&self, time: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(time).expect("tests stay within the calendar");
    }

    /// Jumps, also backwards, as real clocks do.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Default for ManualClock {
    /// Starts at one o'clock on 1 July 2026, UTC.
    fn default() -> Self {
        Self::at(Timestamp::constant(1_782_867_600, 0))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_when_the_test_says_so() {
        let clock = ManualClock::default();
        assert_eq!(clock.now().to_string(), "2026-07-01T01:00:00Z");

        clock.advance(Duration::from_secs(90));

        assert_eq!(clock.now().to_string(), "2026-07-01T01:01:30Z");
    }
}
