//! Dropping a partition: how long it takes, and that a reader who is at it goes on.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::table::{Figure, Table};
use common::{Outcome, check, store_dir, stores};
use tracekeep::{
    Observer, Reader, ResourceSpans, Retention, ScopeSpans, Span, Store, StoreEvent, TimeRange,
    TraceReader,
};
use tracekeep_workload::{Config, Workload, count, encode_protobuf};

/// Spans of the partition; `TRACEKEEP_BENCH_SPANS` sets another number.
const SPANS: u64 = 5_000_000;

/// Wide enough for all of the work.
const PARTITION: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long the last drop took, without counting which traces it cut.
#[derive(Default)]
struct Drops(Mutex<Duration>);

impl Observer for Drops {
    fn observe(&self, event: &StoreEvent<'_>) {
        if let StoreEvent::Dropped { took, .. } = event {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = *took;
        }
    }
}

fn main() -> Outcome {
    let spans = std::env::var("TRACEKEEP_BENCH_SPANS").ok();
    let spans = spans.map_or(Ok(SPANS), |text| text.replace('_', "").parse())?;
    let config = Config::bench_store(spans, 1);
    let table = Table::new("retention", config.spans);
    let dir = store_dir()?;
    let drops = Arc::new(Drops::default());
    let options = stores::options().partition(PARTITION).observer(drops.clone());
    let store = Store::open(dir.path(), options)?;
    let mut spans = 0;
    for batch in Workload::new(&config) {
        spans += count(&batch);
        store.append_otlp(&encode_protobuf(&batch))?;
    }
    // The newest partition stays.
    let later = Span {
        trace_id: 1u128.into(),
        span_id: 1.into(),
        start: config.start.saturating_add(PARTITION * 2),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![later], ..ScopeSpans::default() }];
    store.append(&[ResourceSpans { scope_spans, ..ResourceSpans::default() }])?;
    store.merge()?;

    let other = Reader::open(dir.path())?;
    let mut reading = store.scan(TimeRange::ALL)?;
    let first = reading.next().ok_or("nothing to read")??.len();
    let before = disk_use(dir.path())?;
    let begin = Instant::now();
    let report = store.retain(&Retention::default().max_partitions(1))?;
    let all = begin.elapsed();
    let took = *drops.0.lock().unwrap_or_else(PoisonError::into_inner);
    check("what was dropped", report.spans() == spans && report.cut_traces == 0)?;
    check("what a new reader sees", store.stats()?.spans == 1)?;

    let rest: usize = reading.map(|batch| batch.map(|spans| spans.len())).sum::<Result<_, _>>()?;
    check("what the old reader sees", (first + rest) as u64 == spans + 1)?;
    check("what another process sees", other.stats()?.spans == spans + 1)?;
    other.refresh()?;
    // The writer finds out by itself that the reader has let go.
    let patience = Instant::now() + Duration::from_secs(60);
    while before - disk_use(dir.path())?.min(before) < report.bytes() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(100));
    }
    let freed = before.saturating_sub(disk_use(dir.path())?);
    check("disk use", freed + (1 << 20) >= report.bytes())?;
    store.close()?;

    table.note("bytes dropped", report.bytes());
    table.figure(
        "dropping a partition",
        Figure::Time(took),
        Figure::Time(Duration::from_millis(50)),
        Figure::Time(Duration::from_millis(10)),
    );
    table.note("milliseconds until cut traces were counted", all.as_millis());
    Ok(())
}

/// Bytes of all files in a directory.
fn disk_use(dir: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        // Files come and go meanwhile.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { disk_use(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
