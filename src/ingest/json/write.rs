//! Messages from the owned model to JSON. Defaults are left out, as in protobuf.

use std::fmt::Display;

use crate::base::error::Result;
use crate::base::model::{
    EntityRef, Event, Link, Resource, ResourceContext, Scope, ScopeContext, Span, Status, Trace,
    TraceSpan,
};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::ingest::json::UNKNOWN;
use crate::ingest::json::write_value::attributes;
use crate::ingest::json::writer::JsonWriter;
use crate::ingest::request::grouped;

impl Trace {
    /// The trace as OTLP JSON: `{"resourceSpans": [..]}`, on one line.
    ///
    /// Reading it gives the same spans. Fails as [`Trace::to_otlp`] does.
    pub fn to_otlp_json(&self) -> Result<String> {
        let groups = grouped(self)?;
        request(|json| {
            groups.iter().try_for_each(|(resource, scopes)| {
                resource_spans(json, resource, |json| {
                    scopes.iter().try_for_each(|(scope, spans)| {
                        scope_spans(json, scope, |json| {
                            spans.iter().try_for_each(|span| put_span(json, span))
                        })
                    })
                })
            })
        })
    }
}

impl TraceSpan {
    /// The span alone as an OTLP JSON request on one line. Fails as [`Trace::to_otlp`] does.
    pub fn to_otlp_json(&self) -> Result<String> {
        request(|json| {
            resource_spans(json, &self.resource, |json| {
                scope_spans(json, &self.scope, |json| put_span(json, &self.span))
            })
        })
    }
}

fn request(groups: impl FnOnce(&mut JsonWriter) -> Result<()>) -> Result<String> {
    let mut json = JsonWriter::new();
    json.object(|json| {
        json.name("resourceSpans");
        json.list(groups)
    })?;
    Ok(json.finish())
}

fn resource_spans(
    json: &mut JsonWriter,
    context: &ResourceContext,
    scopes: impl FnOnce(&mut JsonWriter) -> Result<()>,
) -> Result<()> {
    json.object(|json| {
        if let Some(resource) = &context.resource {
            json.name("resource");
            json.object(|json| put_resource(json, resource))?;
        }
        json.name("scopeSpans");
        json.list(scopes)?;
        text(json, "schemaUrl", &context.schema_url);
        unknown(json, &context.unknown);
        Ok(())
    })
}

fn scope_spans(
    json: &mut JsonWriter,
    context: &ScopeContext,
    spans: impl FnOnce(&mut JsonWriter) -> Result<()>,
) -> Result<()> {
    json.object(|json| {
        if let Some(scope) = &context.scope {
            json.name("scope");
            json.object(|json| put_scope(json, scope))?;
        }
        json.name("spans");
        json.list(spans)?;
        text(json, "schemaUrl", &context.schema_url);
        unknown(json, &context.unknown);
        Ok(())
    })
}

fn put_resource(json: &mut JsonWriter, resource: &Resource) -> Result<()> {
    attributes(json, &resource.attributes)?;
    count(json, "droppedAttributesCount", resource.dropped_attributes_count);
    each(json, "entityRefs", &resource.entity_refs, |json, entity| {
        put_entity(json, entity);
        Ok(())
    })?;
    unknown(json, &resource.unknown);
    Ok(())
}

fn put_entity(json: &mut JsonWriter, entity: &EntityRef) {
    text(json, "schemaUrl", &entity.schema_url);
    text(json, "type", &entity.entity_type);
    for (name, keys) in [("idKeys", &entity.id_keys), ("descriptionKeys", &entity.description_keys)]
    {
        if !keys.is_empty() {
            json.name(name);
            json.list(|json| keys.iter().for_each(|key| json.string(key)));
        }
    }
    unknown(json, &entity.unknown);
}

fn put_scope(json: &mut JsonWriter, scope: &Scope) -> Result<()> {
    text(json, "name", &scope.name);
    text(json, "version", &scope.version);
    attributes(json, &scope.attributes)?;
    count(json, "droppedAttributesCount", scope.dropped_attributes_count);
    unknown(json, &scope.unknown);
    Ok(())
}

fn put_span(json: &mut JsonWriter, span: &Span) -> Result<()> {
    json.object(|json| {
        quoted(json, "traceId", span.trace_id);
        quoted(json, "spanId", span.span_id);
        text(json, "traceState", &span.trace_state);
        if let Some(parent) = span.parent_span_id {
            quoted(json, "parentSpanId", parent);
        }
        count(json, "flags", span.flags);
        text(json, "name", &span.name);
        number(json, "kind", span.kind.0);
        time(json, "startTimeUnixNano", span.start);
        time(json, "endTimeUnixNano", span.end);
        attributes(json, &span.attributes)?;
        count(json, "droppedAttributesCount", span.dropped_attributes_count);
        each(json, "events", &span.events, put_event)?;
        count(json, "droppedEventsCount", span.dropped_events_count);
        each(json, "links", &span.links, put_link)?;
        count(json, "droppedLinksCount", span.dropped_links_count);
        if let Some(status) = &span.status {
            json.name("status");
            json.object(|json| put_status(json, status));
        }
        unknown(json, &span.unknown);
        Ok(())
    })
}

fn put_event(json: &mut JsonWriter, event: &Event) -> Result<()> {
    time(json, "timeUnixNano", event.time);
    text(json, "name", &event.name);
    attributes(json, &event.attributes)?;
    count(json, "droppedAttributesCount", event.dropped_attributes_count);
    unknown(json, &event.unknown);
    Ok(())
}

fn put_link(json: &mut JsonWriter, link: &Link) -> Result<()> {
    quoted(json, "traceId", link.trace_id);
    quoted(json, "spanId", link.span_id);
    text(json, "traceState", &link.trace_state);
    attributes(json, &link.attributes)?;
    count(json, "droppedAttributesCount", link.dropped_attributes_count);
    count(json, "flags", link.flags);
    unknown(json, &link.unknown);
    Ok(())
}

fn put_status(json: &mut JsonWriter, status: &Status) {
    text(json, "message", &status.message);
    number(json, "code", status.code.0);
    unknown(json, &status.unknown);
}

fn each<T>(
    json: &mut JsonWriter,
    name: &str,
    list: &[T],
    put: impl Fn(&mut JsonWriter, &T) -> Result<()>,
) -> Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    json.name(name);
    json.list(|json| list.iter().try_for_each(|item| json.object(|json| put(json, item))))
}

fn text(json: &mut JsonWriter, name: &str, text: &Str) {
    if !text.is_empty() {
        json.name(name);
        json.string(text);
    }
}

fn quoted(json: &mut JsonWriter, name: &str, value: impl Display) {
    json.name(name);
    json.quoted(value);
}

fn time(json: &mut JsonWriter, name: &str, time: Timestamp) {
    if time != Timestamp::ZERO {
        quoted(json, name, time.nanos());
    }
}

fn count(json: &mut JsonWriter, name: &str, count: u32) {
    if count != 0 {
        json.name(name);
        json.bare(count);
    }
}

fn number(json: &mut JsonWriter, name: &str, number: i32) {
    if number != 0 {
        json.name(name);
        json.bare(number);
    }
}

fn unknown(json: &mut JsonWriter, fields: &[u8]) {
    if !fields.is_empty() {
        json.name(UNKNOWN);
        json.base64(fields);
    }
}
