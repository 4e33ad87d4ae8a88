//! Claim: what has expired is gone for new readers at once and as a whole, also after a crash at any
//! moment (P1, P2); whoever was reading goes on undisturbed (P8, P9); a store that lives by a rule
//! keeps it by itself, and refuses what would expire at once (P5).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/world.rs"]
mod world;

use std::time::Duration;

use tracekeep::simulation::{Fault, MemDisk, Survivors};
use tracekeep::{
    Appended, Error, Expiry, Options, Reader, ResourceSpans, Retention, ScopeSpans, Span, Store,
    Timestamp, TraceId, TraceReader,
};
use world::{ROOT, World};

const HOUR: Duration = Duration::from_secs(3600);
const DAY_ONE: u64 = 500_000;

fn hour(number: u64) -> Timestamp {
    Timestamp::ZERO.saturating_add(HOUR * u32::try_from(DAY_ONE + number).unwrap())
}

fn id(trace: u128) -> TraceId {
    TraceId::from(trace)
}

/// Spans of one trace, one in each of these hours.
fn trace(trace: u128, hours: impl IntoIterator<Item = u64>) -> Vec<ResourceSpans> {
    let span = |number: u64| Span {
        trace_id: id(trace),
        span_id: (number + 1).into(),
        start: hour(number),
        end: hour(number),
        name: "work".into(),
        ..Span::default()
    };
    let spans = hours.into_iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }]
}

/// A computer on which it is five hours after the first of these.
fn computer(disk: MemDisk) -> World {
    World::new(disk, hour(5))
}

fn open(world: &World, options: Options) -> Store {
    world.open(options).unwrap()
}

/// How many spans of a trace a reader sees.
fn spans(reader: &impl TraceReader, trace: u128) -> usize {
    reader.trace(id(trace)).unwrap().map_or(0, |trace| trace.spans.len())
}

fn newest(partitions: usize) -> Retention {
    Retention::default().max_partitions(partitions)
}

#[test]
fn p5_a_run_reports_what_it_dropped_and_which_traces_it_cut() {
    let world = computer(MemDisk::new());
    let store = open(&world, Options::default());
    store.append(&trace(1, [0])).unwrap();
    store.append(&trace(2, [0, 1, 2])).unwrap();
    store.flush().unwrap();
    store.append(&trace(3, [1, 2])).unwrap();
    store.append(&trace(4, [2])).unwrap();
    let report = store.retain(&Retention::default().max_age(HOUR * 3)).unwrap();
    let [gone, also] = report.partitions.as_slice() else { panic!("{report:?}") };
    assert_eq!((gone.start, gone.spans, gone.why), (hour(0), 2, Expiry::Age));
    assert_eq!((also.start, also.spans, also.why), (hour(1), 2, Expiry::Age));
    assert_eq!(report.cut_traces, 2);
    let left = [1, 2, 3, 4].map(|trace| spans(&store, trace));
    assert_eq!(left, [0, 1, 1, 1]);
    let stats = store.stats().unwrap();
    assert_eq!((stats.spans, stats.partitions.len()), (3, 1));
    let counters = stats.counters.unwrap();
    assert_eq!((counters.partitions_dropped, counters.spans_dropped), (2, 4));
}

#[test]
fn p8_p9_readers_keep_what_is_dropped_and_its_files_go_after_them() {
    let world = computer(MemDisk::new());
    let store = open(&world, Options::default());
    store.append(&trace(1, [0, 1])).unwrap();
    store.flush().unwrap();
    drop(store);
    // Nothing has been opened yet in these.
    let store = open(&world, Options::default());
    let snapshot = store.snapshot().unwrap();
    let reader = Reader::open_in(ROOT, Options::default(), world.environment()).unwrap();
    let before = world.disk.used_bytes();
    let report = store.retain(&newest(1)).unwrap();
    assert_eq!([spans(&store, 1), spans(&snapshot, 1), spans(&reader, 1)], [1, 2, 2]);
    assert!(world.disk.used_bytes() >= before, "a reader of another process needs the file");
    reader.refresh().unwrap();
    assert_eq!(spans(&reader, 1), 1);
    // The writer looks again by itself.
    let dropped = world.disk.used_bytes();
    assert!(world.executor.run_delayed() > 0);
    assert_eq!(dropped - world.disk.used_bytes(), report.bytes());
    assert_eq!(spans(&snapshot, 1), 2);
}

#[test]
fn a_store_lives_by_its_rule() {
    let world = computer(MemDisk::new());
    let rule = Retention::default().max_age(HOUR * 4);
    let store = open(&world, Options::default().retention(rule.clone()));
    let Appended { accepted, rejected, first_rejection, .. } =
        store.append(&trace(1, [0, 1, 2])).unwrap();
    assert_eq!((accepted, rejected), (2, 1));
    assert!(first_rejection.unwrap().contains("retention"));
    store.flush().unwrap();
    assert_eq!(spans(&store, 1), 2);
    // Nobody asks for it.
    assert!(world.pass(HOUR + Duration::from_secs(1)) > 0);
    assert_eq!(spans(&store, 1), 1);
    assert_eq!(store.append(&trace(2, [1, 2])).unwrap().rejected, 1);
    let counters = store.stats().unwrap().counters.unwrap();
    assert_eq!((counters.spans_behind_horizon, counters.partitions_dropped), (2, 1));
    drop(store);
    world.clock.advance(HOUR);
    let store = open(&world, Options::default().retention(rule));
    assert!(world.executor.run_delayed() > 0);
    assert_eq!((spans(&store, 1), spans(&store, 2)), (0, 0));
}

