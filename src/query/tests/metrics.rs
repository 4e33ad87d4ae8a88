//! P5: metrics are those of a scan.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::generate::{ranges, stores};
use super::oracle::Oracle;
use super::stores::{fakes, real};
use crate::base::error::Error;
use crate::base::model::{KeyValue, Value};
use crate::base::time::Timestamp;
use crate::query::metrics::{MetricsQuery, Series, metrics};

/// The samples of a function, by the names of spans and the starts of steps.
type Naive = BTreeMap<(String, u64), f64>;

fn naive(oracle: &Oracle, function: &str, step: u64, wanted: impl Fn(Timestamp) -> bool) -> Naive {
    let mut durations = BTreeMap::<_, Vec<u64>>::new();
    for span in oracle.traces.values().flatten() {
        let span = &span.span;
        if wanted(span.start) && span.kind.0 != 1 {
            let key = (span.name.to_string(), span.start.nanos() / step * step);
            durations.entry(key).or_default().push(span.duration().as_nanos() as u64);
        }
    }
    let value = |durations: &mut Vec<u64>| {
        durations.sort_unstable();
        let (count, sum) = (durations.len(), durations.iter().sum::<u64>() as f64);
        match function {
            "rate()" => count as f64 / (step as f64 / 1e9),
            "count_over_time()" => count as f64,
            "min_over_time(duration)" => durations[0] as f64,
            "max_over_time(duration)" => durations[count - 1] as f64,
            "sum_over_time(duration)" => sum,
            "avg_over_time(duration)" => sum / count as f64,
            _ => durations[count.div_ceil(2) - 1] as f64,
        }
    };
    durations.into_iter().map(|(key, mut all)| (key, value(&mut all))).collect()
}

fn told(series: &[Series]) -> Naive {
    let name = |series: &Series| match &series.labels[0] {
        KeyValue { key, value: Value::String(name) } if *key == "name" => name.to_string(),
        other => panic!("{other:?}"),
    };
    let samples = series.iter().flat_map(|own| own.samples.iter().map(move |s| (name(own), s)));
    samples.map(|(name, (start, value))| ((name, start.nanos()), *value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn p5_metrics_are_those_of_a_scan(
        store in stores(), range in ranges(), step in 1u64..150,
        function in select(vec![
            "rate()", "count_over_time()", "min_over_time(duration)", "max_over_time(duration)",
            "sum_over_time(duration)", "avg_over_time(duration)", "quantile_over_time(duration, 0.5)",
        ]),
    ) {
        let oracle = Oracle::new(store.iter().map(|(span, _)| span));
        let query = MetricsQuery::parse(&format!("{{ kind != internal }} | {function} by (name)"));
        let query = query.unwrap().between(range).step(Duration::from_nanos(step));
        let naive = naive(&oracle, function, step, |start| range.contains(start));
        for view in [real(&store), fakes(&store)] {
            prop_assert_eq!(&told(&metrics(&view, &query).unwrap().0), &naive);
        }
    }

    #[test]
    fn p5_the_greatest_and_the_least_are_taken_step_by_step(store in stores(), count in 1usize..3) {
        let view = fakes(&store);
        let of = |then: &str| {
            let text = format!("{{ }} | count_over_time() by (span:id) {then}");
            let query = MetricsQuery::parse(&text).unwrap().step(Duration::from_nanos(100));
            metrics(&view, &query).unwrap().0
        };
        let steps = |series: &[Series]| {
            let mut steps = BTreeMap::<Timestamp, Vec<u64>>::new();
            for (start, value) in series.iter().flat_map(|own| &own.samples) {
                steps.entry(*start).or_default().push(*value as u64);
            }
            steps.values_mut().for_each(|values| values.sort_unstable());
            steps
        };
        let all = steps(&of(""));
        for (start, mut values) in steps(&of(&format!("| topk({count})"))) {
            prop_assert_eq!(&values, &all[&start][all[&start].len().saturating_sub(count)..]);
            values.clear();
        }
        for (start, values) in steps(&of(&format!("| bottomk({count})"))) {
            prop_assert_eq!(&values, &all[&start][..count.min(all[&start].len())]);
        }
        let large = steps(&of("> 1"));
        let counts = |steps: &BTreeMap<_, Vec<u64>>, least| {
            steps.values().flatten().filter(|value| **value > least).count()
        };
        prop_assert_eq!(counts(&large, 0), counts(&all, 1));
    }
}

#[test]
fn errors_say_where_and_what_instead() {
    for (text, position, expected) in [
        ("rate()", 0, "{, ("),
        ("{ }", 3, "| and rate()"),
        ("{ } | rate(", 11, ")"),
        ("{ } | avg_over_time(name)", 20, "another number"),
        ("{ } | quantile_over_time(duration)", 33, "a share"),
        ("{ } | quantile_over_time(duration, 2)", 35, "a share"),
        ("{ } | rate() | topk(0)", 20, "at least 1"),
        ("{ } | rate() | by(name)", 15, "topk(n)"),
        ("{ } | topk(3)", 6, "before this"),
        ("{ } | rate() > x", 15, "a number"),
        ("{ } | rate() with(a=1)", 13, "the end"),
        ("{ } | compare()", 14, "which spans"),
        ("{ } | compare({ }, 0)", 19, "from 1 to 1000"),
        ("{ } | compare({ }, 1001)", 19, "from 1 to 1000"),
        ("{ } | compare({ }, 3, 5)", 23, "a time behind"),
        ("{ } | compare({ }, 3, 5, 5)", 23, "a time behind"),
        ("{ } | compare({ }, 3, x, 5)", 22, "Unix nanoseconds"),
        ("{ } | compare({ }) by (name)", 19, "the end"),
        ("{ } | compare({ }) | topk(3)", 19, "the end"),
        ("{ } | compare({ } && { })", 18, ")"),
    ] {
        match MetricsQuery::parse(text) {
            Err(Error::Query { position: at, expected: message }) => {
                assert!(at == position && message.contains(expected), "{text}: at {at}: {message}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}
