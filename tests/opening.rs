//! Claim: opening a store reads no segment. Each is opened when it is first needed, and until then
//! the manifest answers for it; who holds one that was not opened yet still reads it after it was
//! merged away (P6, P8, P9).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/batches.rs"]
mod batches;

use std::sync::Arc;

use batches::{batch, trace_id};
use tracekeep::simulation::{CountedDisk, Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{Options, Reader, Store, TimeRange, Timestamp, TraceReader};

const HOUR: u64 = 3_600_000_000_000;
const SPANS: u64 = 9;
const BATCHES: u64 = 6;

fn environment(disk: &CountedDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(1))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

fn open(disk: &CountedDisk) -> Store {
    let options = Options::default().threads(0).min_free_bytes(0).merge_fan_in(100);
    Store::open_in("store", options, environment(disk)).unwrap()
}

/// A closed store of a segment for each batch in each of three hours.
fn filled() -> CountedDisk {
    let disk = CountedDisk::new(MemDisk::new());
    let store = open(&disk);
    for n in 0..BATCHES {
        store.append(&batch(n, SPANS)).unwrap();
        store.flush().unwrap();
    }
    assert_eq!(store.stats().unwrap().segments, 3 * BATCHES);
    store.close().unwrap();
    disk.take_ranges();
    disk
}

fn check(reader: &impl TraceReader) {
    for n in 0..BATCHES {
        assert_eq!(reader.trace(trace_id(n)).unwrap().unwrap().spans.len() as u64, SPANS);
    }
}

#[test]
fn opening_and_appending_read_no_segment() {
    let disk = filled();
    let store = open(&disk);
    let reader = Reader::open_in("store", Options::default(), environment(&disk)).unwrap();
    store.append(&batch(BATCHES, SPANS)).unwrap();
    reader.refresh().unwrap();
    assert_eq!(disk.take_ranges(), 0);
    // Nor does what the manifest tells to be elsewhere.
    let far = Timestamp::from_nanos(600_000 * HOUR);
    assert!(reader.trace_in(trace_id(0), TimeRange::from(far..)).unwrap().is_none());
    assert_eq!(disk.take_ranges(), 0);
    check(&store);
    check(&reader);
    assert!(disk.take_ranges() > 0);
}

#[test]
fn p8_p9_segments_that_were_not_opened_stay_readable_when_they_are_merged_away() {
    let disk = filled();
    let store = open(&disk);
    let snapshot = store.snapshot().unwrap();
    let reader = Reader::open_in("store", Options::default(), environment(&disk)).unwrap();
    store.merge().unwrap();
    assert_eq!(store.stats().unwrap().segments, 3);
    assert_eq!(snapshot.stats().unwrap().segments, 3 * BATCHES);
    check(&snapshot);
    check(&reader);
    assert_eq!(reader.stats().unwrap().segments, 3 * BATCHES);
    reader.refresh().unwrap();
    assert_eq!(reader.stats().unwrap().segments, 3);
    check(&reader);
}
