//! P5: shapes are those that a naive grouping of whole traces finds.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::generate::{queries, stores};
use super::oracle::Oracle;
use super::stores::{fakes, real};
use crate::base::ids::TraceId;
use crate::base::model::{StatusCode, TraceSpan};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::query::shapes::shapes;
use crate::query::typed::Query;
use crate::query::view::View;

type Listing = Vec<(u32, Option<Str>, Str)>;

/// The first other span that bears the parent's id.
fn parent(spans: &[TraceSpan], own: usize) -> Option<usize> {
    let wanted = spans[own].span.parent_span_id?;
    (0..spans.len()).find(|&other| other != own && spans[other].span.span_id == wanted)
}

/// The same, but that the first span of a cycle has none.
fn tree_parent(spans: &[TraceSpan], own: usize) -> Option<usize> {
    let (mut cycle, mut at) = (vec![own], parent(spans, own));
    while let Some(above) = at.filter(|_| cycle.len() <= spans.len()) {
        if above == own {
            return parent(spans, own).filter(|_| cycle.iter().min() != Some(&own));
        }
        cycle.push(above);
        at = parent(spans, above);
    }
    parent(spans, own)
}

fn list(spans: &[TraceSpan], above: Option<usize>, depth: u32, out: &mut Listing) {
    for own in 0..spans.len() {
        if tree_parent(spans, own) == above {
            out.push((depth, spans[own].service().cloned(), spans[own].span.name.clone()));
            list(spans, Some(own), depth + 1, out);
        }
    }
}

/// What is told of a shape but for estimates; in the order in which shapes are told.
type Told = (u64, Reverse<Timestamp>, TraceId, Listing, u64, u64, u64);

fn naive(oracle: &Oracle, query: &Query) -> Vec<Told> {
    let mut found = BTreeMap::<Listing, Vec<_>>::new();
    for answer in oracle.search(&query.clone().limit(usize::MAX)) {
        let spans = &oracle.traces[&answer.id];
        let mut listing = Listing::new();
        list(spans, None, 0, &mut listing);
        assert_eq!(listing.len(), spans.len(), "each span stands somewhere");
        found.entry(listing).or_default().push((spans, answer));
    }
    let told = found.into_iter().map(|(listing, traces)| {
        let newest = traces.iter().map(|(_, a)| (Reverse(a.start), a.id)).min().unwrap();
        let is_error = |s: &TraceSpan| s.span.status_code() == StatusCode::ERROR;
        let errors = traces.iter().filter(|(spans, _)| spans.iter().any(is_error)).count() as u64;
        let nanos = traces.iter().map(|(_, a)| a.end.since(a.start).as_nanos() as u64);
        let (min, max) = (nanos.clone().min().unwrap(), nanos.max().unwrap());
        (traces.len() as u64, newest.0, newest.1, listing, errors, min, max)
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told.truncate(query.limit);
    told
}

fn check(view: &View, oracle: &Oracle, query: &Query) {
    let told = shapes(view, query).unwrap().into_iter().map(|shape| {
        assert!(shape.min_duration <= shape.max_duration);
        let spans = shape.spans.into_iter().map(|span| (span.depth, span.service, span.name));
        (
            shape.traces,
            Reverse(shape.exemplar_start),
            shape.exemplar,
            spans.collect(),
            shape.errors,
            shape.min_duration.as_nanos() as u64,
            shape.max_duration.as_nanos() as u64,
        )
    });
    assert_eq!(told.collect::<Vec<Told>>(), naive(oracle, query));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p5_shapes_are_those_of_whole_traces(store in stores(), query in queries()) {
        let oracle = Oracle::new(store.iter().map(|(span, _)| span));
        for query in [query, Query::spans().limit(100)] {
            check(&real(&store), &oracle, &query);
            check(&fakes(&store), &oracle, &query);
        }
    }
}
