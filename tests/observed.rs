//! Claim: an observer is told what a store does, the counters sum it up and outlive the store, and
//! a failure in the background is seen by both.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/batches.rs"]
mod batches;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracekeep::simulation::{Environment, Fault, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{
    Job, Observer, Options, OutOfWindow, Query, Reader, Store, StoreEvent, TimeRange, Timestamp,
    TraceReader,
};

const ROOT: &str = "/store";
const HOUR: u64 = 3_600_000_000_000;

/// Keeps what it is told, as text.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// How many events of a kind there were since the last call; forgets all.
    fn count(&self, kind: &str) -> usize {
        self.take().iter().filter(|note| note.starts_with(kind)).count()
    }
}

impl Observer for Notes {
    fn observe(&self, event: &StoreEvent<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(480_000 * HOUR))),
        executor: Arc::new(InlineExecutor::new()),
    }
}

fn options(notes: &Arc<Notes>) -> Options {
    let observer: Arc<dyn Observer> = Arc::clone(notes) as _;
    Options::default().min_free_bytes(0).observer(observer).merge_fan_in(100)
}

fn open(disk: &MemDisk, notes: &Arc<Notes>) -> Store {
    Store::open_in(ROOT, options(notes), world(disk)).unwrap()
}

#[test]
fn every_step_of_a_life_is_told_and_counted() {
    let (disk, notes) = (MemDisk::new(), Arc::new(Notes::default()));
    let store = open(&disk, &notes);
    for n in 0..4 {
        store.append(&batches::batch(n, 30)).unwrap();
        if n % 2 == 1 {
            store.flush().unwrap();
        }
    }
    let told = notes.take();
    let count = |kind: &str| told.iter().filter(|note| note.starts_with(kind)).count();
    assert_eq!((count("Committed"), count("Sealed")), (4, 6), "{told:?}");
    assert_eq!(count("Began { job: Flush"), count("Flushed"), "{told:?}");
    assert!(count("Synced { file: Log") >= 4 && count("Synced { file: Segment") >= 6, "{told:?}");
    assert!(count("Synced { file: Manifest") >= 1 && count("Synced { file: Folder") >= 1);

    store.merge().unwrap();
    assert_eq!(notes.count("Merged"), 3);
    store.trace(batches::trace_id(1)).unwrap().unwrap();
    store.trace(batches::trace_id(99)).unwrap();
    let told = notes.take();
    assert!(told.iter().any(|note| note == "Cache { hit: false }"), "{told:?}");
    assert!(told.iter().any(|note| note == "Lookup { segments: 3, pruned: 3 }"), "{told:?}");
    let query = Query::parse("{ }").unwrap();
    let late = Timestamp::from_nanos(480_002 * HOUR);
    store.search(&query.between(TimeRange::from(late..))).unwrap();
    assert!(notes.take().iter().any(|note| note.starts_with("Search { segments: 1")));

    let counters = store.stats().unwrap().counters.unwrap();
    assert_eq!((counters.appends, counters.spans_accepted, counters.merges), (4, 120, 3));
    assert_eq!((counters.spans_flushed, counters.seals_asked), (120, 6));
    assert_eq!((counters.segments_merged, counters.failures), (6, 0));
    assert_eq!(counters.since, Timestamp::from_nanos(480_000 * HOUR));
    store.close().unwrap();

    let reader = Reader::open_in(ROOT, Options::default(), world(&disk)).unwrap();
    assert_eq!(reader.stats().unwrap().counters.unwrap(), counters);
    let store = open(&disk, &notes);
    store.append(&batches::batch(9, 30)).unwrap();
    assert_eq!(store.stats().unwrap().counters.unwrap().spans_accepted, 150);
}

#[test]
fn recovery_tells_how_far_it_is() {
    let (disk, notes) = (MemDisk::new(), Arc::new(Notes::default()));
    let store = open(&disk, &notes);
    for n in 0..40 {
        store.append(&batches::batch(n, 3000)).unwrap();
    }
    drop(store);
    notes.take();
    let store = open(&disk, &notes);
    let told: Vec<_> =
        notes.take().into_iter().filter(|note| note.starts_with("Recovering")).collect();
    assert!(told.len() > 1, "{told:?}");
    assert!(told.last().unwrap().contains("frames: 40, spans: 120000,"), "{told:?}");
    assert!(told.last().unwrap().ends_with("done: true }"), "{told:?}");
    let counters = store.stats().unwrap().counters.unwrap();
    assert_eq!((counters.recoveries, counters.spans_recovered), (1, 120_000));
}

#[test]
fn spans_outside_the_window_are_counted_whatever_becomes_of_them() {
    for (policy, kept) in [(OutOfWindow::Accept, 30), (OutOfWindow::Reject, 10)] {
        let (disk, notes) = (MemDisk::new(), Arc::new(Notes::default()));
        let options = options(&notes).out_of_window(policy);
        let options = options.max_ahead(Duration::from_secs(60));
        let store = Store::open_in(ROOT, options, world(&disk)).unwrap();
        let done = store.append(&batches::batch(0, 30)).unwrap();
        assert_eq!((done.accepted, done.rejected), (kept, 30 - kept));
        let wanted = format!("OutsideWindow {{ spans: 20, decision: {:?} }}", policy.name());
        assert!(notes.take().contains(&wanted));
        let counters = store.stats().unwrap().counters.unwrap();
        assert_eq!((counters.spans_outside_window, counters.spans_rejected), (20, 30 - kept));
    }
}

#[test]
fn a_failure_in_the_background_is_told_and_the_last_one_is_kept() {
    let (disk, notes) = (MemDisk::new(), Arc::new(Notes::default()));
    let store = open(&disk, &notes);
    store.append(&batches::batch(0, 3)).unwrap();
    disk.fail_at(disk.operations(), Fault::Io);
    assert!(store.flush().is_err());
    let failed = notes.count("Failed { job: Flush");
    assert_eq!(failed, 1);
    store.flush().unwrap();
    store.close().unwrap();
    let reader = Reader::open_in(ROOT, Options::default(), world(&disk)).unwrap();
    let counters = reader.stats().unwrap().counters.unwrap();
    assert_eq!(counters.failures, 1);
    let failure = counters.last_failure.unwrap();
    assert_eq!((failure.job.as_str(), Job::Flush.name()), ("flush", "flush"));
    assert!(failure.message.contains(ROOT), "{failure:?}");
}

#[test]
fn p6_counters_that_cannot_be_read_begin_anew_and_cost_no_data() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    store.append(&batches::batch(0, 3)).unwrap();
    store.close().unwrap();
    std::fs::write(dir.path().join("COUNTERS"), "{\"appends\": 12").unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let stats = store.stats().unwrap();
    assert_eq!((stats.spans, stats.counters.unwrap().appends), (3, 0));
}
