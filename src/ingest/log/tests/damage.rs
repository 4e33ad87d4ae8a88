//! Flipped, missing and foreign bytes.

use std::path::{Path, PathBuf};

use super::{DIR, Frames, open, released};
use crate::base::error::Error;
use crate::disk::memory::{MemDisk, Survivors};
use crate::disk::{Disk, names};
use crate::ingest::log::*;

/// Files 3 and 4, whose former lives were longer, all of them synced.
fn recycled() -> (MemDisk, Frames) {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, Bounds::default()).unwrap();
    for _ in 0..2 {
        log.append(&[&[7; 300], &[8; 200]]).unwrap();
    }
    log.append(&[&[9; 310]]).unwrap();
    log.sync().unwrap();
    log.release(4).unwrap();
    log.append(&[&[5; 60], &[], &[6; 30]]).unwrap();
    log.sync().unwrap();
    log.append(&[&[4; 20]]).unwrap();
    log.sync().unwrap();
    drop(log);
    let (log, frames) = open(&disk, released(4)).unwrap();
    assert_eq!(frames.len(), 5);
    drop(log);
    (disk, frames)
}

fn logs(disk: &MemDisk) -> Vec<PathBuf> {
    let listing = files::list(disk, Path::new(DIR)).unwrap();
    listing.logs.iter().map(|&(number, _)| Path::new(DIR).join(names::log_file(number))).collect()
}

fn rewrite(disk: &MemDisk, path: &Path, bytes: &[u8]) -> MemDisk {
    let copy = disk.crash(Survivors::All);
    copy.create(path).unwrap().write_at(0, bytes).unwrap();
    copy
}

fn assert_corrupt_or_right(disk: &MemDisk, path: &Path, frames: &Frames, what: &str) {
    match open(disk, released(4)) {
        Ok((_, found)) => assert_eq!(&found, frames, "{what}"),
        Err(Error::Corrupt { file, .. }) => assert_eq!(file, path, "{what}"),
        Err(other) => panic!("{what}: {other}"),
    }
}

#[test]
fn p6_a_flipped_byte_is_corrupt_or_harmless() {
    let (disk, frames) = recycled();
    assert_eq!(logs(&disk).len(), 2);
    for path in logs(&disk) {
        let bytes = disk.read(&path).unwrap();
        let zeros = 36..512;
        for at in (0..bytes.len()).filter(|at| !zeros.contains(at)) {
            if (1100..4096).contains(&at) && at % 97 != 0 {
                continue;
            }
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            let disk = rewrite(&disk, &path, &damaged);
            assert_corrupt_or_right(&disk, &path, &frames, &format!("{path:?} byte {at}"));
        }
    }
}

#[test]
fn p6_missing_bytes_are_corrupt_or_harmless() {
    let (disk, frames) = recycled();
    for path in logs(&disk) {
        let bytes = disk.read(&path).unwrap();
        for len in (0..bytes.len()).filter(|len| *len < 60 || *len > 4000 || len % 61 == 0) {
            let disk = rewrite(&disk, &path, &bytes[..len]);
            assert_corrupt_or_right(&disk, &path, &frames, &format!("{path:?} length {len}"));
        }
    }
}

#[test]
fn p6_a_missing_file_is_corrupt() {
    let (disk, _) = recycled();
    for path in logs(&disk) {
        let disk = disk.crash(Survivors::All);
        disk.remove_file(&path).unwrap();
        let found = open(&disk, Bounds { released: 4, synced: 9 });
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{path:?}");
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let (disk, _) = recycled();
    let path = logs(&disk).remove(0);
    let mut bytes = disk.read(&path).unwrap();
    bytes[8] = 9;
    let crc = crate::base::checksum::crc32(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    let found = open(&rewrite(&disk, &path, &bytes), released(4));
    assert!(matches!(found, Err(Error::Version { found: 9, .. })));
}
