//! What every disk promises, asked of each.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::base::error::Error;
use crate::disk::memory::MemDisk;
use crate::disk::real::{Io, RealDisk};
use crate::disk::{Disk, LockKind};

/// Runs a claim on each disk, in a folder of its own.
fn on_each(claim: impl Fn(&dyn Disk, &Path)) {
    for io in [Io::Map, Io::Read] {
        let folder = TempDir::new().unwrap();
        claim(&RealDisk::new(io), folder.path());
    }
    let disk = MemDisk::new();
    disk.create_dir_all(Path::new("/some/folder"), 0o700).unwrap();
    claim(&disk, Path::new("/some/folder"));
}

fn put(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    let mut file = disk.create(path).unwrap();
    file.write_at(0, bytes).unwrap();
    file.sync().unwrap();
}

#[test]
fn what_was_written_is_read() {
    on_each(|disk, root| {
        let path = root.join("a");
        let mut file = disk.create(&path).unwrap();
        file.write_at(0, b"hello").unwrap();
        file.write_at(8, b"world").unwrap();
        file.write_at(1, b"ELL").unwrap();
        assert_eq!(file.len().unwrap(), 13);
        file.sync().unwrap();
        drop(file);
        assert_eq!(disk.read(&path).unwrap(), b"hELLo\0\0\0world");
        let open = disk.open(&path).unwrap();
        assert_eq!((open.len(), open.path()), (13, path.as_path()));
        assert_eq!(&*open.read_at(8, 5).unwrap(), b"world");
        assert_eq!(&*open.read_at(0, 13).unwrap().slice(1..4).unwrap(), b"ELL");

        let mut file = disk.open_write(&path).unwrap();
        file.set_len(6).unwrap();
        file.set_len(7).unwrap();
        assert_eq!(disk.read(&path).unwrap(), b"hELLo\0\0");
        assert_eq!(disk.create(&path).unwrap().len().unwrap(), 0, "emptied");
    });
}

#[test]
fn part_of_a_growing_file_ends_where_the_file_does() {
    on_each(|disk, root| {
        let path = root.join("a");
        let part = |offset, len| disk.read_part(&path, offset, len).unwrap();
        put(disk, &path, b"12345");
        assert_eq!(part(1, 3), b"234");
        assert_eq!(part(3, usize::MAX), b"45");
        for (offset, len) in [(5, 1), (9, 1), (0, 0), (u64::MAX, 1)] {
            assert_eq!(part(offset, len), b"");
        }
        disk.open_write(&path).unwrap().write_at(5, b"67").unwrap();
        assert_eq!(part(4, 9), b"567");
    });
}

#[test]
fn p6_reading_beyond_the_end_is_corrupt() {
    on_each(|disk, root| {
        let path = root.join("a");
        put(disk, &path, b"12345");
        let open = disk.open(&path).unwrap();
        assert_eq!(&*open.read_at(5, 0).unwrap(), b"");
        for (offset, len) in [(0, 6), (5, 1), (6, 0), (u64::MAX, 1), (1, usize::MAX), (0, 1 << 40)]
        {
            let error = open.read_at(offset, len).unwrap_err();
            let Error::Corrupt { file, offset: at, section: "file", detail } = error else {
                unreachable!("{error:?}")
            };
            assert_eq!((file, at, detail.as_str()), (path.clone(), offset, "missing bytes"));
        }
        put(disk, &path, b"");
        let empty = disk.open(&path).unwrap();
        assert!(empty.read_at(0, 0).unwrap().is_empty());
        assert!(matches!(empty.read_at(0, 1), Err(Error::Corrupt { .. })));
    });
}

#[test]
fn p6_a_file_cut_before_it_is_first_read_is_corrupt() {
    for io in [Io::Map, Io::Read] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a");
        put(&RealDisk::new(io), &path, &[7; 10_000]);
        let open = RealDisk::new(io).open(&path).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
        assert!(matches!(open.read_at(9_000, 10), Err(Error::Corrupt { .. })), "{io:?}");
    }
}

#[test]
fn views_outlive_their_file_and_its_name() {
    on_each(|disk, root| {
        let path = root.join("a");
        put(disk, &path, b"12345");
        let (read, untouched) = (disk.open(&path).unwrap(), disk.open(&path).unwrap());
        let view = read.read_at(1, 3).unwrap();
        disk.remove_file(&path).unwrap();
        drop(read);
        assert_eq!(&*view, b"234");
        assert_eq!(&*untouched.read_at(1, 3).unwrap(), b"234", "removed before its first read");
    });
}

