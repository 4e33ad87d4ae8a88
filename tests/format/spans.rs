//! Spans written by hand: every kind of value and field, and the structures that senders get wrong.

use tracekeep::{
    EntityRef, Event, KeyValue, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, SpanId,
    SpanKind, Status, StatusCode, Timestamp, TraceId, Value,
};

use crate::world::START;

/// An unknown field: number 1000, bytes.
const UNKNOWN: [u8; 6] = [0xc2, 0x3e, 0x03, b'n', b'e', b'w'];

/// One request with these spans, under a resource of that service.
pub fn batch(service: &str, spans: Vec<Span>) -> Vec<ResourceSpans> {
    let attributes = vec![KeyValue::new("service.name", service)];
    vec![ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }]
}

/// A span that lasts a microsecond.
pub fn plain(trace: u128, id: u64, start: u64) -> Span {
    Span {
        trace_id: trace.into(),
        span_id: id.into(),
        name: "GET".into(),
        kind: SpanKind::SERVER,
        start: Timestamp::from_nanos(START + start),
        end: Timestamp::from_nanos(START + start + 1000),
        ..Span::default()
    }
}

/// The worked example of SPEC.md: a root span and its child.
pub fn tiny() -> Vec<ResourceSpans> {
    let trace = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10;
    let root = plain(trace, 0xa1a2_a3a4_a5a6_a7a8, 0);
    let child = Span {
        parent_span_id: Some(root.span_id),
        end: Timestamp::from_nanos(START + 700),
        ..plain(trace, 0xb1b2_b3b4_b5b6_b7b8, 200)
    };
    batch("cart", vec![root, child])
}

/// A value of each type; `n` varies those that can.
fn values(n: i64) -> Vec<KeyValue> {
    let deep = Value::Array(vec![Value::Empty, Value::Map(vec![KeyValue::new("k", n)])]);
    vec![
        KeyValue::new("missing", Value::Missing),
        KeyValue::new("empty", Value::Empty),
        KeyValue::new("bool", n % 2 == 0),
        KeyValue::new("int", n * 1000 - 1),
        KeyValue::new("double", n as f64 / 4.0),
        KeyValue::new("string", if n % 2 == 0 { "Straße" } else { "" }),
        KeyValue::new("bytes", Value::Bytes(vec![0, 255, n as u8])),
        KeyValue::new("array", deep),
        KeyValue::new("map", Value::Map(vec![KeyValue::new("a", true), KeyValue::new("a", 1.5)])),
        // field 2, the value "x", and an unknown field behind it
        KeyValue::new("raw", Value::Raw([&[0x12, 0x03, 0x0a, 0x01, b'x'], &UNKNOWN[..]].concat())),
        KeyValue::new("int", n),
    ]
}

/// Every field of a span, an event and a link.
fn full(trace: u128, n: i64) -> Span {
    let nested = |n: i64| values(n).split_off(2);
    let event = |name: &str, after: u64| Event {
        time: Timestamp::from_nanos(START + after),
        name: name.into(),
        attributes: nested(n),
        dropped_attributes_count: 3,
        unknown: UNKNOWN.to_vec(),
    };
    let link = Link {
        trace_id: TraceId::from(n as u128 + (9 << 64)),
        span_id: SpanId::from(77),
        trace_state: "vendor=link".into(),
        attributes: nested(n),
        dropped_attributes_count: 4,
        flags: 0x301,
        unknown: UNKNOWN.to_vec(),
    };
    Span {
        trace_state: "vendor=1".into(),
        flags: 0x101,
        kind: SpanKind::CONSUMER,
        attributes: values(n),
        dropped_attributes_count: 5,
        // Before the span's start, and behind its end.
        events: vec![event("exception", 0), event("", 5_000_000)],
        dropped_events_count: 6,
        links: vec![link, Link { span_id: SpanId::from(n as u64), ..Link::default() }],
        dropped_links_count: u32::MAX,
        status: Some(Status {
            message: format!("failed {n} times").into(),
            code: StatusCode::ERROR,
            unknown: UNKNOWN.to_vec(),
        }),
        unknown: UNKNOWN.to_vec(),
        ..plain(trace, n as u64 + 1, 10_000 + n as u64)
    }
}

/// Every type of value and every field, in templates and spelled out; parents of every kind; odd
/// times and ids; contexts with everything and with nothing.
pub fn every_value() -> Vec<ResourceSpans> {
    let mut spans: Vec<Span> = (0..6).map(|n| full(1, n)).collect();
    for n in 1..6 {
        spans[n].parent_span_id = Some(SpanId::from([1, 2, 2, 1, 900][n - 1]));
    }
    let at = Timestamp::from_nanos;
    let odd = vec![
        // Alone with its structure, so spelled out: every field, and doubles that no one sends.
        Span {
            attributes: [f64::NAN, f64::INFINITY, -0.0, f64::from_bits(0x7ff8_0000_0000_0001)]
                .map(|number| KeyValue::new("odd", number))
                .to_vec(),
            kind: SpanKind(-7),
            parent_span_id: Some(SpanId::from(0)),
            ..full(2, 40)
        },
        // The same id twice, each other's parent, no time, the end before the start.
        Span { parent_span_id: Some(8.into()), name: "".into(), ..plain(2, 7, 0) },
        Span { parent_span_id: Some(7.into()), ..plain(2, 8, 0) },
        Span { parent_span_id: Some(8.into()), end: at(0), ..plain(2, 8, 1) },
        Span { start: at(0), end: at(0), ..plain(0, 0, 0) },
        Span { start: at(u64::MAX - 1), end: at(u64::MAX), ..plain(u128::MAX, u64::MAX, 0) },
    ];
    let entity = EntityRef {
        schema_url: "https://example.org/entity".into(),
        entity_type: "host".into(),
        id_keys: vec!["host.id".into()],
        description_keys: vec!["host.name".into()],
        unknown: UNKNOWN.to_vec(),
    };
    let whole = ResourceSpans {
        resource: Some(Resource {
            attributes: [vec![KeyValue::new("service.name", "every value")], values(3)].concat(),
            dropped_attributes_count: 1,
            entity_refs: vec![entity],
            unknown: UNKNOWN.to_vec(),
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(Scope {
                name: "by hand".into(),
                version: "1".into(),
                attributes: values(5),
                dropped_attributes_count: 2,
                unknown: UNKNOWN.to_vec(),
            }),
            spans,
            schema_url: "https://example.org/scope".into(),
            unknown: UNKNOWN.to_vec(),
        }],
        schema_url: "https://example.org/resource".into(),
        unknown: UNKNOWN.to_vec(),
    };
    let bare = ResourceSpans {
        scope_spans: vec![ScopeSpans { spans: odd, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    vec![whole, bare]
}
