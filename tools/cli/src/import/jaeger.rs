//! Jaeger JSON, as its UI and API give it, to OTLP, as the OpenTelemetry Collector translates it.
//!
//! | Jaeger | OTLP |
//! |---|---|
//! | process | resource: `service.name`, then the tags |
//! | first `CHILD_OF` in the trace, or `parentSpanID` | parent |
//! | other references | links with `opentracing.ref_type` |
//! | logs | events; a field `event` gives the name |
//! | tag `span.kind` | kind |
//! | tags `error` (kept), `otel.status_code`, `otel.status_description` | status |
//! | tag `w3c.tracestate` | trace state |
//! | tags `otel.scope.name`, `otel.library.name`, `..version` | scope |
//! | warnings | attribute `jaeger.warnings` |

use serde_json::{Map, Value as Json};
use tracekeep::{
    Event, KeyValue, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, SpanId, SpanKind,
    Status, StatusCode, TraceId, Value,
};

use crate::import::convert::{
    self, Converted, Problem, as_object, list, micros, object, string_attribute, text,
};

/// The spans of the trace that this text is.
pub fn spans(json: &[u8]) -> Converted<Vec<ResourceSpans>> {
    let trace = object(json)?;
    let none = Map::new();
    let processes = match trace.get("processes") {
        None | Some(Json::Null) => &none,
        Some(processes) => as_object(processes, "processes")?,
    };
    let mut groups: Vec<(Resource, ScopeSpans)> = Vec::new();
    for (index, span) in list(&trace, "spans")?.iter().enumerate() {
        let (resource, scope, span) = one(span, processes).map_err(|problem| {
            Problem::from(format!("span {index} of the trace: {}", problem.message))
        })?;
        let known = groups.iter_mut().rev().take(64);
        match known.into_iter().find(|(r, s)| *r == resource && s.scope.as_ref() == Some(&scope)) {
            Some((_, held)) => held.spans.push(span),
            None => {
                let spans =
                    ScopeSpans { scope: Some(scope), spans: vec![span], ..ScopeSpans::default() };
                groups.push((resource, spans));
            }
        }
    }
    let whole = |(resource, scope)| ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    Ok(groups.into_iter().map(whole).collect())
}

fn one(span: &Json, processes: &Map<String, Json>) -> Converted<(Resource, Scope, Span)> {
    let object = as_object(span, "the span")?;
    let process = match object.get("process") {
        Some(process @ Json::Object(_)) => Some(process),
        _ => processes.get(text(object, "processID")?),
    };
    let resource = process.map_or_else(|| Ok(Resource::default()), resource)?;
    let mut attributes = tags(list(object, "tags")?)?;
    let scope = Scope {
        name: take_text(&mut attributes, &["otel.scope.name", "otel.library.name"]).into(),
        version: take_text(&mut attributes, &["otel.scope.version", "otel.library.version"]).into(),
        ..Scope::default()
    };
    let trace_id = convert::trace_id(object, "traceID")?;
    let (parent, links) = references(object, trace_id)?;
    let start = micros(object, "startTime")?;
    let span = Span {
        trace_id,
        span_id: convert::span_id(object, "spanID")?,
        trace_state: take_text(&mut attributes, &["w3c.tracestate"]).into(),
        parent_span_id: parent,
        flags: flags(object)?,
        name: text(object, "operationName")?.into(),
        kind: take_kind(&mut attributes),
        start: convert::time(start),
        end: convert::time(start.saturating_add(micros(object, "duration")?)),
        status: take_status(&mut attributes),
        events: list(object, "logs")?.iter().map(event).collect::<Converted<_>>()?,
        links,
        attributes: with_warnings(attributes, list(object, "warnings")?),
        ..Span::default()
    };
    Ok((resource, scope, span))
}

fn resource(process: &Json) -> Converted<Resource> {
    let process = as_object(process, "a process")?;
    let service = text(process, "serviceName")?;
    let mut attributes = Vec::new();
    // What the Collector writes for a resource without a service.
    if !matches!(service, "" | "OTLPResourceNoServiceName") {
        attributes.push(KeyValue::new("service.name", service));
    }
    attributes.extend(tags(list(process, "tags")?)?);
    Ok(Resource { attributes, ..Resource::default() })
}

/// The parent, and links for every other reference.
fn references(
    object: &Map<String, Json>,
    trace_id: TraceId,
) -> Converted<(Option<SpanId>, Vec<Link>)> {
    let mut parent = match text(object, "parentSpanID")?.trim_start_matches('0') {
        "" => None,
        _ => Some(convert::span_id(object, "parentSpanID")?),
    };
    let mut links = Vec::new();
    for reference in list(object, "references")? {
        let reference = as_object(reference, "a reference")?;
        let kind = text(reference, "refType")?;
        let trace = convert::trace_id(reference, "traceID")?;
        let span = convert::span_id(reference, "spanID")?;
        let is_child = kind == "CHILD_OF" && trace == trace_id;
        if is_child && parent.is_none_or(|parent| parent == span) {
            parent = Some(span);
            continue;
        }
        let attributes = vec![KeyValue::new("opentracing.ref_type", kind.to_lowercase())];
        links.push(Link { trace_id: trace, span_id: span, attributes, ..Link::default() });
    }
    Ok((parent, links))
}

