//! Claim: a backup is a store that holds what was acknowledged when it was made, whatever goes on
//! meanwhile, and what happens to the store later does not reach it (P1, P8).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tracekeep::simulation::{Environment, Fault, InlineExecutor, ManualClock, MemDisk, Survivors};
use tracekeep::{
    Error, Options, OutOfWindow, Reader, ResourceSpans, Retention, ScopeSpans, Span, Store,
    TimeRange, Timestamp, TraceReader,
};

const HOUR: u64 = 3_600_000_000_000;
const NOW: Timestamp = Timestamp::from_nanos(500_000 * HOUR);

/// Two spans of a trace, in two partitions.
fn batch(trace: u64) -> Vec<ResourceSpans> {
    let span = |hour: u64| Span {
        trace_id: u128::from(trace + 1).into(),
        span_id: (hour + 1).into(),
        start: Timestamp::from_nanos(NOW.nanos() + hour * HOUR),
        name: "work".into(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span(0), span(1)], ..ScopeSpans::default() }];
    vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }]
}

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(NOW)),
        executor: Arc::new(InlineExecutor::new()),
    }
}

fn options() -> Options {
    Options::default().threads(0).min_free_bytes(0)
}

fn open(disk: &MemDisk, root: &str) -> Store {
    Store::open_in(root, options(), world(disk)).unwrap()
}

/// A store with two segments in each of two partitions and a batch that is not flushed.
fn filled(disk: &MemDisk) -> Store {
    let store = open(disk, "/store");
    for trace in 0..2 {
        store.append(&batch(trace)).unwrap();
        store.flush().unwrap();
    }
    store.append(&batch(2)).unwrap();
    store
}

fn spans(reader: &impl TraceReader) -> usize {
    reader.scan(TimeRange::ALL).unwrap().map(|spans| spans.unwrap().len()).sum()
}

#[test]
fn a_backup_holds_what_was_there_and_goes_its_own_way() {
    let disk = MemDisk::new();
    let store = filled(&disk);
    let before = disk.used_bytes();
    let report = store.backup("/copy").unwrap();
    assert_eq!((report.segments, report.batches, report.copied_bytes), (4, 1, 0));
    assert!(report.linked_bytes > 0 && disk.used_bytes() - before < report.linked_bytes * 50);
    store.append(&batch(3)).unwrap();
    store.merge().unwrap();
    store.retain(&Retention::default().max_partitions(1)).unwrap();
    assert_eq!(spans(&store), 4);
    let copy = open(&disk, "/copy");
    assert_eq!(spans(&copy), 6);
    copy.append(&batch(9)).unwrap();
    copy.merge().unwrap();
    drop(copy);
    assert_eq!((spans(&open(&disk, "/copy")), spans(&store)), (8, 4));
}

#[test]
fn a_reader_makes_the_same_backup_without_the_lock() {
    let disk = MemDisk::new();
    let store = filled(&disk);
    let reader = Reader::open_in("/store", options(), world(&disk)).unwrap();
    store.append(&batch(3)).unwrap();
    reader.backup("/copy").unwrap();
    assert_eq!(spans(&open(&disk, "/copy")), 8);
    drop(store);
    assert!(matches!(reader.backup("/copy"), Err(Error::InvalidInput { .. })), "it is not empty");
}

#[test]
fn files_are_copied_where_they_cannot_be_linked() {
    let disk = MemDisk::new();
    let store = filled(&disk);
    let whole = disk.operations();
    store.backup("/first").unwrap();
    let operations = disk.operations() - whole;
    let mut copied = 0;
    for at in 0..operations {
        let to = format!("/copy{at}");
        disk.fail_at(disk.operations() + at, Fault::Io);
        if let Ok(report) = store.backup(&to) {
            copied += u64::from(report.copied_bytes > 0);
            assert_eq!(spans(&open(&disk, &to)), 6, "failure at operation {at}");
        }
    }
    assert!(copied >= 8, "{copied} links failed");
}

#[test]
fn p1_a_cut_at_any_operation_leaves_a_whole_backup_or_none_that_opens() {
    let (mut whole, mut none) = (0, 0);
    for at in 0.. {
        let disk = MemDisk::new();
        let store = filled(&disk);
        disk.fail_at(disk.operations() + at, Fault::PowerOff);
        let made = store.backup("/copy").is_ok();
        drop(store);
        for choice in [Survivors::None, Survivors::All, Survivors::Chosen(at)] {
            let disk = disk.crash(choice);
            let options = options().create_if_missing(false);
            match Store::open_in("/copy", options, world(&disk)) {
                Ok(copy) => {
                    assert_eq!(spans(&copy), 6, "cut at {at}, {choice:?}");
                    whole += 1;
                }
                Err(error) => {
                    assert!(!made, "cut at {at}, {choice:?}: {error}");
                    none += 1;
                }
            }
            assert_eq!(spans(&open(&disk, "/store")), 6);
        }
        if made {
            break;
        }
    }
    assert!(whole > 0 && none > 0);
}

#[test]
fn the_quarantine_is_backed_up_with_its_store() {
    let disk = MemDisk::new();
    let window = options().max_ahead(std::time::Duration::from_secs(60));
    let window = window.out_of_window(OutOfWindow::Quarantine);
    let store = Store::open_in("/store", window, world(&disk)).unwrap();
    assert_eq!(store.append(&batch(0)).unwrap().quarantined, 1);
    store.backup("/copy").unwrap();
    let copy = open(&disk, "/copy");
    assert_eq!(spans(&copy), 1);
    assert_eq!(spans(&copy.quarantine().unwrap().unwrap()), 1);
}

/// Batches are acknowledged while a backup is made: it holds all that were before it began, and a
/// prefix of the others, each as a whole.
#[test]
fn p1_p8_a_backup_beside_a_writer_is_a_prefix_of_what_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options::default().seal_bytes(20_000).merge_fan_in(2).threads(2);
    let store = Store::open(dir.path().join("store"), options()).unwrap();
    let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                let next = acknowledged.load(Ordering::Acquire);
                store.append(&batch(next)).unwrap();
                acknowledged.store(next + 1, Ordering::Release);
            }
        });
        for number in 0..6 {
            let to = dir.path().join(format!("copy{number}"));
            let before = acknowledged.load(Ordering::Acquire);
            if number % 2 == 0 {
                store.backup(&to).unwrap();
            } else {
                Reader::open(dir.path().join("store")).unwrap().backup(&to).unwrap();
            }
            let after = acknowledged.load(Ordering::Acquire) + 1;
            let copy = Reader::open(&to).unwrap();
            let found = copy.stats().unwrap();
            assert_eq!(found.spans, found.traces * 2, "a batch is there in part");
            assert!((before..=after).contains(&found.traces), "{before} {} {after}", found.traces);
            let ids: Vec<_> = (1..=found.traces).map(|id| u128::from(id).into()).collect();
            for (trace, id) in copy.traces(&ids).unwrap().zip(&ids) {
                assert!(trace.unwrap().is_some(), "{id} is missing before a later one");
            }
        }
        stop.store(true, Ordering::Release);
    });
}
