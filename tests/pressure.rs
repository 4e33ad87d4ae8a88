//! Claim: a disk that is too slow holds appends up and loses nothing: memory stays within the
//! budget, callers wait or are told `Busy` as they asked, and all goes on once the disk does; so
//! do merges that fall behind (P7).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/batches.rs"]
mod batches;

use std::sync::Arc;

use tracekeep::simulation::{Environment, ManualClock, MemDisk, ThreadPool};
use tracekeep::{Error, OnFull, Options, Store, Timestamp, TraceReader};

const ROOT: &str = "/store";
const BUDGET: usize = 4 << 20;
/// What segments are called while they are written.
const SEGMENTS: &str = ".seg.tmp";

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(1))),
        executor: Arc::new(ThreadPool::new(2)),
    }
}

fn open(disk: &MemDisk, on_full: OnFull) -> Store {
    let options = Options::default().memory_bytes(BUDGET).threads(2).min_free_bytes(0);
    Store::open_in(ROOT, options.on_full(on_full), world(disk)).unwrap()
}

/// Waits, as long as it takes, until something has happened elsewhere.
fn until(mut happened: impl FnMut() -> bool) {
    while !happened() {
        std::thread::yield_now();
    }
}

/// Every batch below `batches` is there whole, and nothing else.
fn check(store: &Store, batches: u64, spans: u64) {
    for n in 0..batches {
        let trace = store.trace(batches::trace_id(n)).unwrap().unwrap();
        assert_eq!(trace.spans.len() as u64, spans, "batch {n}");
    }
    let stats = store.stats().unwrap();
    assert_eq!((stats.spans, stats.traces), (batches * spans, batches));
}

#[test]
fn p7_a_slow_disk_makes_appends_busy_where_asked_for_and_loses_nothing() {
    let disk = MemDisk::new();
    let store = open(&disk, OnFull::Reject);
    disk.hold_syncs(SEGMENTS);
    let mut stored = 0;
    while store.append(&batches::batch(stored, 300)).map_err(|error| error.kind()) != Err("Busy") {
        stored += 1;
        let memory = store.stats().unwrap().memory.unwrap();
        assert!(memory.used_bytes <= BUDGET && memory.peak_bytes <= BUDGET, "{memory:?}");
        assert!(stored < 1000, "never busy");
    }
    // Whatever the way in.
    let refused = store.submit(&batches::batch(stored, 300));
    assert!(matches!(&refused, Err(error @ Error::Busy) if error.is_retryable()), "{refused:?}");
    let memory = store.stats().unwrap().memory.unwrap();
    assert!(memory.buffer_bytes > BUDGET / 4 && memory.refused >= 2, "{memory:?}");
    check(&store, stored, 300);

    disk.let_syncs_go();
    until(|| store.append(&batches::batch(stored, 300)).is_ok());
    check(&store, stored + 1, 300);
    assert!(store.stats().unwrap().counters.unwrap().appends_refused >= 2);
    drop(store);
    check(&open(&disk, OnFull::Reject), stored + 1, 300);
}

#[test]
fn p7_a_slow_disk_makes_appends_wait_and_loses_nothing() {
    const BATCHES: u64 = 120;
    let disk = MemDisk::new();
    let store = open(&disk, OnFull::Wait);
    disk.hold_syncs(SEGMENTS);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let store = store.clone();
            scope.spawn(move || {
                for n in (thread..BATCHES).step_by(3) {
                    store.append(&batches::batch(n, 300)).unwrap();
                }
            });
        }
        until(|| disk.waiting_syncs() > 0);
        // Nothing is freed while the disk stands still, so all three end up waiting.
        until(|| {
            let memory = store.stats().unwrap().memory.unwrap();
            assert!(memory.peak_bytes <= BUDGET, "{memory:?}");
            memory.buffer_bytes > BUDGET / 3
        });
        assert!(store.stats().unwrap().spans < BATCHES * 300);
        disk.let_syncs_go();
    });
    check(&store, BATCHES, 300);
    let stats = store.stats().unwrap();
    let (memory, counters) = (stats.memory.unwrap(), stats.counters.unwrap());
    assert!(memory.waited > 0 && memory.peak_bytes <= BUDGET, "{memory:?}");
    assert_eq!(counters.appends_waited, memory.waited);
    assert_eq!(counters.appends_refused, 0);
    store.close().unwrap();
    check(&open(&disk, OnFull::Wait), BATCHES, 300);
}

/// A store of one background thread with a merge at work, whose disk stands still for that merge
/// alone: segments are flushed by whoever appends.
fn merging(disk: &MemDisk, on_full: OnFull) -> Store {
    let options = Options::default().threads(1).min_free_bytes(0).on_full(on_full);
    let options = options.merge_fan_in(2).max_unmerged(4);
    let store = Store::open_in(ROOT, options, world(disk)).unwrap();
    for n in 0..2 {
        store.append(&batches::batch(n, 3)).unwrap();
        store.flush().unwrap();
    }
    disk.hold_syncs(SEGMENTS);
    disk.record();
    // This append finds that a merge is due.
    store.append(&batches::batch(2, 3)).unwrap();
    until(|| disk.waiting_syncs() > 0);
    let paths = disk.recorded().into_iter().map(|op| op.path.to_string_lossy().into_owned());
    let output = paths.rev().find(|path| path.ends_with(SEGMENTS)).unwrap();
    disk.hold_syncs(&output);
    store
}

#[test]
fn merges_that_are_behind_slow_appends_and_refuse_them_where_asked_for() {
    let disk = MemDisk::new();
    let store = merging(&disk, OnFull::Reject);
    let mut stored = 3;
    while store.append(&batches::batch(stored, 3)).map_err(|error| error.kind()) != Err("Busy") {
        stored += 1;
        store.flush().unwrap();
        assert!(stored < 100, "never busy");
    }
    let stats = store.stats().unwrap();
    let most = stats.partitions.iter().map(|partition| partition.segments).max().unwrap();
    assert_eq!((most, stats.memory.unwrap().refused), (8, 0), "twice what may wait");
    let counters = stats.counters.unwrap();
    assert!(counters.appends_behind_merges >= 3 && counters.appends_refused == 1, "{counters:?}");

    disk.let_syncs_go();
    until(|| store.append(&batches::batch(stored, 3)).is_ok());
    check(&store, stored + 1, 3);
    store.merge().unwrap();
    assert!(store.stats().unwrap().partitions.iter().all(|partition| partition.segments == 1));
    check(&store, stored + 1, 3);
}

#[test]
fn merges_that_are_far_behind_make_appends_wait() {
    const BATCHES: u64 = 20;
    let disk = MemDisk::new();
    let store = merging(&disk, OnFull::Wait);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 3..BATCHES {
                store.append(&batches::batch(n, 3)).unwrap();
                store.flush().unwrap();
            }
        });
        let most = || {
            let stats = store.stats().unwrap();
            stats.partitions.iter().map(|partition| partition.segments).max().unwrap()
        };
        until(|| most() == 8);
        assert!(store.stats().unwrap().spans < BATCHES * 3);
        disk.let_syncs_go();
    });
    assert!(store.stats().unwrap().counters.unwrap().appends_behind_merges > 0);
    check(&store, BATCHES, 3);
}
