//! Claim: spans may arrive at any time, of any time and in any order: they are stored and found by
//! id and by their own time (P4), in bounded memory and with few open files (P7), or treated as the
//! options say, and each decision is counted.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{
    Options, OutOfWindow, Query, Reader, ResourceSpans, ScopeSpans, Span, Store, TimeRange,
    Timestamp, TraceId, TraceReader,
};

const ROOT: &str = "/store";
const HOUR: u64 = 3_600_000_000_000;
const NOW: u64 = 480_000 * HOUR;

fn span(id: u64, start: u64) -> Span {
    Span {
        trace_id: TraceId::from(u128::from(id + 1)),
        span_id: (id + 1).into(),
        start: Timestamp::from_nanos(start),
        end: Timestamp::from_nanos(start.saturating_add(5)),
        name: "work".into(),
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> Vec<ResourceSpans> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }]
}

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(NOW))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

fn options() -> Options {
    Options::default().threads(0).min_free_bytes(0).memory_bytes(8 << 20)
}

fn open(disk: &MemDisk, options: Options) -> Store {
    Store::open_in(ROOT, options, world(disk)).unwrap()
}

/// Any time: the ends of time, hours late and ahead, and neighbours of partitions' bounds.
fn start() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(u64::MAX),
        any::<u64>(),
        (0u64..48).prop_map(|hours| NOW - hours * HOUR),
        (0u64..48).prop_map(|hours| NOW + hours * HOUR),
        (0u64..48, 0u64..3).prop_map(|(hours, off)| NOW + hours * HOUR + off - 1),
    ]
}

/// The spans that start in a range, by id.
fn found(reader: &impl TraceReader, range: impl Into<TimeRange>) -> Vec<u64> {
    let mut ids = Vec::new();
    for batch in reader.scan(range).unwrap() {
        ids.extend(batch.unwrap().iter().map(|span| span.span.span_id.to_u64() - 1));
    }
    ids.sort_unstable();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn p4_spans_of_any_time_in_any_order_are_found_by_id_and_by_their_own_time(
        batches in prop::collection::vec(prop::collection::vec(start(), 1..20), 1..12),
        flushes in any::<u16>(),
        range in (start(), start()),
    ) {
        let disk = MemDisk::new();
        let mut store = open(&disk, options());
        let mut model = BTreeMap::new();
        for (number, starts) in batches.iter().enumerate() {
            let first = model.len() as u64;
            let spans: Vec<_> = (first..).zip(starts).map(|(id, &start)| span(id, start)).collect();
            model.extend((first..).zip(starts.iter().copied()));
            prop_assert_eq!(store.append(&request(spans)).unwrap().accepted, starts.len() as u64);
            match flushes >> (number % 12) & 3 {
                1 => store.flush().unwrap(),
                2 => {
                    drop(store);
                    store = open(&disk, options());
                }
                _ => {}
            }
        }
        for (&id, &start) in &model {
            let trace = store.trace(TraceId::from(u128::from(id + 1))).unwrap().unwrap();
            prop_assert_eq!(&trace.spans[0].span, &span(id, start));
        }
        prop_assert_eq!(found(&store, TimeRange::ALL), model.keys().copied().collect::<Vec<_>>());
        let (from, to) = (range.0.min(range.1), range.0.max(range.1));
        let inside = model.iter().filter(|(_, start)| (from..to).contains(start));
        let inside: Vec<u64> = inside.map(|(id, _)| *id).collect();
        let range = Timestamp::from_nanos(from)..Timestamp::from_nanos(to);
        prop_assert_eq!(found(&store, range), inside);
        let stats = store.stats().unwrap();
        prop_assert_eq!(stats.spans, model.len() as u64);
    }
}

#[test]
fn p5_traces_that_share_the_low_half_of_their_ids_are_stored_once() {
    let disk = MemDisk::new();
    let store = open(&disk, options());
    let high = |n: u64| Span { trace_id: TraceId::from(u128::from(n) << 64), ..span(n, NOW) };
    for last in [40, 50, 50] {
        store.append(&request((1..last).map(high).collect())).unwrap();
        store.flush().unwrap();
    }
    assert_eq!(store.stats().unwrap().spans, 49);
    assert_eq!(found(&store, TimeRange::ALL), (1..50).collect::<Vec<u64>>());
    for n in 1..50u64 {
        let id = TraceId::from(u128::from(n) << 64);
        assert_eq!(store.trace(id).unwrap().unwrap().spans.len(), 1, "{id}");
    }
}

