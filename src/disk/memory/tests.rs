//! That the disk in memory fails as it should.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::*;

const SEEDS: u64 = 200;

fn put(disk: &MemDisk, path: &str, bytes: &[u8]) -> Box<dyn WriteFile> {
    let mut file = disk.create(Path::new(path)).unwrap();
    file.write_at(0, bytes).unwrap();
    file
}

fn put_synced(disk: &MemDisk, path: &str, bytes: &[u8]) -> Box<dyn WriteFile> {
    let mut file = put(disk, path, bytes);
    file.sync().unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    file
}

fn get(disk: &MemDisk, path: &str) -> Option<Vec<u8>> {
    disk.read(Path::new(path)).ok()
}

/// What `path` holds after each of many crashes.
fn outcomes(disk: &MemDisk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    let chosen = (0..SEEDS).map(Survivors::Chosen);
    chosen
        .chain([Survivors::None, Survivors::All])
        .map(|survivors| get(&disk.crash(survivors), path))
        .collect()
}

#[test]
fn p1_what_was_synced_survives_every_crash() {
    let disk = MemDisk::new();
    put_synced(&disk, "a", b"kept");
    disk.crash(Survivors::None).crash(Survivors::None);
    assert_eq!(outcomes(&disk, "a"), BTreeSet::from([Some(b"kept".to_vec())]));
}

#[test]
fn a_synced_file_without_a_synced_name_may_be_gone() {
    let disk = MemDisk::new();
    put(&disk, "a", b"kept").sync().unwrap();
    assert_eq!(outcomes(&disk, "a"), BTreeSet::from([None, Some(b"kept".to_vec())]));
}

#[test]
fn a_synced_name_without_synced_contents_may_be_empty_zeros_or_torn() {
    let disk = MemDisk::new();
    put(&disk, "a", b"1234");
    disk.sync_dir(Path::new("/")).unwrap();
    let outcomes = outcomes(&disk, "a");
    for expected in [b"".as_slice(), b"1234", b"\0\0\0\0", b"12", b"12\0\0"] {
        assert!(outcomes.contains(&Some(expected.to_vec())), "{expected:?} of {outcomes:?}");
    }
    assert!(!outcomes.contains(&None));
}

#[test]
fn an_overwritten_sector_is_old_or_new_or_cut() {
    let disk = MemDisk::new();
    let mut file = put_synced(&disk, "a", &[1; 1536]);
    file.write_at(0, &[2; 1536]).unwrap();
    let outcomes = outcomes(&disk, "a");
    let mut first_lost = vec![1; 512];
    first_lost.extend([2; 1024]);
    assert!(outcomes.contains(&Some(first_lost)), "sectors are written in any order");
    assert!(outcomes.contains(&Some(vec![1; 1536])) && outcomes.contains(&Some(vec![2; 1536])));
    assert!(outcomes.iter().flatten().all(|bytes| bytes.len() == 1536));
}

#[test]
fn a_rename_happens_as_a_whole_or_not_at_all() {
    let disk = MemDisk::new();
    put_synced(&disk, "a", b"old");
    put_synced(&disk, "a.tmp", b"new");
    disk.rename(Path::new("a.tmp"), Path::new("a")).unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        let after = disk.crash(Survivors::Chosen(seed));
        seen.insert((get(&after, "a"), get(&after, "a.tmp")));
    }
    let (old, new) = (Some(b"old".to_vec()), Some(b"new".to_vec()));
    assert_eq!(seen, BTreeSet::from([(old, new.clone()), (new, None)]));
}

#[test]
fn a_file_moved_between_folders_does_not_come_back() {
    let disk = MemDisk::new();
    for folder in ["x", "y"] {
        disk.create_dir_all(Path::new(folder), 0o700).unwrap();
    }
    disk.sync_dir(Path::new("")).unwrap();
    put(&disk, "x/a", b"1").sync().unwrap();
    disk.rename(Path::new("x/a"), Path::new("y/a")).unwrap();
    disk.sync_dir(Path::new("y")).unwrap();
    disk.sync_dir(Path::new("x")).unwrap();
    assert_eq!(outcomes(&disk, "x/a"), BTreeSet::from([None]));
    assert_eq!(outcomes(&disk, "y/a"), BTreeSet::from([Some(b"1".to_vec())]));
}

#[test]
fn a_removal_is_certain_only_once_synced() {
    let disk = MemDisk::new();
    put_synced(&disk, "a", b"1");
    disk.remove_file(Path::new("a")).unwrap();
    assert_eq!(outcomes(&disk, "a"), BTreeSet::from([None, Some(b"1".to_vec())]));
    disk.sync_dir(Path::new("/")).unwrap();
    assert_eq!(outcomes(&disk, "a"), BTreeSet::from([None]));
    assert_eq!(disk.used_bytes(), 0);
}

#[test]
fn p1_a_failed_sync_loses_what_a_later_one_seems_to_save() {
    let disk = MemDisk::new();
    let mut file = put_synced(&disk, "a", b"1234");
    file.write_at(0, b"AB").unwrap();
    disk.fail_at(disk.operations(), Fault::Io);
    assert!(matches!(file.sync(), Err(Error::Io { .. })));
    file.write_at(2, b"CD").unwrap();
    file.sync().unwrap();
    assert_eq!(get(&disk, "a").unwrap(), b"ABCD", "as the page cache shows it");
    assert_eq!(outcomes(&disk, "a"), BTreeSet::from([Some(b"12CD".to_vec())]));
}

