//! P4, P5: what searches, lookups and lists answer is what a scan would.

use std::sync::Arc;

use proptest::prelude::*;

use super::generate::{WIDTH, queries, ranges, stores};
use super::names::every;
use super::oracle::{Answer, Oracle};
use super::stores::{Placed, fakes, real};
use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{KeyValue, Resource, ResourceContext, Span, TraceSpan, Value};
use crate::base::time::{TimeRange, Timestamp};
use crate::query::ast::Scope;
use crate::query::durations::durations;
use crate::query::hit::TraceHit;
use crate::query::scan::Scan;
use crate::query::typed::Query;
use crate::query::view::View;
use crate::query::{listing, lookup, names, search};

fn oracle(store: &Placed) -> Oracle {
    Oracle::new(store.iter().map(|(span, _)| span))
}

fn assert_same(hit: &TraceHit, answer: &Answer, spans_per_set: usize) {
    assert_eq!(hit.trace_id, answer.id);
    assert_eq!((hit.start, hit.end), (answer.start, answer.end));
    assert_eq!(hit.duration, answer.end.since(answer.start));
    assert_eq!((&hit.root_service, hit.root_name.as_ref()), (&answer.root.0, Some(&answer.root.1)));
    assert_eq!((hit.span_count, hit.error_count), answer.counts);
    assert_eq!(hit.services, answer.services);
    assert_eq!(hit.matched, answer.matching.len() as u64);
    let shown = answer.matching.len().min(spans_per_set);
    assert_eq!(hit.spans, answer.matching[..shown]);
}

fn check_search(view: &View, oracle: &Oracle, query: &Query) {
    let answers = oracle.search(query);
    // Page after page, all that match come in order, none twice.
    let mut left = answers.as_slice();
    let mut page_query = query.clone();
    loop {
        let page = search::search(view, &page_query).unwrap();
        let expected = &left[..left.len().min(query.limit)];
        assert_eq!(page.traces.len(), expected.len());
        for (hit, answer) in page.traces.iter().zip(expected) {
            assert_same(hit, answer, query.spans_per_set);
        }
        let times = search::search_ids(view, &page_query).unwrap();
        let times: Vec<_> = times.iter().map(|t| (t.trace_id, t.start, t.end)).collect();
        let own: Vec<_> = expected.iter().map(|a| (a.id, a.start, a.end)).collect();
        assert_eq!(times, own);
        let spans = search::search_spans(view, &page_query).unwrap();
        assert_eq!(spans, expected.iter().flat_map(|a| a.matching.clone()).collect::<Vec<_>>());
        left = &left[expected.len()..];
        assert_eq!(page.next.is_some(), expected.len() == query.limit);
        let Some(next) = page.next else { break };
        page_query = query.clone().after(next);
    }
    assert!(left.is_empty());
}

/// All spans of a scan in batches of `size`; each but the last has as many, and none twice that.
fn scanned(scan: Scan, size: usize) -> Vec<TraceSpan> {
    let batches: Vec<_> = scan.by(size).map(Result::unwrap).collect();
    // Spans of one key stay together: the generator makes a few.
    assert!(batches.iter().all(|batch| batch.len() < 2 * size + 8));
    assert!(batches.iter().rev().skip(1).all(|batch| batch.len() >= size));
    batches.into_iter().flatten().collect()
}

/// From so many spans on a group has an index; identical spans among them test its certainty.
#[test]
fn p5_large_groups_answer_as_small_ones() {
    let resource = |service: &str| ResourceContext {
        resource: Some(Resource {
            attributes: vec![KeyValue::new("service.name", service)],
            ..Resource::default()
        }),
        ..ResourceContext::default()
    };
    let resources = ["cart", "shop"].map(|service| Arc::new(resource(service)));
    let span = |i: u64| Span {
        trace_id: TraceId::from(u128::from(i % 300) << 64 | u128::from(i % 150)),
        span_id: SpanId::from(i / 2),
        name: ["get", "put"][(i / 3) as usize % 2].into(),
        start: Timestamp::from_nanos(i * 7 % 100),
        end: Timestamp::from_nanos(i * 11 % 300),
        attributes: vec![KeyValue::new("a", (i % 40) as i64), KeyValue::new("b", "x")],
        ..Span::default()
    };
    let spans = (0..3000).map(|i| TraceSpan {
        resource: Arc::clone(&resources[(i / 5) as usize % 2]),
        scope: Arc::default(),
        span: span(i % 1700),
    });
    let store: Vec<_> = spans.map(|span| (span, vec![1])).collect();
    let (view, oracle) = (real(&store), oracle(&store));
    for text in [
        "{}",
        "{ .a = 7 }",
        "{ resource.service.name = \"cart\" && .a >= 38 }",
        "{ duration > 250ns || name = \"get\" && .b != nil }",
        "{ .none = 1 }",
        "{ rootName = \"put\" && .a < 3 }",
    ] {
        check_search(&view, &oracle, &Query::parse(text).unwrap().limit(70));
    }
    let all = TimeRange::ALL;
    assert_eq!(names::services(&view, &every(all)).unwrap().names, oracle.services(all));
    assert_eq!(
        names::operations(&view, "shop", &every(all)).unwrap().names,
        oracle.operations("shop", all)
    );
    assert_eq!(names::tag_keys(&view, &every(all)).unwrap().names, oracle.tag_keys(all));
    let listed = listing::all_values(&view, "span.a", Query::spans()).unwrap();
    assert_eq!(listed, (0..40).map(Value::Int).collect::<Vec<_>>());
}

