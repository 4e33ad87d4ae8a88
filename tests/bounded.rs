//! Claim: memory is bounded by the options, whatever arrives: one trace of many spans, a request
//! larger than the buffers, a batch for thousands of partitions (P7).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use tracekeep::{
    Durability, Error, KeyValue, Options, Query, Resource, ResourceSpans, Resources, Scope,
    ScopeSpans, Span, Store, Timestamp, TraceId, TraceReader,
};

const HOUR: u64 = 3_600_000_000_000;
const START: u64 = 480_000 * HOUR;
const MIB: usize = 1 << 20;

/// What is allocated now, and the most there was since the count was last begun anew.
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
struct Counting;

#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The count is one for the whole process: tests take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// The most memory that `work` takes at a time beyond what there was before; the caller's test has
/// its turn from its beginning to its end, as all that it allocates counts.
fn peak_of(_turn: &MutexGuard<'_, ()>, work: impl FnOnce()) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    work();
    PEAK.load(Ordering::Relaxed).saturating_sub(before)
}

fn options() -> Options {
    Options::default().memory_bytes(8 * MIB).min_free_bytes(0)
}

fn trace_id(n: u64) -> TraceId {
    TraceId::from(u128::from(n + 1) * 0x0001_2345_6789_abcd_ef01)
}

/// Span `i` of a trace, each of some 150 bytes.
fn span(n: u64, i: u64, start: u64) -> Span {
    Span {
        trace_id: trace_id(n),
        span_id: (i + 1).into(),
        parent_span_id: (i > 0).then(|| (i / 8 + 1).into()),
        start: Timestamp::from_nanos(start),
        end: Timestamp::from_nanos(start + 1000),
        name: if i.is_multiple_of(3) { "query".into() } else { "GET /cart".into() },
        attributes: vec![
            KeyValue::new("url", format!("/cart/{:x}/items", i.wrapping_mul(0x9e37_79b9_7f4a))),
            KeyValue::new("row", i as i64),
        ],
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> Vec<ResourceSpans> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }]
}

fn open(dir: &Path, options: Options) -> Store {
    Store::open(dir, options).unwrap()
}

/// A trace of 200,000 spans that arrive in batches, each batch a second time much later.
fn store_a_long_trace(threads: usize) {
    const SPANS: u64 = 200_000;
    const BATCH: u64 = 2_000;
    let turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let peak = peak_of(&turn, || {
        let store = open(dir.path(), options().threads(threads));
        let batch = |first: u64| {
            let long = (first..first + BATCH).map(|i| span(0, i, START + i * 10_000));
            // Traces that start while the long one goes on must find their place in its midst.
            let short = span(first + 1, 0, START + first * 10_000 + 5);
            request(long.chain([short]).collect())
        };
        for first in (0..SPANS).step_by(BATCH as usize) {
            store.append(&batch(first)).unwrap();
        }
        for first in (0..SPANS).step_by(10 * BATCH as usize) {
            store.append(&batch(first)).unwrap();
        }
        store.merge().unwrap();
        let stats = store.stats().unwrap();
        assert_eq!((stats.spans, stats.traces), (SPANS + SPANS / BATCH, 1 + SPANS / BATCH));
        assert!(tracekeep::inspect::verify(dir.path()).unwrap().damage.is_empty());
        let mut next = 0;
        for chunk in store.trace_chunks(trace_id(0)).unwrap().unwrap() {
            for found in chunk.unwrap() {
                assert_eq!(found.span, span(0, next, START + next * 10_000));
                next += 1;
            }
        }
        assert_eq!(next, SPANS);
        store.close().unwrap();
    });
    // The trace takes some 30 MiB as it arrives, and 100 MiB as owned spans; measured: 23 MiB.
    assert!(peak < 40 * MIB, "{} MiB", peak / MIB);
}

#[test]
fn p7_a_trace_larger_than_the_buffers_is_stored_by_the_appending_thread() {
    store_a_long_trace(0);
}

#[test]
fn p7_a_trace_larger_than_the_buffers_is_stored_in_the_background() {
    store_a_long_trace(1);
}

#[test]
fn p7_a_request_larger_than_the_buffers_is_stored() {
    const SPANS: u64 = 100_000;
    let _turn = turn();
    for threads in [0, 1] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), options().threads(threads));
        let spans = (0..SPANS).map(|i| span(i / 50, i, START + i)).collect();
        assert_eq!(store.append(&request(spans)).unwrap().accepted, SPANS);
        store.append(&request(vec![span(SPANS, 0, START)])).unwrap();
        drop(store);
        let store = open(dir.path(), options().threads(threads));
        store.flush().unwrap();
        let stats = store.stats().unwrap();
        assert_eq!((stats.spans, stats.traces), (SPANS + 1, SPANS / 50 + 1));
        let found = store.trace(trace_id(7)).unwrap().unwrap();
        assert_eq!(found.spans.len(), 50);
    }
}

