//! Zipkin v2 JSON to OTLP, as the OpenTelemetry Collector translates it.
//!
//! | Zipkin | OTLP |
//! |---|---|
//! | `localEndpoint.serviceName` | resource `service.name` |
//! | its `ipv4`, `ipv6`, `port` | `net.host.ip`, `net.host.ip6`, `net.host.port` |
//! | `remoteEndpoint` | `peer.service`, `net.peer.ip`, `net.peer.ip6`, `net.peer.port` |
//! | `annotations` | events |
//! | `tags` | attributes; `error` also gives the status |
//! | `shared`, `debug` | `zipkin.shared`, `zipkin.debug` |

use serde_json::{Map, Value as Json};
use tracekeep::{
    Event, KeyValue, Resource, ResourceSpans, Scope, ScopeSpans, Span, SpanKind, Status, StatusCode,
};

use crate::import::convert::{
    self, Converted, Problem, as_object, list, micros, object, string_attribute, text,
};

/// The span that this text is.
pub fn spans(json: &[u8]) -> Converted<Vec<ResourceSpans>> {
    let object = object(json)?;
    let span = span(&object)?;
    let empty = Map::new();
    let service = text(member(&object, "localEndpoint")?.unwrap_or(&empty), "serviceName")?;
    let name = (!service.is_empty()).then(|| KeyValue::new("service.name", service));
    let resource = Resource { attributes: name.into_iter().collect(), ..Resource::default() };
    let scope =
        ScopeSpans { scope: Some(Scope::default()), spans: vec![span], ..ScopeSpans::default() };
    Ok(vec![ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    }])
}

fn span(object: &Map<String, Json>) -> Converted<Span> {
    let start = micros(object, "timestamp")?;
    let duration = micros(object, "duration")?;
    let parent = text(object, "parentId")?;
    let attributes = attributes(object)?;
    let status =
        string_attribute(&attributes, "error").filter(|error| *error != "false").map(|error| {
            let message = if error == "true" { "" } else { error };
            Status { message: message.into(), code: StatusCode::ERROR, ..Status::default() }
        });
    Ok(Span {
        trace_id: convert::trace_id(object, "traceId")?,
        span_id: convert::span_id(object, "id")?,
        parent_span_id: match parent {
            "" => None,
            _ => Some(convert::span_id(object, "parentId")?),
        },
        name: text(object, "name")?.into(),
        kind: kind(text(object, "kind")?)?,
        start: convert::time(start),
        end: convert::time(start.saturating_add(duration)),
        attributes,
        events: list(object, "annotations")?.iter().map(event).collect::<Converted<_>>()?,
        status,
        ..Span::default()
    })
}

fn kind(name: &str) -> Converted<SpanKind> {
    Ok(match name {
        "" => SpanKind::UNSPECIFIED,
        "CLIENT" => SpanKind::CLIENT,
        "SERVER" => SpanKind::SERVER,
        "PRODUCER" => SpanKind::PRODUCER,
        "CONSUMER" => SpanKind::CONSUMER,
        other => {
            let kinds = "CLIENT, SERVER, PRODUCER or CONSUMER";
            return Err(Problem::from(format!("kind is {other:?}, not {kinds}")));
        }
    })
}

fn event(annotation: &Json) -> Converted<Event> {
    let annotation = as_object(annotation, "an annotation")?;
    Ok(Event {
        time: convert::time(micros(annotation, "timestamp")?),
        name: text(annotation, "value")?.into(),
        ..Event::default()
    })
}

fn attributes(object: &Map<String, Json>) -> Converted<Vec<KeyValue>> {
    let mut attributes = Vec::new();
    if let Some(local) = member(object, "localEndpoint")? {
        endpoint(local, ["net.host.ip", "net.host.ip6", "net.host.port"], &mut attributes)?;
    }
    if let Some(remote) = member(object, "remoteEndpoint")? {
        endpoint(remote, ["net.peer.ip", "net.peer.ip6", "net.peer.port"], &mut attributes)?;
        let service = text(remote, "serviceName")?;
        if !service.is_empty() {
            attributes.push(KeyValue::new("peer.service", service));
        }
    }
    for (name, key) in [("shared", "zipkin.shared"), ("debug", "zipkin.debug")] {
        match object.get(name) {
            None | Some(Json::Null) => {}
            Some(Json::Bool(truth)) => attributes.push(KeyValue::new(key, *truth)),
            Some(other) => return Err(format!("{name} is {other}, not true or false").into()),
        }
    }
    for (key, value) in member(object, "tags")?.into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        attributes.push(KeyValue::new(key.as_str(), value));
    }
    Ok(attributes)
}

fn endpoint(
    endpoint: &Map<String, Json>,
    [ip, ip6, port]: [&str; 3],
    attributes: &mut Vec<KeyValue>,
) -> Converted<()> {
    for (name, key) in [("ipv4", ip), ("ipv6", ip6)] {
        let address = text(endpoint, name)?;
        if !address.is_empty() {
            attributes.push(KeyValue::new(key, address));
        }
    }
    match endpoint.get("port") {
        None | Some(Json::Null) => {}
        Some(number) => match number.as_i64() {
            Some(number) => attributes.push(KeyValue::new(port, number)),
            None => return Err(format!("port is {number}, not a number").into()),
        },
    }
    Ok(())
}

/// A member that is an object, if it is there.
fn member<'a>(
    object: &'a Map<String, Json>,
    name: &str,
) -> Converted<Option<&'a Map<String, Json>>> {
    match object.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => as_object(value, name).map(Some),
    }
}
