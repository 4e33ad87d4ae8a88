//! The values of a field on a span.

use std::fmt::Display;

use crate::base::model::KeyValue;
use crate::base::number::Number;
use crate::base::time::saturating_nanos;
use crate::base::view::{AttrRef, ValueRef};
use crate::base::wire;
use crate::query::ast::{Field, Scope};
use crate::query::compare::{Seen, seen, whole};
use crate::query::predicate::{Subject, TraceFacts};

/// What takes values.
pub type Taker<'t> = dyn FnMut(Seen<'_>) + 't;

/// Hands over each value of a field; `None` where that takes facts of the trace which are not
/// given.
pub fn each(
    field: &Field,
    subject: Subject<'_>,
    facts: Option<&TraceFacts<'_>>,
    take: &mut Taker<'_>,
) -> Option<()> {
    let span = subject.span;
    match field {
        Field::Attribute(scope, key) => attribute(*scope, key, subject, take),
        Field::Name => take(Seen::Text(span.name.as_str())),
        Field::Kind => take(Seen::Code(span.kind.0)),
        Field::Status => take(Seen::Code(span.status_code().0)),
        Field::StatusMessage => {
            let message = span.status.as_ref().map(|status| status.message.as_str());
            message.into_iter().for_each(|text| take(Seen::Text(text)));
        }
        Field::Duration => take(Seen::Nanos(saturating_nanos(span.end.since(span.start)))),
        Field::SpanId => id(span.span_id, take),
        Field::ParentId => span.parent_span_id.into_iter().for_each(|parent| id(parent, take)),
        Field::TraceId => id(span.trace_id, take),
        Field::EventName => {
            span.events.iter().for_each(|event| take(Seen::Text(event.name.as_str())));
        }
        Field::EventTimeSinceStart => {
            let since = span.events.iter().map(|event| event.time.since(span.start));
            since.for_each(|since| take(Seen::Nanos(saturating_nanos(since))));
        }
        Field::LinkTraceId => span.links.iter().for_each(|link| id(link.trace_id, take)),
        Field::LinkSpanId => span.links.iter().for_each(|link| id(link.span_id, take)),
        Field::InstrumentationName => {
            subject.scope.scope.iter().for_each(|scope| take(Seen::Text(&scope.name)));
        }
        Field::InstrumentationVersion => {
            subject.scope.scope.iter().for_each(|scope| take(Seen::Text(&scope.version)));
        }
        Field::RootName => take(Seen::Text(facts?.root_name)),
        Field::RootService => facts?.root_service.into_iter().for_each(|s| take(Seen::Text(s))),
        Field::TraceDuration => take(Seen::Nanos(facts?.duration_nanos)),
        Field::ChildCount => {
            let children = facts?.family?.children();
            take(Seen::Number(Number::Int(i64::from(children))));
        }
        Field::NestedSetParent => {
            take(Seen::Number(nested_set_parent(facts?.family?.is_root())));
        }
        Field::Parent(scope, key) => facts?.family?.parents(*scope, key, take),
    }
    Some(())
}

/// What [`Field::NestedSetParent`] is of a span.
pub const fn nested_set_parent(is_root: bool) -> Number {
    Number::Int(if is_root { -1 } else { 1 })
}

fn id(id: impl Display, take: &mut Taker<'_>) {
    take(Seen::Text(&id.to_string()));
}

fn attribute(scope: Scope, key: &str, subject: Subject<'_>, take: &mut Taker<'_>) {
    let span = subject.span;
    let resource = || subject.resource.resource.as_ref().map_or(&[][..], |r| &r.attributes);
    match scope {
        Scope::Span => {
            refs(&span.attributes, key, take);
        }
        Scope::Any => {
            if !refs(&span.attributes, key, take) {
                owned(resource(), key, take);
            }
        }
        Scope::Resource => owned(resource(), key, take),
        Scope::Instrumentation => {
            let attributes = subject.scope.scope.as_ref().map_or(&[][..], |s| &s.attributes);
            owned(attributes, key, take);
        }
        Scope::Event => {
            for event in &span.events {
                refs(&event.attributes, key, take);
            }
        }
        Scope::Link => {
            for link in &span.links {
                refs(&link.attributes, key, take);
            }
        }
    }
}

/// The values of a key; whether anything bears it.
fn refs(attributes: &[AttrRef<'_>], key: &str, take: &mut Taker<'_>) -> bool {
    let mut any = false;
    for attribute in attributes.iter().filter(|a| a.key.as_str() == key) {
        any = true;
        match &attribute.value {
            ValueRef::Array(bytes) => {
                take(Seen::Array(&wire::decode_array(bytes).unwrap_or_default()));
            }
            value => take(seen(value)),
        }
    }
    any
}

fn owned(attributes: &[KeyValue], key: &str, take: &mut Taker<'_>) {
    let own = attributes.iter().filter(|a| a.key == *key);
    own.for_each(|attribute| take(whole(&attribute.value)));
}