#[test]
fn a_flush_makes_room_by_number_and_what_comes_late_is_refused() {
    let world = computer(MemDisk::new());
    let store = open(&world, Options::default().retention(newest(2)));
    for number in 0..4 {
        store.append(&trace(1, [number])).unwrap();
        store.flush().unwrap();
    }
    assert_eq!(store.stats().unwrap().partitions.len(), 2);
    assert_eq!(store.append(&trace(2, [1])).unwrap().rejected, 1);
    assert_eq!(store.append(&trace(2, [2])).unwrap().rejected, 0);
}

/// Drops two of three partitions, one of them buffered in part, and goes on. Tells whether it got
/// so far that the drop was acknowledged.
fn live(world: &World) -> Result<bool, Error> {
    let store = world.open(Options::default())?;
    store.append(&trace(1, [0, 1, 2]))?;
    store.flush()?;
    store.append(&trace(2, [0, 1, 2]))?;
    store.append(&trace(3, [2]))?;
    store.retain(&newest(1))?;
    Ok(true)
}

#[test]
fn p1_p2_a_cut_at_every_operation_leaves_the_state_before_or_after() {
    let whole = computer(MemDisk::new());
    assert!(live(&whole).unwrap());
    let (mut before, mut after) = (0, 0);
    for at in 0..whole.disk.operations() {
        for choice in [Survivors::None, Survivors::All, Survivors::Chosen(at)] {
            let world = computer(MemDisk::new());
            world.disk.fail_at(at, Fault::PowerOff);
            let dropped = live(&world).unwrap_or(false);
            let context = format!("cut at operation {at}, {choice:?}");
            let world = computer(world.disk.crash(choice));
            let store = world.open(Options::default());
            let store = store.unwrap_or_else(|error| panic!("{context}: {error}"));
            let found = [1, 2, 3].map(|trace| spans(&store, trace));
            match found {
                [1, 1, 1] => after += 1,
                // Batches follow each other.
                [0, 0, 0] | [3, 0, 0] | [3, 3, 0] | [3, 3, 1] => {
                    assert!(!dropped, "{context}: the drop was acknowledged");
                    before += 1;
                }
                other => panic!("{context}: {other:?}"),
            }
            // It can be done again, and what was dropped stays so.
            store.append(&trace(3, [2])).unwrap();
            store.retain(&newest(1)).unwrap();
            drop(store);
            let store = open(&world, Options::default());
            assert_eq!(store.stats().unwrap().partitions.len(), 1, "{context}");
        }
    }
    assert!(before > 0 && after > 0);
}

#[test]
fn what_comes_after_a_drop_is_there_after_reopening() {
    let world = computer(MemDisk::new());
    let store = open(&world, Options::default());
    store.append(&trace(1, [0, 1])).unwrap();
    store.retain(&newest(1)).unwrap();
    // Of the same time and the same id as what was dropped.
    store.append(&trace(1, [0])).unwrap();
    assert_eq!(spans(&store, 1), 2);
    drop(store);
    let store = open(&world, Options::default().partition(HOUR / 4));
    assert_eq!(spans(&store, 1), 2);
    store.flush().unwrap();
    drop(store);
    assert_eq!(spans(&open(&world, Options::default()), 1), 2);
}

#[test]
fn on_a_full_disk_a_drop_makes_room_and_appends_resume() {
    let world = computer(MemDisk::new());
    let store = open(&world, Options::default());
    store.append(&trace(1, [0, 1])).unwrap();
    store.flush().unwrap();
    for _ in 0..2 {
        world.disk.set_capacity(Some(world.disk.used_bytes()));
        // A log file goes on in place for a while, but not for a request like this.
        let large = trace(2, (0..20_000).map(|second| second % 2));
        assert!(matches!(store.append(&large), Err(Error::NoSpace { .. })));
        store.retain(&newest(1)).unwrap();
        assert_eq!(spans(&store, 1), 1);
        world.disk.set_capacity(None);
        store.append(&trace(1, [0])).unwrap();
        store.flush().unwrap();
        assert_eq!(spans(&store, 1), 2);
    }
    // Ids that no encoding makes smaller: the partition takes more than what is given up.
    let mut many = trace(2, (0..20_000).map(|_| 0));
    for (span, n) in many[0].scope_spans[0].spans.iter_mut().zip(1u64..) {
        span.span_id = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).into();
    }
    store.append(&many).unwrap();
    store.close().unwrap();
    world.disk.set_capacity(Some(world.disk.used_bytes()));
    let store = open(&world, Options::default());
    let report = store.retain(&newest(1)).unwrap();
    assert_eq!((report.spans(), spans(&store, 1)), (20_001, 1));
    // What the drop has freed is enough for what comes, with the store open as it was.
    store.append(&trace(1, [1, 2])).unwrap();
    assert_eq!(spans(&store, 1), 2);
}

#[test]
fn a_rule_that_keeps_all_drops_nothing() {
    let world = computer(MemDisk::new());
    let store = open(&world, Options::default().retention(Retention::default()));
    store.append(&trace(1, [0])).unwrap();
    assert!(store.retain(&Retention::default()).unwrap().partitions.is_empty());
    assert_eq!(spans(&store, 1), 1);
}
