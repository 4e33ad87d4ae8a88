//! P5: differences between two sets of spans are those that a scan over the spans counts.

use std::cmp::{Ordering, Reverse};
use std::time::Duration;

use proptest::prelude::*;

use super::bounds::span;
use super::generate::{queries, stores};
use super::oracle::Oracle;
use super::stores::{fakes, real, segment_of};
use super::values::{order, values_on};
use crate::base::error::Error;
use crate::base::model::{TraceSpan, Value};
use crate::query::differences::{Comparison, compare, compare_most};
use crate::query::interrupt::CancelToken;
use crate::query::source::Source;
use crate::query::typed::Query;
use crate::query::view::{Partition, View};

/// All tags that random spans have, in their order.
pub const TAGS: [&str; 20] = [
    "kind",
    "name",
    "status",
    "statusMessage",
    "resource.a",
    "resource.b",
    "resource.c",
    "resource.service.name",
    "span.a",
    "span.b",
    "span.c",
    "event.a",
    "event.b",
    "event.c",
    "link.a",
    "link.b",
    "link.c",
    "instrumentation.a",
    "instrumentation.b",
    "instrumentation.c",
];

type Told = (String, Value, u64, u64);

/// The spans of each set, the differences, and the tags that are left out.
type Naive = (u64, u64, Vec<Told>, Vec<String>);

fn naive(oracle: &Oracle, a: &Query, b: &Query, most: usize) -> Naive {
    let spans = |query: &Query| -> Vec<TraceSpan> {
        oracle.search(query).into_iter().flat_map(|answer| answer.matching).collect()
    };
    let (of_a, of_b) = (spans(a), spans(b));
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    for tag in TAGS {
        let mut values: Vec<Value> =
            of_a.iter().chain(&of_b).flat_map(|span| values_on(span, tag)).collect();
        values.sort_by(order);
        values.dedup_by(|a, b| order(a, b) == Ordering::Equal);
        if values.len() > most {
            left_out.push(tag.to_owned());
            continue;
        }
        for value in values {
            let has = |span: &&TraceSpan| {
                values_on(span, tag).iter().any(|own| order(own, &value) == Ordering::Equal)
            };
            let (own_a, own_b) = (of_a.iter().filter(has).count(), of_b.iter().filter(has).count());
            all.push((tag.to_owned(), value, own_a as u64, own_b as u64));
        }
    }
    let (all_a, all_b) = (of_a.len().max(1) as u64, of_b.len().max(1) as u64);
    let difference = |told: &Told| (told.2 * all_b).abs_diff(told.3 * all_a);
    all.retain(|told| difference(told) > 0);
    // Stable: tags and values are in order.
    all.sort_by_key(|told| Reverse(difference(told)));
    all.truncate(a.limit);
    (of_a.len() as u64, of_b.len() as u64, all, left_out)
}

fn told(found: Comparison) -> Naive {
    let differences = found.differences.into_iter().map(|own| {
        assert_eq!(own.share_a, own.spans_a as f64 / found.spans_a.max(1) as f64);
        assert_eq!(own.share_b, own.spans_b as f64 / found.spans_b.max(1) as f64);
        (own.tag.to_string(), own.value, own.spans_a, own.spans_b)
    });
    let left_out = found.left_out.iter().map(ToString::to_string).collect();
    (found.spans_a, found.spans_b, differences.collect(), left_out)
}

/// Whether both are the same, values by their order: NaNs equal themselves.
fn same(a: &Naive, b: &Naive) -> bool {
    let one = |(a, b): (&Told, &Told)| {
        (&a.0, a.2, a.3) == (&b.0, b.2, b.3) && order(&a.1, &b.1) == Ordering::Equal
    };
    (a.0, a.1, &a.3) == (b.0, b.1, &b.3) && a.2.len() == b.2.len() && a.2.iter().zip(&b.2).all(one)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn p5_differences_are_what_a_scan_counts(
        store in stores(), a in queries(), b in queries(), most in 1usize..8, is_all: bool,
    ) {
        let oracle = Oracle::new(store.iter().map(|(span, _)| span));
        let a = a.limit(if most > 4 { usize::MAX } else { most });
        // Mostly everything is what a few are compared with.
        let b = if is_all { Query::spans() } else { b };
        let naive = naive(&oracle, &a, &b, most);
        for view in [real(&store), fakes(&store)] {
            let found = told(compare_most(&view, &a, &b, most).unwrap());
            prop_assert!(same(&found, &naive), "{found:?} {naive:?}");
        }
    }
}

#[test]
fn p7_a_comparison_ends_at_its_deadline_by_its_token_and_within_its_memory() {
    let spans: Vec<TraceSpan> = (0..2000).map(|trace| span(trace, 1)).collect();
    let source: std::sync::Arc<dyn Source> = std::sync::Arc::new(segment_of(spans, 64, 4096));
    let partition = Partition::new(0, 100, vec![source]);
    let view = View::new(vec![std::sync::Arc::new(partition)]);
    let all = Query::spans();
    let ended = |a: &Query| compare(&view, a, &all).unwrap_err();
    assert!(matches!(ended(&all.clone().timeout(Duration::ZERO)), Error::Timeout));
    let token = CancelToken::new();
    token.cancel();
    assert!(matches!(ended(&all.clone().cancelled_by(&token)), Error::Cancelled));
    assert!(matches!(ended(&all.clone().memory_bytes(20_000)), Error::Limit { .. }));
    // What is left out takes no memory.
    let few = compare_most(&view, &all.clone().memory_bytes(20_000), &all, 10).unwrap();
    assert!(few.left_out.iter().any(|tag| tag.to_string() == "span.path"), "{few:?}");
    assert_eq!((few.spans_a, few.spans_b, few.differences), (2000, 2000, Vec::new()));
}
