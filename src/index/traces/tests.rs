use super::*;
use crate::index::source::MemSource;
use proptest::prelude::*;
use std::path::Path;

fn entries() -> impl Strategy<Value = Vec<TraceEntry>> {
    let time = prop_oneof![
        4 => (0u64..1 << 40).prop_map(|t| 1_700_000_000_000_000_000 + t * 1000),
        1 => any::<u64>(),
    ];
    let entry = (
        any::<u128>(),
        any::<bool>(),
        0u32..900,
        [time.clone(), time.clone(), time],
        any::<u64>(),
        0u8..4,
    );
    let entry = entry.prop_map(|(id, short, rows, times, max_duration, flags)| {
        let [first_start, last_start, max_end] = times.map(Timestamp::from_nanos);
        let last_start = last_start.max(first_start);
        TraceEntry {
            id: TraceId::from(if short { id & u128::from(u64::MAX) } else { id }),
            first_row: 0,
            rows,
            first_start,
            last_start,
            max_end,
            max_duration,
            flags: TraceFlags(flags),
        }
    });
    prop::collection::vec(entry, 0..600).prop_map(|mut entries: Vec<TraceEntry>| {
        entries.sort_by_key(|e| (e.first_start, e.id));
        let mut row = 0;
        for entry in &mut entries {
            entry.first_row = row;
            row += entry.rows;
        }
        entries
    })
}

fn build(entries: &[TraceEntry]) -> Vec<u8> {
    let mut builder = TraceTableBuilder::new();
    for entry in entries {
        builder.push(&TraceEntry { first_row: 77, ..*entry });
    }
    builder.finish()
}

fn open(bytes: Vec<u8>) -> Result<TraceTable> {
    TraceTable::open(Arc::new(MemSource::new(bytes, Path::new("x"), "traces")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_entry_comes_back(entries in entries(), time: u64) {
        let table = open(build(&entries)).unwrap();
        prop_assert_eq!(table.len() as usize, entries.len());
        for (entry, ordinal) in entries.iter().zip(0..) {
            let found = table.get(ordinal).unwrap();
            prop_assert_eq!(found, entry.as_stored());
            // What bounds a search misses nothing, and the rest is exact.
            prop_assert!(found.last_start >= entry.last_start);
            prop_assert!(found.max_duration >= entry.max_duration);
            let TraceEntry { last_start, max_duration, .. } = *entry;
            prop_assert_eq!(TraceEntry { last_start, max_duration, ..found }, *entry);
        }
        prop_assert!(table.get(table.len()).is_err());
        let times = entries.iter().map(|e| e.first_start);
        for time in times.step_by(97).chain([Timestamp::from_nanos(time), Timestamp::MAX]) {
            let naive = entries.iter().filter(|e| e.first_start < time).count();
            prop_assert_eq!(table.starting_before(time).unwrap() as usize, naive);
        }
    }

    #[test]
    fn p6_a_changed_byte_ends_in_an_error_or_a_value(
        entries in entries(), at: prop::sample::Index, early: bool, byte: u8,
    ) {
        let mut bytes = build(&entries);
        let at = at.index(if early { bytes.len().min(40) } else { bytes.len() });
        *bytes.get_mut(at).unwrap() = byte;
        if let Ok(table) = open(bytes) {
            for ordinal in [0, 1, 255, 256, table.len() / 2, table.len().wrapping_sub(1)] {
                let _ = table.get(ordinal);
            }
            let _ = table.starting_before(Timestamp::from_nanos(1 << 60));
        }
    }
}

#[test]
fn ids_near_zero_and_near_all_ones_take_few_bits() {
    let id = |n: u64| match n % 4 {
        0 => u128::from(n),
        1 => u128::from(n) << 64,
        2 => u128::MAX - u128::from(n),
        _ => 7 << 64 | u128::from(n),
    };
    let entry = |n: u64| TraceEntry {
        id: TraceId::from(id(n)),
        first_row: 0,
        rows: 1,
        first_start: Timestamp::from_nanos(n),
        last_start: Timestamp::from_nanos(n),
        max_end: Timestamp::from_nanos(n),
        max_duration: 0,
        flags: TraceFlags::REGULAR,
    };
    let entries: Vec<TraceEntry> = (0..4096).map(entry).collect();
    let bytes = build(&entries);
    assert!(bytes.len() < 4 * entries.len(), "{}", bytes.len());
    let table = open(bytes).unwrap();
    assert!(entries.iter().zip(0..).all(|(entry, n)| table.id(n).unwrap() == entry.id));
}
