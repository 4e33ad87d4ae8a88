//! Bytes of stores with all their indexes, beside `zstd -19 --long=27` of the same spans' protobuf:
//! of the workload, of every shared capture, and of spans that no one expects.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use common::captures::{self, CAPTURES};
use common::memory::{Sampler, resident};
use common::raw::{Raw, segment_bytes};
use common::table::{Figure, Table};
use common::{Outcome, check, config, store_dir, stores, yardstick};
use tracekeep::{Options, Stats, Store};
use tracekeep_workload::Config;

/// Sections that find spans, and could be made anew from the others.
const INDEXES: [&str; 6] =
    ["tag index", "trace-id index", "bloom filter", "id filters", "zone maps", "peaks"];

/// Bytes of indexes to those of all else.
const INDEX_SHARE: (f64, f64) = (0.20, 0.12);

/// First target and goal of the memory that hostile spans take: as for any others.
const MEMORY: (Figure, Figure) = (Figure::Bytes(384 << 20), Figure::Bytes(256 << 20));

/// First target and goal of a store's bytes when its import closes.
const CLOSED: (f64, f64) = (0.90, 0.62);

fn main() -> Outcome {
    yardstick::be_child_if_asked()?;
    let config = config()?;
    let table = Table::new("size", config.spans);
    hostile(&table, &config)?;
    let shop = Raw::of(&config)?;
    measure(&table, "bench store", &shop, (0.60, 0.54), CLOSED)?;
    for capture in CAPTURES {
        let Some(raw) = captures::raw(capture)? else { continue };
        let targets = match capture {
            "otel-demo" => (0.72, 0.65),
            "nezha" => (0.68, 0.62),
            _ => (0.60, 0.54),
        };
        measure(&table, capture, &raw, targets, CLOSED)?;
    }
    Ok(())
}

/// Spans that no one expects, first of all: memory that others took would hide theirs.
fn hostile(table: &Table, config: &Config) -> Outcome {
    let raw = Raw::of(&config.clone().spans(config.spans / 10).hostile(true))?;
    let (sampler, before) = (Sampler::start(), resident().unwrap_or(0));
    measure(table, "hostile", &raw, (1.1, 1.0), (1.1, 1.0))?;
    if let Some(peak) = sampler.peak() {
        let peak = Figure::Bytes(peak.saturating_sub(before));
        table.figure("hostile: peak memory of import and merge", peak, MEMORY.0, MEMORY.1);
    }
    Ok(())
}

/// Prints the rows of one data set.
fn measure(
    table: &Table,
    what: &str,
    raw: &Raw,
    targets: (f64, f64),
    closed_targets: (f64, f64),
) -> Outcome {
    let least = Figure::Bytes(yardstick::zstd_19_bytes(raw)?);
    let dir = store_dir()?;
    let store = Store::open(dir.path(), Options::default())?;
    let mut accepted = 0;
    raw.requests(|request| {
        accepted += store.append_otlp(request)?.accepted;
        Ok(())
    })?;
    store.close()?;
    let closed = segment_bytes(dir.path());

    let store = Store::open(dir.path(), stores::options())?;
    let spans = store.stats()?.spans;
    // Spans that came twice count once.
    check("spans when closed", spans <= accepted && (raw.spans == 0 || spans == raw.spans))?;
    store.merge()?;
    let stats = store.stats()?;
    check("spans when merged", stats.spans == spans)?;
    store.close()?;
    let merged = segment_bytes(dir.path());
    check("bytes in the statistics", stats.bytes == merged)?;

    let row = |suffix: &str| format!("{what}: {suffix}");
    table.ratio(&row("merged / zstd -19"), Figure::Bytes(merged), least, targets);
    let at_close = Figure::Bytes(closed);
    table.ratio(&row("when import closes / zstd -19"), at_close, least, closed_targets);
    let (index, rest) = shares(&stats);
    table.ratio(&row("indexes / all else"), Figure::Bytes(index), Figure::Bytes(rest), INDEX_SHARE);
    let each = |bytes: u64| format!("{:.2}", bytes as f64 / spans as f64);
    let parts = stats.sections.iter().filter(|section| section.bytes * 50 > spans);
    let parts: Vec<String> =
        parts.map(|section| format!("{} {}", section.name, each(section.bytes))).collect();
    table.note(&row("bytes a span"), each(merged));
    table.note(&row("where they go"), parts.join(", "));
    table.note(&row("segments, merged"), stats.segments);
    Ok(())
}

/// The bytes of indexes, and of all else.
fn shares(stats: &Stats) -> (u64, u64) {
    let index = stats.sections.iter().filter(|section| INDEXES.contains(&section.name));
    let index: u64 = index.map(|section| section.bytes).sum();
    let all: u64 = stats.sections.iter().map(|section| section.bytes).sum();
    (index, all - index)
}