#[test]
fn p7_spans_that_have_nothing_in_common_are_stored() {
    const SPANS: u64 = 12_000;
    let turn = turn();
    let own = |n: u64| {
        let attribute = |what: &str| KeyValue::new(format!("{what}.{n}"), format!("value of {n}"));
        let resource = Resource { attributes: vec![attribute("host")], ..Resource::default() };
        let scope = Scope { name: format!("scope {n}").into(), ..Scope::default() };
        let mut span = span(n / 3, n, START + n);
        span.attributes.extend(["a", "b", "c"].map(attribute));
        let scope_spans =
            ScopeSpans { scope: Some(scope), spans: vec![span], ..ScopeSpans::default() };
        ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![scope_spans],
            ..ResourceSpans::default()
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let batch: Vec<_> = (0..SPANS).map(own).collect();
    let peak = peak_of(&turn, || {
        let store = open(dir.path(), options().threads(1));
        store.append(&batch).unwrap();
        store.merge().unwrap();
        assert_eq!(store.stats().unwrap().spans, SPANS);
        for n in (0..SPANS).step_by(333) {
            let found = store.trace(trace_id(n / 3)).unwrap().unwrap();
            assert!(found.spans.iter().any(|span| span.span.span_id == (n + 1).into()));
            let told = Query::parse(&format!("{{ span.a.{n} = \"value of {n}\" }}")).unwrap();
            assert_eq!(store.search(&told).unwrap().traces.len(), 1);
        }
        store.close().unwrap();
    });
    // Twice the budget; measured: 11 MiB.
    assert!(peak < 16 * MIB, "{} MiB", peak / MIB);
}

#[test]
fn p7_a_request_beyond_the_limit_is_refused_and_the_store_goes_on() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), options());
    let beyond = vec![0; (256 << 20) + 1];
    for refused in [store.append_otlp(&beyond), store.append_otlp_json(&beyond)] {
        assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
    }
    assert!(matches!(store.submit_otlp(beyond), Err(Error::Limit { .. })));
    store.append(&request(vec![span(0, 0, START)])).unwrap();
    assert_eq!(store.stats().unwrap().spans, 1);
}

#[test]
fn p7_a_batch_for_thousands_of_partitions_is_stored() {
    const PARTITIONS: u64 = 5_000;
    let turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let peak = peak_of(&turn, || {
        let store = open(dir.path(), options().threads(1));
        let spans = |again: u64| (0..PARTITIONS).map(move |i| span(i, again, START + i * HOUR));
        store.append(&request(spans(0).collect())).unwrap();
        store.append(&request(spans(1).collect())).unwrap();
        let newest = store.search_ids(&Query::parse("{ }").unwrap().limit(3)).unwrap();
        let ids: Vec<_> = newest.iter().map(|times| times.trace_id).collect();
        assert_eq!(ids, [1, 2, 3].map(|back| trace_id(PARTITIONS - back)));
        let stats = store.stats().unwrap();
        assert_eq!((stats.spans, stats.traces), (2 * PARTITIONS, PARTITIONS));
        assert_eq!(stats.partitions.len() as u64, PARTITIONS);
    });
    assert!(peak < 64 * MIB, "{} MiB", peak / MIB);
}

/// Beside its own memory a search has the store's cache, and what its segments keep open.
#[test]
fn p7_searches_of_any_limit_hold_no_more_than_their_memory() {
    const TRACES: u64 = 20_000;
    const LONG: u64 = 40_000;
    const MEMORY: usize = 2 * MIB;
    let turn = turn();
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path(), options());
        for first in (0..TRACES).step_by(10_000) {
            let spans = (first..first + 10_000).map(|i| span(i + 1, 0, START + i));
            store.append(&request(spans.collect())).unwrap();
        }
        let long = (0..LONG).map(|i| span(0, i, START + 2 * TRACES + i));
        store.append(&request(long.collect())).unwrap();
        store.close().unwrap();
    }
    let store = open(dir.path(), options());
    let all = Query::spans().limit(usize::MAX).memory_bytes(MEMORY);
    let short = all.clone().between(..Timestamp::from_nanos(START + TRACES));
    let (mut pages, mut found) = (0, 0);
    let peak = peak_of(&turn, || {
        let mut query = short.clone();
        loop {
            let page = store.search(&query).unwrap();
            (pages, found) = (pages + 1, found + page.traces.len());
            let Some(next) = page.next else { break };
            query = short.clone().after(next);
        }
        assert!(matches!(store.search_ids(&short), Err(Error::Limit { .. })));
        assert!(matches!(store.search_spans(&short), Err(Error::Limit { .. })));
        // Half of the memory is less than the long trace takes.
        assert!(matches!(store.search(&all), Err(Error::Limit { .. })));
    });
    assert_eq!(found as u64, TRACES);
    assert!(pages > 5, "{pages} pages");
    assert!(peak < MEMORY + 4 * MIB, "{} MiB", peak / MIB);
    let whole = store.search(&Query::spans().limit(1)).unwrap();
    let spans: Vec<u64> = whole.traces.iter().map(|hit| hit.span_count).collect();
    assert_eq!(spans, [LONG], "with the memory that is usual");
}

