//! Claim: cut the power at any write or sync of a history of appends, flushes and merges: after
//! reopening, every acknowledged batch is there, what is there is a prefix of the batches, and none
//! is there in part (P1, P2).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use tracekeep::simulation::{Environment, Fault, InlineExecutor, ManualClock, MemDisk, Survivors};
use tracekeep::{
    Durability, Error, KeyValue, Options, Resource, ResourceSpans, ScopeSpans, Span, Store,
    Timestamp, TraceId, TraceReader,
};

const HOUR: u64 = 3_600_000_000_000;
const SPANS_A_BATCH: u64 = 6;

/// Batch `n`: one trace whose spans lie in three partitions.
fn batch(n: u64) -> Vec<ResourceSpans> {
    let spans = (0..SPANS_A_BATCH).map(|i| Span {
        trace_id: trace_id(n),
        span_id: (i + 1).into(),
        parent_span_id: (i > 0).then(|| 1.into()),
        start: Timestamp::from_nanos(500_000 * HOUR + i % 3 * HOUR + n),
        end: Timestamp::from_nanos(500_000 * HOUR + i % 3 * HOUR + n + 1000),
        name: "work".into(),
        attributes: vec![KeyValue::new("batch", n as i64)],
        ..Span::default()
    });
    let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
    let attributes = vec![KeyValue::new("service.name", "crash")];
    let resource = Some(Resource { attributes, ..Resource::default() });
    vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }]
}

fn trace_id(n: u64) -> TraceId {
    TraceId::from(u128::from(n + 1))
}

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(500_000 * HOUR))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

fn options(durability: Durability) -> Options {
    Options::default()
        .durability(durability)
        .threads(0)
        .min_free_bytes(0)
        .merge_fan_in(2)
        .block_rows(4)
        .partition(Duration::from_secs(3600))
}

const ROOT: &str = "/store";

/// A short life: appends, a flush, more appends, a flush that merges, reopening, appends. Returns
/// how many batches were acknowledged before the first failure.
fn live(disk: &MemDisk, durability: Durability) -> (u64, Option<Error>) {
    let mut acknowledged = 0;
    let end = (|| {
        for life in 0..2 {
            let store = Store::open_in(ROOT, options(durability), world(disk))?;
            for step in 0..4 {
                store.append(&batch(acknowledged))?;
                acknowledged += 1;
                if step % 2 == 1 {
                    store.flush()?;
                }
            }
            if life == 0 {
                store.merge()?;
            }
        }
        Ok(())
    })();
    (acknowledged, end.err())
}

/// How many batches are there; panics if one is there in part or after a missing one.
fn survivors(disk: &MemDisk, durability: Durability, context: &str) -> u64 {
    let store = Store::open_in(ROOT, options(durability), world(disk))
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    let mut count = 0;
    for n in 0..16 {
        match store.trace(trace_id(n)).unwrap() {
            Some(trace) => {
                assert_eq!(trace.spans.len() as u64, SPANS_A_BATCH, "{context}: batch {n} in part");
                assert_eq!(count, n, "{context}: batch {n} follows a missing one");
                count += 1;
            }
            None => continue,
        }
    }
    let spans = store.stats().unwrap().spans;
    assert_eq!(spans, count * SPANS_A_BATCH, "{context}");
    // And it goes on from there.
    store.append(&batch(100)).unwrap();
    assert!(store.trace(trace_id(100)).unwrap().is_some(), "{context}");
    store.close().unwrap();
    count
}

fn operations(durability: Durability) -> u64 {
    let disk = MemDisk::new();
    let (acknowledged, error) = live(&disk, durability);
    assert!(error.is_none() && acknowledged == 8, "{error:?}");
    disk.operations()
}

fn cut_everywhere(durability: Durability, sure: bool) {
    let count = operations(durability);
    assert!(count > 50, "only {count} operations");
    for at in 0..count {
        let disk = MemDisk::new();
        disk.fail_at(at, Fault::PowerOff);
        let (acknowledged, _) = live(&disk, durability);
        for choice in
            [Survivors::None, Survivors::All, Survivors::Chosen(at), Survivors::Chosen(!at)]
        {
            let context = format!("{durability:?}, cut at operation {at}, {choice:?}");
            let found = survivors(&disk.crash(choice), durability, &context);
            assert!(found <= acknowledged + 1, "{context}: {found} of {acknowledged}");
            assert!(!sure || found >= acknowledged, "{context}: {found} of {acknowledged}");
        }
    }
}

#[test]
fn p1_p2_synced_batches_survive_a_cut_at_every_operation() {
    cut_everywhere(Durability::Sync, true);
}

#[test]
fn p1_p2_without_syncs_a_prefix_survives_a_cut_at_every_operation() {
    cut_everywhere(Durability::Os, false);
}

#[test]
fn p1_a_failed_sync_poisons_until_reopening() {
    let count = operations(Durability::Sync);
    let mut poisoned = 0;
    for at in 0..count {
        let disk = MemDisk::new();
        disk.fail_at(at, Fault::Io);
        let (acknowledged, error) = live(&disk, Durability::Sync);
        poisoned += u64::from(matches!(error, Some(Error::Poisoned { .. })));
        let context = format!("input/output error at operation {at}");
        let found = survivors(&disk, Durability::Sync, &context);
        assert!(found >= acknowledged, "{context}: {found} of {acknowledged}");
    }
    assert!(poisoned > 0);
}

#[test]
fn p1_a_poisoned_store_refuses_writes_and_goes_on_reading() {
    let disk = MemDisk::new();
    let store = Store::open_in(ROOT, options(Durability::Sync), world(&disk)).unwrap();
    store.append(&batch(0)).unwrap();
    // The next append writes a frame, then syncs.
    disk.fail_at(disk.operations() + 1, Fault::Io);
    assert!(matches!(store.append(&batch(1)), Err(Error::Poisoned { .. })));
    assert!(matches!(store.append(&batch(2)), Err(Error::Poisoned { .. })));
    assert!(matches!(store.flush(), Err(Error::Poisoned { .. })));
    assert!(store.trace(trace_id(0)).unwrap().is_some());
    assert!(store.trace(trace_id(1)).unwrap().is_none());
    drop(store);
    let store = Store::open_in(ROOT, options(Durability::Sync), world(&disk)).unwrap();
    store.append(&batch(3)).unwrap();
    assert!(store.trace(trace_id(0)).unwrap().is_some());
}

#[test]
fn p1_a_full_disk_refuses_appends_until_there_is_room() {
    let disk = MemDisk::new();
    let options = options(Durability::Sync).min_free_bytes(1 << 20);
    let store = Store::open_in(ROOT, options, world(&disk)).unwrap();
    store.append(&batch(0)).unwrap();
    disk.set_capacity(Some(disk.used_bytes() + 1000));
    for _ in 0..3 {
        assert!(matches!(store.append(&batch(1)), Err(Error::NoSpace { .. })));
    }
    assert!(store.trace(trace_id(0)).unwrap().is_some());
    assert!(store.trace(trace_id(1)).unwrap().is_none());
    disk.set_capacity(None);
    store.append(&batch(1)).unwrap();
    assert!(store.trace(trace_id(1)).unwrap().is_some());
}
