//! Points in time, and half-open ranges of them.

use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeTo};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::error::Error;

/// Nanoseconds since the Unix epoch, in UTC. Prints as RFC 3339 with the digits it needs.
///
/// ```
/// use tracekeep::Timestamp;
/// let t: Timestamp = "2026-11-22T16:00:00.25Z".parse()?;
/// assert_eq!(t.to_string(), "2026-11-22T16:00:00.25Z");
/// assert_eq!(t.nanos() % 1_000_000_000, 250_000_000);
/// # Ok::<(), tracekeep::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The epoch; OTLP's "unset".
    pub const ZERO: Self = Self(0);
    /// The latest time that can be told, in the year 2554.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This time moved on by `by`, or the last representable one.
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(by)))
    }

    /// This time moved back by `by`, or the epoch.
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_nanos(by)))
    }
}

/// The nanoseconds of `duration`, at most `u64::MAX`.
pub(crate) fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl From<SystemTime> for Timestamp {
    /// Times before the epoch become the epoch.
    fn from(time: SystemTime) -> Self {
        Self(saturating_nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default()))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_nanos(time.0)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let nanos = text.parse::<jiff::Timestamp>().ok().map(|t| t.as_nanosecond());
        nanos.and_then(|n| u64::try_from(n).ok()).map(Self).ok_or_else(|| {
            Error::invalid(format!("{text:?} is no time: write it like 2026-11-22T16:00:00Z"))
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(time) => fmt::Display::fmt(&time, f),
            Err(_) => write!(f, "{}ns", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

/// A half-open range of time, `[start, end)`; `..` of either side is unbounded.
///
/// An unbounded end includes [`Timestamp::MAX`] itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeRange {
    start: u64,
    /// Last nanosecond inside; a range is empty when it lies before `start`.
    last: Option<u64>,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { start: 0, last: Some(u64::MAX) };

    /// Whether `time` lies inside.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.last.is_some_and(|last| self.start <= time.0 && time.0 <= last)
    }

    /// Whether any time of the closed interval `first..=last` lies inside.
    pub fn overlaps(&self, first: Timestamp, last: Timestamp) -> bool {
        self.last.is_some_and(|own| first.0 <= own && self.start <= last.0)
    }

    /// Whether the whole closed interval `first..=last` lies inside.
    pub fn covers(&self, first: Timestamp, last: Timestamp) -> bool {
        self.contains(first) && self.contains(last)
    }

    /// The earliest time inside, unless the range is empty.
    pub fn first(&self) -> Option<Timestamp> {
        self.last.filter(|&last| self.start <= last).map(|_| Timestamp(self.start))
    }

    /// The latest time inside, unless the range is empty.
    pub fn last(&self) -> Option<Timestamp> {
        self.last.filter(|&last| self.start <= last).map(Timestamp)
    }

    /// What lies in both ranges.
    pub fn intersect(&self, other: &Self) -> Self {
        let last = self.last.zip(other.last).map(|(a, b)| a.min(b));
        Self { start: self.start.max(other.start), last }
    }
}

impl Default for TimeRange {
    fn default() -> Self {
        Self::ALL
    }
}

impl From<Range<Timestamp>> for TimeRange {
    fn from(range: Range<Timestamp>) -> Self {
        Self { start: range.start.0, last: range.end.0.checked_sub(1) }
    }
}

impl From<RangeFrom<Timestamp>> for TimeRange {
    fn from(range: RangeFrom<Timestamp>) -> Self {
        Self { start: range.start.0, last: Some(u64::MAX) }
    }
}

impl From<RangeTo<Timestamp>> for TimeRange {
    fn from(range: RangeTo<Timestamp>) -> Self {
        Self { start: 0, last: range.end.0.checked_sub(1) }
    }
}

impl From<RangeFull> for TimeRange {
    fn from(_: RangeFull) -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn t(nanos: u64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn ranges_are_half_open() {
        let range = TimeRange::from(t(5)..t(7));
        assert!(!range.contains(t(4)) && range.contains(t(5)));
        assert!(range.contains(t(6)) && !range.contains(t(7)));
        assert!(range.overlaps(t(0), t(5)) && !range.overlaps(t(7), t(9)));
        assert!(TimeRange::from(t(5)..t(5)).first().is_none());
        assert!(!TimeRange::from(..t(0)).contains(t(0)));
        assert!(TimeRange::ALL.contains(Timestamp::MAX));
    }

    #[test]
    fn durations_saturate_at_zero() {
        assert_eq!(t(5).since(t(9)), Duration::ZERO);
        assert_eq!(t(9).since(t(5)), Duration::from_nanos(4));
    }
}
