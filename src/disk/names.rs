//! The names of all files and folders of a store, and how they are read back.
//!
//! ```text
//! LOCK                                  the writer's lock; its content names the holder
//! MANIFEST                              the catalog's records
//! log/00000000000000000012.log          write-ahead log
//! log/00000000000000000011.spare        an old log file that waits to be overwritten
//! pins/00000000000000000042.pin         one per catalog version
//! 20251122T160000Z/                     a partition of one hour, by its UTC start
//! 20251122T160000Z-PT900S/              one of another width, in seconds
//!     00000000000000000007.seg          segment 7
//!     00000000000000000007.ids          which traces segment 7 may hold, should it be lost
//! COUNTERS                              what the store has done, for people
//! RESERVE                               given up when the disk is full
//! quarantine/                           a store of its own, for spans outside the window
//! lost+found/                           what was set aside
//! *.tmp                                 unfinished
//! ```
//!
//! Numbers have 20 digits, as many as the largest `u64`, so that names sort as numbers do. Each
//! parser accepts exactly what its writer makes, and nothing else that means the same: one thing
//! has one name.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The writer's lock file.
pub const LOCK: &str = "LOCK";
/// The catalog's file.
pub const MANIFEST: &str = "MANIFEST";
/// The file of counters; nothing depends on it.
pub const COUNTERS: &str = "COUNTERS";
/// The file that is given up to make room; its content means nothing.
pub const RESERVE: &str = "RESERVE";
/// The folder of log files.
pub const LOG_DIR: &str = "log";
/// The folder of pin files.
pub const PINS_DIR: &str = "pins";
/// The folder of the store that spans outside the window are put into.
pub const QUARANTINE_DIR: &str = "quarantine";
/// The folder of what was set aside.
pub const LOST_DIR: &str = "lost+found";

/// The width of a partition whose folder does not name it: one hour.
const DEFAULT_WIDTH_NANOS: u64 = 3600 * NANOS_PER_SECOND;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const START_FORMAT: &str = "%Y%m%dT%H%M%S%.fZ";

/// The name of log file `number`, in [`LOG_DIR`].
pub fn log_file(number: u64) -> String {
    format!("{number:020}.log")
}

/// The number of a log file.
pub fn parse_log(name: &str) -> Option<u64> {
    numbered(name, ".log")
}

/// The name of the spare that was log file `number`, or will be, in [`LOG_DIR`].
pub fn spare_file(number: u64) -> String {
    format!("{number:020}.spare")
}

/// The number of a spare log file.
pub fn parse_spare(name: &str) -> Option<u64> {
    numbered(name, ".spare")
}

/// The name of the pin of catalog version `version`, in [`PINS_DIR`].
pub fn pin_file(version: u64) -> String {
    format!("{version:020}.pin")
}

/// The catalog version of a pin.
pub fn parse_pin(name: &str) -> Option<u64> {
    numbered(name, ".pin")
}

/// The name of segment `id`, in the folder of its partition.
pub fn segment_file(id: u64) -> String {
    format!("{id:020}.seg")
}

/// The id of a segment.
pub fn parse_segment(name: &str) -> Option<u64> {
    numbered(name, ".seg")
}

/// The name of the id filter of segment `id`, beside it.
pub fn ids_file(id: u64) -> String {
    format!("{id:020}.ids")
}

/// The id of the segment of an id filter.
pub fn parse_ids(name: &str) -> Option<u64> {
    numbered(name, ".ids")
}

/// What a file is called until it is whole.
pub fn tmp(name: &str) -> String {
    format!("{name}.tmp")
}

/// Whether a name is that of an unfinished file.
pub fn is_tmp(name: &str) -> bool {
    name.ends_with(".tmp")
}

/// The folder of the partition that starts at `start_nanos` and is `width_nanos` wide.
pub fn partition_dir(start_nanos: u64, width_nanos: u64) -> String {
    let start = match Timestamp::from_nanosecond(i128::from(start_nanos)) {
        Ok(time) => time.strftime(START_FORMAT).to_string(),
        // Not reached: this calendar goes to the year 9999, and a u64 of nanoseconds to 2554.
        Err(_) => format!("{start_nanos}ns"),
    };
    if width_nanos == DEFAULT_WIDTH_NANOS {
        return start;
    }
    let (seconds, rest) = (width_nanos / NANOS_PER_SECOND, width_nanos % NANOS_PER_SECOND);
    if rest == 0 {
        return format!("{start}-PT{seconds}S");
    }
    let fraction = format!("{rest:09}");
    format!("{start}-PT{seconds}.{}S", fraction.trim_end_matches('0'))
}

