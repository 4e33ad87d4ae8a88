//! Strategies for spans and contexts nobody expects, for the property tests of every room.
//!
//! Boxed, since nested strategies are large and tests run on small stacks. What they make is in
//! normal form: it comes back from its canonical bytes as it was.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::base::ids::{SpanId, TraceId};
use crate::base::model::*;
use crate::base::text::Str;
use crate::base::time::Timestamp;

/// Short text: often empty, often repeated, at times not ASCII.
pub fn text() -> BoxedStrategy<Str> {
    prop_oneof![
        Just(Str::from("")),
        "[a-c]{1,3}".prop_map(Str::from),
        "\\PC{0,12}".prop_map(Str::from),
        Just(Str::from("service.name")),
        Just(Str::from("0f8fad5b-d9cb-469f-a165-70867728950e")),
        "[0-9a-f]{130}".prop_map(Str::from),
    ]
    .boxed()
}

/// Unknown fields that no message of OTLP knows.
pub fn unknown() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        8 => Just(Vec::new()),
        // A varint, also one longer than need be.
        1 => any::<u8>().prop_map(|n| vec![0xa0, 0x3e, n | 0x80, 0x80, 0x00]),
        1 => vec(any::<u8>(), 0..5).prop_map(|bytes| {
            let mut field = vec![0xa2, 0x3e, bytes.len() as u8];
            field.extend(bytes);
            field
        }),
        // A group that holds a field and a group.
        1 => Just(vec![0xab, 0x3e, 0x08, 0x01, 0x13, 0x14, 0xac, 0x3e]),
        1 => Just(vec![0xa5, 0x3e, 1, 2, 3, 4, 0xa1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8]),
    ]
    .boxed()
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(0), 1 => 1..300u32, 1 => any::<u32>()]
}

fn enumeration() -> impl Strategy<Value = i32> {
    prop_oneof![6 => 0..6i32, 1 => any::<i32>()]
}

/// Times close together, or anywhere.
pub fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        4 => 1_700_000_000_000_000_000..1_700_000_000_000_100_000u64,
        1 => 0..3u64,
        1 => any::<u64>()
    ]
    .prop_map(Timestamp::from_nanos)
}

/// Few trace ids, so that they meet, among them short and zero ones.
pub fn trace_id() -> impl Strategy<Value = TraceId> {
    prop_oneof![
        4 => (1..6u128).prop_map(|n| TraceId::from(n << 64 | n)),
        1 => (0..4u128).prop_map(TraceId::from),
        1 => any::<u128>().prop_map(TraceId::from),
    ]
}

/// Few span ids, so that parents are found.
pub fn span_id() -> impl Strategy<Value = SpanId> {
    prop_oneof![4 => 0..9u64, 1 => any::<u64>()].prop_map(SpanId::from)
}

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        1 => Just(Value::Empty),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => prop_oneof![any::<i64>(), -2..200i64].prop_map(Value::Int),
        2 => prop_oneof![any::<u64>().prop_map(f64::from_bits), Just(0.0), Just(-0.0), Just(1.5)]
            .prop_map(Value::Double),
        4 => text().prop_map(Value::String),
        1 => vec(any::<u8>(), 0..5).prop_map(Value::Bytes),
    ]
    .boxed()
}

fn element() -> BoxedStrategy<Value> {
    scalar()
        .prop_recursive(3, 12, 3, |inner| {
            let pair = (text(), prop_oneof![5 => inner.clone(), 1 => Just(Value::Missing)]);
            prop_oneof![
                vec(inner, 0..4).prop_map(Value::Array),
                vec(pair.prop_map(|(key, value)| KeyValue { key, value }), 0..4)
                    .prop_map(Value::Map),
            ]
        })
        .boxed()
}

