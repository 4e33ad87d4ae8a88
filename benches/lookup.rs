//! Whole traces by id, beside prost decoding the same traces' protobuf from memory.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use common::stores::{Busy, merged};
use common::table::{Figure, Table};
use common::times::Times;
use common::truth::Truth;
use common::{Outcome, check, config, peer, store_dir, yardstick};
use tracekeep::{Store, TraceId, TraceReader};

/// Traces that are looked up.
const SAMPLE: u64 = 1000;

/// Where latencies are read.
const SHARES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];

fn main() -> Outcome {
    yardstick::be_child_if_asked()?;
    let config = config()?;
    let mut truth = Truth::new(config.spans / 36 / SAMPLE, Vec::new());
    let dir = store_dir()?;
    let store = merged(dir.path(), &config, &mut truth)?;
    let table = Table::new("lookup", truth.spans);

    let encoded = truth.encoded();
    for (id, bytes) in &encoded {
        let trace = store.trace(*id)?;
        let spans = trace.as_ref().map_or(0, |t| t.spans.len());
        check("prost counts the same spans", peer::count(&peer::decode(bytes)?) == spans)?;
    }
    let decode = Times::of(&encoded, 5, |(_, bytes)| peer::decode(bytes))?;
    let merged = measure(&table, "merged", &store, &truth, &decode)?;
    store.close()?;

    let dir = store_dir()?;
    let busy = Busy::new(dir.path(), &config)?;
    let busied = measure(&table, "busy", &busy.store, &truth, &decode)?;
    for (name, share) in SHARES {
        let (busy, merged) = (Figure::Time(busied.at(share)), Figure::Time(merged.at(share)));
        table.ratio(&format!("trace by id, {name}, busy / merged"), busy, merged, (3.0, 3.0));
    }
    table.note("spans written meanwhile", busy.finish()?);
    Ok(())
}

fn measure(
    table: &Table,
    state: &str,
    store: &Store,
    truth: &Truth,
    peer: &Times,
) -> Outcome<Times> {
    let ids: Vec<TraceId> = truth.kept.keys().copied().collect();
    for &id in &ids {
        truth.check(id, store.trace(id)?)?;
    }
    let found = Times::of(&ids, 5, |&id| store.trace(id))?;
    for (name, share) in SHARES {
        let (measured, yardstick) = (Figure::Time(found.at(share)), Figure::Time(peer.at(share)));
        let what = format!("trace by id, {state}, {name} / prost");
        table.ratio(&what, measured, yardstick, (2.0, 0.35));
    }
    // Ids that are nowhere.
    let absent: Vec<TraceId> =
        ids.iter().map(|&id| TraceId::from(u128::from(id) ^ 0x5555_5555_5555)).collect();
    for &id in &absent {
        check("an absent trace", store.trace(id)?.is_none())?;
    }
    let missed = Times::of(&absent, 5, |&id| store.trace(id))?;
    table.note(&format!("absent id, {state}, p50"), Figure::Time(missed.at(0.5)));
    Ok(found)
}