/// The start and the width, in nanoseconds, of the partition in the folder `name`.
pub fn parse_partition(name: &str) -> Option<(u64, u64)> {
    let (start, width) = match name.split_once("-PT") {
        Some((start, width)) => (start, seconds(width.strip_suffix('S')?)?),
        None => (name, DEFAULT_WIDTH_NANOS),
    };
    let start = DateTime::strptime(START_FORMAT, start).ok()?;
    let start = start.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond();
    let start = u64::try_from(start).ok()?;
    (width > 0 && partition_dir(start, width) == name).then_some((start, width))
}

/// Nanoseconds of decimal seconds such as `900` or `0.25`.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > 9 {
        return None;
    }
    let whole = digits(whole)?.checked_mul(NANOS_PER_SECOND)?;
    whole.checked_add(digits(&format!("{fraction:0<9}"))?)
}

fn numbered(name: &str, suffix: &str) -> Option<u64> {
    let number = name.strip_suffix(suffix)?;
    if number.len() == 20 { digits(number) } else { None }
}

/// Unlike `str::parse`, takes no sign.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = DEFAULT_WIDTH_NANOS;
    const START: u64 = 1_763_827_200 * NANOS_PER_SECOND;

    /// These names are on disk: stores made by earlier builds are found by them.
    #[test]
    fn names_are_pinned() {
        assert_eq!(log_file(12), "00000000000000000012.log");
        assert_eq!(spare_file(12), "00000000000000000012.spare");
        assert_eq!(pin_file(42), "00000000000000000042.pin");
        assert_eq!(segment_file(u64::MAX), "18446744073709551615.seg");
        assert_eq!(ids_file(7), "00000000000000000007.ids");
        assert_eq!(tmp(MANIFEST), "MANIFEST.tmp");
        assert_eq!(partition_dir(START, HOUR), "20251122T160000Z");
        assert_eq!(partition_dir(START, HOUR / 4), "20251122T160000Z-PT900S");
        assert_eq!(partition_dir(START, 24 * HOUR), "20251122T160000Z-PT86400S");
        assert_eq!(partition_dir(0, HOUR), "19700101T000000Z");
        let half = NANOS_PER_SECOND / 2;
        assert_eq!(partition_dir(START + half, half), "20251122T160000.5Z-PT0.5S");
    }

    #[test]
    fn other_names_are_no_ones() {
        for name in ["", ".seg", "7.seg", "+0000000000000000007.seg", "00000000000000000007.log"] {
            assert_eq!(parse_segment(name), None, "{name}");
        }
        assert_eq!(parse_segment("99999999999999999999.seg"), None, "past u64");
        assert_eq!(parse_segment(&tmp(&segment_file(7))), None);
        for name in [
            "log",
            "lost+found",
            "20251122T160000",
            "20251322T160000Z",
            "20251122T160000Z-PT3600S",
            "20251122T160000Z-PT0S",
            "20251122T160000Z-PT0900S",
            "20251122T160000Z-PT1.S",
            "20251122T160000Z-PT1.50S",
            "20251122T160000Z-PT99999999999999999999S",
            "20251122T160000.0Z",
            "19691231T230000Z",
            "26001122T160000Z",
        ] {
            assert_eq!(parse_partition(name), None, "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn names_read_back(number: u64, start: u64, width in 1..=u64::MAX) {
            prop_assert_eq!(parse_log(&log_file(number)), Some(number));
            prop_assert_eq!(parse_spare(&spare_file(number)), Some(number));
            prop_assert_eq!(parse_pin(&pin_file(number)), Some(number));
            prop_assert_eq!(parse_segment(&segment_file(number)), Some(number));
            prop_assert_eq!(parse_ids(&ids_file(number)), Some(number));
            prop_assert!(is_tmp(&tmp(&log_file(number))));
            prop_assert_eq!(parse_partition(&partition_dir(start, width)), Some((start, width)));
            prop_assert_eq!(parse_partition(&partition_dir(start, HOUR)), Some((start, HOUR)));
        }

        #[test]
        fn any_name_parses_or_does_not(name in any::<String>()) {
            let _ = (parse_partition(&name), parse_log(&name), parse_segment(&name));
        }

        #[test]
        fn partition_like_names_parse_to_themselves(
            name in "[0-9]{8}T[0-9]{6}(\\.[0-9]{1,10})?Z(-PT[0-9]{1,6}(\\.[0-9]{1,10})?S)?"
        ) {
            if let Some((start, width)) = parse_partition(&name) {
                prop_assert_eq!(partition_dir(start, width), name);
            }
        }
    }

    #[test]
    fn names_sort_as_numbers() {
        let mut names = [log_file(100), log_file(9), log_file(u64::MAX), log_file(20)];
        names.sort();
        let numbers: Vec<_> = names.iter().map(|name| parse_log(name).unwrap()).collect();
        assert_eq!(numbers, [9, 20, 100, u64::MAX]);
    }
}
