//! Tests of readers beside a writer: pins, and what is unlinked when.

use std::sync::{Arc, Mutex};

use super::{create, key, open, publish, root, segment};
use crate::base::error::Error;
use crate::catalog::*;
use crate::disk::hooked::HookedDisk;
use crate::disk::memory::{MemDisk, Survivors};
use crate::disk::{Disk, names};

/// A store with two segments in one partition.
fn store() -> (MemDisk, Catalog) {
    let disk = MemDisk::new();
    let mut catalog = create(&disk).unwrap();
    for id in 1..3 {
        publish(&disk, key(0), id).unwrap();
        let edit = Edit { add: vec![(key(0), segment(id))], ..Edit::default() };
        catalog.apply(&edit).unwrap();
        catalog.sweep().unwrap();
    }
    (disk, catalog)
}

/// Replaces everything by one new segment.
fn merge(disk: &MemDisk, catalog: &mut Catalog) {
    let version = Arc::clone(catalog.current());
    let id = version.next_segment_id;
    publish(disk, key(0), id).unwrap();
    let edit = Edit {
        remove: version.segments().map(|(_, segment)| segment.id).collect(),
        add: vec![(key(0), segment(id))],
        ..Edit::default()
    };
    catalog.apply(&edit).unwrap();
    catalog.sweep().unwrap();
}

fn read(disk: &MemDisk) -> ReadCatalog {
    ReadCatalog::open(Arc::new(disk.clone()), &root()).unwrap()
}

fn has_all_files(disk: &MemDisk, version: &Version) -> bool {
    version.segments().all(|(key, s)| disk.exists(&key.segment_path(&root(), s.id)).unwrap())
}

#[test]
fn p9_a_pinned_versions_files_stay_until_it_is_let_go() {
    let (disk, mut catalog) = store();
    let mut reader = read(&disk);
    assert!(reader.current().is_held());
    let first = reader.current().clone();
    merge(&disk, &mut catalog);
    assert!(has_all_files(&disk, &first.version));
    assert!(reader.refresh().unwrap());
    let second = reader.current().clone();
    assert!(!reader.refresh().unwrap());
    merge(&disk, &mut catalog);
    assert!(has_all_files(&disk, &first.version) && has_all_files(&disk, &second.version));
    // A writer that comes later finds what the one before left, and keeps it too.
    drop(catalog);
    let mut catalog = open(&disk).unwrap();
    assert!(has_all_files(&disk, &first.version) && has_all_files(&disk, &second.version));
    drop(first);
    catalog.sweep().unwrap();
    assert!(has_all_files(&disk, &second.version));
    assert!(reader.refresh().unwrap());
    drop(second);
    catalog.sweep().unwrap();
    assert_eq!((catalog.obsolete_files(), disk.list(&key(0).dir(&root())).unwrap().len()), (0, 1));
    assert!(has_all_files(&disk, &reader.current().version));
}

#[test]
fn p9_the_pin_holds_wherever_the_writer_comes_between() {
    let mut met = 0;
    for first in 0..20 {
        let (disk, catalog) = store();
        let lock = lock_writer(&disk, &root(), "a test").unwrap();
        let hooked = Arc::new(HookedDisk::new(&disk));
        let catalog = Arc::new(Mutex::new(catalog));
        let (writer, writers_disk) = (Arc::clone(&catalog), disk.clone());
        hooked.before(first, move || {
            let mut catalog = writer.lock().unwrap();
            merge(&writers_disk, &mut catalog);
            merge(&writers_disk, &mut catalog);
        });
        let reader = ReadCatalog::open(Arc::clone(&hooked) as Arc<dyn Disk>, &root()).unwrap();
        met += u64::from(hooked.has_run());
        let mut catalog = catalog.lock().unwrap();
        merge(&disk, &mut catalog);
        assert!(reader.current().is_held(), "call {first}");
        assert!(has_all_files(&disk, &reader.current().version), "call {first}");
        drop(lock);
    }
    assert!(met >= 5, "{met}");
}

#[test]
fn p9_an_edit_that_is_being_synced_is_not_read() {
    let (disk, mut catalog) = store();
    let _lock = lock_writer(&disk, &root(), "a test").unwrap();
    let number = catalog.current().number;
    merge(&disk, &mut catalog);
    let old = read(&disk);
    assert_eq!(old.current().version.number, number + 1);
    // As between the record and the pin: the pin of the version before is still there.
    disk.remove_file(&pins::path(&root(), number + 1)).unwrap();
    disk.create(&pins::path(&root(), number)).unwrap();
    let reader = read(&disk);
    assert_eq!(reader.current().version.number, number);
    assert!(reader.current().is_held());
}

