//! Ids that are nowhere, among hundreds and thousands of segments: what each costs, and how many
//! of them read any segment.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::stores::options;
use common::table::{Figure, Table};
use common::times::Times;
use common::{Outcome, check, config, store_dir};
use tracekeep::simulation::{CountedDisk, Environment, InlineExecutor, ManualClock, RealDisk};
use tracekeep::{Io, Options, Reader, Store, TraceId, TraceReader};
use tracekeep_workload::{Config, Workload, count, encode_protobuf};

/// Ids that are looked up.
const SAMPLE: usize = 2000;

/// Of ids that are nowhere, one in so many may read a segment.
const READERS: usize = 50;
/// The same holds up to so many segments: each lets some pass.
const READERS_SEGMENTS: u64 = 200;

fn main() -> Outcome {
    let config = config()?;
    let table = Table::new("absent ids", config.spans);
    for (segments, first) in [(200, 5), (2000, 50)] {
        let dir = store_dir()?;
        let ids = fill(dir.path(), &config, segments)?;
        measure(&table, dir.path(), segments, &ids, Duration::from_micros(first))?;
    }
    Ok(())
}

/// Writes the work in so many segments; ids that are like its own, but nowhere.
fn fill(dir: &Path, config: &Config, segments: u64) -> Outcome<Vec<TraceId>> {
    // A day and more in one partition, so that each flush makes one segment; none are merged.
    let options = options().partition(Duration::from_secs(30 * 24 * 3600)).merge_fan_in(1_000_000);
    let store = Store::open(dir, options)?;
    let piece = config.spans / segments;
    // A flush ends with a batch.
    let config = config.clone().batch_spans((piece as usize / 2).clamp(1, config.batch_spans));
    let (mut spans, mut flushes) = (0, 0);
    let mut ids = Vec::new();
    for batch in Workload::new(&config) {
        spans += count(&batch);
        store.append_otlp(&encode_protobuf(&batch))?;
        let first = batch.iter().flat_map(|g| &g.scope_spans).flat_map(|s| &s.spans).next();
        ids.extend(first.map(|span| span.trace_id));
        if spans >= (flushes + 1) * piece && flushes + 1 < segments {
            store.flush()?;
            flushes += 1;
        }
    }
    store.flush()?;
    let stats = store.stats()?;
    println!("{} segments of {} spans in all", stats.segments, stats.spans);
    check("the number of segments", stats.segments * 10 >= segments * 9)?;
    store.close()?;
    let step = (ids.len() / SAMPLE).max(1);
    let absent = |id: TraceId| TraceId::from(u128::from(id) ^ 0x5555_5555_5555);
    Ok(ids.into_iter().step_by(step).map(absent).collect())
}

fn measure(table: &Table, dir: &Path, segments: u64, ids: &[TraceId], first: Duration) -> Outcome {
    let disk = CountedDisk::new(RealDisk::new(Io::Map));
    let environment = Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(tracekeep::Timestamp::ZERO)),
        executor: Arc::new(InlineExecutor::new()),
    };
    let counted = Reader::open_in(dir, Options::default(), environment)?;
    check("an absent trace", counted.trace(TraceId::from(1))?.is_none())?;
    disk.take_ranges();
    let mut readers = 0;
    for &id in ids {
        check("an absent trace", counted.trace(id)?.is_none())?;
        readers += usize::from(disk.take_ranges() > 0);
    }
    table.note(&format!("{segments} segments: ids that read any, of {}", ids.len()), readers);
    if segments <= READERS_SEGMENTS {
        check("ids that read a segment", readers * READERS <= ids.len())?;
    }

    let reader = Reader::open(dir)?;
    let times = Times::of(ids, 5, |&id| reader.trace(id))?;
    let what = format!("absent id, {segments} segments, p50");
    table.figure(&what, Figure::Time(times.at(0.5)), Figure::Time(first), Figure::Time(first));
    table.note(&format!("absent id, {segments} segments, p99"), Figure::Time(times.at(0.99)));
    Ok(())
}
