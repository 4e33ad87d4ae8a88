//! Files of another version, or of another kind.

use std::path::{Path, PathBuf};

use tracekeep::simulation::MemDisk;
use tracekeep::{Error, Reader, Result, Store, TraceReader, inspect};

use crate::sound::*;

/// Where a file says its version: offset of the part, and its length up to and with its checksum.
struct Versioned {
    path: PathBuf,
    parts: Vec<(usize, usize)>,
    /// The version that this build reads.
    reads: u32,
}

fn versioned(sound: &Sound) -> Vec<Versioned> {
    let segment = sound.segments()[0].clone();
    let len = sound.read(&segment).len();
    let log = sound.files("log", ".log").pop().unwrap();
    vec![
        Versioned {
            path: segment,
            parts: vec![(0, 64), (len - 256, 128), (len - 128, 128)],
            reads: inspect::SEGMENT_VERSION,
        },
        Versioned { path: Path::new(ROOT).join("MANIFEST"), parts: vec![(0, 16)], reads: 2 },
        Versioned { path: log, parts: vec![(0, 16)], reads: 1 },
    ]
}

/// Changes bytes of each part, whose checksums are made to fit.
fn patched(sound: &Sound, file: &Versioned, change: &dyn Fn(&mut [u8])) -> MemDisk {
    let mut bytes = sound.read(&file.path);
    for &(at, len) in &file.parts {
        let (checked, crc) = bytes[at..at + len].split_at_mut(len - 4);
        change(checked);
        crc.copy_from_slice(&crc32fast::hash(checked).to_le_bytes());
    }
    sound.with(&file.path, &bytes)
}

/// What opening a store and reading it runs into.
fn errors(disk: &MemDisk) -> Vec<Error> {
    let ask = |store: Result<Store>| store?.trace(trace_id(0)).map(|_| ());
    let ask_reader = |reader: Result<Reader>| reader?.trace(trace_id(0)).map(|_| ());
    let reader = ask_reader(Reader::open_in(ROOT, options(), world(disk)));
    vec![ask(open(disk)).unwrap_err(), reader.unwrap_err()]
}

#[test]
fn p6_a_newer_version_is_no_damage() {
    let sound = sound(true);
    for file in versioned(&sound) {
        let disk =
            patched(&sound, &file, &|bytes| bytes[8..12].copy_from_slice(&7u32.to_le_bytes()));
        for error in errors(&disk) {
            match error {
                Error::Version { file: named, found: 7, reads } => {
                    assert_eq!((named, reads), (file.path.clone(), file.reads));
                }
                other => panic!("{}: {other}", file.path.display()),
            }
        }
    }
}

#[test]
fn p6_a_file_of_another_kind_is_corrupt() {
    let sound = sound(true);
    for file in versioned(&sound) {
        let disk = patched(&sound, &file, &|bytes| bytes[..8].copy_from_slice(b"SQLite f"));
        for error in errors(&disk) {
            assert_is_about(&error, &file.path, "another magic");
        }
    }
}
