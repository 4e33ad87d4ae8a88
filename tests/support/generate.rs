//! Random spans from small domains, so that ids, times and values collide often, and with the odd
//! cases that nobody expects.

use proptest::prelude::*;
use proptest::sample::select;
use tracekeep::{
    Event, KeyValue, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, SpanKind, Status,
    StatusCode, Timestamp, TraceId, Value,
};

/// 2026-11-22T16:00:00Z, the start of an hour.
pub const HOUR: u64 = 1_795_363_200_000_000_000;
const MINUTE: u64 = 60_000_000_000;

pub fn trace_id() -> impl Strategy<Value = TraceId> {
    // 5 with and without an upper half: the short form must find its long one.
    let ids = [0u128, 1, 2, 5, 5 | (7 << 64), 5 | (9 << 64), 6 | (1 << 100), u128::MAX];
    prop_oneof![8 => select(ids.to_vec()).prop_map(TraceId::from), 1 => any::<u128>().prop_map(TraceId::from)]
}

fn time() -> impl Strategy<Value = Timestamp> {
    let minute = (0..240u64).prop_map(|m| HOUR + m * MINUTE);
    let odd = select(vec![0, 1, u64::MAX - 1, u64::MAX, HOUR - 1, HOUR]);
    prop_oneof![10 => minute, 2 => (0..1000u64).prop_map(|n| HOUR + n), 1 => odd]
        .prop_map(Timestamp::from_nanos)
}

pub fn value() -> impl Strategy<Value = Value> {
    let text = select(vec![
        "",
        "GET",
        "POST",
        "é.*",
        "200",
        "3b1c0f5e-0000-4000-8000-00000000000a",
        "00ff",
    ]);
    let number = select(vec![i64::MIN, -1, 0, 1, 200, 404, (1 << 53) + 1, i64::MAX]);
    let real =
        select(vec![-0.0, 0.5, 1.0, 200.0, 9_007_199_254_740_992.0, f64::INFINITY, f64::NAN]);
    prop_oneof![
        4 => text.prop_map(Value::from),
        3 => number.prop_map(Value::from),
        2 => real.prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
        1 => "[a-c]{0,3}".prop_map(Value::from),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
        1 => Just(Value::Empty),
        1 => Just(Value::Missing),
        1 => Just(Value::Array(vec![Value::from("GET"), Value::from(7i64)])),
        1 => Just(Value::Map(vec![KeyValue::new("a", 1i64)])),
    ]
}

fn attributes(max: usize) -> impl Strategy<Value = Vec<KeyValue>> {
    let key = select(vec!["a", "b", "http.method", "http.status", "region"]);
    prop::collection::vec((key, value()).prop_map(|(key, value)| KeyValue::new(key, value)), 0..max)
}

fn event() -> impl Strategy<Value = Event> {
    (time(), select(vec!["", "exception", "retry"]), attributes(3)).prop_map(
        |(time, name, attributes)| Event {
            time,
            name: name.into(),
            attributes,
            ..Event::default()
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    (trace_id(), 0..4u64, attributes(2)).prop_map(|(trace_id, span, attributes)| Link {
        trace_id,
        span_id: span.into(),
        attributes,
        ..Link::default()
    })
}

fn status() -> impl Strategy<Value = Option<Status>> {
    let status = (select(vec![0, 1, 2, 77]), select(vec!["", "timed out"]));
    let status = status.prop_map(|(code, message)| Status {
        code: StatusCode(code),
        message: message.into(),
        unknown: Vec::new(),
    });
    prop_oneof![2 => Just(None), 3 => status.prop_map(Some)]
}

pub fn span() -> impl Strategy<Value = Span> {
    let identity = (trace_id(), 0..6u64, prop_oneof![Just(None), (0..7u64).prop_map(Some)]);
    let times = (
        time(),
        prop_oneof![
            4 => (0..3 * MINUTE).boxed(),
            1 => Just(0).boxed(),
            1 => Just(u64::MAX).boxed(), // ends before it starts
        ],
    );
    let what =
        (select(vec!["", "GET /", "query", "send"]), select(vec![0, 1, 2, 3, 4, 5, -9]), status());
    let extras = (
        attributes(4),
        prop::collection::vec(event(), 0..2),
        prop::collection::vec(link(), 0..2),
        0..3u32,
    );
    (identity, times, what, extras).prop_map(
        |(
            (trace_id, span_id, parent),
            (start, length),
            (name, kind, status),
            (attributes, events, links, flags),
        )| Span {
            trace_id,
            span_id: span_id.into(),
            parent_span_id: parent.map(Into::into),
            start,
            end: Timestamp::from_nanos(start.nanos().wrapping_add(length)),
            name: name.into(),
            kind: SpanKind(kind),
            status,
            attributes,
            events,
            links,
            flags,
            ..Span::default()
        },
    )
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    let service = prop_oneof![
        6 => select(vec!["cart", "shop", "", "ad"]).prop_map(|s| Some(Value::from(s))),
        1 => Just(Some(Value::from(7i64))),
        1 => Just(None),
    ];
    let resource = (service, attributes(3)).prop_map(|(service, mut attributes)| {
        attributes.extend(service.map(|value| KeyValue::new("service.name", value)));
        Resource { attributes, ..Resource::default() }
    });
    prop_oneof![8 => resource.prop_map(Some), 1 => Just(None)]
}

fn scope() -> impl Strategy<Value = Option<Scope>> {
    let scope = (select(vec!["", "lib"]), select(vec!["", "1.2"]), attributes(2));
    let scope = scope.prop_map(|(name, version, attributes)| Scope {
        name: name.into(),
        version: version.into(),
        attributes,
        ..Scope::default()
    });
    prop_oneof![3 => scope.prop_map(Some), 1 => Just(None)]
}

/// One append's worth of spans.
pub fn batch() -> impl Strategy<Value = Vec<ResourceSpans>> {
    let scope_spans = (scope(), prop::collection::vec(span(), 0..8))
        .prop_map(|(scope, spans)| ScopeSpans { scope, spans, ..ScopeSpans::default() });
    let resource_spans = (resource(), prop::collection::vec(scope_spans, 0..3)).prop_map(
        |(resource, scope_spans)| ResourceSpans {
            resource,
            scope_spans,
            ..ResourceSpans::default()
        },
    );
    prop::collection::vec(resource_spans, 0..3)
}
