//! Claim: reading one trace touches that trace: of a segment's file few ranges are asked for,
//! however many traces lie beside it, and an absent id asks for none (P4, P6).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::Arc;

use tracekeep::simulation::{CountedDisk, Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{Options, Store, TraceId, TraceReader};
use tracekeep_workload::{Config, Workload, encode_protobuf};

/// Spans of a trace of usual size.
const SPANS: usize = 36;

/// A store of one segment on a counted disk, and the traces of usual size in it.
fn store() -> (CountedDisk, Store, Vec<TraceId>) {
    let disk = CountedDisk::new(MemDisk::new());
    let config = Config::default().spans(12_000);
    let environment = Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(config.start)),
        executor: Arc::new(InlineExecutor::new()),
    };
    let open = || {
        let options = Options::default().partition(std::time::Duration::from_secs(24 * 3600));
        Store::open_in("traces", options, environment.clone()).unwrap()
    };
    let store = open();
    let mut sizes: HashMap<TraceId, usize> = HashMap::new();
    for batch in Workload::new(&config) {
        store.append_otlp(&encode_protobuf(&batch)).unwrap();
        for span in batch.iter().flat_map(|g| &g.scope_spans).flat_map(|s| &s.spans) {
            *sizes.entry(span.trace_id).or_default() += 1;
        }
    }
    store.merge().unwrap();
    assert_eq!(store.stats().unwrap().segments, 1);
    store.close().unwrap();
    let usual = sizes.iter().filter(|(_, spans)| **spans == SPANS).map(|(id, _)| *id);
    let mut usual: Vec<TraceId> = usual.collect();
    usual.sort_unstable();
    // Opened again: nothing is known of the segment but what the manifest says.
    (disk, open(), usual)
}

#[test]
fn p6_one_trace_does_not_read_its_neighbours() {
    let (disk, store, usual) = store();
    let mut usual = usual.into_iter();
    let first = usual.next().unwrap();
    disk.take_ranges();
    assert_eq!(store.trace(first).unwrap().unwrap().spans.len(), SPANS);
    let cold = disk.take_ranges();
    println!("{cold} ranges");
    assert!(cold <= 48, "{cold} ranges for the first trace of a segment");
    for id in usual {
        assert_eq!(store.trace(id).unwrap().unwrap().spans.len(), SPANS);
        let warm = disk.take_ranges();
        println!("{warm} ranges");
        assert!(warm <= 20, "{warm} ranges for another trace");
    }
}

#[test]
fn p4_an_absent_trace_reads_no_segment() {
    let (disk, store, usual) = store();
    assert!(store.trace(TraceId::from(1)).unwrap().is_none());
    disk.take_ranges();
    for id in usual {
        let absent = TraceId::from(u128::from(id) ^ 0x5555_5555);
        assert!(store.trace(absent).unwrap().is_none());
    }
    assert_eq!(disk.take_ranges(), 0);
}
