//! P6: damage is an error that says where, and costs no trace that it does not touch.

use std::sync::OnceLock;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::segment::footer::{FOOTER_BYTES, HEADER_BYTES, VERSION};

/// A segment file and its traces.
type Sample = (Vec<u8>, Vec<(TraceId, bool, Vec<Entry>)>);

/// A small segment with several blocks and pages, and its traces.
fn small() -> Sample {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let options = SegmentOptions { block_rows: 5, page_bytes: 256, effort: Effort::Quick };
    loop {
        let entries = entries(13).new_tree(&mut runner).unwrap().current();
        let bytes = build(&entries, options).0;
        if entries.len() > 10 && bytes.len() < 8_000 {
            return (bytes, ordered(&entries));
        }
    }
}

/// Every trace by its id: what was read, or why it was not.
fn look_up(bytes: Vec<u8>, ids: &[TraceId]) -> Result<Vec<Result<Vec<Entry>>>> {
    let segment = open(bytes)?;
    let answer = |id: &TraceId| {
        let mut found = Vec::new();
        for ordinal in segment.find(id.low())? {
            let entry = segment.entry(ordinal)?;
            if entry.id == *id {
                found.extend(read(&segment, entry.row_range())?);
            }
        }
        Ok(found)
    };
    Ok(ids.iter().map(answer).collect())
}

#[test]
fn p6_every_flipped_byte_is_told_and_costs_only_what_it_touches() {
    let (bytes, traces) = small();
    let ids: Vec<TraceId> = traces.iter().map(|trace| trace.0).collect();
    let segment = open(bytes.clone()).unwrap();
    assert!(segment.verify().is_empty(), "{:?}", segment.verify());
    let footer = segment.footer;
    let blocks = segment.meta().unwrap().blocks.clone();
    assert!(blocks.len() > 3 && footer.pages_end() > footer.pages_offset);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let answers = look_up(flipped.clone(), &ids).unwrap();
        for (ordinal, ((_, _, spans), answer)) in (0u32..).zip(traces.iter().zip(answers)) {
            match answer {
                Ok(found) => assert!(found == *spans, "byte {at}: wrong rows"),
                Err(Error::Corrupt { section, offset, .. }) => {
                    let at = at as u64;
                    if section == "blocks" {
                        let number = blocks.partition_point(|&begin| begin <= at) as u32 - 1;
                        let entry = segment.entry(ordinal).unwrap();
                        let rows = entry.row_range();
                        let block = number * 5..(number + 1) * 5;
                        assert!(rows.start < block.end && block.start < rows.end, "byte {at}");
                        assert_eq!(offset, blocks[number as usize]);
                    } else {
                        assert_eq!(section, "pages", "byte {at}");
                        assert!(footer.pages_offset <= at && at < footer.pages_end());
                        assert!(offset <= at);
                    }
                }
                Err(error) => assert_eq!(error.kind(), "Corrupt", "byte {at}"),
            }
        }
    }
}

#[test]
fn p6_every_byte_is_checked() {
    let (bytes, _) = small();
    // Each byte's own checksum is the same for its neighbours: every third one, and all bits.
    for at in (0..bytes.len()).step_by(3) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at / 3 % 8);
        assert!(!open(flipped).unwrap().verify().is_empty(), "byte {at} is not checked");
    }
}

#[test]
fn p6_every_truncated_file_is_corrupt() {
    let (bytes, _) = small();
    for len in 0..bytes.len() {
        let cut = open(bytes[..len].to_vec());
        assert!(matches!(cut, Err(Error::Corrupt { .. })), "{len}");
    }
}

#[test]
fn p6_another_kind_of_file_is_corrupt_and_another_version_is_version() {
    let (bytes, _) = small();
    let footers = bytes.len() - 2 * FOOTER_BYTES;
    let mut foreign = bytes.clone();
    foreign[0] = b'X';
    foreign[footers..].fill(0);
    let found = open(foreign);
    assert!(matches!(found, Err(Error::Corrupt { offset: 0, section: "header", .. })));
    let mut newer = bytes;
    for (at, len) in [(0, HEADER_BYTES), (footers, FOOTER_BYTES)] {
        newer[at + 8] = 9;
        let crc = crate::base::checksum::crc32(&newer[at..at + len - 4]);
        newer[at + len - 4..at + len].copy_from_slice(&crc.to_le_bytes());
    }
    let (first, second) = newer[footers..].split_at_mut(FOOTER_BYTES);
    second.copy_from_slice(first);
    assert!(matches!(open(newer), Err(Error::Version { found: 9, reads: VERSION, .. })));
}

/// All rows that salvage gets out of a file, and how many it says are lost.
fn salvaged(bytes: Vec<u8>) -> Result<(Vec<Entry>, u64)> {
    let file = crate::segment::reader::memory_file(bytes, PathBuf::from("x.seg"));
    let mut salvage = Salvage::open(file, Arc::new(Cache::new(1 << 20)))?;
    let (mut found, mut number) = (Vec::new(), 0);
    while salvage
        .block(number, &mut |row, segment| {
            found.push(Entry {
                resource: segment.resource_bytes(row.resource)?,
                scope: segment.scope_bytes(row.scope)?,
                span: row.span.into_span().unwrap(),
            });
            Ok(ControlFlow::Continue(()))
        })?
        .is_some()
    {
        number += 1;
    }
    Ok((found, salvage.lost_rows))
}

/// Whatever is cut off the end, and wherever a byte is flipped besides.
#[test]
fn p6_salvage_gets_every_row_of_every_sound_block() {
    let (bytes, traces) = small();
    let all: Vec<Entry> = traces.into_iter().flat_map(|trace| trace.2).collect();
    let footer = open(bytes.clone()).unwrap().footer;
    let area_end = (footer.area_offset + footer.area_bytes) as usize;
    for len in area_end..=bytes.len() {
        assert!(salvaged(bytes[..len].to_vec()).unwrap() == (all.clone(), 0), "{len}");
    }
    for len in 0..area_end {
        assert!(matches!(salvaged(bytes[..len].to_vec()), Err(Error::Corrupt { .. })), "{len}");
    }
    for at in 0..bytes.len() {
        let mut spoiled = bytes.clone();
        spoiled[at] ^= 0x10;
        for end in [bytes.len(), bytes.len() - 2 * FOOTER_BYTES, area_end] {
            let Ok((found, lost)) = salvaged(spoiled[..end].to_vec()) else {
                // Without its end, the first footer and the area must be whole.
                let needed = footer.pages_end() as usize..area_end;
                assert!(end < bytes.len() && needed.contains(&at), "{at} of {end}");
                continue;
            };
            assert_eq!(found.len() as u64 + lost, all.len() as u64, "{at} of {end}");
            assert!(lost <= 5 || at as u64 >= footer.pages_offset, "{at}: {lost} lost");
            assert!(found.iter().all(|entry| all.contains(entry)), "{at} of {end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn p6_much_damage_ends_in_errors_or_right_answers(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        static SMALL: OnceLock<Sample> = OnceLock::new();
        let (mut bytes, traces) = SMALL.get_or_init(small).clone();
        for (at, byte) in places {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let ids: Vec<TraceId> = traces.iter().map(|trace| trace.0).collect();
        if let Ok(answers) = look_up(bytes.clone(), &ids) {
            for ((_, _, spans), answer) in traces.iter().zip(answers) {
                prop_assert!(answer.is_err() || answer.unwrap() == *spans);
            }
            open(bytes).unwrap().verify();
        }
    }
}
