//! A naive reader of OTLP protobuf: the messages as the specification numbers them, decoded by
//! prost.

use std::sync::Arc;

use prost::Message;
use tracekeep as model;
use tracekeep::{KeyValue as Attribute, Timestamp, TraceSpan, Value};

use crate::otlp::{
    AnyValue, EntityRef, Event, KeyValue, Link, Resource, Scope, Span, Status, TracesData,
    Value as Kind,
};

/// Every span of a request, with its resource and scope.
pub fn spans(request: &[u8]) -> Vec<TraceSpan> {
    let request = TracesData::decode(request).unwrap();
    let mut spans = Vec::new();
    for resource_spans in request.resource_spans {
        let resource = Arc::new(model::ResourceContext {
            resource: resource_spans.resource.map(resource),
            schema_url: resource_spans.schema_url.into(),
            unknown: Vec::new(),
        });
        for scope_spans in resource_spans.scope_spans {
            let scope = Arc::new(model::ScopeContext {
                scope: scope_spans.scope.map(scope),
                schema_url: scope_spans.schema_url.into(),
                unknown: Vec::new(),
            });
            for decoded in scope_spans.spans {
                let (resource, scope) = (Arc::clone(&resource), Arc::clone(&scope));
                spans.push(TraceSpan { resource, scope, span: span(decoded) });
            }
        }
    }
    spans
}

fn resource(resource: Resource) -> model::Resource {
    let entity_ref = |entity: EntityRef| model::EntityRef {
        schema_url: entity.schema_url.into(),
        entity_type: entity.entity_type.into(),
        id_keys: entity.id_keys.into_iter().map(Into::into).collect(),
        description_keys: entity.description_keys.into_iter().map(Into::into).collect(),
        unknown: Vec::new(),
    };
    model::Resource {
        attributes: attributes(resource.attributes),
        dropped_attributes_count: resource.dropped_attributes_count,
        entity_refs: resource.entity_refs.into_iter().map(entity_ref).collect(),
        unknown: Vec::new(),
    }
}

fn scope(scope: Scope) -> model::Scope {
    model::Scope {
        name: scope.name.into(),
        version: scope.version.into(),
        attributes: attributes(scope.attributes),
        dropped_attributes_count: scope.dropped_attributes_count,
        unknown: Vec::new(),
    }
}

fn span(span: Span) -> model::Span {
    let parent = span.parent_span_id;
    let status = |status: Status| model::Status {
        message: status.message.into(),
        code: model::StatusCode(status.code),
        unknown: Vec::new(),
    };
    model::Span {
        trace_id: id::<16>(span.trace_id).into(),
        span_id: id::<8>(span.span_id).into(),
        trace_state: span.trace_state.into(),
        parent_span_id: (!parent.is_empty()).then(|| id::<8>(parent).into()),
        flags: span.flags,
        name: span.name.into(),
        kind: model::SpanKind(span.kind),
        start: Timestamp::from_nanos(span.start_time_unix_nano),
        end: Timestamp::from_nanos(span.end_time_unix_nano),
        attributes: attributes(span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events: span.events.into_iter().map(event).collect(),
        dropped_events_count: span.dropped_events_count,
        links: span.links.into_iter().map(link).collect(),
        dropped_links_count: span.dropped_links_count,
        status: span.status.map(status),
        unknown: Vec::new(),
    }
}

fn event(event: Event) -> model::Event {
    model::Event {
        time: Timestamp::from_nanos(event.time_unix_nano),
        name: event.name.into(),
        attributes: attributes(event.attributes),
        dropped_attributes_count: event.dropped_attributes_count,
        unknown: Vec::new(),
    }
}

fn link(link: Link) -> model::Link {
    model::Link {
        trace_id: id::<16>(link.trace_id).into(),
        span_id: id::<8>(link.span_id).into(),
        trace_state: link.trace_state.into(),
        attributes: attributes(link.attributes),
        dropped_attributes_count: link.dropped_attributes_count,
        flags: link.flags,
        unknown: Vec::new(),
    }
}

fn attributes(list: Vec<KeyValue>) -> Vec<Attribute> {
    let attribute = |attribute: KeyValue| Attribute {
        key: attribute.key.into(),
        value: attribute.value.map_or(Value::Missing, value),
    };
    list.into_iter().map(attribute).collect()
}

fn value(value: AnyValue) -> Value {
    match value.value {
        None => Value::Empty,
        Some(Kind::String(text)) => Value::String(text.into()),
        Some(Kind::Bool(truth)) => Value::Bool(truth),
        Some(Kind::Int(number)) => Value::Int(number),
        Some(Kind::Double(number)) => Value::Double(number),
        Some(Kind::Bytes(bytes)) => Value::Bytes(bytes),
        Some(Kind::Array(array)) => {
            Value::Array(array.values.into_iter().map(self::value).collect())
        }
        Some(Kind::Map(map)) => Value::Map(attributes(map.values)),
    }
}

fn id<const N: usize>(bytes: Vec<u8>) -> [u8; N] {
    bytes.try_into().unwrap()
}