#[test]
fn p9_a_reader_makes_the_pin_that_a_dead_writer_owed() {
    let (disk, catalog) = store();
    let number = catalog.current().number;
    drop(catalog);
    disk.remove_file(&pins::path(&root(), number)).unwrap();
    let reader = read(&disk);
    assert_eq!((reader.current().version.number, reader.current().is_held()), (number, true));
    let mut catalog = open(&disk).unwrap();
    merge(&disk, &mut catalog);
    assert!(has_all_files(&disk, &reader.current().version));
}

#[test]
fn p9_a_reader_that_may_not_write_goes_on_without_a_pin() {
    let (disk, catalog) = store();
    let number = catalog.current().number;
    drop(catalog);
    disk.remove_file(&pins::path(&root(), number)).unwrap();
    let hooked = Arc::new(HookedDisk::new(&disk));
    hooked.set_read_only();
    let open_reader = || ReadCatalog::open(Arc::clone(&hooked) as Arc<dyn Disk>, &root());
    let mut reader = open_reader().unwrap();
    assert_eq!((reader.current().version.number, reader.current().is_held()), (number, false));
    // Beside a live writer it must wait for the pin.
    let lock = lock_writer(&disk, &root(), "a test").unwrap();
    assert!(matches!(open_reader(), Err(Error::Busy)));
    drop(lock);
    let _catalog = open(&disk).unwrap();
    assert!(!reader.refresh().unwrap());
    assert!(reader.current().is_held());
}

#[test]
fn only_one_writer_holds_the_lock() {
    let (disk, _catalog) = store();
    let lock = lock_writer(&disk, &root(), "process 17").unwrap();
    match lock_writer(&disk, &root(), "process 18") {
        Err(Error::Locked { by }) => assert_eq!(by, "process 17"),
        other => panic!("{other:?}"),
    }
    drop(lock);
    lock_writer(&disk, &root(), "process 18").unwrap();
}

#[test]
fn what_was_never_published_is_set_aside_and_what_was_removed_goes() {
    let (disk, catalog) = store();
    drop(catalog);
    let put = |path: &str| drop(disk.create(&root().join(path)).unwrap());
    let dir = names::partition_dir(key(0).start_nanos, key(0).width_nanos);
    let other = names::partition_dir(key(5).start_nanos, key(5).width_nanos);
    disk.create_dir_all(&root().join(&other), 0o700).unwrap();
    put(&format!("{other}/{}", names::segment_file(2)));
    put(&format!("{other}/{}", names::ids_file(2)));
    put(&format!("{dir}/{}", names::segment_file(9)));
    put(&format!("{dir}/{}", names::ids_file(9)));
    put(&format!("{dir}/{}", names::tmp(&names::segment_file(4))));
    put(&format!("{dir}/notes.txt"));
    put("MANIFEST.tmp");
    let lost = || -> Vec<String> {
        let entries = disk.list(&root().join(names::LOST_DIR)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    };
    let never_known = format!("{dir}-{}", names::segment_file(9));
    let unfinished = format!("{dir}-{}", names::tmp(&names::segment_file(4)));
    drop(open(&disk).unwrap());
    let ids = names::tmp(&format!("{dir}-{}", names::ids_file(9)));
    assert_eq!(lost(), [unfinished, ids, never_known.clone(), "MANIFEST.tmp".into()]);
    assert!(!disk.exists(&root().join(&other)).unwrap());
    assert_eq!(disk.list(&root().join(&dir)).unwrap().len(), 3);
    put(&format!("{dir}/{}", names::segment_file(9)));
    drop(open(&disk).unwrap());
    assert_eq!(lost(), [format!("1-{never_known}"), never_known]);
}

#[test]
fn the_manifest_stays_small() {
    let disk = MemDisk::new();
    let mut catalog = create(&disk).unwrap();
    for seq in 0..1000 {
        catalog.apply(&Edit { log_floor: Some(seq), ..Edit::default() }).unwrap();
        assert!(disk.read(&root().join(names::MANIFEST)).unwrap().len() < 2000);
    }
    drop(catalog);
    let catalog = open(&disk.crash(Survivors::None)).unwrap();
    assert_eq!((catalog.current().number, catalog.current().log_floor), (1001, 999));
}
