//! Axes that count as people do: round times, human units.

use std::ops::Range;

use jiff::{Timestamp, tz::TimeZone};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Distances between labels, in seconds, from a minute to four weeks.
const STEPS: [i64; 16] = [
    60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_419_200,
];

const DAY: i64 = 86_400;

/// An axis of Unix seconds whose labels are on round local times.
#[derive(Debug, Clone)]
pub(crate) struct TimeAxis {
    range: Range<i64>,
    zone: TimeZone,
}

impl TimeAxis {
    pub(crate) fn new(range: Range<i64>, zone: TimeZone) -> Self {
        Self { range, zone }
    }

    /// Says between which times the axis runs, for the line below it.
    pub(crate) fn caption(&self) -> String {
        let Range { start, end } = self.range;
        let [start, end] = [start, end].map(|second| self.name(second, "%Y-%m-%d %H:%M"));
        format!("{start} to {end} {}", self.name(self.range.start, "%Z"))
    }

    fn name(&self, second: i64, pattern: &str) -> String {
        Timestamp::from_second(second)
            .map(|at| at.to_zoned(self.zone.clone()).strftime(pattern).to_string())
            .unwrap_or_default()
    }

    fn offset(&self) -> i64 {
        Timestamp::from_second(self.range.start)
            .map_or(0, |at| i64::from(self.zone.to_offset(at).seconds()))
    }
}

impl Ranged for TimeAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = i64;

    fn map(&self, value: &i64, limit: (i32, i32)) -> i32 {
        let whole = i128::from(self.range.end - self.range.start).max(1);
        let part = i128::from(value - self.range.start);
        let pixels = i128::from(limit.1 - limit.0);
        limit.0 + i32::try_from(part * pixels / whole).unwrap_or(0)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<i64> {
        let most = i64::try_from(hint.max_num_points()).unwrap_or(i64::MAX).max(1);
        let span = self.range.end - self.range.start;
        let step =
            STEPS.into_iter().find(|step| span / step <= most).unwrap_or_else(|| span / most + 1);
        let offset = self.offset();
        let first = (self.range.start + offset).div_euclid(step) * step - offset;
        (0..)
            .map(|index| first + index * step)
            .skip_while(|second| *second < self.range.start)
            .take_while(|second| *second <= self.range.end)
            .collect()
    }

    fn range(&self) -> Range<i64> {
        self.range.clone()
    }
}

/// A label is the time of day, or the date where days count.
impl ValueFormatter<i64> for TimeAxis {
    fn format_ext(&self, second: &i64) -> String {
        let pattern = if self.range.end - self.range.start <= 2 * DAY { "%H:%M" } else { "%b %-d" };
        self.name(*second, pattern)
    }
}

/// What the values of a chart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Percent, of which there are a hundred.
    Percent,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Plain numbers: load, counts.
    Number,
}

impl Unit {
    /// The factor and the name that keep `most` below a thousand or so.
    pub(crate) fn scale(self, most: f64) -> (f64, &'static str) {
        const STEPS: [(f64, &str, &str); 5] = [
            (1.0, "B", "B/s"),
            (1024.0, "KiB", "KiB/s"),
            (1_048_576.0, "MiB", "MiB/s"),
            (1_073_741_824.0, "GiB", "GiB/s"),
            (1_099_511_627_776.0, "TiB", "TiB/s"),
        ];
        match self {
            Self::Percent => (1.0, "%"),
            Self::Number => (1.0, ""),
            Self::Bytes | Self::BytesPerSecond => {
                let (factor, bytes, rate) = STEPS
                    .into_iter()
                    .rev()
                    .find(|(factor, ..)| most >= *factor)
                    .unwrap_or(STEPS[0]);
                (factor, if self == Self::Bytes { bytes } else { rate })
            }
        }
    }
}

/// A value as a label: no more digits than its axis needs.
pub(crate) fn number(value: f64, name: &str) -> String {
    let value = if value.abs() < 1e-9 { 0.0 } else { value };
    let digits = format!("{value:.2}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    match name {
        "" => digits.to_owned(),
        "%" => format!("{digits}%"),
        name => format!("{digits} {name}"),
    }
}
