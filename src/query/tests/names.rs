//! P5, P7: pages of names are what a scan lists, in bounded memory and time.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;

use super::generate::{queries, stores};
use super::oracle::Oracle;
use super::stores::{fakes, real};
use crate::base::error::Error;
use crate::base::model::{KeyValue, TraceSpan};
use crate::base::time::TimeRange;
use crate::query::hit::{Operation, TagKey, TagScope};
use crate::query::named::{NamesPage, NamesQuery};
use crate::query::names;
use crate::query::typed::Query;

/// All names of spans that start inside a range, on one page.
pub fn every(range: TimeRange) -> NamesQuery {
    NamesQuery::of(Query::spans().between(range)).limit(usize::MAX)
}

/// Page after page.
fn listed<T: Debug>(
    query: &NamesQuery,
    list: impl Fn(&NamesQuery) -> Result<NamesPage<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    let mut query = query.clone();
    loop {
        let NamesPage { names, next } = list(&query)?;
        assert!(names.len() <= query.limit && (next.is_none() || !names.is_empty()));
        all.extend(names);
        let Some(next) = next else { return Ok(all) };
        query = query.after(next);
    }
}

fn keys_of(span: &TraceSpan) -> Vec<TagKey> {
    let mut keys = Vec::new();
    let mut add = |scope, attributes: &[KeyValue]| {
        keys.extend(attributes.iter().map(|own| TagKey { scope, key: own.key.clone() }));
    };
    span.resource.resource.iter().for_each(|own| add(TagScope::Resource, &own.attributes));
    span.scope.scope.iter().for_each(|own| add(TagScope::Instrumentation, &own.attributes));
    add(TagScope::Span, &span.span.attributes);
    span.span.events.iter().for_each(|own| add(TagScope::Event, &own.attributes));
    span.span.links.iter().for_each(|own| add(TagScope::Link, &own.attributes));
    keys
}

fn sorted<T: Ord>(names: impl Iterator<Item = T>) -> Vec<T> {
    names.collect::<BTreeSet<T>>().into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p5_p7_pages_of_names_concatenate_to_what_a_scan_lists(
        store in stores(), query in queries(), is_all: bool, limit in 1usize..4,
        bytes in prop_oneof![Just(1usize << 20), 100usize..1000],
    ) {
        let mut spans = if is_all { Query::spans().between(query.range) } else { query };
        let oracle = Oracle::new(store.iter().map(|(span, _)| span));
        let found = oracle.search(&spans).into_iter().flat_map(|answer| answer.matching);
        let found: Vec<TraceSpan> = found.collect();
        spans = spans.memory_bytes(bytes);
        let query = NamesQuery::of(spans).limit(limit);
        let of_shop = found.iter().filter(|own| own.service().is_some_and(|own| own == "shop"));
        let operation = |own: &TraceSpan| Operation { name: own.span.name.clone(), kind: own.span.kind };
        let services = sorted(found.iter().filter_map(|own| own.service().cloned()));
        let operations = sorted(of_shop.map(operation));
        let keys = sorted(found.iter().flat_map(keys_of));
        for view in [real(&store), fakes(&store)] {
            let all = (
                listed(&query, |query| names::services(&view, query)),
                listed(&query, |query| names::operations(&view, "shop", query)),
                listed(&query, |query| names::tag_keys(&view, query)),
            );
            match all {
                (Ok(own_services), Ok(own_operations), Ok(own_keys)) => {
                    prop_assert_eq!(&own_services, &services);
                    prop_assert_eq!(&own_operations, &operations);
                    prop_assert_eq!(&own_keys, &keys);
                }
                (services, operations, keys) => {
                    let errors = [services.err(), operations.err(), keys.err()];
                    let is_limit = |error: &Error| error.kind() == "Limit";
                    prop_assert!(bytes < 1000 && errors.iter().flatten().all(is_limit), "{errors:?}");
                }
            }
        }
    }
}

#[test]
fn p7_names_end_at_their_deadline_and_a_list_without_pages_within_its_memory() {
    let spans: Vec<TraceSpan> = (0..300)
        .map(|trace| {
            let mut span = super::bounds::span(trace, 1);
            span.span.attributes.push(KeyValue::new(format!("key {trace}"), 1i64));
            span
        })
        .collect();
    let store: Vec<_> = spans.into_iter().map(|span| (span, vec![2])).collect();
    let view = real(&store);
    let late = NamesQuery::of(Query::spans().timeout(Duration::ZERO));
    assert!(matches!(names::tag_keys(&view, &late), Err(Error::Timeout)));
    let little = NamesQuery::of(Query::spans().memory_bytes(4000)).limit(usize::MAX);
    let page = names::tag_keys(&view, &little).unwrap();
    assert!(page.next.is_some() && page.names.len() > 5, "{page:?}");
    assert!(matches!(names::all(page, &little), Err(Error::Limit { .. })));
    for wrong in ["", "x", "x.y"] {
        let query = NamesQuery::of(Query::spans()).after(wrong);
        assert!(matches!(names::tag_keys(&view, &query), Err(Error::InvalidInput { .. })));
    }
}
