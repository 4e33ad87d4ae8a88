//! Tests of the log, and what they share.

mod damage;
mod model;
mod sharing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::disk::Disk;
use crate::disk::memory::{Fault, MemDisk, OpKind, Survivors};
use crate::ingest::log::files;
use crate::ingest::log::header::FIRST_FRAME;
use crate::ingest::log::*;

pub const DIR: &str = "store/log";

/// Small enough that a few frames fill a file.
pub const OPTIONS: LogOptions =
    LogOptions { file_bytes: FIRST_FRAME + 300, limit_bytes: 0, spares: 2, mode: 0o700 };

type Frames = Vec<(u64, Vec<u8>)>;

pub fn open(disk: &MemDisk, bounds: Bounds) -> Result<(Log, Frames)> {
    let mut frames = Vec::new();
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    disk.create_dir_all(Path::new("store"), 0o700)?;
    disk.sync_dir(Path::new("."))?;
    let log = Log::open(disk, PathBuf::from(DIR), OPTIONS, bounds, &mut |seq, payload| {
        frames.push((seq, payload.to_vec()));
        Ok(())
    })?;
    Ok((log, frames))
}

#[test]
fn frames_are_overdue_once_the_log_has_more_files_than_it_should() {
    let (log, _) = open(&MemDisk::new(), Bounds::default()).unwrap();
    // Each fills a file, of which four may be kept.
    for seq in 1..=4 {
        assert_eq!(log.append(&[&[7; 250]]).unwrap().start, seq);
        assert_eq!(log.overdue(), None);
    }
    log.append(&[&[7; 250]]).unwrap();
    assert_eq!(log.overdue(), Some(2));
    log.append(&[&[7; 20_000]]).unwrap();
    assert_eq!(log.overdue(), Some(6), "one that is longer than all others may be");
    log.release(5).unwrap();
    assert_eq!(log.overdue(), None);
}

fn released(seq: u64) -> Bounds {
    Bounds { released: seq, synced: 0 }
}

#[test]
fn p1_a_failed_sync_poisons_until_reopening() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, Bounds::default()).unwrap();
    log.append(&[b"one"]).unwrap();
    disk.fail_at(disk.operations(), Fault::Io);
    assert!(matches!(log.sync(), Err(Error::Poisoned { cause }) if cause.contains("made to fail")));
    assert!(matches!(log.append(&[b"two"]), Err(Error::Poisoned { .. })));
    assert!(matches!(log.sync(), Err(Error::Poisoned { .. })));
    drop(log);
    let (log, frames) = open(&disk, Bounds::default()).unwrap();
    assert_eq!(frames, [(1, b"one".to_vec())]);
    assert_eq!(log.append(&[b"two"]).unwrap(), 2..3);
}

#[test]
fn appends_resume_when_a_full_disk_has_room_again() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, Bounds::default()).unwrap();
    log.append(&[&[1; 100]]).unwrap();
    disk.set_capacity(Some(disk.used_bytes() + 50));
    for _ in 0..3 {
        assert!(matches!(log.append(&[&[2; 20], &[3; 90]]), Err(Error::NoSpace { .. })));
        assert!(matches!(log.append(&[&[2; 900]]), Err(Error::NoSpace { .. })));
    }
    disk.set_capacity(None);
    assert_eq!(log.append(&[&[4; 60]]).unwrap(), 2..3);
    log.sync().unwrap();
    drop(log);
    let (_, frames) = open(&disk.crash(Survivors::None), Bounds::default()).unwrap();
    assert_eq!(frames, [(1, vec![1; 100]), (2, vec![4; 60])]);
}

#[test]
fn p1_long_payloads_stand_among_short_ones_or_none_does() {
    let lens = [3, 64 << 10, 5, (64 << 10) - 1, 600 << 10, 0];
    let payloads = lens.map(|len| vec![len as u8 ^ 7; len]);
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let mut refused = 0;
    for failing in 0.. {
        let disk = MemDisk::new();
        let (log, _) = open(&disk, Bounds::default()).unwrap();
        log.append(&[b"first"]).unwrap();
        let fault = disk.operations() + failing;
        disk.fail_at(fault, Fault::NoSpace);
        let appended = log.append(&payloads).is_ok();
        let last = log.append(&[b"last"]).is_ok();
        drop(log);
        if disk.operations() <= fault {
            break;
        }
        let (_, frames) = open(&disk, Bounds::default()).unwrap();
        let found: Vec<&[u8]> = frames.iter().map(|(_, payload)| payload.as_slice()).collect();
        let mut expected: Vec<&[u8]> = vec![b"first"];
        expected.extend(payloads.iter().filter(|_| appended));
        expected.extend(last.then_some(&b"last"[..]));
        assert!(found == expected, "operation {failing}");
        refused += u32::from(!appended);
    }
    assert!(refused >= 5, "{refused}");
}

#[test]
fn released_files_are_recycled_and_few() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, Bounds::default()).unwrap();
    for _ in 0..50 {
        log.append(&[&[1; 290]]).unwrap();
    }
    assert!(log.bytes() > 50 * 290);
    let last = log.sync().unwrap();
    log.release(last).unwrap();
    let listing = files::list(&disk, Path::new(DIR)).unwrap();
    assert_eq!((listing.logs.len(), listing.spares.len()), (1, OPTIONS.spares));
    disk.record();
    for _ in 0..20 {
        log.append(&[&[1; 290]]).unwrap();
        let last = log.sync().unwrap();
        log.release(last).unwrap();
    }
    let created = disk.recorded().iter().filter(|op| op.kind == OpKind::Create).count();
    assert_eq!(created, 0);
}

#[test]
fn a_begun_log_goes_on_from_the_catalogs_sequence() {
    let disk = MemDisk::new();
    disk.create_dir_all(Path::new("store"), 0o700).unwrap();
    Log::begin(Arc::new(disk.clone()), PathBuf::from(DIR), OPTIONS, 43).unwrap();
    let (log, frames) = open(&disk, Bounds { released: 42, synced: 42 }).unwrap();
    assert_eq!((frames.len(), log.append(&[b"x"]).unwrap()), (0, 43..44));
}
