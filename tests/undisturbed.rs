//! Claim: readers go on while a writer appends, flushes and merges, and each sees whole batches
//! only, none missing before one that it sees, and never fewer than before (P2, P8).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracekeep::{
    Durability, KeyValue, Options, Query, ResourceSpans, ScopeSpans, Snapshot, Span, Store,
    Timestamp, TraceId, TraceReader,
};

const HOUR: u64 = 3_600_000_000_000;
const SPANS_A_BATCH: u64 = 9;
const BATCHES_MIN: u64 = 200;
/// Looks at the store that should fall into a flush or a merge before the test ends.
const LOOKS_MEANWHILE_MIN: u64 = 20;
/// By when they should have: some hundred times what it takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Batch `n`: one trace whose spans lie in three partitions, each bearing the number.
fn batch(n: u64) -> Vec<ResourceSpans> {
    let spans = (0..SPANS_A_BATCH).map(|i| Span {
        trace_id: trace_id(n),
        span_id: (i + 1).into(),
        start: Timestamp::from_nanos(480_000 * HOUR + i % 3 * HOUR + n),
        end: Timestamp::from_nanos(480_000 * HOUR + i % 3 * HOUR + n + 1000),
        name: "work".into(),
        attributes: vec![KeyValue::new("batch", n as i64)],
        ..Span::default()
    });
    let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
    vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }]
}

fn trace_id(n: u64) -> TraceId {
    TraceId::from(u128::from(n + 1))
}

/// Checks that a snapshot holds batches `0..k`, each whole, and nothing else; returns `k`.
fn check(view: &Snapshot, turn: u64) -> u64 {
    let spans = view.stats().unwrap().spans;
    assert_eq!(spans % SPANS_A_BATCH, 0, "{spans} spans are no whole batches");
    let count = spans / SPANS_A_BATCH;
    let newest = view.search_ids(&Query::parse("{ }").unwrap().limit(3)).unwrap();
    let newest: Vec<_> = newest.iter().map(|times| times.trace_id).collect();
    assert_eq!(newest, (0..count).rev().take(3).map(trace_id).collect::<Vec<_>>());
    assert!(view.trace(trace_id(count)).unwrap().is_none());
    // The newest, and some other in turn.
    for n in [count.checked_sub(1), (turn * 7).checked_rem(count)].into_iter().flatten() {
        let trace = view.trace(trace_id(n)).unwrap().unwrap();
        assert_eq!(trace.spans.len() as u64, SPANS_A_BATCH, "batch {n} in part");
        let query = Query::parse(&format!("{{ span.batch = {n} }}")).unwrap();
        let found = view.search_spans(&query).unwrap();
        assert_eq!(found, trace.spans, "batch {n}");
    }
    count
}

#[derive(Default)]
struct Progress {
    acknowledged: AtomicU64,
    /// A flush or merge is under way.
    busy: AtomicBool,
    /// Looks that began and ended within one.
    looks_meanwhile: AtomicU64,
    over: AtomicBool,
}

/// Ends the readers also when the writer fails.
struct Over<'a>(&'a Progress);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

fn write(store: &Store, progress: &Progress) {
    let _over = Over(progress);
    let began = Instant::now();
    for n in 0.. {
        store.append(&batch(n)).unwrap();
        progress.acknowledged.store(n + 1, Ordering::SeqCst);
        let looks = progress.looks_meanwhile.load(Ordering::SeqCst);
        if n >= BATCHES_MIN && looks >= LOOKS_MEANWHILE_MIN {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "readers waited: {looks} looks during upkeep");
        progress.busy.store(true, Ordering::SeqCst);
        match n % 20 {
            19 => store.merge().unwrap(),
            4 | 9 | 14 => store.flush().unwrap(),
            _ => {}
        }
        progress.busy.store(false, Ordering::SeqCst);
    }
}

fn read(store: &Store, progress: &Progress) {
    let mut before = 0;
    for turn in 0.. {
        if progress.over.load(Ordering::SeqCst) {
            break;
        }
        let busy = progress.busy.load(Ordering::SeqCst);
        let acknowledged = progress.acknowledged.load(Ordering::SeqCst);
        let count = check(&store.snapshot().unwrap(), turn);
        assert!(count >= acknowledged.max(before), "{count} batches, {acknowledged} acknowledged");
        before = count;
        if busy && progress.busy.load(Ordering::SeqCst) {
            progress.looks_meanwhile.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn p2_p8_readers_see_whole_batches_while_the_store_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        Options::default().durability(Durability::Os).merge_fan_in(2).block_rows(16).threads(2);
    let store = Store::open(dir.path(), options).unwrap();
    let progress = Progress::default();
    let first = store.snapshot().unwrap();
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| read(&store, &progress));
        }
        write(&store, &progress);
    });
    // A view stays as it was, whatever became of its store.
    assert_eq!(check(&first, 0), 0);
    let last = store.snapshot().unwrap();
    let count = progress.acknowledged.load(Ordering::SeqCst);
    store.merge().unwrap();
    store.close().unwrap();
    assert_eq!(check(&last, 1), count);
}
