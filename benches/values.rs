//! Values of a tag by prefix: of a key with a million distinct values, and beside it of one whose
//! every span has another, which no dictionary lists.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::path::Path;
use std::time::Duration;

use common::stores::options;
use common::table::{Figure, Table};
use common::times::Times;
use common::{Outcome, check, config, store_dir};
use tracekeep::{
    KeyValue, Query, Resource, ResourceSpans, ScopeSpans, Span, Store, Timestamp, TraceId,
    TraceReader, Value, ValuesPage, ValuesQuery,
};

/// When the spans start: a full hour, so that all lie in one partition.
const START: u64 = 1_763_827_200_000_000_000;
/// Values of a trace; each is on three of its spans, so that dictionaries are worth while.
const VALUES: u64 = 10;
const TRACE_SPANS: u64 = 3 * VALUES;
/// Traces of an append.
const BATCH: u64 = 500;
/// Values of a page.
const PAGE: usize = 100;
/// Pages that are asked for, each by another prefix.
const SAMPLE: u64 = 200;

fn main() -> Outcome {
    let values = config()?.spans / 2 / VALUES * VALUES;
    let spans = 3 * values;
    let table = Table::new("values", spans);
    let dir = store_dir()?;
    let store = fill(dir.path(), spans)?;
    let step = (values / SAMPLE).max(1);
    let prefixes: Vec<u64> = (0..values).step_by(step as usize).map(|value| value / 100).collect();

    let users = |prefix: u64| ValuesQuery::of("span.user").prefix(format!("user-{prefix:05}"));
    for &prefix in &prefixes {
        let page = store.values(&users(prefix).limit(PAGE).counted())?;
        let first = prefix * 100;
        let wanted: Vec<String> = (first..values.min(first + 100)).map(user).collect();
        check("values by prefix", texts(&page) == wanted && page.next.is_none())?;
        check("traces of a value", page.values.iter().all(|found| found.traces == Some(1)))?;
    }
    let first = |query: ValuesQuery| Times::of(&prefixes, 5, |_| store.values(&query));
    let by_prefix = |query: &dyn Fn(u64) -> ValuesQuery| {
        Times::of(&prefixes, 5, |&prefix| store.values(&query(prefix)))
    };
    let goal = Duration::from_millis(2);
    let dictionary = by_prefix(&|prefix| users(prefix).limit(PAGE))?;
    let what = format!("first {PAGE} of {values} distinct values by prefix");
    row(&table, &format!("{what}, p50"), dictionary.at(0.5), goal);
    row(&table, &format!("{what}, p99"), dictionary.at(0.99), goal);
    let all = first(ValuesQuery::of("span.user").limit(PAGE))?;
    row(&table, "the first of all, p50", all.at(0.5), goal);
    let counted =
        Times::of(&[0], 20, |&prefix| store.values(&users(prefix).limit(PAGE).counted()))?;
    table.note("by prefix with counts, p50", Figure::Time(counted.at(0.5)));

    let unique = ValuesQuery::of("span.request").prefix("request-0000").limit(PAGE);
    let page = store.values(&unique)?;
    let wanted: Vec<String> = (0..PAGE as u64).map(request).collect();
    check("values of a unique-like key", texts(&page) == wanted && page.next.is_some())?;
    let walked = Times::of(&[()], 5, |()| store.values(&unique))?;
    table.note(&format!("the same of {spans} unique values, p50"), Figure::Time(walked.at(0.5)));

    let cart = Query::spans().service("service-3");
    let routes = ValuesQuery::of("span.route").spans(cart).counted();
    let page = store.values(&routes)?;
    let own = |n: u64| (0..spans).filter(move |i| i % 7 == 3 && i % 11 == n);
    check("routes of a service", page.values.len() == 11)?;
    for (n, found) in (0..).zip(&page.values) {
        let mut traces: Vec<u64> = own(n).map(|i| i / TRACE_SPANS).collect();
        traces.dedup();
        check("traces of a route", found.traces == Some(traces.len() as u64))?;
    }
    let restricted = Times::of(&[()], 5, |()| store.values(&routes))?;
    let what = "values where the service is one of seven, with counts, p50";
    table.note(what, Figure::Time(restricted.at(0.5)));
    store.close()?;
    Ok(())
}

fn row(table: &Table, what: &str, measured: Duration, goal: Duration) {
    table.figure(what, Figure::Time(measured), Figure::Time(goal), Figure::Time(goal));
}

fn texts(page: &ValuesPage) -> Vec<&str> {
    let texts = page.values.iter().filter_map(|found| match &found.value {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn user(value: u64) -> String {
    format!("user-{value:07}")
}

fn request(span: u64) -> String {
    format!("request-{span:08}")
}

/// One segment of so many spans.
fn fill(dir: &Path, spans: u64) -> Outcome<Store> {
    let options = || options().partition(Duration::from_secs(24 * 3600));
    let store = Store::open(dir, options())?;
    let traces = spans / TRACE_SPANS;
    for first in (0..traces).step_by(BATCH as usize) {
        let mut batch: Vec<ResourceSpans> = (0..7).map(service).collect();
        for i in first * TRACE_SPANS..(first + BATCH).min(traces) * TRACE_SPANS {
            let group = batch.get_mut((i % 7) as usize);
            if let Some(group) = group.and_then(|group| group.scope_spans.first_mut()) {
                group.spans.push(span(i));
            }
        }
        store.append(&batch)?;
    }
    store.merge()?;
    let stats = store.stats()?;
    println!("{} spans in {} segments", stats.spans, stats.segments);
    check("spans of the store", stats.spans == spans)?;
    store.close()?;
    Ok(Store::open(dir, options())?)
}

fn service(number: u64) -> ResourceSpans {
    let attributes = vec![KeyValue::new("service.name", format!("service-{number}"))];
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans::default()],
        ..ResourceSpans::default()
    }
}

fn span(i: u64) -> Span {
    let trace = i / TRACE_SPANS;
    let start = Timestamp::from_nanos(START + trace * 20_000_000 + i % TRACE_SPANS * 1000);
    Span {
        trace_id: TraceId::from(u128::from(trace + 1) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834),
        span_id: (i + 1).into(),
        name: "work".into(),
        start,
        end: start,
        attributes: vec![
            KeyValue::new("user", user(trace * VALUES + i % VALUES)),
            KeyValue::new("request", request(i)),
            KeyValue::new("route", format!("/route/{:02}", i % 11)),
        ],
        ..Span::default()
    }
}
