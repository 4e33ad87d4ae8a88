//! P5: `compare()` of metrics counts what a scan over the spans counts.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::differences::TAGS;
use super::generate::{ranges, stores};
use super::oracle::Oracle;
use super::stores::{fakes, real};
use super::values::{order, values_on};
use crate::base::model::{TraceSpan, Value};
use crate::base::time::TimeRange;
use crate::query::ast::Expr;
use crate::query::metrics::{MetricsQuery, Series, metrics};
use crate::query::typed::Query;

/// What tells a series, the tag, the value, and the samples.
type Told = (String, String, Value, Vec<(u64, f64)>);

fn samples(spans: &[&TraceSpan], step: u64) -> Vec<(u64, f64)> {
    let mut samples = BTreeMap::new();
    for span in spans {
        *samples.entry(span.span.start.nanos() / step * step).or_insert(0.0) += 1.0;
    }
    samples.into_iter().collect()
}

fn naive(selected: &[TraceSpan], others: &[TraceSpan], top: usize, step: u64) -> Vec<Told> {
    let mut told = Vec::new();
    for tag in TAGS {
        let (mut totals, mut is_cut) = (Vec::new(), false);
        for (name, spans) in [("selection", selected), ("baseline", others)] {
            let mut values: Vec<Value> =
                spans.iter().flat_map(|span| values_on(span, tag)).collect();
            values.sort_by(order);
            values.dedup_by(|a, b| order(a, b) == Ordering::Equal);
            let bearers = |value: &Value| -> Vec<&TraceSpan> {
                let has = |own: &Value| order(own, value) == Ordering::Equal;
                spans.iter().filter(|span| values_on(span, tag).iter().any(has)).collect()
            };
            values.sort_by_key(|value| Reverse(bearers(value).len()));
            is_cut |= values.len() > top;
            values.truncate(top);
            for value in values {
                let samples = samples(&bearers(&value), step);
                told.push((name.to_owned(), tag.to_owned(), value, samples));
            }
            let bearing: Vec<&TraceSpan> =
                spans.iter().filter(|span| !values_on(span, tag).is_empty()).collect();
            if !bearing.is_empty() {
                let samples = samples(&bearing, step);
                totals.push((format!("{name}_total"), tag.to_owned(), Value::Empty, samples));
            }
        }
        told.extend(totals);
        let error = ("__too_many_values__".to_owned(), tag.to_owned(), Value::Empty, Vec::new());
        told.extend(is_cut.then_some(error));
    }
    told
}

fn told(series: Vec<Series>) -> Vec<Told> {
    let one = |series: Series| {
        let [kind, tag] = series.labels.try_into().unwrap();
        let Value::String(kind_value) = kind.value else { panic!("{kind:?}") };
        let is_error = &*kind_value == "__too_many_values__";
        assert_eq!(&*kind.key, if is_error { "__meta_error" } else { "__meta_type" });
        let samples = series.samples.into_iter().map(|(start, value)| (start.nanos(), value));
        (kind_value.to_string(), tag.key.to_string(), tag.value, samples.collect())
    };
    series.into_iter().map(one).collect()
}

/// NaNs equal themselves.
fn same(a: &[Told], b: &[Told]) -> bool {
    let values = |a: &Value, b: &Value| match (a, b) {
        (Value::Empty, Value::Empty) => true,
        (Value::Empty, _) | (_, Value::Empty) => false,
        (a, b) => order(a, b) == Ordering::Equal,
    };
    let one =
        |(a, b): (&Told, &Told)| (&a.0, &a.1, &a.3) == (&b.0, &b.1, &b.3) && values(&a.2, &b.2);
    a.len() == b.len() && a.iter().zip(b).all(one)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn p5_selected_spans_are_set_against_the_others(
        store in stores(), range in ranges(), step in 1u64..150, top in 1usize..5,
        window in prop_oneof![Just(None), (1u64..300, 1u64..100).prop_map(Some)],
        spans in select(vec!["true", "kind != internal", r#"rootName = "get""#]),
        selected in select(vec![
            "true", "status = error", ".a = 1", r#"resource.service.name = "cart" || .b != 1"#,
            r#"rootName = "get""#, "parent.a = 1",
        ]),
    ) {
        let filter = |text: &str| Query::parse(&format!("{{ {text} }}")).unwrap().filter;
        let oracle = Oracle::new(store.iter().map(|(span, _)| span));
        let found = |also: Expr| -> Vec<TraceSpan> {
            let mut query = Query::spans().between(range);
            query.filter = Expr::And(vec![filter(spans), also]);
            oracle.search(&query).into_iter().flat_map(|answer| answer.matching).collect()
        };
        let window_text = window
            .map_or(String::new(), |(start, width)| format!(", {start}, {}", start + width));
        let window = window.map_or(TimeRange::ALL, |(start, width)| {
            let time = crate::base::time::Timestamp::from_nanos;
            (time(start)..time(start + width)).into()
        });
        let (inside, outside): (Vec<_>, Vec<_>) =
            found(filter(selected)).into_iter().partition(|span| window.contains(span.span.start));
        let mut others = found(Expr::Not(Box::new(filter(selected))));
        others.extend(outside);
        let naive = naive(&inside, &others, top, step);
        let text = format!("{{ {spans} }} | compare({{ {selected} }}, {top}{window_text})");
        let query = MetricsQuery::parse(&text).unwrap();
        let query = query.between(range).step(Duration::from_nanos(step));
        for view in [real(&store), fakes(&store)] {
            let found = told(metrics(&view, &query).unwrap().0);
            prop_assert!(same(&found, &naive), "{text}: {found:?} {naive:?}");
        }
    }
}
