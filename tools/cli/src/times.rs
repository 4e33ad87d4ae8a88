//! Times as people type them.

use std::time::{Duration, SystemTime};

use tracekeep::Timestamp;

/// A point in time that was given on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(Timestamp);

impl Moment {
    /// The time.
    pub const fn time(self) -> Timestamp {
        self.0
    }
}

/// Reads RFC 3339, a date (its start, in UTC), `2h` (ago) or Unix nanoseconds.
pub fn parse_moment(text: &str) -> Result<Moment, String> {
    parse(text, Timestamp::from(SystemTime::now())).map(Moment).ok_or_else(|| {
        "write 2026-11-22T16:00:00Z, 2026-11-22, 2h (ago) or Unix nanoseconds".into()
    })
}

fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(nanos) = text.parse() {
        return Some(Timestamp::from_nanos(nanos));
    }
    if let Some(ago) = parse_age(text) {
        return Some(now.saturating_sub(ago));
    }
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
}

/// Reads how long something may take: `500ms`, `2s`, `1m`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let millis = text.strip_suffix("ms").and_then(|number| number.parse().ok());
    let millis = millis.map(Duration::from_millis);
    millis.or_else(|| parse_age(text)).ok_or_else(|| "write 500ms, 2s or 1m".into())
}

/// A number and a unit from seconds to weeks.
fn parse_age(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86_400.0,
        'w' => 604_800.0,
        _ => return None,
    };
    let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

/// A duration with three significant digits or so, in the unit that suits it.
pub fn show_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (value, unit) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => (nanos as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}{unit}")
}

/// How long ago something was, in the largest unit that it is at least one of: `3d`.
pub fn show_age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A duration to the nanosecond, in the unit that suits it; TraceQL reads it.
pub fn exact_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (unit, name) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let digits = match unit {
        1_000 => 3,
        1_000_000 => 6,
        _ => 9,
    };
    let fraction = format!("{:0digits$}", nanos % unit);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction}{name}", nanos / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let now = Timestamp::from_nanos(1_795_363_200_000_000_000);
        let nanos = |text| parse(text, now).map(Timestamp::nanos);
        assert_eq!(nanos("17"), Some(17));
        assert_eq!(nanos("2h"), Some(now.nanos() - 7_200_000_000_000));
        assert_eq!(nanos("0.5s"), Some(now.nanos() - 500_000_000));
        assert_eq!(nanos("2026-11-22"), Some(1_795_305_600_000_000_000));
        assert_eq!(nanos("2026-11-22T16:00:00Z"), Some(now.nanos()));
        for text in ["", "h", "-1h", "yesterday", "2026-13-01", "1x"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn durations_show_three_digits() {
        let show = |nanos| show_duration(Duration::from_nanos(nanos));
        assert_eq!(show(999), "999ns");
        assert_eq!(show(1_500), "1.50us");
        assert_eq!(show(12_345_678), "12.3ms");
        assert_eq!(show(123_456_789_000), "123s");
    }

    #[test]
    fn exact_durations_lose_nothing() {
        let exact = |nanos| exact_duration(Duration::from_nanos(nanos));
        assert_eq!(exact(7), "7ns");
        assert_eq!(exact(1_500), "1.5us");
        assert_eq!(exact(12_345_678), "12.345678ms");
        assert_eq!(exact(3_000_000_001), "3.000000001s");
        assert_eq!(exact(60_000_000_000), "60s");
    }
}