fn flags(object: &Map<String, Json>) -> Converted<u32> {
    match object.get("flags") {
        None | Some(Json::Null) => Ok(0),
        Some(flags) => flags
            .as_u64()
            .and_then(|flags| u32::try_from(flags).ok())
            .ok_or_else(|| Problem::from(format!("flags is {flags}, not a number of 32 bits"))),
    }
}

fn event(log: &Json) -> Converted<Event> {
    let log = as_object(log, "a log")?;
    let mut attributes = tags(list(log, "fields")?)?;
    let name = take_text(&mut attributes, &["event"]);
    let time = convert::time(micros(log, "timestamp")?);
    Ok(Event { time, name: name.into(), attributes, ..Event::default() })
}

fn tags(tags: &[Json]) -> Converted<Vec<KeyValue>> {
    tags.iter().map(tag).collect()
}

fn tag(tag: &Json) -> Converted<KeyValue> {
    let tag = as_object(tag, "a tag")?;
    let key = text(tag, "key")?;
    let value = tag.get("value").unwrap_or(&Json::Null);
    let kind = text(tag, "type")?;
    let wrong = || Problem::from(format!("tag {key:?}: {value} is no {kind}"));
    let as_text = value.as_str();
    let value = match kind {
        "bool" => {
            let truth = value.as_bool().or_else(|| as_text?.parse().ok());
            truth.ok_or_else(wrong)?.into()
        }
        "int64" => {
            let number = value.as_i64().or_else(|| as_text?.parse().ok());
            number.ok_or_else(wrong)?.into()
        }
        "float64" => {
            let number = value.as_f64().or_else(|| as_text?.parse().ok());
            number.ok_or_else(wrong)?.into()
        }
        "binary" => Value::Bytes(as_text.and_then(base64).ok_or_else(wrong)?),
        "string" => as_text.ok_or_else(wrong)?.into(),
        // Elasticsearch exports leave types out.
        _ => untyped(value),
    };
    Ok(KeyValue::new(key, value))
}

fn untyped(value: &Json) -> Value {
    match value {
        Json::Null => Value::Empty,
        Json::Bool(truth) => (*truth).into(),
        Json::String(text) => text.as_str().into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => int.into(),
            (None, Some(double)) => double.into(),
            (None, None) => number.to_string().into(),
        },
        other => other.to_string().into(),
    }
}

/// Base64 of the standard alphabet, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut held, mut bits) = (0u32, 0);
    for digit in digits.bytes() {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    (bits < 6).then_some(out)
}

/// The text of the first of these tags that is there, which is then taken away.
fn take_text(attributes: &mut Vec<KeyValue>, keys: &[&str]) -> String {
    for key in keys {
        let found =
            attributes.iter().position(|a| a.key == *key && matches!(&a.value, Value::String(_)));
        if let Some(KeyValue { value: Value::String(text), .. }) =
            found.map(|at| attributes.remove(at))
        {
            return text.to_string();
        }
    }
    String::new()
}

fn take_kind(attributes: &mut Vec<KeyValue>) -> SpanKind {
    let kind = match string_attribute(attributes, "span.kind") {
        Some("internal") => SpanKind::INTERNAL,
        Some("server") => SpanKind::SERVER,
        Some("client") => SpanKind::CLIENT,
        Some("producer") => SpanKind::PRODUCER,
        Some("consumer") => SpanKind::CONSUMER,
        // Whatever else it says stays an attribute.
        _ => return SpanKind::UNSPECIFIED,
    };
    take_text(attributes, &["span.kind"]);
    kind
}

fn take_status(attributes: &mut Vec<KeyValue>) -> Option<Status> {
    let code = match string_attribute(attributes, "otel.status_code") {
        Some("ERROR") => Some(StatusCode::ERROR),
        Some("OK") => Some(StatusCode::OK),
        _ => None,
    };
    if code.is_some() {
        take_text(attributes, &["otel.status_code"]);
    }
    let failed = attributes.iter().any(|a| a.key == "error" && is_true(&a.value));
    let code = code.or_else(|| failed.then_some(StatusCode::ERROR))?;
    let message = take_text(attributes, &["otel.status_description"]);
    Some(Status { message: message.into(), code, ..Status::default() })
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::String(text) => *text == "true",
        _ => false,
    }
}

fn with_warnings(mut attributes: Vec<KeyValue>, warnings: &[Json]) -> Vec<KeyValue> {
    if !warnings.is_empty() {
        let warnings = warnings.iter().map(untyped).collect();
        attributes.push(KeyValue { key: "jaeger.warnings".into(), value: Value::Array(warnings) });
    }
    attributes
}
