//! The two states in which every reading figure is taken: merged, and busy.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tracekeep::{Durability, Options, Store, Timestamp};
use tracekeep_workload::{Config, Workload, count, encode_protobuf};

use crate::common::raw::Raw;
use crate::common::truth::Truth;
use crate::common::{Outcome, check};

/// Unmerged segments that a busy store holds at least.
const BUSY_SEGMENTS: u64 = 50;

/// Spans that half fill the live buffer: its limit is a third of the default memory budget.
const HALF_A_BUFFER: u64 = 100_000;

/// Options of a store whose loss nobody would mourn.
pub fn options() -> Options {
    Options::default().durability(Durability::Os)
}

/// Appends a raw file, request by request.
pub fn append(store: &Store, raw: &Raw) -> Outcome {
    raw.requests(|request| {
        store.append_otlp(request)?;
        Ok(())
    })
}

/// Fills a store with the work, merges it, and opens it again.
pub fn merged(dir: &Path, config: &Config, truth: &mut Truth) -> Outcome<Store> {
    let store = Store::open(dir, options())?;
    for batch in Workload::new(config) {
        truth.learn(&batch);
        store.append_otlp(&encode_protobuf(&batch))?;
    }
    store.merge()?;
    check("spans of the merged store", store.stats()?.spans == truth.spans)?;
    store.close()?;
    Ok(Store::open(dir, options())?)
}

/// A busy store: segments unmerged, the live buffer half full, a writer at work.
pub struct Busy {
    /// The store.
    pub store: Store,
    stop: Arc<AtomicBool>,
    writer: JoinHandle<u64>,
}

impl Busy {
    /// Fills a store with the work and keeps it busy.
    pub fn new(dir: &Path, config: &Config) -> Outcome<Self> {
        // A fan-in that is never met keeps segments apart.
        let store = Store::open(dir, options().merge_fan_in(100_000))?;
        let live = HALF_A_BUFFER.min(config.spans / 20);
        let piece = (config.spans - live) / flushes(config);
        let (mut spans, mut next_flush) = (0, piece);
        for batch in Workload::new(config) {
            spans += count(&batch);
            store.append_otlp(&encode_protobuf(&batch))?;
            // The last flush leaves `live` spans to come.
            if spans >= next_flush {
                store.flush()?;
                next_flush += piece;
            }
        }
        let stats = store.stats()?;
        println!("busy: {} segments, {} live spans", stats.segments, stats.buffered_spans);
        check("segments of the busy store", stats.segments >= BUSY_SEGMENTS)?;
        check("spans of the busy store", stats.spans == spans)?;
        let stop = Arc::new(AtomicBool::new(false));
        let writer = write_on(store.clone(), config, Arc::clone(&stop));
        Ok(Self { store, stop, writer })
    }

    /// Stops the writer; how many spans it wrote.
    pub fn finish(self) -> Outcome<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.writer.join().map_err(|_| "the writer panicked")?;
        self.store.close()?;
        Ok(written)
    }
}

/// How often to flush while filling, so that about twice [`BUSY_SEGMENTS`] come about: each flush
/// makes a segment for its own hours and, for the late, for those of the six hours before.
fn flushes(config: &Config) -> u64 {
    let hours = config.length.as_secs().div_ceil(3600);
    (2 * BUSY_SEGMENTS).saturating_sub(hours) / hours.clamp(1, 6) + 1
}

/// Writes some 20,000 spans a second, older than the work, so that the newest hits stay the same.
fn write_on(store: Store, config: &Config, stop: Arc<AtomicBool>) -> JoinHandle<u64> {
    let before = config.start.nanos().saturating_sub(12 * 3600 * 1_000_000_000);
    let older = Config::default()
        .seed(config.seed + 1)
        .start(Timestamp::from_nanos(before))
        .length(Duration::from_secs(10 * 3600))
        .spans(50_000_000);
    std::thread::spawn(move || {
        let mut written = 0;
        for batch in Workload::new(&older) {
            if stop.load(Ordering::Relaxed) || store.append_otlp(&encode_protobuf(&batch)).is_err()
            {
                break;
            }
            written += count(&batch);
            std::thread::sleep(Duration::from_millis(95));
        }
        written
    })
}