#[test]
fn folders_list_their_names_in_order() {
    on_each(|disk, root| {
        disk.create_dir_all(&root.join("b/deep"), 0o700).unwrap();
        disk.create_dir_all(&root.join("b/deep"), 0o700).unwrap();
        put(disk, &root.join("c"), b"123");
        put(disk, &root.join("a"), b"");
        let entries = disk.list(root).unwrap();
        let told: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.is_dir, e.len)).collect();
        assert_eq!(told, [("a", false, 0), ("b", true, 0), ("c", false, 3)]);
        assert!(matches!(disk.remove_dir(&root.join("b")), Err(Error::Io { .. })), "not empty");
        disk.remove_dir(&root.join("b/deep")).unwrap();
        disk.sync_dir(&root.join("b")).unwrap();
        assert!(disk.exists(&root.join("b")).unwrap());
        assert!(!disk.exists(&root.join("b/deep")).unwrap());
        assert!(disk.free_bytes(root).unwrap() > 0);
    });
}

#[test]
fn a_rename_replaces_and_a_link_does_not() {
    on_each(|disk, root| {
        let [a, b, c] = ["a", "b", "c"].map(|name| root.join(name));
        put(disk, &a, b"new");
        put(disk, &b, b"old");
        disk.rename(&a, &b).unwrap();
        assert!(!disk.exists(&a).unwrap());
        assert_eq!(disk.read(&b).unwrap(), b"new");
        disk.hard_link(&b, &c).unwrap();
        assert!(matches!(disk.hard_link(&b, &c), Err(Error::Io { .. })), "the name is taken");
        disk.remove_file(&b).unwrap();
        assert_eq!(disk.read(&c).unwrap(), b"new");

        disk.create_dir_all(&root.join("from/inner"), 0o700).unwrap();
        put(disk, &root.join("from/inner/x"), b"x");
        disk.rename(&root.join("from"), &root.join("to")).unwrap();
        assert_eq!(disk.read(&root.join("to/inner/x")).unwrap(), b"x");
        assert!(disk.rename(&root.join("to"), &root.join("to/inner/y")).is_err());
    });
}

#[test]
fn what_is_missing_is_not_found_and_named() {
    on_each(|disk, root| {
        let path: PathBuf = root.join("none");
        let errors = [
            disk.open(&path).map(drop),
            disk.read(&path).map(drop),
            disk.read_part(&path, 0, 1).map(drop),
            disk.open_write(&path).map(drop),
            disk.create(&path.join("a")).map(drop),
            disk.rename(&path, &root.join("b")),
            disk.hard_link(&path, &root.join("b")),
            disk.remove_file(&path),
            disk.remove_dir(&path),
            disk.list(&path).map(drop),
            disk.sync_dir(&path),
            disk.lock(&path, LockKind::Shared).map(drop),
        ];
        for error in errors {
            let Err(Error::NotFound { path: named }) = error else { unreachable!("{error:?}") };
            assert!(named.starts_with(&path));
        }
        assert!(disk.open(root).is_err(), "a folder is no file");
    });
}

#[test]
fn locks_exclude_each_other_between_handles() {
    on_each(|disk, root| {
        let path = root.join("LOCK");
        let taken = |kind| disk.lock(&path, kind).unwrap();
        let writer = taken(LockKind::Exclusive).unwrap();
        assert_eq!(writer.path(), path);
        assert!(taken(LockKind::Exclusive).is_none() && taken(LockKind::Shared).is_none());
        drop(writer);
        let readers = [taken(LockKind::Shared).unwrap(), taken(LockKind::Shared).unwrap()];
        assert!(taken(LockKind::Exclusive).is_none());
        assert!(readers[0].write_holder("a reader").is_err(), "only the exclusive holder writes");
        let [first, second] = readers;
        drop(first);
        assert!(taken(LockKind::Exclusive).is_none());
        drop(second);
        assert!(taken(LockKind::Exclusive).is_some());
    });
}

#[test]
fn a_lock_belongs_to_the_file_and_not_to_its_name() {
    on_each(|disk, root| {
        let path = root.join("1.pin");
        let old = disk.lock(&path, LockKind::Exclusive).unwrap().unwrap();
        disk.remove_file(&path).unwrap();
        let new = disk.lock(&path, LockKind::Exclusive).unwrap();
        assert!(new.is_some(), "another file of that name");
        drop(old);
        assert!(disk.lock(&path, LockKind::Shared).unwrap().is_none());
    });
}
