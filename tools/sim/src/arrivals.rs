//! When spans come, and of which time they are.

use std::collections::BTreeMap;

/// A steady stream, part of which comes late.
#[derive(Clone, Copy, Debug)]
pub struct Arrivals {
    pub spans_a_minute: f64,
    /// The part of them that is late, evenly up to so many minutes.
    pub late: f64,
    pub late_minutes: u64,
}

impl Arrivals {
    /// How many spans come in a minute, by the hour of their start. No span starts before minute 0.
    pub fn in_minute(&self, minute: u64) -> BTreeMap<u64, f64> {
        let mut spans = BTreeMap::from([(minute / 60, self.spans_a_minute * (1.0 - self.late))]);
        let a_minute = self.spans_a_minute * self.late / self.late_minutes.max(1) as f64;
        let oldest = minute.saturating_sub(self.late_minutes);
        for hour in oldest / 60..=minute / 60 {
            let (first, end) = (oldest.max(hour * 60), minute.min(hour * 60 + 60));
            *spans.entry(hour).or_default() += a_minute * end.saturating_sub(first) as f64;
        }
        // What would start before the first minute starts in it.
        let before = self.late_minutes.saturating_sub(minute) as f64;
        if before > 0.0 {
            *spans.entry(0).or_default() += a_minute * before;
        }
        spans
    }
}
