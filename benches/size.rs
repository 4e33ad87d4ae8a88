//! Bytes of a store with all its indexes, beside `zstd -19 --long=27` of the same spans' protobuf.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use common::raw::{Raw, segment_bytes};
use common::table::{Figure, Table};
use common::{Outcome, check, config, store_dir, stores, yardstick};
use tracekeep::{Options, Store};

fn main() -> Outcome {
    yardstick::be_child_if_asked()?;
    let raw = Raw::of(&config()?)?;
    let least = Figure::Bytes(yardstick::zstd_19_bytes(&raw)?);
    let table = Table::new("size", raw.spans);

    let dir = store_dir()?;
    let store = Store::open(dir.path(), Options::default())?;
    raw.requests(|request| {
        store.append_otlp(request)?;
        Ok(())
    })?;
    store.close()?;
    let closed = segment_bytes(dir.path());

    let store = Store::open(dir.path(), stores::options())?;
    check("spans when closed", store.stats()?.spans == raw.spans)?;
    store.merge()?;
    let stats = store.stats()?;
    check("spans when merged", stats.spans == raw.spans)?;
    store.close()?;
    let merged = segment_bytes(dir.path());
    check("bytes in the statistics", stats.bytes == merged)?;

    table.ratio("store after merge / zstd -19", Figure::Bytes(merged), least, (0.75, 0.54));
    table.ratio("store when import closes / zstd -19", Figure::Bytes(closed), least, (0.90, 0.62));
    let each = |bytes: u64| format!("{:.2}", bytes as f64 / raw.spans as f64);
    table.note("bytes a span, merged", each(merged));
    table.note("bytes a span, when import closes", each(closed));
    table.note("bytes a span, raw", each(raw.bytes));
    table.note("segments, merged", stats.segments);
    Ok(())
}
