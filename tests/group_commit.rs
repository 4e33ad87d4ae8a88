//! Claim: appends of many threads, beside flushes and merges, share syncs and lose nothing: cut the
//! power at any moment, and every acknowledged batch is there, and each whole or not at all (P1,
//! P2). While the log is being synced, readers do not wait, nor do appends that need no sync (P8).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/batches.rs"]
mod batches;

use std::sync::Arc;
use std::time::Duration;

use batches::{batch, trace_id};
use tracekeep::simulation::{
    Environment, Fault, InlineExecutor, ManualClock, MemDisk, Survivors, ThreadPool,
};
use tracekeep::{Durability, Options, Result, Store, Timestamp, TraceReader};

const ROOT: &str = "/store";
const SPANS: u64 = 6;
const THREADS: u64 = 4;
const BATCHES: u64 = 12;
/// A log file is written by the name of the spare that it was made of.
const LOG: &str = ".spare";

fn open(disk: &MemDisk, durability: Durability, threads: usize) -> Result<Store> {
    let environment = Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(1))),
        executor: match threads {
            0 => Arc::new(InlineExecutor::new()),
            threads => Arc::new(ThreadPool::new(threads)),
        },
    };
    let options = Options::default().durability(durability).threads(threads);
    let options = options.min_free_bytes(0).merge_fan_in(2).block_rows(4);
    Store::open_in(ROOT, options, environment)
}

/// Waits, as long as it takes, until something has happened elsewhere.
fn until(mut happened: impl FnMut() -> bool) {
    while !happened() {
        std::thread::yield_now();
    }
}

/// Threads append until something fails, or all is done. Returns what was acknowledged.
fn live(disk: &MemDisk, threads: usize) -> Vec<u64> {
    let Ok(store) = open(disk, Durability::Sync, threads) else { return Vec::new() };
    let append = |thread: u64| {
        let mut acknowledged = Vec::new();
        for n in (thread..BATCHES).step_by(THREADS as usize) {
            let done = match n % 3 {
                0 => store.submit(&batch(n, SPANS)).and_then(|commit| commit.wait()),
                _ => store.append(&batch(n, SPANS)),
            };
            match done {
                Ok(_) => acknowledged.push(n),
                Err(_) => break,
            }
            if n % 5 == 4 && store.flush().is_err() {
                break;
            }
        }
        acknowledged
    };
    std::thread::scope(|scope| {
        let running = (0..THREADS).map(|thread| scope.spawn(move || append(thread)));
        let running: Vec<_> = running.collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn p1_p2_batches_of_many_threads_survive_a_cut_at_any_operation() {
    let mut lost = 0;
    for cut in 0..160 {
        let threads = if cut % 2 == 0 { 0 } else { 2 };
        let disk = MemDisk::new();
        disk.fail_at(cut, Fault::PowerOff);
        let acknowledged = live(&disk, threads);
        for survivors in [Survivors::None, Survivors::All, Survivors::Chosen(cut)] {
            let disk = disk.crash(survivors);
            let store = open(&disk, Durability::Sync, 0).unwrap();
            let mut spans = 0;
            for n in 0..BATCHES {
                let found = store.trace(trace_id(n)).unwrap();
                let found = found.map_or(0, |trace| trace.spans.len() as u64);
                assert!(found == 0 || found == SPANS, "cut {cut}: batch {n} in part");
                assert!(found > 0 || !acknowledged.contains(&n), "cut {cut}: batch {n} is lost");
                spans += found;
            }
            assert_eq!(store.stats().unwrap().spans, spans);
        }
        lost += BATCHES - acknowledged.len() as u64;
    }
    assert!(lost > 100, "the cuts came too late: {lost}");
}

#[test]
fn p8_readers_do_not_wait_for_an_append_that_waits_for_its_sync() {
    let disk = MemDisk::new();
    let store = open(&disk, Durability::Sync, 2).unwrap();
    store.append(&batch(0, SPANS)).unwrap();
    disk.hold_syncs(LOG);
    std::thread::scope(|scope| {
        for n in 1..9 {
            let store = &store;
            scope.spawn(move || store.append(&batch(n, SPANS)).unwrap());
        }
        until(|| disk.waiting_syncs() > 0);
        assert!(store.trace(trace_id(0)).unwrap().is_some());
        assert_eq!(store.stats().unwrap().spans, SPANS);
        assert_eq!(store.snapshot().unwrap().stats().unwrap().spans, SPANS);
        disk.let_syncs_go();
    });
    let stats = store.stats().unwrap();
    assert_eq!(stats.spans, 9 * SPANS);
    assert!(stats.counters.unwrap().commits <= 9);
}

#[test]
fn appends_go_on_while_the_log_is_synced_for_others() {
    let disk = MemDisk::new();
    let every = Duration::from_millis(1);
    for durability in [Durability::Os, Durability::Interval(every)] {
        let store = open(&disk, durability, 2).unwrap();
        let first = store.stats().unwrap().spans / SPANS;
        store.append(&batch(first, SPANS)).unwrap();
        disk.hold_syncs(LOG);
        // One whose file is there already.
        store.append(&batch(first + 1, SPANS)).unwrap();
        std::thread::scope(|scope| {
            if durability == Durability::Os {
                // No segment is published before the log is synced through its last frame.
                scope.spawn(|| store.flush().unwrap());
            }
            until(|| disk.waiting_syncs() > 0);
            for n in first + 2..first + 9 {
                store.append(&batch(n, SPANS)).unwrap();
                assert!(store.trace(trace_id(n)).unwrap().is_some());
            }
            assert!(disk.waiting_syncs() > 0);
            disk.let_syncs_go();
        });
        store.close().unwrap();
    }
    let store = open(&disk.crash(Survivors::None), Durability::Os, 0).unwrap();
    assert_eq!(store.stats().unwrap().spans, 18 * SPANS);
}
