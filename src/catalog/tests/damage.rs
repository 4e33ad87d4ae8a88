//! Damaged, torn and foreign manifests.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::{create, key, open, publish, root, segment};
use crate::base::error::Error;
use crate::catalog::version::PartitionState;
use crate::catalog::*;
use crate::disk::memory::{MemDisk, Survivors};
use crate::disk::{Disk, names};

/// A store whose manifest holds every kind of operation.
fn edited() -> MemDisk {
    let disk = MemDisk::new();
    let mut catalog = create(&disk).unwrap();
    for id in 1..4 {
        publish(&disk, key(id), id).unwrap();
        let edit = Edit {
            add: vec![(key(id), segment(id))],
            remove: if id == 3 { vec![1] } else { Vec::new() },
            drop: vec![(key(9), id)],
            flushed: vec![(key(id), id)],
            state: vec![(key(id), PartitionState::Sealed(id))],
            log_floor: Some(id - 1),
            next_segment_id: Some(id + 1),
        };
        catalog.apply(&edit).unwrap();
    }
    disk
}

fn damaged(disk: &MemDisk, bytes: &[u8]) -> MemDisk {
    let copy = disk.crash(Survivors::All);
    copy.create(&root().join(names::MANIFEST)).unwrap().write_at(0, bytes).unwrap();
    copy
}

#[test]
fn p6_flipped_and_missing_bytes_are_corrupt() {
    let disk = edited();
    let path = root().join(names::MANIFEST);
    let bytes = disk.read(&path).unwrap();
    let check = |bytes: &[u8], what: String| {
        let disk = damaged(&disk, bytes);
        let reader = ReadCatalog::open(Arc::new(disk.clone()), &root());
        for error in [reader.err(), open(&disk).err()] {
            match error {
                Some(Error::Corrupt { file, .. }) => assert_eq!(file, path, "{what}"),
                other => panic!("{what}: {other:?}"),
            }
        }
    };
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        check(&flipped, format!("byte {at}"));
        check(&bytes[..at], format!("length {at}"));
    }
    open(&disk).unwrap();
}

#[test]
fn p6_damage_before_the_last_record_is_never_taken_for_a_torn_tail() {
    let disk = edited();
    let path = root().join(names::MANIFEST);
    let bytes = disk.read(&path).unwrap();
    let last = manifest::read(&path, &bytes).unwrap().last_record;
    // Power loss may take the pins.
    for entry in disk.list(&root().join(names::PINS_DIR)).unwrap() {
        disk.remove_file(&root().join(names::PINS_DIR).join(entry.name)).unwrap();
    }
    for at in 0..last {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        let found = open(&damaged(&disk, &flipped));
        assert!(matches!(found, Err(Error::Corrupt { .. })), "byte {at}");
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let disk = MemDisk::new();
    create(&disk).unwrap();
    let mut bytes = disk.read(&root().join(names::MANIFEST)).unwrap();
    bytes[8] = 9;
    let crc = crate::base::checksum::crc32(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    assert!(matches!(open(&damaged(&disk, &bytes)), Err(Error::Version { found: 9, .. })));
}

#[test]
fn a_store_without_its_manifest_is_damaged_not_new() {
    let disk = MemDisk::new();
    drop(create(&disk).unwrap());
    publish(&disk, key(0), 1).unwrap();
    disk.remove_file(&root().join(names::MANIFEST)).unwrap();
    assert!(matches!(open(&disk), Err(Error::NotFound { .. })));
    assert!(matches!(create(&disk), Err(Error::Corrupt { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn p6_any_bytes_are_a_manifest_or_refused(bytes: Vec<u8>) {
        let _ = Edit::read(&bytes);
        prop_assert!(manifest::read(Path::new("f"), &bytes).is_err());
        // Behind a sound opening, too, and a sound version.
        let mut manifest = manifest::whole(&Version::empty(5)).unwrap();
        let end = manifest.len();
        manifest.extend_from_slice(&bytes);
        prop_assert_eq!(manifest::read(Path::new("f"), &manifest).unwrap().end, end);
        manifest.truncate(16);
        manifest.extend_from_slice(&bytes);
        prop_assert!(manifest::read(Path::new("f"), &manifest).is_err());
    }
}
