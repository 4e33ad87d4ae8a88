//! Whole traces by id, beside prost decoding the same traces' protobuf from memory: of the bench
//! store, by size of trace, and of the shared captures, where they are at hand.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::collections::BTreeMap;

use common::captures::files as captures;
use common::stores::{Busy, merged, options};
use common::table::{Figure, Table};
use common::times::Times;
use common::truth::Truth;
use common::{Outcome, check, config, peer, store_dir, yardstick};
use tracekeep::{Store, TimeRange, TraceId, TraceReader};

/// Traces that are looked up.
const SAMPLE: u64 = 1000;

/// Where traces are told apart by size: below so many spans.
const SIZES: [usize; 4] = [8, 32, 128, usize::MAX];

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
    growth(&table, &store, &encoded)?;
    store.close()?;
    captures::names(".").iter().try_for_each(|name| real(&table, name))?;

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
        table.ratio(&what, measured, yardstick, (0.8, 0.35));
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

/// What a span costs in traces of different sizes: no more in large ones than in small ones.
fn growth(table: &Table, store: &Store, encoded: &[(TraceId, Vec<u8>)]) -> Outcome {
    let mut sized = Vec::with_capacity(encoded.len());
    for (id, bytes) in encoded {
        let spans = store.trace(*id)?.map_or(0, |trace| trace.spans.len());
        sized.push((spans, *id, bytes));
    }
    let mut from = 0;
    for to in SIZES {
        let own = sized.iter().filter(|(spans, ..)| (from..to).contains(spans));
        let (spans, ids): (Vec<usize>, Vec<TraceId>) =
            own.clone().map(|(n, id, _)| (*n, *id)).unzip();
        let bytes: Vec<&[u8]> = own.map(|(.., bytes)| bytes.as_slice()).collect();
        if ids.is_empty() {
            continue;
        }
        let found = Times::of(&ids, 5, |&id| store.trace(id))?;
        let decode = Times::of(&bytes, 5, |bytes| peer::decode(bytes))?;
        let mean = spans.iter().sum::<usize>() / spans.len();
        let (found, decode) = (Figure::Time(found.at(0.5)), Figure::Time(decode.at(0.5)));
        let what = format!("p50 of {} traces of {mean} spans on average / prost", ids.len());
        table.ratio(&what, found, decode, (0.8, 0.35));
        from = to;
    }
    Ok(())
}

/// Random traces of a capture, merged, beside prost.
fn real(table: &Table, name: &str) -> Outcome {
    let Some(requests) = captures::requests(name) else { return Ok(()) };
    let dir = store_dir()?;
    let store = Store::open(dir.path(), options())?;
    let mut accepted = 0;
    for request in requests {
        accepted += match request.form {
            captures::Form::Json => store.append_otlp_json(&request.bytes)?,
            captures::Form::Protobuf => store.append_otlp(&request.bytes)?,
        }
        .accepted;
    }
    store.merge()?;
    let mut sizes: BTreeMap<TraceId, usize> = BTreeMap::new();
    for batch in store.scan(TimeRange::ALL)? {
        for span in batch? {
            *sizes.entry(span.span.trace_id).or_default() += 1;
        }
    }
    let spans: usize = sizes.values().sum();
    // A capture may hold a span twice, which counts once.
    check("spans of a capture", spans > 0 && spans as u64 <= accepted)?;
    let step = (sizes.len() / SAMPLE as usize).max(1);
    let mut ids = Vec::new();
    let mut encoded = Vec::new();
    for (&id, &spans) in sizes.iter().step_by(step) {
        let trace = store.trace(id)?.ok_or("a trace of a capture is not found")?;
        let bytes = trace.to_otlp()?;
        let counted = peer::count(&peer::decode(&bytes)?);
        check("prost counts the same spans", counted == spans && trace.spans.len() == spans)?;
        ids.push(id);
        encoded.push(bytes);
    }
    // Ids came in order; looked up, they lie anywhere.
    ids.sort_unstable_by_key(|id| id.low().wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let found = Times::of(&ids, 5, |&id| store.trace(id))?;
    let decode = Times::of(&encoded, 5, |bytes| peer::decode(bytes))?;
    for (share_name, share) in SHARES {
        let (measured, yardstick) = (Figure::Time(found.at(share)), Figure::Time(decode.at(share)));
        table.ratio(&format!("{name}, {share_name} / prost"), measured, yardstick, (0.8, 0.35));
    }
    Ok(())
}
