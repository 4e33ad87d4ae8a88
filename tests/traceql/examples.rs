//! Examples of the language's published documentation (Grafana Tempo's "Construct a TraceQL query"),
//! asked of data of our own: what it says of them holds of the naive evaluator, and of the engine.

mod build;
mod filters;
mod pipelines;
mod structure;

use tracekeep::{Options, ResourceSpans, ScopeSpans, Store, TraceReader, TraceSpan};

use crate::LEVEL;
use crate::generate::Level;
use crate::grammar::Query;
use crate::print;
use crate::semantics::Trace;

/// A query as published, the same as a tree, and the names of the spans in each set that it leaves.
pub struct Example {
    pub level: Level,
    pub text: &'static str,
    pub query: Query,
    pub sets: &'static [&'static [&'static str]],
}

/// Whether oracle and engine find in the trace what the examples say.
fn check(spans: &[TraceSpan], examples: Vec<Example>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store"), Options::default()).unwrap();
    store.append(&spans.iter().map(batch).collect::<Vec<_>>()).unwrap();
    let spans = store.trace(spans[0].span.trace_id).unwrap().unwrap().spans;
    let trace = Trace::new(spans[0].span.trace_id, spans, false);
    for example in examples {
        let Example { level, text, query, sets } = example;
        assert_eq!(print::text(&query, 0, Level::Pipelines), text);
        let all: Vec<_> = (0..trace.spans.len()).collect();
        let found: Vec<Vec<_>> = trace
            .sets(&query, &all)
            .iter()
            .map(|set| set.spans.iter().map(|&span| name(&trace.spans[span])).collect())
            .collect();
        assert_eq!(found, sets, "oracle: {text}");
        if level > LEVEL {
            continue;
        }
        let query = tracekeep::Query::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let found = store.search_spans(&query).unwrap();
        let mut wanted: Vec<_> = sets.concat();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found: Vec<_> = found.iter().map(name).collect();
        found.sort_unstable();
        assert_eq!(found, wanted, "engine: {text}");
    }
}

fn name(span: &TraceSpan) -> &str {
    &span.span.name
}

fn batch(span: &TraceSpan) -> ResourceSpans {
    ResourceSpans {
        resource: span.resource.resource.clone(),
        scope_spans: vec![ScopeSpans {
            scope: span.scope.scope.clone(),
            spans: vec![span.span.clone()],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}
