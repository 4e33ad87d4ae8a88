//! A store in memory, on a disk and at a time of ours: what it writes depends on the spans alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{Options, Reader, ResourceSpans, Store, TimeRange, Timestamp, TraceReader};

/// 2025-11-22T16:00Z.
pub const START: u64 = 1_763_827_200_000_000_000;
pub const HOUR: u64 = 3_600_000_000_000;
pub const ROOT: &str = "/store";

pub fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(START))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

pub fn options() -> Options {
    Options::default().threads(0).min_free_bytes(0)
}

pub fn open(disk: &MemDisk, options: Options) -> Store {
    Store::open_in(ROOT, options, world(disk)).unwrap()
}

/// Every file of the store but its lock and what it tells people, by its path from the root, sorted.
pub fn files(disk: &MemDisk) -> Vec<(String, Vec<u8>)> {
    let disk = world(disk).disk;
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in disk.list(&Path::new(ROOT).join(&folder)).unwrap() {
            let path = format!("{folder}{}", entry.name);
            if entry.is_dir {
                folders.push(format!("{path}/"));
            } else if !["LOCK", "COUNTERS", "RESERVE"].contains(&path.as_str()) {
                let bytes = disk.read(&Path::new(ROOT).join(&path)).unwrap();
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

/// A disk that holds these files of a store.
pub fn disk_of(files: &[(String, Vec<u8>)]) -> MemDisk {
    let disk = MemDisk::new();
    for (path, bytes) in files {
        let path = Path::new(ROOT).join(path);
        let disk = world(&disk).disk;
        disk.create_dir_all(path.parent().unwrap(), 0o700).unwrap();
        let mut file = disk.create(&path).unwrap();
        file.write_at(0, bytes).unwrap();
        file.sync().unwrap();
        disk.sync_dir(path.parent().unwrap()).unwrap();
    }
    disk
}

/// These spans as one segment, written as those that stay are, and its id filter.
pub fn segment(batches: &[Vec<ResourceSpans>], options: Options) -> (Vec<u8>, Vec<u8>) {
    let disk = MemDisk::new();
    // One partition for all times.
    let store = open(&disk, options.partition(Duration::from_nanos(u64::MAX)));
    for batch in batches {
        store.append(batch).unwrap();
    }
    store.flush().unwrap();
    store.merge().unwrap();
    let files = files(&disk);
    let one = |suffix: &str| {
        let mut found = files.iter().filter(|(path, _)| path.ends_with(suffix));
        let (_, bytes) = found.next().unwrap();
        assert!(found.next().is_none(), "more than one {suffix}");
        bytes.clone()
    };
    (one(".seg"), one(".ids"))
}

/// All spans as `dump` prints them.
pub fn dump(reader: &impl TraceReader) -> String {
    let mut lines = String::new();
    for batch in reader.scan(TimeRange::ALL).unwrap() {
        for span in batch.unwrap() {
            lines.push_str(&span.to_otlp_json().unwrap());
            lines.push('\n');
        }
    }
    lines
}

/// The spans of the store that these files make up.
pub fn dump_store(files: &[(String, Vec<u8>)]) -> String {
    dump(&Reader::open_in(ROOT, options(), world(&disk_of(files))).unwrap())
}
