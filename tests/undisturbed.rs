//! Claim: readers go on while a writer appends, flushes and merges, and each sees whole batches
//! only, none missing before one that it sees, and never fewer than before (P2, P8).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/batches.rs"]
mod batches;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use batches::{batch, trace_id};
use tracekeep::{Durability, Options, Query, Snapshot, Store, TraceReader};

const SPANS_A_BATCH: u64 = 9;
const BATCHES_MIN: u64 = 200;
/// Looks at the store that should fall into a flush or a merge before the test ends.
const LOOKS_MEANWHILE_MIN: u64 = 20;
/// By when they should have: some hundred times what it takes.
const PATIENCE: Duration = Duration::from_secs(120);

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
        store.append(&batch(n, SPANS_A_BATCH)).unwrap();
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
