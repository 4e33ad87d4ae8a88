//! Opening a store of many segments, warm; and recovering what only the log holds.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::time::{Duration, Instant};

use common::memory::{Sampler, resident};
use common::table::{Figure, Table};
use common::{Outcome, check, config, cpu, store_dir, stores};
use tracekeep::{Store, TraceReader};
use tracekeep_workload::{Workload, count, encode_protobuf};

/// Segments that the store has at least; merging is off.
const SEGMENTS: u64 = 200;

/// Spans that are left to the log: those that fit the buffers.
const RECOVERED: u64 = 150_000;

fn main() -> Outcome {
    let config = config()?;
    let table = Table::new("open", config.spans);
    let options = || stores::options().merge_fan_in(100_000);

    let dir = store_dir()?;
    let store = Store::open(dir.path(), options())?;
    let (mut spans, mut pieces) = (0, 0);
    for batch in Workload::new(&config) {
        spans += count(&batch);
        store.append_otlp(&encode_protobuf(&batch))?;
        // Each flush makes a segment for its own hours and a few of the late.
        if spans * SEGMENTS / 2 / config.spans > pieces {
            pieces += 1;
            store.flush()?;
        }
    }
    store.close()?;

    let mut opened = Duration::MAX;
    for _ in 0..5 {
        let before = resident().unwrap_or(0);
        let sampler = Sampler::start();
        let begin = Instant::now();
        let store = Store::open(dir.path(), options())?;
        let took = begin.elapsed();
        let after = resident().unwrap_or(0);
        let peak = sampler.peak().unwrap_or(after).max(after).saturating_sub(before);
        let stats = store.stats()?;
        check("spans", stats.spans == spans)?;
        check("segments", stats.segments >= SEGMENTS.min(config.spans / 1000))?;
        if took < opened {
            opened = took;
            table.note("segments", stats.segments);
            table.figure(
                "memory when opened",
                Figure::Bytes(peak),
                Figure::Bytes(64 << 20),
                Figure::Bytes(16 << 20),
            );
        }
        store.close()?;
    }
    table.figure(
        "opening, warm",
        Figure::Time(opened),
        Figure::Time(Duration::from_millis(50)),
        Figure::Time(Duration::from_millis(20)),
    );
    recovery(&table)
}

/// The log is replayed at the speed of ingest or better.
fn recovery(table: &Table) -> Outcome {
    let config = tracekeep_workload::Config::bench_store(RECOVERED, 24);
    let batches: Vec<_> = Workload::new(&config).collect();
    let last = batches.last().cloned().unwrap_or_default();
    let requests: Vec<_> = batches.iter().map(|batch| encode_protobuf(batch)).collect();
    let spans: u64 = batches.iter().map(|batch| count(batch)).sum();
    let dir = store_dir()?;
    let store = Store::open(dir.path(), stores::options())?;
    let (done, ingest) = cpu::of(|| -> Outcome {
        for request in &requests {
            store.append_otlp(request)?;
        }
        Ok(())
    });
    done?;
    drop(store);
    let (store, recovered) = cpu::of(|| Store::open(dir.path(), stores::options()));
    let store = store?;
    check("spans when recovered", store.stats()?.spans == spans)?;
    let some = last.first().and_then(|r| r.scope_spans.first()).and_then(|s| s.spans.first());
    if let Some(span) = some {
        check("a recovered trace", store.trace(span.trace_id)?.is_some())?;
    }
    table.ratio(
        "CPU of recovery / of the appends that it puts back",
        Figure::Time(recovered),
        Figure::Time(ingest),
        (1.0, 0.8),
    );
    Ok(())
}
