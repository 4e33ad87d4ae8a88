//! Tests of the catalog, and what they share.

mod damage;
mod golden;
mod model;
mod sharing;

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::catalog::*;
use crate::disk::memory::{Fault, MemDisk, Survivors};
use crate::disk::{Disk, names};
use crate::segment::Summary;

pub fn root() -> PathBuf {
    PathBuf::from("data/store")
}

pub fn key(hour: u64) -> PartitionKey {
    PartitionKey { start_nanos: hour * 3_600_000_000_000, width_nanos: 3_600_000_000_000 }
}

pub fn segment(id: u64) -> SegmentEntry {
    let summary = Summary { rows: id * 3, bytes: id * 10, ..Summary::default() };
    SegmentEntry { id, bytes: id * 10, summary }
}

/// Puts a segment file where an edit expects it, as a flush or a merge does.
pub fn publish(disk: &MemDisk, key: PartitionKey, id: u64) -> Result<()> {
    disk.create_dir_all(&key.dir(&root()), 0o700)?;
    disk.sync_dir(&root())?;
    let path = key.segment_path(&root(), id);
    let tmp = PathBuf::from(names::tmp(&path.to_string_lossy()));
    let mut file = disk.create(&tmp)?;
    file.write_at(0, &[id as u8; 10])?;
    file.sync()?;
    disk.rename(&tmp, &path)?;
    disk.sync_dir(&key.dir(&root()))
}

pub fn open(disk: &MemDisk) -> Result<Catalog> {
    Catalog::open(Arc::new(disk.clone()), &root(), 0o700)
}

pub fn create(disk: &MemDisk) -> Result<Catalog> {
    Catalog::create(Arc::new(disk.clone()), &root(), 0o700)
}

#[test]
fn p1_a_failed_sync_poisons_until_reopening() {
    let disk = MemDisk::new();
    let mut catalog = create(&disk).unwrap();
    let edit = Edit { log_floor: Some(7), ..Edit::default() };
    disk.fail_at(disk.operations() + 1, Fault::Io);
    assert!(
        matches!(catalog.apply(&edit), Err(Error::Poisoned { cause }) if cause.contains("made to fail"))
    );
    assert!(matches!(catalog.apply(&edit), Err(Error::Poisoned { .. })));
    assert_eq!(catalog.current().number, 1);
    drop(catalog);
    let mut catalog = open(&disk).unwrap();
    let number = catalog.current().number;
    assert_eq!(open(&disk.crash(Survivors::None)).unwrap().current().number, number);
    catalog.apply(&edit).unwrap();
}

#[test]
fn edits_planned_on_an_older_version_are_refused() {
    let mut catalog = create(&MemDisk::new()).unwrap();
    let add = Edit { add: vec![(key(0), segment(1))], ..Edit::default() };
    catalog.apply(&add).unwrap();
    assert!(matches!(catalog.apply(&add), Err(Error::InvalidInput { .. })));
    let merge = Edit { remove: vec![1], add: vec![(key(0), segment(2))], ..Edit::default() };
    catalog.apply(&Edit { drop: vec![(key(0), 3)], ..Edit::default() }).unwrap();
    assert!(matches!(catalog.apply(&merge), Err(Error::InvalidInput { .. })));
    let version = catalog.current();
    assert_eq!((version.segments().count(), version.flushed_seq(&key(0))), (0, 3));
    assert_eq!(version.next_segment_id, 2);
    let done = catalog.apply(&Edit { log_floor: Some(3), ..Edit::default() }).unwrap();
    assert!(done.partitions.is_empty());
}
