//! P5: listed values, their order and their counts are what a scan over the spans tells.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::generate::{queries, stores};
use super::oracle::{Oracle, of_key};
use super::stores::{Placed, fakes, real, segment_of};
use crate::base::error::Error;
use crate::base::ids::TraceId;
use crate::base::model::{SpanKind, StatusCode, TraceSpan, Value};
use crate::query::ast::Scope;
use crate::query::listing;
use crate::query::typed::Query;
use crate::query::values::{ValueKind, ValuesPage, ValuesQuery};
use crate::query::view::{Partition, View};

fn kind_of(value: &Value) -> Option<ValueKind> {
    Some(match value {
        Value::Bool(_) => ValueKind::Bool,
        Value::Int(_) => ValueKind::Int,
        Value::Double(_) => ValueKind::Double,
        Value::String(_) => ValueKind::String,
        _ => return None,
    })
}

pub fn order(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Bool(_) => 0,
        Value::Int(_) | Value::Double(_) => 1,
        _ => 2,
    };
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::String(a), Value::String(b)) => a.as_str().cmp(b.as_str()),
        (Value::Int(_), Value::Double(b)) if b.is_nan() => Ordering::Less,
        // The generator's doubles are small: 128-bit halves hold them exactly.
        (Value::Int(a), Value::Double(b)) => {
            (i128::from(*a) * 4).cmp(&((b * 4.0) as i128)).then(Ordering::Less)
        }
        (Value::Double(_), Value::Int(_)) => order(b, a).reverse(),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The values of a tag on a span, elements of arrays included.
pub fn values_on(span: &TraceSpan, tag: &str) -> Vec<Value> {
    let named = |name: Option<&'static str>, code: i32| match name {
        Some(name) => Value::from(name),
        None => Value::Int(code.into()),
    };
    let own = &span.span;
    let found: Vec<Value> = match tag {
        "name" => vec![Value::String(own.name.clone())],
        "kind" => vec![named(SpanKind::name(own.kind), own.kind.0)],
        "status" => vec![named(StatusCode::name(own.status_code()), own.status_code().0)],
        "statusMessage" => {
            own.status.iter().map(|status| Value::String(status.message.clone())).collect()
        }
        _ => {
            let (scope, key) = Scope::split(tag);
            of_key(span, scope, key).into_iter().cloned().collect()
        }
    };
    let elements = found.into_iter().flat_map(|value| match value {
        Value::Array(elements) => elements,
        other => vec![other],
    });
    elements.filter(|value| kind_of(value).is_some()).collect()
}

/// All values in order, with their counts of traces.
fn naive(oracle: &Oracle, query: &ValuesQuery) -> Vec<(Value, Option<u64>)> {
    let mut found: Vec<(Value, BTreeSet<TraceId>)> = Vec::new();
    for answer in oracle.search(&query.spans) {
        for value in answer.matching.iter().flat_map(|span| values_on(span, &query.tag)) {
            let is_text = |prefix: &String| matches!(&value, Value::String(text) if text.starts_with(&**prefix));
            if query.kind.is_some_and(|kind| kind_of(&value) != Some(kind))
                || query.prefix.as_ref().is_some_and(|prefix| !is_text(prefix))
            {
                continue;
            }
            match found.binary_search_by(|(own, _)| order(own, &value)) {
                Ok(at) => drop(found[at].1.insert(answer.id)),
                Err(at) => found.insert(at, (value, BTreeSet::from([answer.id]))),
            }
        }
    }
    let count = |ids: BTreeSet<TraceId>| query.counted.then_some(ids.len() as u64);
    found.into_iter().map(|(value, ids)| (value, count(ids))).collect()
}

/// Page after page.
fn listed(view: &View, query: &ValuesQuery) -> Result<Vec<(Value, Option<u64>)>, Error> {
    let mut all = Vec::new();
    let mut query = query.clone();
    loop {
        let ValuesPage { values, next } = listing::values(view, &query)?;
        assert!(values.len() <= query.limit && (next.is_none() || !values.is_empty()));
        all.extend(values.into_iter().map(|found| (found.value, found.traces)));
        let Some(next) = next else { return Ok(all) };
        query = query.after(next);
    }
}

