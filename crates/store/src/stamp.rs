//! The hybrid logical clock that orders changes.

use std::{fmt, str::FromStr};

use flightdeck_domain::id::DeviceId;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction};

/// The position of one change in the total order that every device agrees on.
///
/// Wall clocks jump and disagree, so `millis` never goes backwards on a device
/// and `counter` orders what falls into one millisecond, or into the time in
/// which the wall clock lags behind. Two devices can still agree on both; the
/// device id breaks that tie, arbitrarily but identically everywhere.
///
/// The text of a stamp sorts as the stamp does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Unix milliseconds of the latest wall clock that was seen.
    pub millis: u64,
    /// Counts the stamps that share `millis`.
    pub counter: u32,
    /// Who made it.
    pub device: DeviceId,
}

impl Stamp {
    /// Makes the stamp that follows `last` at wall-clock time `now`.
    #[must_use]
    pub fn after(last: Option<(u64, u32)>, now: Timestamp, device: DeviceId) -> Self {
        let wall = u64::try_from(now.as_millisecond()).unwrap_or(0);
        match last {
            Some((millis, counter)) if millis >= wall => match counter.checked_add(1) {
                Some(counter) => Self { millis, counter, device },
                None => Self { millis: millis + 1, counter: 0, device },
            },
            _ => Self { millis: wall, counter: 0, device },
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}-{:08x}-{}", self.millis, self.counter, self.device)
    }
}

/// Text that is not a stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stamp")]
pub struct ParseStampError(pub String);

impl FromStr for Stamp {
    type Err = ParseStampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.splitn(3, '-');
            let millis = u64::from_str_radix(parts.next()?, 16).ok()?;
            let counter = u32::from_str_radix(parts.next()?, 16).ok()?;
            let device = parts.next()?.parse().ok()?;
            Some(Self { millis, counter, device })
        };
        parse().ok_or_else(|| ParseStampError(text.to_owned()))
    }
}

/// Takes the next stamp of this database and remembers that it is taken.
///
/// The clock is a row, so a rolled back transaction gives its stamps back and a
/// restart goes on where the last one ended.
pub(crate) fn next(
    tx: &Transaction<'_>,
    now: Timestamp,
    device: DeviceId,
) -> rusqlite::Result<Stamp> {
    let last = tx
        .prepare_cached("SELECT millis, counter FROM clock WHERE only = 1")?
        .query_row([], |row| Ok((row.get::<_, i64>("millis")?, row.get("counter")?)))
        .optional()?
        .map(|(millis, counter)| (u64::try_from(millis).unwrap_or(0), counter));
    let stamp = Stamp::after(last, now, device);
    tx.prepare_cached(
        "INSERT INTO clock (only, millis, counter)
         VALUES (1, ?1, ?2)
         ON CONFLICT (only) DO UPDATE
            SET millis = excluded.millis, counter = excluded.counter",
    )?
    .execute((crate::column::number(stamp.millis)?, stamp.counter))?;
    Ok(stamp)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_stamp_follows_the_one_before_whatever_the_wall_clock_does(
            walls in proptest::collection::vec(0_i64..4_102_444_800_000, 2..50),
        ) {
            let device = DeviceId::new();
            let mut last: Option<Stamp> = None;

            for wall in walls {
                let now = Timestamp::from_millisecond(wall).expect("until 2100 is a time");
                let stamp = Stamp::after(last.map(|s| (s.millis, s.counter)), now, device);
                if let Some(last) = last {
                    prop_assert!(stamp > last, "{stamp} does not follow {last}");
                    prop_assert!(stamp.to_string() > last.to_string(), "text must sort alike");
                }
                last = Some(stamp);
            }
        }

        #[test]
        fn a_stamp_survives_its_text(millis in 0_u64..1 << 48, counter: u32) {
            let stamp = Stamp { millis, counter, device: DeviceId::new() };

            prop_assert_eq!(stamp.to_string().parse(), Ok(stamp));
        }
    }

    #[test]
    fn a_full_counter_moves_on_to_the_next_millisecond() {
        let stamp = Stamp::after(Some((7, u32::MAX)), Timestamp::UNIX_EPOCH, DeviceId::new());

        assert_eq!((stamp.millis, stamp.counter), (8, 0));
    }
}