#[test]
fn power_off_ends_everything_and_the_cut_operation_may_have_worked() {
    let disk = MemDisk::new();
    let mut file = put_synced(&disk, "a", b"1");
    disk.fail_at(disk.operations(), Fault::PowerOff);
    assert!(file.write_at(0, b"2").is_err());
    assert!(file.sync().is_err() && file.len().is_err());
    assert!(disk.read(Path::new("a")).is_err() && disk.list(Path::new("")).is_err());
    let both = BTreeSet::from([Some(b"1".to_vec()), Some(b"2".to_vec())]);
    assert_eq!(outcomes(&disk, "a"), both);
    put_synced(&disk.crash(Survivors::None), "b", b"the new disk works");
}

#[test]
fn a_full_disk_takes_what_fits_overwrites_and_recovers() {
    let disk = MemDisk::new();
    put_synced(&disk, "reserve", &[0; 60]);
    disk.set_capacity(Some(100));
    assert_eq!(disk.free_bytes(Path::new("")).unwrap(), 40);
    let mut file = disk.create(Path::new("a")).unwrap();
    assert!(matches!(file.write_at(0, &[1; 50]), Err(Error::NoSpace { .. })));
    assert_eq!(file.len().unwrap(), 40, "as many as fit");
    file.write_at(0, &[2; 40]).unwrap();
    assert!(matches!(file.set_len(41), Err(Error::NoSpace { .. })));
    disk.remove_file(Path::new("reserve")).unwrap();
    file.write_at(40, &[3; 60]).unwrap();
    assert_eq!(disk.free_bytes(Path::new("")).unwrap(), 0);
    disk.fail_at(disk.operations(), Fault::NoSpace);
    assert!(matches!(file.write_at(0, &[4; 50]), Err(Error::NoSpace { .. })));
    assert_eq!(get(&disk, "a").unwrap().iter().filter(|&&byte| byte == 4).count(), 25);
}

#[test]
fn operations_are_counted_and_recorded() {
    let disk = MemDisk::new();
    disk.record();
    disk.create_dir_all(Path::new("x/y"), 0o700).unwrap();
    let mut file = put(&disk, "x/a.tmp", b"123");
    file.sync().unwrap();
    disk.rename(Path::new("x/a.tmp"), Path::new("x/a")).unwrap();
    disk.sync_dir(Path::new("x")).unwrap();
    disk.fail_at(disk.operations(), Fault::Io);
    assert!(disk.remove_file(Path::new("x/a")).is_err());
    use OpKind::*;
    let kinds: Vec<_> = disk.recorded().iter().map(|op| op.kind).collect();
    let expected = [CreateDir, CreateDir, Create, Write, Sync, Rename, SyncDir, RemoveFile];
    assert_eq!(kinds, expected);
    assert_eq!(disk.operations(), 8);
    let write = disk.recorded().into_iter().nth(3).unwrap();
    assert_eq!((write.number, write.bytes, write.path.as_path()), (3, 3, Path::new("x/a.tmp")));
}

#[test]
fn what_no_one_can_reach_is_forgotten() {
    let disk = MemDisk::new();
    for number in 0..100 {
        drop(put_synced(&disk, &format!("{number}"), &[0; 100]));
        disk.remove_file(Path::new(&format!("{number}"))).unwrap();
    }
    disk.sync_dir(Path::new("")).unwrap();
    assert_eq!(disk.state().tree.node_count(), 1, "the root");
}

#[test]
fn a_lock_survives_the_removal_of_its_file_but_not_a_crash() {
    let disk = MemDisk::new();
    let path = Path::new("LOCK");
    let lock = disk.lock(path, LockKind::Exclusive).unwrap().unwrap();
    assert!(disk.clone().lock(path, LockKind::Shared).unwrap().is_none());
    let after = disk.crash(Survivors::All);
    assert!(after.lock(path, LockKind::Exclusive).unwrap().is_some());
    disk.remove_file(path).unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    lock.write_holder("still here").unwrap();
}

/// Steps of a program that adds 8-byte records to one file and syncs now and then.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add,
    Sync,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn p1_any_crash_keeps_the_synced_and_repeats_itself(
        steps in prop::collection::vec(prop_oneof![Just(Step::Add), Just(Step::Sync)], 1..20),
        cut: prop::sample::Index,
        seed: u64,
    ) {
        let disk = MemDisk::new();
        let mut file = put_synced(&disk, "a", b"");
        disk.fail_at(disk.operations() + cut.index(steps.len()) as u64, Fault::PowerOff);
        let (mut written, mut synced) = (0_u64, 0_u64);
        for step in steps {
            let done = match step {
                Step::Add => file.write_at(written * 8, &[7; 8]).map(|()| written += 1),
                Step::Sync => file.sync().map(|()| synced = written),
            };
            if done.is_err() {
                break;
            }
        }
        let after = get(&disk.crash(Survivors::Chosen(seed)), "a");
        prop_assert_eq!(&after, &get(&disk.crash(Survivors::Chosen(seed)), "a"));
        let after = after.unwrap();
        let certain = usize::try_from(synced * 8).unwrap();
        prop_assert!(after.len() >= certain && after.len() as u64 <= (written + 1) * 8);
        prop_assert!(after.iter().take(certain).all(|&byte| byte == 7));
        let none = get(&disk.crash(Survivors::None), "a").unwrap();
        prop_assert_eq!(none, vec![7; certain]);
    }
}
