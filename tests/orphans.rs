//! Claim: a span whose parent is not in its trace counts as a root, also beside others that miss
//! the same parent, live as well as in segments (P5).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tracekeep::{
    Event, Options, Query, ResourceSpans, ScopeSpans, Span, SpanId, Store, Timestamp, TraceReader,
};

const START: u64 = 1_795_363_200_000_000_000;

/// A span, of which those that are told so have an event.
fn span(id: u64, parent: u64, has_event: bool) -> Span {
    let event = Event { name: "exception".into(), ..Event::default() };
    Span {
        trace_id: 5u128.into(),
        span_id: id.into(),
        parent_span_id: Some(SpanId::from(parent)),
        start: Timestamp::from_nanos(START + id),
        end: Timestamp::from_nanos(START + id),
        events: if has_event { vec![event] } else { Vec::new() },
        ..Span::default()
    }
}

#[test]
fn p5_each_span_that_misses_the_same_parent_is_a_root() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    // The second orphan and its child have events.
    let spans = vec![span(1, 9, false), span(2, 9, true), span(3, 2, true)];
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    store.append(&[ResourceSpans { scope_spans, ..ResourceSpans::default() }]).unwrap();
    let matched = |text: &str| {
        let page = store.search(&Query::parse(text).unwrap()).unwrap();
        page.traces.iter().map(|hit| hit.matched).sum::<u64>()
    };
    for _ in 0..2 {
        assert_eq!(matched("{ nestedSetParent < 0 }"), 2);
        assert_eq!(matched("{ nestedSetParent < 0 && event:name = \"exception\" }"), 1);
        assert_eq!(matched("{ nestedSetParent >= 0 && event:name = \"exception\" }"), 1);
        store.merge().unwrap();
    }
}