/// A value that bears unknown fields: in the attribute, the value, an array or a pair of a map.
fn raw() -> BoxedStrategy<Value> {
    let some = || unknown().prop_filter("none", |bytes| !bytes.is_empty());
    let wrap = |tag: u8, bytes: &[u8]| {
        let mut out = vec![tag, bytes.len() as u8];
        out.extend_from_slice(bytes);
        out
    };
    prop_oneof![
        some(),
        some().prop_map(move |u| wrap(0x12, &u)),
        some().prop_map(move |u| wrap(0x12, &[&[0x18, 7], u.as_slice()].concat())),
        some().prop_map(move |u| wrap(0x12, &wrap(0x2a, &wrap(0x0a, &u)))),
        some().prop_map(move |u| wrap(0x12, &wrap(0x32, &wrap(0x0a, &u)))),
    ]
    .prop_map(Value::Raw)
    .boxed()
}

/// Any attribute value.
pub fn value() -> BoxedStrategy<Value> {
    prop_oneof![12 => scalar(), 3 => element(), 1 => Just(Value::Missing), 1 => raw()].boxed()
}

/// Attributes, keys repeated at times.
pub fn attributes() -> BoxedStrategy<Vec<KeyValue>> {
    vec((text(), value()).prop_map(|(key, value)| KeyValue { key, value }), 0..5).boxed()
}

fn event() -> BoxedStrategy<Event> {
    (time(), text(), attributes(), count(), unknown())
        .prop_map(|(time, name, attributes, dropped_attributes_count, unknown)| Event {
            time,
            name,
            attributes,
            dropped_attributes_count,
            unknown,
        })
        .boxed()
}

fn link() -> BoxedStrategy<Link> {
    (trace_id(), span_id(), text(), attributes(), count(), count(), unknown())
        .prop_map(|(trace_id, span_id, trace_state, attributes, dropped, flags, unknown)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count: dropped,
            flags,
            unknown,
        })
        .boxed()
}

fn status() -> BoxedStrategy<Status> {
    (text(), enumeration(), unknown())
        .prop_map(|(message, code, unknown)| Status { message, code: StatusCode(code), unknown })
        .boxed()
}

/// Any span.
pub fn span() -> BoxedStrategy<Span> {
    let head = (trace_id(), span_id(), text(), option::of(span_id()), count(), text());
    let middle = (enumeration(), time(), time(), attributes(), count());
    let tail = (vec(event(), 0..3), count(), vec(link(), 0..3), count());
    (head, middle, tail, option::of(status()), unknown())
        .prop_map(|(h, m, t, status, unknown)| Span {
            trace_id: h.0,
            span_id: h.1,
            trace_state: h.2,
            parent_span_id: h.3,
            flags: h.4,
            name: h.5,
            kind: SpanKind(m.0),
            start: m.1,
            end: m.2,
            attributes: m.3,
            dropped_attributes_count: m.4,
            events: t.0,
            dropped_events_count: t.1,
            links: t.2,
            dropped_links_count: t.3,
            status,
            unknown,
        })
        .boxed()
}

/// Any resource context.
pub fn resource_context() -> BoxedStrategy<ResourceContext> {
    let entity = (text(), text(), vec(text(), 0..3), vec(text(), 0..2), unknown()).prop_map(
        |(schema_url, entity_type, id_keys, description_keys, unknown)| EntityRef {
            schema_url,
            entity_type,
            id_keys,
            description_keys,
            unknown,
        },
    );
    let resource = (attributes(), count(), vec(entity, 0..2), unknown()).prop_map(
        |(attributes, dropped_attributes_count, entity_refs, unknown)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
            unknown,
        },
    );
    (option::of(resource), text(), unknown())
        .prop_map(|(resource, schema_url, unknown)| ResourceContext {
            resource,
            schema_url,
            unknown,
        })
        .boxed()
}

/// Any scope context.
pub fn scope_context() -> BoxedStrategy<ScopeContext> {
    let scope = (text(), text(), attributes(), count(), unknown()).prop_map(
        |(name, version, attributes, dropped_attributes_count, unknown)| Scope {
            name,
            version,
            attributes,
            dropped_attributes_count,
            unknown,
        },
    );
    (option::of(scope), text(), unknown())
        .prop_map(|(scope, schema_url, unknown)| ScopeContext { scope, schema_url, unknown })
        .boxed()
}
