//! Random fields, and literals to compare them with.

use proptest::prelude::*;
use proptest::sample::select;

use super::Level;
use crate::grammar::{Expr, Field, Intrinsic, Literal, Scope, Type};
use crate::pool::*;

pub fn attribute(level: Level) -> BoxedStrategy<Field> {
    let scopes = vec![
        Scope::Any,
        Scope::Any,
        Scope::Span,
        Scope::Span,
        Scope::Resource,
        Scope::Event,
        Scope::Link,
        Scope::Instrumentation,
    ];
    let attribute = |parent: bool, scopes: Vec<Scope>| {
        (select(scopes), select(KEYS)).prop_map(move |(scope, key)| Field::Attribute {
            parent,
            scope,
            key: key.into(),
        })
    };
    let service =
        Field::Attribute { parent: false, scope: Scope::Resource, key: "service.name".into() };
    let own = attribute(false, scopes);
    if level < Level::Filters {
        return prop_oneof![8 => own, 1 => Just(service)].boxed();
    }
    let of_parent = attribute(true, vec![Scope::Any, Scope::Span, Scope::Resource]);
    prop_oneof![16 => own, 2 => Just(service), 2 => of_parent].boxed()
}

/// Which of the intrinsics of a type there are.
pub fn intrinsics(level: Level, wanted: Type) -> Vec<Intrinsic> {
    use Intrinsic::*;
    let early = [Name, Kind, Status, StatusMessage, Duration, RootName, RootService, TraceDuration];
    let later = [
        SpanId,
        ParentId,
        ChildCount,
        TraceId,
        EventName,
        TimeSinceStart,
        LinkTraceId,
        LinkSpanId,
        InstrumentationName,
        InstrumentationVersion,
    ];
    let later = if level < Level::Filters { &[][..] } else { &later };
    let all = early.iter().chain(later).copied();
    all.filter(|intrinsic| intrinsic.kind() == wanted).collect()
}

/// An attribute whose values mostly are of a type.
fn attribute_of(level: Level, wanted: Type) -> BoxedStrategy<Field> {
    let keys: Vec<_> = KEYS.iter().copied().filter(|key| type_of(key) == wanted).collect();
    if keys.is_empty() {
        return attribute(level);
    }
    let likely = (attribute(level), select(keys)).prop_map(|(field, key)| match field {
        Field::Attribute { parent, scope, .. } => {
            Field::Attribute { parent, scope, key: key.into() }
        }
        intrinsic => intrinsic,
    });
    prop_oneof![2 => likely, 1 => attribute(level)].boxed()
}

/// A field that is or may be of a type.
pub fn field(level: Level, wanted: Type) -> BoxedStrategy<Field> {
    let own = match wanted {
        Type::Unknown | Type::Bool => return attribute_of(level, wanted),
        wanted => select(intrinsics(level, wanted)).prop_map(Field::Intrinsic),
    };
    prop_oneof![1 => attribute_of(level, wanted), 1 => own].boxed()
}

pub fn number() -> BoxedStrategy<Literal> {
    prop_oneof![
        6 => select(INTS).prop_map(Literal::Int),
        2 => select(&REALS[..FINITE]).prop_map(Literal::Real),
        1 => duration(),
    ]
    .boxed()
}

pub fn duration() -> BoxedStrategy<Literal> {
    select(DURATIONS).prop_map(|nanos| Literal::Duration(nanos as i64)).boxed()
}

/// A literal that an attribute may equal.
pub fn literal_of(field: &Field) -> BoxedStrategy<Literal> {
    let wanted = match field {
        Field::Intrinsic(intrinsic) => return literal_for(*intrinsic),
        Field::Attribute { key, .. } if key == "service.name" => {
            return select(SERVICES).prop_map(|text| Literal::Text(text.into())).boxed();
        }
        Field::Attribute { key, .. } => type_of(key),
    };
    let anything = || {
        prop_oneof![
            4 => select(TEXTS).prop_map(|text| Literal::Text(text.into())),
            4 => number(),
            2 => any::<bool>().prop_map(Literal::Bool),
        ]
        .boxed()
    };
    let usual = match wanted {
        Type::Text => select(&TEXTS[..USUAL]).prop_map(|text| Literal::Text(text.into())).boxed(),
        Type::Number => (0..5i64).prop_map(Literal::Int).boxed(),
        Type::Bool => any::<bool>().prop_map(Literal::Bool).boxed(),
        _ => anything(),
    };
    prop_oneof![4 => usual, 1 => anything()].boxed()
}

/// A literal that fits an intrinsic.
pub fn literal_for(intrinsic: Intrinsic) -> BoxedStrategy<Literal> {
    let text = |texts: &'static [&'static str]| {
        select(texts).prop_map(|text| Literal::Text(text.into())).boxed()
    };
    match intrinsic {
        Intrinsic::Name | Intrinsic::RootName => text(NAMES),
        Intrinsic::RootService => text(SERVICES),
        Intrinsic::StatusMessage => text(MESSAGES),
        Intrinsic::EventName => text(EVENTS),
        Intrinsic::InstrumentationName => text(LIBRARIES),
        Intrinsic::InstrumentationVersion => text(VERSIONS),
        Intrinsic::Kind => (0..6i32).prop_map(Literal::Kind).boxed(),
        Intrinsic::Status => (0..3i32).prop_map(Literal::Status).boxed(),
        Intrinsic::ChildCount => (0..3i64).prop_map(Literal::Int).boxed(),
        Intrinsic::NestedSetParent => Just(Literal::Int(0)).boxed(),
        Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::TimeSinceStart => {
            prop_oneof![6 => duration(), 1 => number()].boxed()
        }
        Intrinsic::SpanId | Intrinsic::ParentId | Intrinsic::LinkSpanId => {
            (0..7u64).prop_map(|id| Literal::Text(span_text(id))).boxed()
        }
        Intrinsic::TraceId | Intrinsic::LinkTraceId => {
            select(TRACES).prop_map(|id| Literal::Text(trace_text(id))).boxed()
        }
    }
}

/// `trace:id` with a literal that is cut, or in capitals.
pub fn short_id() -> BoxedStrategy<Expr> {
    (select(TRACES), any::<bool>())
        .prop_map(|(id, capitals)| {
            let text = trace_text(id);
            let text = text.trim_start_matches('0');
            let text = if capitals { text.to_uppercase() } else { text.into() };
            Expr::Literal(Literal::Text(text))
        })
        .boxed()
}
