//! P4, P5: figures are exactly those of a scan, whether statistics, columns or rows tell them.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::generate::{queries, stores};
use super::oracle::Oracle;
use super::stores::{segments, wide};
use crate::base::error::Error;
use crate::base::model::{StatusCode, TraceSpan};
use crate::base::time::{TimeRange, Timestamp};
use crate::index::sketch::{Sketch, bucket};
use crate::query::red::{Red, RedGroup, red};
use crate::query::typed::Query;

/// A nanosecond of the random stores becomes a second: their spans lie in five minutes.
pub const SECOND: u64 = 1_000_000_000;

/// Wide enough for some minutes, and no multiple of one.
pub const WIDTH: u64 = 130 * SECOND;

fn stretched(time: Timestamp) -> Timestamp {
    Timestamp::from_nanos(time.nanos().saturating_mul(SECOND))
}

pub fn stretch(span: &mut TraceSpan) {
    span.span.start = stretched(span.span.start);
    span.span.end = stretched(span.span.end);
}

pub fn stretched_range(range: TimeRange) -> TimeRange {
    match (range.first(), range.last()) {
        (Some(first), Some(last)) if last < Timestamp::MAX => {
            TimeRange::from(stretched(first)..stretched(last))
        }
        (Some(first), _) => TimeRange::from(stretched(first)..),
        _ => range,
    }
}

type Told = ((Option<String>, Option<String>, Option<i32>), u64, u64, u64, [Duration; 4]);

const SHARES: [f64; 4] = [0.0, 0.5, 0.9, 1.0];

fn naive(oracle: &Oracle, query: &Query, step: u64, group: RedGroup) -> Vec<Told> {
    let mut found = BTreeMap::<_, (u64, u64, Sketch)>::new();
    for span in oracle.search(query).into_iter().flat_map(|answer| answer.matching) {
        let service = span.service().map(ToString::to_string);
        let (name, kind) = (Some(span.span.name.to_string()), Some(span.span.kind.0));
        let own = match group {
            RedGroup::All => (None, None, None),
            RedGroup::Service => (service, None, None),
            RedGroup::Operation => (service, name, None),
            RedGroup::Kind => (service, name, kind),
        };
        let sums = found.entry((own, span.span.start.nanos() / step * step)).or_default();
        sums.0 += 1;
        sums.1 += u64::from(span.span.status_code() == StatusCode::ERROR);
        sums.2.add(bucket(span.span.end.nanos().saturating_sub(span.span.start.nanos())), 1);
    }
    let quantile = |sketch: &Sketch, share: f64| {
        Duration::from_nanos(sketch.quantile((share * 1000.0) as u64).unwrap())
    };
    let told = found.into_iter().map(|((group, start), (spans, errors, durations))| {
        (group, start, spans, errors, SHARES.map(|share| quantile(&durations, share)))
    });
    told.collect()
}

fn told(found: Vec<Red>) -> Vec<Told> {
    let one = |red: Red| {
        let service = red.service.as_ref().map(ToString::to_string);
        let name = red.operation.as_ref().map(ToString::to_string);
        let group = (service, name, red.kind.map(|kind| kind.0));
        let quantiles = SHARES.map(|share| red.estimated_quantile(share));
        (group, red.start.nanos(), red.spans, red.errors, quantiles)
    };
    found.into_iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn p4_p5_figures_are_those_of_a_scan(
        mut store in stores(), mut query in queries(), is_all: bool,
        step in select(vec![7, 30, 60, 60, 120, 180]),
        group in select(vec![
            RedGroup::All, RedGroup::Service, RedGroup::Operation, RedGroup::Kind,
        ]),
        text in select(vec![
            "{ }", "{ kind != internal }", r#"{ resource.service.name = "cart" || name = "get" }"#,
            "{ status = error }", "{ status != error }", "{ resource.service.name != nil }",
        ]),
    ) {
        store.iter_mut().for_each(|(span, _)| stretch(span));
        query.range = stretched_range(query.range);
        if is_all {
            query.filter = Query::parse(text).unwrap().filter;
        }
        let oracle = Oracle::new(store.iter().map(|(span, _)| span));
        let naive = naive(&oracle, &query, step * SECOND, group);
        for view in [wide(&store, WIDTH), segments(&store, WIDTH)] {
            let found = red(&view, &query, Duration::from_secs(step), group).unwrap();
            prop_assert_eq!(told(found), naive.clone());
        }
    }
}

#[test]
fn a_step_takes_time_and_figures_take_memory() {
    let spans: Vec<TraceSpan> = (0..50).map(|trace| super::bounds::span(trace, 1)).collect();
    let store: Vec<_> = spans.into_iter().map(|span| (span, vec![0])).collect();
    let view = super::stores::real(&store);
    let all = Query::spans();
    let none = red(&view, &all, Duration::ZERO, RedGroup::All);
    assert!(matches!(none, Err(Error::InvalidInput { .. })), "{none:?}");
    let step = Duration::from_nanos(1);
    let little = red(&view, &all.clone().memory_bytes(1000), step, RedGroup::All);
    assert!(matches!(little, Err(Error::Limit { .. })), "{little:?}");
    let late = red(&view, &all.timeout(Duration::ZERO), step, RedGroup::All);
    assert!(matches!(late, Err(Error::Timeout)), "{late:?}");
}