#[test]
fn p7_the_log_stays_short_beside_a_buffer_that_hardly_fills() {
    const BATCHES: u64 = 120;
    const SPANS: u64 = 2_000;
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), options().threads(0).durability(Durability::Os));
    let mut longest = 0;
    for n in 0..BATCHES {
        let spans = (0..SPANS).map(|i| span(n + 1, i, START + i));
        // Now and then a span of long ago.
        let late = (n % 40 == 0).then(|| span(0, n, START - HOUR));
        store.append(&request(spans.chain(late).collect())).unwrap();
        let log = std::fs::read_dir(dir.path().join("log")).unwrap();
        longest = longest.max(log.map(|file| file.unwrap().metadata().unwrap().len()).sum());
    }
    let stats = store.stats().unwrap();
    assert_eq!((stats.spans, stats.traces), (BATCHES * SPANS + BATCHES / 40, BATCHES + 1));
    let counters = stats.counters.unwrap();
    assert!(counters.bytes_logged > 24 * MIB as u64 && counters.seals_log > 0, "{counters:?}");
    // Files of a MiB: the budget's eight, the one at hand, and four that wait to be overwritten.
    assert!(longest <= 14 * MIB as u64, "{longest}");
    store.close().unwrap();
}

#[test]
fn p7_a_hundred_stores_stay_within_one_budget() {
    const STORES: u64 = 100;
    const ROUNDS: u64 = 3;
    const SPANS: u64 = 500;
    const BUDGET: usize = 8 * MIB;
    let turn = turn();
    let dir = tempfile::tempdir().unwrap();
    for threads in [0, 2] {
        let peak = peak_of(&turn, || {
            let shared = Resources::new(BUDGET, threads);
            let open = |n: u64| {
                let options = options().resources(shared.clone()).durability(Durability::Os);
                open(&dir.path().join(format!("{threads}-{n}")), options)
            };
            let stores: Vec<Store> = (0..STORES).map(open).collect();
            for round in 0..ROUNDS {
                for (n, store) in (0..).zip(&stores) {
                    let first = (n * ROUNDS + round) * SPANS;
                    let spans = (first..first + SPANS).map(|i| span(i / 20, i, START + i));
                    store.append(&request(spans.collect())).unwrap();
                    let memory = shared.memory();
                    assert!(memory.used_bytes <= BUDGET, "{memory:?}");
                }
            }
            let memory = shared.memory();
            // Each store alone would have kept its spans in memory: together they may not.
            assert!(memory.peak_bytes > BUDGET / 4 && memory.peak_bytes <= BUDGET, "{memory:?}");
            for store in &stores {
                let stats = store.stats().unwrap();
                assert_eq!(stats.spans, ROUNDS * SPANS);
                assert_eq!(stats.memory.unwrap().budget_bytes, BUDGET);
            }
            assert!(stores.iter().all(|store| store.stats().unwrap().segments > 0));
            stores.into_iter().for_each(|store| store.close().unwrap());
            assert_eq!(shared.memory().buffer_bytes, 0);
        });
        // Beside the budget each store has its log's buffer and what its segments keep open.
        assert!(peak < 3 * BUDGET, "{threads} threads: {} MiB", peak / MIB);
    }
}

#[test]
fn p7_what_segments_are_decoded_by_keeps_within_its_share() {
    const SEGMENTS: u64 = 40;
    const OPERATIONS: u64 = 50;
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let shared = Resources::new(8 * MIB, 0);
    let options = options().resources(shared.clone()).merge_fan_in(1000).max_unmerged(10_000);
    let store = open(dir.path(), options);
    // Of each operation several spans, so that it has a template with columns of its own.
    let operation = |segment: u64, n: u64| {
        let own = segment * OPERATIONS + n % OPERATIONS;
        let key = |at| KeyValue::new(format!("{own}.{at}"), (n * n + at) as i64);
        let attributes = (0..12).map(key).collect();
        Span { name: format!("operation {own}").into(), attributes, ..span(segment, n, START + n) }
    };
    for segment in 0..SEGMENTS {
        let spans = (0..4 * OPERATIONS).map(|n| operation(segment, n));
        store.append(&request(spans.collect())).unwrap();
        store.flush().unwrap();
    }
    let mut most = 0;
    for round in 0..2 {
        for segment in 0..SEGMENTS {
            let trace = store.trace(trace_id(segment)).unwrap().unwrap();
            assert_eq!(trace.spans.len() as u64, 4 * OPERATIONS, "round {round}");
            most = most.max(shared.memory().model_bytes);
        }
    }
    assert!((MIB / 2..=MIB).contains(&most), "{most} bytes");
    assert_eq!(store.stats().unwrap().segments, SEGMENTS);
    store.close().unwrap();
}
