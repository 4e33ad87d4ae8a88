//! Every file, byte for byte.

use std::path::Path;

use tracekeep::Reader;

use crate::sound::*;

#[test]
fn p6_a_flipped_byte_of_a_segment_costs_the_traces_in_its_block_or_page() {
    let sound = sound(false);
    let path = &sound.segments()[1];
    let bytes = sound.read(path);
    let (mut costly, mut most) = (0, 0);
    for at in 0..bytes.len() {
        let context = format!("byte {at} of {}", bytes.len());
        let failed = sound.damage(path, &flipped(&bytes, at, mask(at)), &context);
        let failed = failed.unwrap_or_else(|| panic!("{context}: the store cannot be opened"));
        if at % 8 == 0 || failed > 0 && at % 2 == 0 {
            let to_writer = sound.damage_to_writer(path, &flipped(&bytes, at, mask(at)), &context);
            assert_eq!(to_writer, Some(failed), "{context}");
        }
        costly += usize::from(failed > 0);
        most = most.max(failed);
    }
    assert!(costly > 0, "no byte matters");
    // A block is a trace; a page of 64 bytes holds text of two neighbours.
    assert!(most <= 2, "a byte costs {most} traces");
}

#[test]
fn p6_a_segment_cut_at_any_length_costs_its_traces() {
    let sound = sound(false);
    let path = &sound.segments()[1];
    let bytes = sound.read(path);
    for len in 0..bytes.len() {
        let context = format!("{len} of {} bytes", bytes.len());
        let failed = sound.damage(path, &bytes[..len], &context);
        assert_eq!(failed, Some(TRACES_A_BATCH as usize), "{context}");
    }
}

#[test]
fn p6_a_single_segment_file_says_what_is_damaged() {
    let sound = sound(false);
    let bytes = sound.read(&sound.segments()[0]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.seg");
    std::fs::write(&path, &bytes).unwrap();
    let traces = TRACES_A_BATCH;
    let whole = Answers::of(&Reader::open_files(&[&path]).unwrap(), traces);
    let mut damages: Vec<_> =
        (0..bytes.len()).step_by(7).map(|at| flipped(&bytes, at, mask(at))).collect();
    damages.extend((0..bytes.len()).step_by(61).map(|len| bytes[..len].to_vec()));
    for (number, damaged) in damages.iter().enumerate() {
        std::fs::write(&path, damaged).unwrap();
        let context = format!("damage {number}");
        match Reader::open_files(&[&path]) {
            Ok(reader) => {
                Answers::of(&reader, traces).check(&whole, &path, &context);
            }
            Err(error) => assert_is_about(&error, &path, &context),
        }
    }
}

#[test]
fn p6_a_flipped_or_missing_byte_of_the_log_costs_no_acknowledged_span() {
    let sound = sound(true);
    let files = sound.files("log", ".log");
    for path in &files {
        let bytes = sound.read(path);
        let mut damaged = 0;
        // What follows both marks in the header page is padding.
        let padding = 1_100..4_096;
        for at in (0..bytes.len()).filter(|at| !padding.contains(at) || at % 100 == 0) {
            let context = format!("byte {at} of {} in {}", bytes.len(), path.display());
            let flipped = flipped(&bytes, at, mask(at));
            let failed = sound.damage(path, &flipped, &context);
            assert!(failed.is_none_or(|failed| failed == 0), "{context}: {failed:?}");
            assert_eq!(sound.damage_to_writer(path, &flipped, &context), failed, "{context}");
            damaged += usize::from(failed.is_none());
        }
        for len in (0..bytes.len()).step_by(23) {
            let context = format!("{len} of {} bytes of {}", bytes.len(), path.display());
            let failed = sound.damage(path, &bytes[..len], &context);
            assert!(failed.is_none_or(|failed| failed == 0), "{context}: {failed:?}");
        }
        assert!(damaged > 0, "no byte of {} matters", path.display());
    }
    assert!(!files.is_empty());
}

#[test]
fn p6_a_flipped_or_missing_byte_of_the_manifest_is_corrupt() {
    let sound = sound(true);
    let path = Path::new(ROOT).join("MANIFEST");
    let bytes = sound.read(&path);
    for at in 0..bytes.len() {
        let context = format!("byte {at} of {}", bytes.len());
        let flipped = flipped(&bytes, at, mask(at));
        assert_eq!(sound.damage(&path, &flipped, &context), None, "{context}");
        assert_eq!(sound.damage_to_writer(&path, &flipped, &context), None, "{context}");
        let context = format!("{at} of {} bytes", bytes.len());
        assert_eq!(sound.damage(&path, &bytes[..at], &context), None, "{context}");
    }
}