/// A trace stands where its first span in the partition does, though that be outside of the range
/// and in another source.
#[test]
fn p5_a_range_does_not_change_the_order_of_scans() {
    let span = |trace: u128, id: u64, start: u64| TraceSpan {
        resource: Arc::default(),
        scope: Arc::default(),
        span: Span {
            trace_id: TraceId::from(trace),
            span_id: SpanId::from(id),
            start: Timestamp::from_nanos(start),
            end: Timestamp::from_nanos(start),
            ..Span::default()
        },
    };
    let store =
        vec![(span(5, 1, 280), vec![0]), (span(5, 1, 200), vec![1]), (span(1, 1, 215), vec![0])];
    let range = TimeRange::from(Timestamp::from_nanos(201)..Timestamp::from_nanos(999));
    let inside = oracle(&store).scan(WIDTH, |span| range.contains(span.span.start));
    for view in [real(&store), fakes(&store)] {
        assert_eq!(scanned(Scan::new(&view, range), 10), inside);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p5_searches_answer_what_a_scan_would(store in stores(), query in queries()) {
        check_search(&real(&store), &oracle(&store), &query);
    }

    #[test]
    fn p5_searches_depend_on_no_kind_of_source(store in stores(), query in queries()) {
        check_search(&fakes(&store), &oracle(&store), &query);
    }

    #[test]
    fn p4_lookups_find_every_span(store in stores(), range in ranges(), id in any::<u8>()) {
        let (view, oracle) = (real(&store), oracle(&store));
        let high = u128::from(id % 3 + 5) << 64;
        for id in [1, 2, 3, high, high + 1, high + 2].map(TraceId::from) {
            prop_assert_eq!(lookup::trace_in(&view, id, range).unwrap(), oracle.trace_in(id, range));
            let whole = lookup::trace(&view, id).unwrap();
            prop_assert_eq!(&whole, &oracle.trace_in(id, crate::base::time::TimeRange::ALL));
            let mut found = lookup::traces(&view, vec![id]);
            prop_assert_eq!(&found.next().unwrap().unwrap(), &whole);
            for size in [1, 2, 1000] {
                let chunks = lookup::chunks_of(&view, id, size).unwrap();
                let spans: Option<Vec<_>> = chunks.map(|all| all.flat_map(|c| c.unwrap()).collect());
                prop_assert_eq!(spans, whole.clone().map(|trace| trace.spans));
            }
        }
    }

    #[test]
    fn p4_p5_scans_give_every_span_once_in_order(store in stores(), range in ranges(), query in queries()) {
        let oracle = oracle(&store);
        let inside = oracle.scan(WIDTH, |span| range.contains(span.span.start));
        let mut unlimited = query.clone().limit(usize::MAX);
        unlimited.after = None;
        let answers = oracle.search(&unlimited);
        let matching: Vec<_> = answers.into_iter().flat_map(|answer| answer.matching).collect();
        let matching = oracle.scan(WIDTH, |span| matching.contains(span));
        for view in [real(&store), fakes(&store)] {
            for size in [1, 2, 7, 1000] {
                prop_assert_eq!(&scanned(Scan::new(&view, range), size), &inside);
                prop_assert_eq!(&scanned(Scan::matching(&view, &query).unwrap(), size), &matching);
            }
        }
    }

    #[test]
    fn p5_durations_are_those_of_a_scan(store in stores(), range in ranges()) {
        let oracle = oracle(&store);
        let inside = oracle.scan(WIDTH, |span| range.contains(span.span.start));
        let nanos =
            |s: &TraceSpan| s.span.end.nanos().saturating_sub(s.span.start.nanos());
        let mut wanted: Vec<u64> = inside.iter().map(nanos).collect();
        wanted.sort_unstable();
        for view in [real(&store), fakes(&store)] {
            let mut found = Vec::new();
            durations(&view, range, &mut |own| found.extend_from_slice(own)).unwrap();
            found.sort_unstable();
            prop_assert_eq!(&found, &wanted);
        }
    }

    #[test]
    fn p5_names_are_what_a_scan_lists(store in stores(), range in ranges()) {
        let (view, oracle) = (real(&store), oracle(&store));
        let services = names::services(&view, &every(range)).unwrap().names;
        prop_assert_eq!(&services, &oracle.services(range));
        for service in ["cart", "shop", "", "none"] {
            let operations = names::operations(&view, service, &every(range)).unwrap().names;
            prop_assert_eq!(operations, oracle.operations(service, range));
        }
        prop_assert_eq!(names::tag_keys(&view, &every(range)).unwrap().names, oracle.tag_keys(range));
        for (tag, scope) in [
            (".a", Scope::Any), ("b", Scope::Any), ("span.a", Scope::Span),
            ("resource.a", Scope::Resource), ("event.a", Scope::Event), ("link.a", Scope::Link),
            ("instrumentation.a", Scope::Instrumentation),
        ] {
            let values = listing::all_values(&view, tag, Query::spans().between(range)).unwrap();
            let texts = values.into_iter().filter_map(|value| match value {
                Value::String(text) => Some(text),
                _ => None,
            });
            let key = &tag[tag.len() - 1..];
            prop_assert_eq!(texts.collect::<Vec<_>>(), oracle.texts(scope, key, range));
        }
    }
}