fn value_queries() -> impl Strategy<Value = ValuesQuery> {
    let tags = select(vec![
        ".a",
        "b",
        "c",
        "span.a",
        "span.a",
        "resource.a",
        "resource.service.name",
        "event.a",
        "link.a",
        "instrumentation.a",
        "span.none",
        "name",
        "kind",
        "status",
        "statusMessage",
    ]);
    let prefix = prop_oneof![4 => Just(None), 1 => select(vec!["", "x", "c", "sh"]).prop_map(Some)];
    let kinds = [ValueKind::Bool, ValueKind::Int, ValueKind::Double, ValueKind::String];
    let kind = prop_oneof![4 => Just(None), 1 => select(kinds.to_vec()).prop_map(Some)];
    let spans = (queries(), 0..4u8).prop_map(|(query, restricted)| match restricted {
        // Without a condition, in the range or in all of time, dictionaries answer.
        0 => Query::spans(),
        1 => Query::spans().between(query.range),
        _ => query,
    });
    (tags, spans, prefix, kind, 1..6usize, any::<bool>()).prop_map(
        |(tag, spans, prefix, kind, limit, counted)| {
            let query = ValuesQuery::of(tag).spans(spans).limit(limit);
            let query = prefix.into_iter().fold(query, ValuesQuery::prefix);
            let query = kind.into_iter().fold(query, ValuesQuery::kind);
            if counted { query.counted() } else { query }
        },
    )
}

fn oracle(store: &Placed) -> Oracle {
    Oracle::new(store.iter().map(|(span, _)| span))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn p5_values_are_what_a_scan_lists(store in stores(), query in value_queries()) {
        // Whatever sets the pages: a query's own limit and cursor do not count.
        let mut whole = query.clone();
        whole.spans.after = None;
        let naive = naive(&oracle(&store), &whole);
        prop_assert_eq!(&listed(&real(&store), &query).unwrap(), &naive);
        prop_assert_eq!(&listed(&fakes(&store), &query).unwrap(), &naive);
        let one = ValuesQuery { limit: usize::MAX, ..query };
        prop_assert_eq!(&listed(&real(&store), &one).unwrap(), &naive);
    }

    #[test]
    fn p7_short_memory_makes_short_pages_and_loses_no_value(
        store in stores(), query in value_queries(), bytes in 300usize..3000,
    ) {
        let mut query = ValuesQuery { limit: usize::MAX, ..query };
        query.spans.after = None;
        let naive = naive(&oracle(&store), &query);
        query.spans = query.spans.memory_bytes(bytes);
        match listed(&real(&store), &query) {
            Ok(found) => prop_assert_eq!(found, naive),
            Err(error) => prop_assert_eq!(error.kind(), "Limit"),
        }
    }
}

/// Long dictionaries are decoded some of them at a time, beginning where the prefix does.
#[test]
fn p5_pages_of_a_long_dictionary_concatenate() {
    use super::bounds::span;
    let spans = |from: u64| (from..from + 3000).map(|trace| span(trace, 1)).collect::<Vec<_>>();
    let sources = [0, 1500].map(|from| {
        std::sync::Arc::new(segment_of(spans(from), 64, 4096))
            as std::sync::Arc<dyn crate::query::source::Source>
    });
    let placed: Vec<_> =
        spans(0).into_iter().chain(spans(1500)).map(|span| (span, vec![0])).collect();
    let partition = Partition::new(0, 100, sources.to_vec());
    let view = View::new(vec![std::sync::Arc::new(partition)]);
    for (prefix, limit) in [("", 700), ("/1", 100), ("/19", 1), ("/1999", 5), ("/2", 7), ("z", 3)] {
        let query = ValuesQuery::of("span.path").prefix(prefix).limit(limit).counted();
        assert_eq!(listed(&view, &query).unwrap(), naive(&oracle(&placed), &query), "{prefix}");
    }
}
