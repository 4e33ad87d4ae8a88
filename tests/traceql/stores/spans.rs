//! Random spans, resources and scopes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use tracekeep::{
    Event, KeyValue, Link, Resource, Scope, Span, SpanKind, Status, StatusCode, Timestamp, TraceId,
    Value,
};

use super::Placed;
use crate::grammar::Type;
use crate::pool::*;

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => select(TEXTS).prop_map(Value::from),
        4 => select(INTS).prop_map(Value::from),
        2 => select(REALS).prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
    ]
    .boxed()
}

/// What a key's values mostly are.
fn usual(key: &str) -> BoxedStrategy<Value> {
    match type_of(key) {
        Type::Text => select(&TEXTS[..USUAL]).prop_map(Value::from).boxed(),
        Type::Number => {
            prop_oneof![3 => (0..5i64).prop_map(Value::from), 1 => Just(Value::from(1.5))].boxed()
        }
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        _ => scalar(),
    }
}

fn value(key: &str) -> BoxedStrategy<Value> {
    let odd = select(vec![
        Value::Empty,
        Value::Missing,
        Value::Bytes(vec![0xff]),
        Value::Map(vec![KeyValue::new("a", 1i64)]),
        Value::Array(vec![Value::Array(vec![Value::from(1i64)]), Value::Empty]),
    ]);
    prop_oneof![
        16 => usual(key),
        3 => prop::collection::vec(usual(key), 1..4).prop_map(Value::Array),
        1 => scalar(),
        1 => prop::collection::vec(scalar(), 0..4).prop_map(Value::Array),
        1 => odd,
    ]
    .boxed()
}

fn attributes(max: usize) -> BoxedStrategy<Vec<KeyValue>> {
    // Nothing bears the last key.
    let key = select(&KEYS[..KEYS.len() - 1]);
    let attribute =
        key.prop_flat_map(|key| value(key).prop_map(move |value| KeyValue::new(key, value)));
    prop::collection::vec(attribute, 0..max).boxed()
}

pub fn resource() -> BoxedStrategy<Option<Resource>> {
    let service = prop_oneof![
        8 => select(SERVICES).prop_map(|s| Some(Value::from(s))),
        1 => Just(Some(Value::from(7i64))),
        1 => Just(None),
    ];
    let resource = (service, attributes(3)).prop_map(|(service, mut attributes)| {
        attributes.extend(service.map(|value| KeyValue::new("service.name", value)));
        Resource { attributes, ..Resource::default() }
    });
    prop_oneof![8 => resource.prop_map(Some), 1 => Just(None)].boxed()
}

pub fn scope() -> BoxedStrategy<Option<Scope>> {
    let scope = (select(LIBRARIES), select(VERSIONS), attributes(2));
    let scope = scope.prop_map(|(name, version, attributes)| Scope {
        name: name.into(),
        version: version.into(),
        attributes,
        ..Scope::default()
    });
    prop_oneof![3 => scope.prop_map(Some), 1 => Just(None)].boxed()
}

fn status() -> BoxedStrategy<Option<Status>> {
    let status = (select(vec![0, 1, 2, 2, 77]), select(MESSAGES));
    let status = status.prop_map(|(code, message)| Status {
        code: StatusCode(code),
        message: message.into(),
        unknown: Vec::new(),
    });
    prop_oneof![2 => Just(None), 3 => status.prop_map(Some)].boxed()
}

/// Starts: near each other, in other partitions, or nonsense.
fn start() -> BoxedStrategy<u64> {
    prop_oneof![
        6 => (0..6u64).prop_map(|n| HOUR + n * 1_000_000),
        3 => (0..5u64).prop_map(|n| HOUR + n * 30 * SECOND),
        1 => (0..3u64).prop_map(|n| HOUR + n * 3600 * SECOND),
        1 => select(vec![0, 1, u64::MAX, HOUR - 1]),
    ]
    .boxed()
}

/// A time behind the start, or anywhere.
#[derive(Clone, Copy, Debug)]
enum Time {
    After(u64),
    At(u64),
}

impl Time {
    fn of(self, start: u64) -> Timestamp {
        Timestamp::from_nanos(match self {
            Self::After(nanos) => start.saturating_add(nanos),
            Self::At(nanos) => nanos,
        })
    }
}

