//! P5: metrics are those of a scan, whatever tells series apart and wherever values stand: in
//! statistics, in columns of any sort, or on whole spans.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::generate::{ranges, stores};
use super::oracle::{Oracle, of_key};
use super::red::{SECOND, WIDTH, stretch, stretched_range};
use super::stores::{segments, wide};
use crate::base::model::{SpanKind, StatusCode, TraceSpan, Value};
use crate::query::ast::Scope;
use crate::query::metrics::{MetricsQuery, metrics};
use crate::query::typed::Query;

/// The values of a field, elements of arrays one by one.
fn values(span: &TraceSpan, field: &str) -> Vec<Value> {
    let named = |name: Option<&'static str>, code: i32| match name {
        Some(name) => Value::from(name),
        None => Value::Int(code.into()),
    };
    let own = &span.span;
    let found: Vec<Value> = match field {
        "name" => vec![Value::String(own.name.clone())],
        "kind" => vec![named(SpanKind::name(own.kind), own.kind.0)],
        "status" => vec![named(StatusCode::name(own.status_code()), own.status_code().0)],
        "statusMessage" => {
            own.status.iter().map(|own| Value::String(own.message.clone())).collect()
        }
        "duration" => vec![Value::Int(own.duration().as_nanos() as i64)],
        "span:id" => vec![Value::from(own.span_id.to_string().as_str())],
        "event:name" => own.events.iter().map(|own| Value::String(own.name.clone())).collect(),
        "instrumentation:name" => {
            span.scope.scope.iter().map(|own| Value::String(own.name.clone())).collect()
        }
        _ => {
            let (scope, key) = Scope::split(field);
            of_key(span, scope, key).into_iter().cloned().collect()
        }
    };
    let elements = found.into_iter().flat_map(|value| match value {
        Value::Array(elements) => elements,
        other => vec![other],
    });
    elements.collect()
}

/// What tells groups apart: equal numbers are one.
fn group(value: &Value) -> String {
    match value {
        Value::Bool(truth) => format!("b{truth}"),
        Value::Int(number) => format!("n{number}"),
        Value::Double(number) if number.fract() == 0.0 => format!("n{}", *number as i128),
        Value::Double(number) => format!("n{number}"),
        Value::String(text) => format!("t{text}"),
        _ => "other".into(),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Double(number) if !number.is_nan() => Some(*number),
        _ => None,
    }
}

/// The labels of each series, and its samples; sorted.
type Told = Vec<(Vec<String>, Vec<(u64, f64)>)>;

fn naive(spans: &[TraceSpan], by: &[&str], of: Option<&str>, step: u64) -> Told {
    let mut found = BTreeMap::<Vec<Option<String>>, BTreeMap<u64, Vec<f64>>>::new();
    for span in spans {
        let labels = by.iter().map(|field| values(span, field).first().map(group)).collect();
        let step = span.span.start.nanos() / step * step;
        let taken = found.entry(labels).or_default().entry(step).or_default();
        match of {
            Some(field) => taken.extend(values(span, field).iter().filter_map(number)),
            None => taken.push(1.0),
        }
    }
    let mut told: Told = Vec::new();
    for (labels, steps) in found {
        // What exists only, and what does not, are both told as nothing.
        let labels = labels.into_iter().map(|own| own.unwrap_or_else(|| "other".into())).collect();
        let value = |taken: Vec<f64>| match of {
            Some(_) => taken.into_iter().reduce(f64::max),
            None => Some(taken.len() as f64),
        };
        let samples = steps.into_iter().filter_map(|(step, taken)| Some((step, value(taken)?)));
        told.push((labels, samples.collect()));
    }
    told.retain(|(_, samples)| !samples.is_empty());
    told.sort_by(|a, b| a.partial_cmp(b).unwrap());
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn p5_metrics_are_those_of_a_scan_wherever_values_stand(
        mut store in stores(), range in ranges(), step in select(vec![7, 60, 60, 120]),
        by in prop_oneof![
            2 => vec(select(vec!["name", "kind", "resource.service.name"]), 0..3),
            3 => vec(select(vec![
                "name", "kind", "status", "statusMessage", "resource.service.name", ".a", "span.a",
                "span.b", "resource.b", "event.a", "link.a", "instrumentation.a", "event:name",
                "instrumentation:name", "span:id", "duration",
            ]), 1..3),
        ],
        of in prop_oneof![
            3 => Just(None),
            1 => select(vec!["duration", "span.a", ".b", "event.a"]).prop_map(Some),
        ],
        filter in select(vec![
            "true", "kind != internal", "status = error", "status != error", "status = ok",
            r#"resource.service.name = "cart" || name = "get""#, ".a = 1 && duration > 1s",
        ]),
    ) {
        store.iter_mut().for_each(|(span, _)| stretch(span));
        let range = stretched_range(range);
        let oracle = Oracle::new(store.iter().map(|(span, _)| span));
        let query = Query::parse(&format!("{{ {filter} }}")).unwrap().between(range);
        let found = oracle.search(&query).into_iter().flat_map(|answer| answer.matching);
        let naive = naive(&found.collect::<Vec<_>>(), &by, of, step * SECOND);
        let function = of.map_or("count_over_time()".into(), |of| format!("max_over_time({of})"));
        let by = match by.is_empty() {
            true => String::new(),
            false => format!("by ({})", by.join(", ")),
        };
        let query = MetricsQuery::parse(&format!("{{ {filter} }} | {function} {by}")).unwrap();
        let query = query.between(range).step(Duration::from_secs(step));
        for view in [wide(&store, WIDTH), segments(&store, WIDTH)] {
            let (series, _) = metrics(&view, &query).unwrap();
            let told = series.iter().map(|series| {
                let labels = series.labels.iter().map(|label| group(&label.value)).collect();
                let samples = series.samples.iter().map(|(start, value)| (start.nanos(), *value));
                (labels, samples.collect())
            });
            let mut told: Told = told.collect();
            told.sort_by(|a, b| a.partial_cmp(b).unwrap());
            prop_assert_eq!(&told, &naive);
        }
    }
}

/// Statistics answer what they can, and `explain` says so.
#[test]
fn statistics_answer_without_a_look_at_rows() {
    let spans: Vec<TraceSpan> = (0..40).map(|trace| super::bounds::span(trace, 1)).collect();
    let store: Vec<_> = spans.into_iter().map(|span| (span, vec![0])).collect();
    let view = segments(&store, WIDTH);
    let looked = |text: &str| metrics(&view, &MetricsQuery::parse(text).unwrap()).unwrap().1;
    for text in [
        "{ } | rate()",
        "{ status = error } | rate() by (name, kind)",
        r#"{ name = "get" && kind = internal } | count_over_time() by (resource.service.name)"#,
    ] {
        let looked = looked(text);
        assert_eq!(
            (looked.segments_by_statistics, looked.rows, looked.spans_read),
            (1, 0, 0),
            "{text}"
        );
        assert!(looked.cells > 0);
    }
    for text in [
        "{ } | rate() by (span.path)",
        "{ span.n = 1 } | rate()",
        "{ } | quantile_over_time(duration, 0.5) by (name)",
    ] {
        let looked = looked(text);
        assert_eq!(
            (looked.segments_by_statistics, looked.rows, looked.spans_read),
            (0, 40, 0),
            "{text}"
        );
    }
    assert_eq!(looked(r#"{ rootName = "put" } | rate()"#).spans_read, 40);
}
