//! A naive reader of OTLP/JSON, as its specification reads: no shortcut, and a panic at whatever
//! the captures are not supposed to hold.

use std::sync::Arc;

use serde_json::Value as Json;
use tracekeep::{
    Event, KeyValue, Link, Resource, ResourceContext, Scope, ScopeContext, Span, SpanKind, Status,
    StatusCode, Timestamp, TraceSpan, Value,
};

/// Every span of a request, with its resource and scope.
pub fn spans(request: &[u8]) -> Vec<TraceSpan> {
    let request: Json = serde_json::from_slice(request).unwrap();
    let mut spans = Vec::new();
    for resource_spans in list(&request, "resourceSpans") {
        only(resource_spans, &["resource", "scopeSpans", "schemaUrl"]);
        let resource = Arc::new(ResourceContext {
            resource: resource_spans.get("resource").map(resource),
            schema_url: text(resource_spans, "schemaUrl").into(),
            unknown: Vec::new(),
        });
        for scope_spans in list(resource_spans, "scopeSpans") {
            only(scope_spans, &["scope", "spans", "schemaUrl"]);
            let scope = Arc::new(ScopeContext {
                scope: scope_spans.get("scope").map(scope),
                schema_url: text(scope_spans, "schemaUrl").into(),
                unknown: Vec::new(),
            });
            for json in list(scope_spans, "spans") {
                let (resource, scope) = (Arc::clone(&resource), Arc::clone(&scope));
                spans.push(TraceSpan { resource, scope, span: span(json) });
            }
        }
    }
    spans
}

fn resource(json: &Json) -> Resource {
    only(json, &["attributes", "droppedAttributesCount"]);
    Resource {
        attributes: attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
        ..Resource::default()
    }
}

fn scope(json: &Json) -> Scope {
    only(json, &["name", "version", "attributes", "droppedAttributesCount"]);
    Scope {
        name: text(json, "name").into(),
        version: text(json, "version").into(),
        attributes: attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
        unknown: Vec::new(),
    }
}

fn span(json: &Json) -> Span {
    const KNOWN: [&str; 16] = [
        "traceId",
        "spanId",
        "traceState",
        "parentSpanId",
        "flags",
        "name",
        "kind",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "attributes",
        "droppedAttributesCount",
        "events",
        "droppedEventsCount",
        "links",
        "droppedLinksCount",
        "status",
    ];
    only(json, &KNOWN);
    let parent = text(json, "parentSpanId");
    Span {
        trace_id: hex::<16>(text(json, "traceId")).into(),
        span_id: hex::<8>(text(json, "spanId")).into(),
        trace_state: text(json, "traceState").into(),
        parent_span_id: (!parent.is_empty()).then(|| hex::<8>(parent).into()),
        flags: count(json, "flags"),
        name: text(json, "name").into(),
        kind: SpanKind(number(json, "kind") as i32),
        start: Timestamp::from_nanos(number(json, "startTimeUnixNano") as u64),
        end: Timestamp::from_nanos(number(json, "endTimeUnixNano") as u64),
        attributes: attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
        events: list(json, "events").iter().map(event).collect(),
        dropped_events_count: count(json, "droppedEventsCount"),
        links: list(json, "links").iter().map(link).collect(),
        dropped_links_count: count(json, "droppedLinksCount"),
        status: json.get("status").map(status),
        unknown: Vec::new(),
    }
}

fn event(json: &Json) -> Event {
    only(json, &["timeUnixNano", "name", "attributes", "droppedAttributesCount"]);
    Event {
        time: Timestamp::from_nanos(number(json, "timeUnixNano") as u64),
        name: text(json, "name").into(),
        attributes: attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
        unknown: Vec::new(),
    }
}

fn link(json: &Json) -> Link {
    let known =
        ["traceId", "spanId", "traceState", "attributes", "droppedAttributesCount", "flags"];
    only(json, &known);
    Link {
        trace_id: hex::<16>(text(json, "traceId")).into(),
        span_id: hex::<8>(text(json, "spanId")).into(),
        trace_state: text(json, "traceState").into(),
        attributes: attributes(json),
        dropped_attributes_count: count(json, "droppedAttributesCount"),
        flags: count(json, "flags"),
        unknown: Vec::new(),
    }
}

fn status(json: &Json) -> Status {
    only(json, &["message", "code"]);
    Status {
        message: text(json, "message").into(),
        code: StatusCode(number(json, "code") as i32),
        unknown: Vec::new(),
    }
}

fn attributes(json: &Json) -> Vec<KeyValue> {
    key_values(list(json, "attributes"))
}

fn key_values(list: &[Json]) -> Vec<KeyValue> {
    let attribute = |json: &Json| {
        only(json, &["key", "value"]);
        KeyValue {
            key: text(json, "key").into(),
            value: json.get("value").map_or(Value::Missing, value),
        }
    };
    list.iter().map(attribute).collect()
}

fn value(json: &Json) -> Value {
    let members = json.as_object().unwrap();
    assert!(members.len() <= 1, "{json}");
    let Some((kind, value)) = members.iter().next() else { return Value::Empty };
    match kind.as_str() {
        "stringValue" => Value::from(value.as_str().unwrap()),
        "boolValue" => Value::Bool(value.as_bool().unwrap()),
        "intValue" => Value::Int(number(json, kind) as i64),
        "doubleValue" => Value::Double(value.as_f64().unwrap()),
        "bytesValue" => Value::Bytes(base64(value.as_str().unwrap())),
        "arrayValue" => Value::Array(list(value, "values").iter().map(self::value).collect()),
        "kvlistValue" => Value::Map(key_values(list(value, "values"))),
        _ => panic!("{kind} is no kind of value"),
    }
}

/// Refuses members that this reader would pass over.
fn only(json: &Json, known: &[&str]) {
    for name in json.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "{name} is not known here");
    }
}

fn list<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    json.get(name).map_or(&[], |list| list.as_array().unwrap())
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).map_or("", |text| text.as_str().unwrap())
}

/// A number, written as one or as a string.
fn number(json: &Json, name: &str) -> i128 {
    match json.get(name) {
        None => 0,
        Some(Json::String(digits)) => digits.parse().unwrap(),
        Some(number) => number.as_i64().unwrap().into(),
    }
}

fn count(json: &Json, name: &str) -> u32 {
    number(json, name).try_into().unwrap()
}

fn hex<const N: usize>(digits: &str) -> [u8; N] {
    assert_eq!(digits.len(), 2 * N, "{digits}");
    std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0u32, 0, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | DIGITS.iter().position(|digit| *digit == byte).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
