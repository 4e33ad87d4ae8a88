//! Scans of durations say what the rows say (P5), or that they are damaged (P6).

use super::*;
use crate::base::effort::Effort;
use crate::base::error::Error;
use crate::base::time::{TimeRange, Timestamp};

/// Entries whose times are usual ones, or anything: the end before the start, centuries between.
fn timed(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    let usual = (1_000u64..2_000, 0u64..500);
    let times = prop_oneof![
        40 => usual.prop_map(|(start, nanos)| (start, start + nanos)),
        1 => (1_000u64..2_000, 0u64..3_000),
        1 => (any::<u64>(), any::<u64>()),
    ];
    (entries(most), prop::collection::vec(times, most)).prop_map(|(mut entries, times)| {
        for (entry, (start, end)) in entries.iter_mut().zip(times) {
            entry.span.start = Timestamp::from_nanos(start);
            entry.span.end = Timestamp::from_nanos(end);
        }
        entries
    })
}

fn sorted(mut durations: Vec<u64>) -> Vec<u64> {
    durations.sort_unstable();
    durations
}

fn scanned(
    segment: &Segment,
    range: TimeRange,
    except: &[std::ops::Range<u32>],
) -> Result<Vec<u64>, Error> {
    let mut found = Vec::new();
    segment.durations(range, except, &mut |own| found.extend_from_slice(own))?;
    Ok(sorted(found))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn p5_durations_are_those_of_the_rows(
        entries in timed(80), options in options(), whim in any::<Option<u64>>(),
        from in 900u64..2_100, to in 900u64..2_100, some_time: bool,
        mut cuts in prop::collection::vec(0u32..90, 0..6),
    ) {
        let (bytes, _) = whim::with(whim, || build(&entries, options));
        let segment = open(bytes).unwrap();
        let range = match some_time {
            true => TimeRange::from(Timestamp::from_nanos(from)..Timestamp::from_nanos(to)),
            false => TimeRange::ALL,
        };
        cuts.sort_unstable();
        let except: Vec<_> = cuts.chunks_exact(2).map(|cut| cut[0]..cut[1]).collect();
        let rows = ordered(&entries).into_iter().flat_map(|trace| trace.2);
        let left = (0u32..).zip(rows).filter(|(row, entry)| {
            range.contains(entry.span.start) && !except.iter().any(|cut| cut.contains(row))
        });
        let nanos = left.map(|(_, Entry { span, .. })| {
            span.end.nanos().saturating_sub(span.start.nanos())
        });
        prop_assert_eq!(scanned(&segment, range, &except).unwrap(), sorted(nanos.collect()));
        prop_assert!(segment.is_gathered().unwrap());
    }
}

#[test]
fn p6_durations_are_right_or_corrupt_whatever_byte_is_flipped() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let entries = timed(40).new_tree(&mut runner).unwrap().current();
    let options = SegmentOptions { block_rows: 7, page_bytes: 300, effort: Effort::Quick };
    let bytes = build(&entries, options).0;
    let right = scanned(&open(bytes.clone()).unwrap(), TimeRange::ALL, &[]).unwrap();
    let blocks = open(bytes.clone()).unwrap().meta().unwrap().blocks.clone();
    let mut seen = 0;
    for at in blocks[0]..blocks[blocks.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[at as usize] ^= 1 << (at % 8);
        match scanned(&open(flipped).unwrap(), TimeRange::ALL, &[]) {
            Ok(found) => assert_eq!(found, right, "byte {at}"),
            Err(Error::Corrupt { section: "blocks", offset, .. }) => {
                let begin = blocks.partition_point(|&begin| begin <= at) - 1;
                assert_eq!(offset, blocks[begin], "byte {at}");
                seen += 1;
            }
            Err(error) => panic!("{error} at byte {at}"),
        }
    }
    assert!(seen > 0);
}
