//! The sections against naive lists of spans.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::index::sketch::Sketch;
use crate::index::source::{MemSource, Source};
use crate::index::statistics::{Bounds, Cell, Cells};

const BOUNDS: Bounds = Bounds { operations: 5, services: 3, traces: 90, rows: 300 };

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let caller = prop_oneof![
        1 => Just(Caller::None),
        1 => Just(Caller::Elsewhere),
        3 => (0u32..=BOUNDS.services).prop_map(Caller::Service),
    ];
    let start = prop_oneof![9 => 0..5 * MINUTE, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    // Long runs of one bucket, all kinds of steps, and ties.
    let duration =
        prop_oneof![6 => Just(1000), 3 => 900u64..1100, 2 => 0u64..1 << 30, 1 => any::<u64>()];
    let sample = (0..BOUNDS.operations, caller, start, duration, any::<bool>(), 0..BOUNDS.traces);
    let sample = sample.prop_map(|(operation, caller, start, duration, error, ordinal)| Sample {
        operation,
        caller,
        start,
        duration,
        error,
        ordinal,
    });
    let all = prop::collection::vec(sample, 0..BOUNDS.rows as usize);
    // Of some lists all are alike, but for their traces: cells of many spans.
    (all, prop::bool::weighted(0.2)).prop_map(|(mut all, alike)| {
        if let (true, Some(&first)) = (alike, all.first()) {
            all.iter_mut().for_each(|own| *own = Sample { ordinal: own.ordinal, ..first });
        }
        all
    })
}

fn build(samples: &[Sample]) -> (Vec<u8>, Vec<u8>) {
    let mut builder = StatisticsBuilder::default();
    (0..).zip(samples).for_each(|(row, sample)| builder.add(row, sample));
    builder.finish()
}

fn open((cells, sketches): (Vec<u8>, Vec<u8>)) -> Result<Cells> {
    let cells: Arc<dyn Source> = Arc::new(MemSource::new(cells, Path::new("x"), "statistics"));
    let sketches = MemSource::new(sketches, Path::new("x"), "sketches");
    Cells::open(&cells, Arc::new(sketches), BOUNDS)
}

fn all(cells: &Cells) -> Result<Vec<Cell>> {
    let mut found = Vec::new();
    cells.scan(&mut |cell| {
        found.push(cell.clone());
        Ok(())
    })?;
    Ok(found)
}

/// Looks at all spans for each cell.
fn naive(samples: &[Sample]) -> Vec<Cell> {
    let key = |s: &Sample| (s.operation, s.caller, s.start - s.start % MINUTE);
    let mut cells: BTreeMap<_, Vec<&Sample>> = BTreeMap::new();
    samples.iter().for_each(|sample| cells.entry(key(sample)).or_default().push(sample));
    let cell = |((operation, caller, minute), own): (_, Vec<&Sample>)| {
        let longest = own.iter().map(|s| s.duration).max().unwrap();
        let with = own.iter().filter(|s| s.duration == longest);
        let mut durations = Sketch::default();
        own.iter().for_each(|s| durations.add(bucket(s.duration), 1));
        Cell {
            operation,
            caller,
            minute: Timestamp::from_nanos(minute),
            spans: own.len() as u64,
            errors: own.iter().filter(|s| s.error).count() as u64,
            exemplar: with.map(|s| s.ordinal).min().unwrap(),
            durations,
        }
    };
    cells.into_iter().map(cell).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p5_cells_are_those_of_a_naive_scan(samples in samples()) {
        let cells = open(build(&samples)).unwrap();
        prop_assert_eq!(all(&cells).unwrap(), naive(&samples));
        prop_assert_eq!(cells.len(), naive(&samples).len());
        let elsewhere = |&(_, s): &(u32, &Sample)| s.caller == Caller::Elsewhere;
        let rows = (0..).zip(&samples).filter(elsewhere).map(|(row, _)| row);
        prop_assert!(rows.eq(cells.unresolved().iter().copied()));
    }

    #[test]
    fn p6_a_changed_byte_ends_in_an_error_or_a_value(
        samples in samples(), at: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let (mut cells, mut sketches) = build(&samples);
        let at = at.index(cells.len() + sketches.len());
        let (section, at) = match at.checked_sub(cells.len()) {
            Some(at) => (&mut sketches, at),
            None => (&mut cells, at),
        };
        *section.get_mut(at).unwrap() = byte;
        if cut {
            section.truncate(at);
        }
        if let Ok(cells) = open((cells, sketches)) {
            let _ = all(&cells);
        }
    }

    #[test]
    fn p6_any_bytes_are_read_or_refused(
        cells in prop::collection::vec(prop_oneof![3 => 0u8..4, 1 => any::<u8>()], 0..60),
        sketches in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        if let Ok(cells) = open((cells, sketches)) {
            let _ = all(&cells);
        }
    }
}

#[test]
fn a_segment_without_rows_has_no_cells() {
    let cells = open(build(&[])).unwrap();
    assert!(all(&cells).unwrap().is_empty() && cells.unresolved().is_empty());
}

#[test]
fn spans_without_their_sketch_are_refused() {
    let sample = Sample {
        operation: 0,
        caller: Caller::None,
        start: 0,
        duration: 1,
        error: false,
        ordinal: 0,
    };
    let (cells, mut sketches) = build(&[sample; 70]);
    assert_eq!(sketches, [255, 0, 6]);
    for wrong in [vec![255, 0, 7], vec![255, 0], vec![7, 0], vec![255, 0, 5, 0], vec![]] {
        assert!(all(&open((cells.clone(), wrong)).unwrap()).is_err());
    }
    sketches.push(0);
    assert!(all(&open((cells, sketches)).unwrap()).is_err());
}