#[test]
fn p7_one_batch_may_touch_ten_thousand_partitions() {
    const PARTITIONS: u64 = 10_000;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    store.append(&request((0..PARTITIONS).rev().map(|i| span(i, i * HOUR)).collect())).unwrap();
    let stats = store.stats().unwrap();
    assert_eq!((stats.spans, stats.partitions.len() as u64), (PARTITIONS, PARTITIONS));
    // One span each.
    assert!(stats.buffered_spans <= 1024, "{}", stats.buffered_spans);
    let counters = stats.counters.unwrap();
    assert!(counters.seals_spread + counters.seals_memory >= PARTITIONS - 1024);
    // Buffers of many partitions are flushed together: a few dozen edits, not ten thousand.
    assert!(counters.flushes < 200, "{}", counters.flushes);
    let memory = stats.memory.unwrap();
    assert_eq!(memory.buffer_bytes as u64, stats.buffered_bytes);
    for id in [0, 1, PARTITIONS / 2, PARTITIONS - 1] {
        let trace = store.trace(TraceId::from(u128::from(id + 1))).unwrap().unwrap();
        assert_eq!(trace.spans.len(), 1);
    }
    let newest = store.search_ids(&Query::parse("{ }").unwrap().limit(1)).unwrap();
    assert_eq!(newest[0].start, Timestamp::from_nanos((PARTITIONS - 1) * HOUR));
}

#[test]
#[cfg(target_os = "linux")]
fn p7_partitions_by_the_thousand_keep_few_files_open() {
    let files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let dir = tempfile::tempdir().unwrap();
    let before = files();
    let store = Store::open(dir.path(), options()).unwrap();
    store.append(&request((0..1500).map(|i| span(i, i * HOUR)).collect())).unwrap();
    store.flush().unwrap();
    assert_eq!(found(&store, TimeRange::ALL).len(), 1500);
    // Other tests of this program open none for long.
    assert!(files() < before + 64, "{} files", files() - before);
}

#[test]
fn spans_outside_the_window_are_set_apart_and_can_be_read_there() {
    let disk = MemDisk::new();
    let quarantine = || {
        let window =
            options().max_age(Duration::from_secs(3600)).max_ahead(Duration::from_secs(60));
        window.out_of_window(OutOfWindow::Quarantine)
    };
    let store = open(&disk, quarantine());
    assert!(store.quarantine().unwrap().is_none());
    let starts = [NOW, 0, NOW - 1, u64::MAX, NOW + HOUR, NOW - 2 * HOUR];
    let spans: Vec<_> = (0..).zip(starts).map(|(id, start)| span(id, start)).collect();
    let done = store.append(&request(spans.clone())).unwrap();
    assert_eq!((done.accepted, done.quarantined, done.rejected), (2, 4, 0));
    assert_eq!(done.first_rejection, None);
    assert_eq!(found(&store, TimeRange::ALL), [0, 2]);
    let apart = store.quarantine().unwrap().unwrap();
    assert_eq!(found(&apart, TimeRange::ALL), [1, 3, 4, 5]);
    // One for all time but its last nanosecond.
    assert_eq!(apart.stats().unwrap().partitions.len(), 2);
    // A client that tries again changes nothing.
    store.submit(&request(spans)).unwrap().wait().unwrap();
    assert_eq!((store.stats().unwrap().spans, apart.stats().unwrap().spans), (2, 4));
    let counters = store.stats().unwrap().counters.unwrap();
    assert_eq!((counters.spans_outside_window, counters.spans_quarantined), (8, 8));
    drop(apart);
    drop(store);

    let store = open(&disk, quarantine());
    let apart = store.quarantine().unwrap().unwrap();
    assert_eq!(found(&apart, TimeRange::ALL), [1, 3, 4, 5]);
    drop(apart);
    store.close().unwrap();
    let path = std::path::Path::new(ROOT).join("quarantine");
    let reader = Reader::open_in(path, Options::default(), world(&disk)).unwrap();
    assert_eq!(found(&reader, TimeRange::ALL), [1, 3, 4, 5]);
}
