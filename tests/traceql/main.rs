//! Claim: a store answers TraceQL as a naive evaluator does that was written apart from the engine,
//! whatever the store holds, in whatever pieces, and whatever is asked (P4, P5); and any text is a
//! query or refused at a place in it.
//!
//! Two independent readings of the language meet here, and both are held against examples of its
//! published documentation, so that they cannot share a misreading.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod check;
mod coverage;
mod examples;
mod generate;
mod grammar;
mod hostile;
mod pattern;
mod pool;
mod print;
mod semantics;
mod stores;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tracekeep::{TraceId, TraceReader, TraceSpan};

use check::ask;
use generate::Level;
use semantics::Trace;
use stores::{World, world};

/// How much of the language the engine takes.
const LEVEL: Level = Level::Pipelines;

/// The traces as lookups answer them, which the oracle takes the order of equal ids from.
fn traces(store: &impl TraceReader, world: &World, loose: bool) -> Vec<Trace> {
    let traces = by_trace(world).into_iter().map(|(id, mut live)| {
        let spans = store.trace(id).unwrap().unwrap().spans;
        assert!(spans.is_sorted_by_key(|span| (span.span.start, span.span.span_id)));
        for span in &spans {
            live.swap_remove(live.iter().position(|own| own == span).unwrap());
        }
        assert!(live.is_empty(), "not found by id: {live:?}");
        Trace::new(id, spans, loose)
    });
    traces.collect()
}

fn by_trace(world: &World) -> BTreeMap<TraceId, Vec<TraceSpan>> {
    let mut traces: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for span in world.live() {
        traces.entry(span.span.trace_id).or_default().push(span);
    }
    traces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 1500, max_shrink_time: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn p4_p5_stores_answer_as_the_oracle_does(
        // Shrunk in this order: fewest queries first.
        asks in prop::collection::vec(ask(LEVEL), 1..9),
        world in world(),
    ) {
        let opened = world.build();
        let [strict, loose] = [false, true].map(|loose| traces(&opened.store, &world, loose));
        let traces = |ask: &check::Ask| if ask.loose { &loose } else { &strict };
        let snapshot = opened.store.snapshot().unwrap();
        let reader = opened.reader();
        for ask in &asks {
            ask.check(&opened.store, traces(ask), "as appended");
            ask.check(&reader, traces(ask), "to a reader");
        }
        opened.store.merge().unwrap();
        for ask in &asks {
            ask.check(&opened.store, traces(ask), "merged");
            ask.check(&snapshot, traces(ask), "in a snapshot from before the merge");
        }
        let opened = opened.reopen();
        for ask in &asks {
            ask.check(&opened.store, traces(ask), "merged and reopened");
        }
    }
}

/// Else agreement would say little: every operator must be asked for where it finds something.
#[test]
fn random_queries_meet_random_stores() {
    let mut runner = TestRunner::deterministic();
    let (worlds, asks) = (world(), prop::collection::vec(ask(Level::Pipelines), 4));
    let mut met = coverage::Coverage::default();
    for _ in 0..300 {
        let world = worlds.new_tree(&mut runner).unwrap().current();
        let traces = by_trace(&world).into_iter().map(|(id, spans)| Trace::new(id, spans, false));
        let traces: Vec<_> = traces.collect();
        for ask in asks.new_tree(&mut runner).unwrap().current() {
            met.count(&ask.query, !ask.answers(&traces).is_empty());
        }
    }
    println!("{met}");
    assert!(met.matched * 4 > met.asked, "{} of {} match", met.matched, met.asked);
    met.assert_whole();
}