fn time() -> BoxedStrategy<Time> {
    prop_oneof![
        18 => select(DURATIONS).prop_map(Time::After),
        2 => Just(Time::At(0)), // before the start
        1 => Just(Time::At(u64::MAX)),
    ]
    .boxed()
}

fn event() -> BoxedStrategy<(Time, Event)> {
    let event = (select(EVENTS), attributes(3)).prop_map(|(name, attributes)| Event {
        name: name.into(),
        attributes,
        ..Event::default()
    });
    (time(), event).boxed()
}

fn link() -> BoxedStrategy<Link> {
    (select(TRACES), 0..4u64, attributes(2))
        .prop_map(|(trace, span, attributes)| Link {
            trace_id: TraceId::from(trace),
            span_id: span.into(),
            attributes,
            ..Link::default()
        })
        .boxed()
}

/// Which span is named as the parent.
#[derive(Clone, Copy, Debug)]
enum Parent {
    None,
    /// So many before this one; itself, if zero.
    Before(u64),
    /// This id, whoever bears it.
    Id(u64),
}

fn parent() -> BoxedStrategy<Parent> {
    prop_oneof![
        3 => Just(Parent::None),
        12 => (1..4u64).prop_map(Parent::Before),
        1 => Just(Parent::Before(0)),
        3 => (0..9u64).prop_map(Parent::Id),
    ]
    .boxed()
}

/// A span but for its place in its trace.
#[derive(Clone, Debug)]
struct Loose {
    span: Span,
    parent: Parent,
    /// Whether it has the id of the one before.
    twin: bool,
}

fn loose() -> BoxedStrategy<Loose> {
    let what = (select(NAMES), select(vec![0, 1, 2, 2, 3, 4, 5, -9, 77]), status());
    let extras =
        (attributes(4), prop::collection::vec(event(), 0..3), prop::collection::vec(link(), 0..2));
    let place = (parent(), prop::bool::weighted(0.1), start(), time());
    (place, what, extras)
        .prop_map(
            |((parent, twin, start, end), (name, kind, status), (attributes, events, links))| {
                let events = events.into_iter();
                let span = Span {
                    start: Timestamp::from_nanos(start),
                    end: end.of(start),
                    name: name.into(),
                    kind: SpanKind(kind),
                    status,
                    attributes,
                    events: events.map(|(at, e)| Event { time: at.of(start), ..e }).collect(),
                    links,
                    ..Span::default()
                };
                Loose { span, parent, twin }
            },
        )
        .boxed()
}

fn placed(batches: usize) -> BoxedStrategy<(u128, Loose, Placed)> {
    let again = prop::option::weighted(0.15, 0..batches);
    // Most are of two traces.
    let trace = prop_oneof![3 => select(&TRACES[..2]), 2 => select(TRACES)];
    (trace, loose(), 0..8usize, 0..8usize, 0..batches, again)
        .prop_map(|(trace, loose, resource, scope, batch, again)| {
            let again = again.filter(|again| *again != batch);
            let batches = [batch].into_iter().chain(again).collect();
            (trace, loose, Placed { span: Span::default(), resource, scope, batches })
        })
        .boxed()
}

/// The spans of some traces, numbered in each.
pub fn spans(batches: usize) -> BoxedStrategy<Vec<Placed>> {
    prop::collection::vec(placed(batches), 1..20)
        .prop_map(|spans| {
            let mut numbers = BTreeMap::new();
            let number = |(trace, loose, placed): (u128, Loose, Placed)| {
                let number = numbers.entry(trace).or_insert(0u64);
                *number += 1;
                let Loose { span, parent, twin } = loose;
                let parent = match parent {
                    Parent::None => None,
                    Parent::Before(places) => Some(number.saturating_sub(places)),
                    Parent::Id(id) => Some(id),
                };
                let span = Span {
                    trace_id: TraceId::from(trace),
                    span_id: (*number - u64::from(twin)).into(),
                    parent_span_id: parent.map(Into::into),
                    ..span
                };
                Placed { span, ..placed }
            };
            spans.into_iter().map(number).collect()
        })
        .boxed()
}
