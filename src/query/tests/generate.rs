//! Random spans, stores and queries, small enough that everything collides.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::base::ids::{SpanId, TraceId};
use crate::base::model::*;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::time::{TimeRange, Timestamp};
use crate::query::ast::{Check, Compare, Expr, Field, Scope as Where, Test, anchored};
use crate::query::typed::Query;

/// Nanoseconds of a partition of the random stores.
pub const WIDTH: u64 = 100;

pub fn values() -> impl Strategy<Value = Value> {
    let scalar = || {
        select(vec![
            Value::from("x"),
            Value::from("y"),
            Value::from("1"),
            Value::from("true"),
            Value::from(""),
            Value::Int(1),
            Value::Int(2),
            Value::Int((1 << 53) + 1),
            Value::Double(1.0),
            Value::Double(1.5),
            Value::Double(9_007_199_254_740_992.0),
            Value::Double(f64::NAN),
            Value::Bool(true),
            Value::Bool(false),
            Value::Bytes(vec![1]),
            Value::Empty,
        ])
    };
    prop_oneof![
        8 => scalar(),
        1 => vec(scalar(), 0..3).prop_map(Value::Array),
        1 => Just(Value::Map(vec![KeyValue::new("a", "x")])),
        1 => Just(Value::Missing),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = select(vec!["a", "b", "c"]);
    vec((key, values()).prop_map(|(key, value)| KeyValue::new(key, value)), 0..3)
}

fn contexts() -> impl Strategy<Value = (Arc<ResourceContext>, Arc<ScopeContext>)> {
    let service = select(vec![None, Some("cart"), Some("shop"), Some("")]);
    (service, attributes(), attributes(), any::<bool>()).prop_map(|(service, own, scope, named)| {
        let mut attributes: Vec<_> =
            service.map(|name| KeyValue::new("service.name", name)).into_iter().collect();
        attributes.extend(own);
        let resource = Resource { attributes, ..Resource::default() };
        let scope = Scope { name: "x".into(), attributes: scope, ..Scope::default() };
        (
            Arc::new(ResourceContext { resource: Some(resource), ..ResourceContext::default() }),
            Arc::new(ScopeContext { scope: named.then_some(scope), ..ScopeContext::default() }),
        )
    })
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (select(vec![1u128, 2, 3, (7 << 64) + 1, (6 << 64) + 2, 5 << 64]), 1u64..5);
    let parent = prop_oneof![Just(None), (0u64..6).prop_map(|id| Some(SpanId::from(id)))];
    let times = (0..3 * WIDTH, 0..40u64, prop::bool::weighted(0.1));
    let status =
        select(vec![None, Some((0, "")), Some((1, "fine")), Some((2, "")), Some((9, "x"))]);
    let shape = (select(vec!["get", "put", ""]), 0..7i32, status);
    let inner = (attributes(), vec(attributes(), 0..2), vec(attributes(), 0..2));
    (ids, parent, times, shape, inner).prop_map(|(ids, parent, times, shape, inner)| {
        let (start, length, is_odd) = times;
        let end = if is_odd { start / 2 } else { start + length };
        let event = |attributes| {
            let time = Timestamp::from_nanos(start + length / 2);
            Event { time, attributes, name: "x".into(), ..Event::default() }
        };
        let link = |attributes| Link { attributes, ..Link::default() };
        Span {
            trace_id: TraceId::from(ids.0),
            span_id: SpanId::from(ids.1),
            parent_span_id: parent,
            name: shape.0.into(),
            kind: SpanKind(shape.1),
            start: Timestamp::from_nanos(start / 5 * 5),
            end: Timestamp::from_nanos(end),
            attributes: inner.0,
            events: inner.1.into_iter().map(event).collect(),
            links: inner.2.into_iter().map(link).collect(),
            status: shape.2.map(|(code, message)| Status {
                code: StatusCode(code),
                message: message.into(),
                unknown: Vec::new(),
            }),
            ..Span::default()
        }
    })
}

/// Spans, each with the sources of its partition that hold a copy.
pub fn stores() -> impl Strategy<Value = Vec<(TraceSpan, Vec<usize>)>> {
    let spans = vec((span(), 0..4usize, vec(0..3usize, 1..3)), 1..25);
    (vec(contexts(), 4), spans).prop_map(|(contexts, spans)| {
        let place = |(span, context, sources): (Span, usize, Vec<usize>)| {
            let (resource, scope) = contexts[context].clone();
            (TraceSpan { resource, scope, span }, sources)
        };
        spans.into_iter().map(place).collect()
    })
}

fn compares() -> impl Strategy<Value = Compare> {
    use Compare::*;
    select(vec![Equal, Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual])
}

fn checks() -> impl Strategy<Value = Check> {
    let numbers = vec![
        Number::Int(1),
        Number::Int((1 << 53) + 1),
        Number::Double(1.0),
        Number::Double(1.25),
        Number::Double(9_007_199_254_740_992.0),
    ];
    let texts = vec!["x", "1", "true", "", "cart", "get"];
    let pattern = (select(vec!["x|y", ".*a.*", "", "[0-9]+"]), any::<bool>());
    prop_oneof![
        Just(Check::Exists),
        Just(Check::Absent),
        (compares(), select(numbers)).prop_map(|(c, n)| Check::Number(c, n)),
        (compares(), select(texts)).prop_map(|(c, t)| Check::Text(c, Str::from(t))),
        (compares(), any::<bool>()).prop_map(|(c, b)| Check::Bool(c, b)),
        pattern.prop_map(|(p, negated)| Check::Pattern { regex: anchored(p).unwrap(), negated }),
    ]
}

fn tests() -> impl Strategy<Value = Test> {
    use Where::*;
    let scopes = select(vec![Any, Any, Span, Span, Resource, Event, Link, Instrumentation]);
    let keys = select(vec!["a", "b", "c", "service.name", "none"]);
    let attribute = (scopes, keys, checks()).prop_map(|(scope, key, check)| Test {
        field: Field::Attribute(scope, Str::from(key)),
        check,
    });
    let text = select(vec![
        Field::Name,
        Field::StatusMessage,
        Field::RootName,
        Field::RootService,
        Field::EventName,
        Field::InstrumentationName,
        Field::InstrumentationVersion,
    ]);
    let nanos = select(vec![
        Field::Duration,
        Field::TraceDuration,
        Field::EventTimeSinceStart,
        Field::ChildCount,
        Field::NestedSetParent,
    ]);
    let id = select(vec![Field::SpanId, Field::ParentId, Field::LinkSpanId]);
    let ids = (compares(), select(vec![0u64, 1, 2, 3]))
        .prop_map(|(c, id)| Check::Text(c, Str::from(SpanId::from(id).to_string())));
    let parents = (select(vec![Any, Span, Resource]), select(vec!["a", "b"]), checks());
    let parents = parents.prop_map(|(scope, key, check)| Test {
        field: Field::Parent(scope, Str::from(key)),
        check,
    });
    let code = select(vec![Field::Kind, Field::Status]);
    let number = (compares(), 0..60i64).prop_map(|(c, n)| Check::Number(c, Number::Int(n)));
    let codes = (compares(), 0..3i32).prop_map(|(c, n)| Check::Code(c, n));
    let of = |(field, check)| Test { field, check };
    prop_oneof![
        4 => attribute,
        1 => (text, checks()).prop_map(of),
        1 => (nanos, number).prop_map(of),
        1 => (code, codes).prop_map(of),
        1 => (id, ids).prop_map(of),
        1 => parents,
    ]
}

pub fn filters() -> impl Strategy<Value = Expr> {
    tests().prop_map(Expr::Test).prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..3).prop_map(Expr::And),
            2 => vec(inner.clone(), 0..3).prop_map(Expr::Or),
            1 => inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

pub fn ranges() -> impl Strategy<Value = TimeRange> {
    let time = |nanos| Timestamp::from_nanos(nanos);
    prop_oneof![
        Just(TimeRange::ALL),
        (0..320u64, 0..320u64).prop_map(move |(a, b)| TimeRange::from(time(a)..time(b))),
        (0..320u64).prop_map(move |a| TimeRange::from(time(a)..)),
    ]
}

pub fn queries() -> impl Strategy<Value = Query> {
    let sizes = (1..5usize, 0..4usize);
    (filters(), ranges(), sizes, any::<bool>()).prop_map(|(filter, range, sizes, loose)| {
        let mut query = Query::spans().between(range).limit(sizes.0).spans_per_set(sizes.1);
        query.filter = filter;
        query.loose(loose)
    })
}
