//! OTLP as JSON: ids in hex, 64-bit integers as decimal strings, enums as numbers, bytes in base64.
//!
//! Written straight into text, one request a line, as the Collector's file exporter does. JSON has
//! no place for unknown protobuf fields: they are left out.

use std::fmt::Write;

use tracekeep::{
    EntityRef, Event, KeyValue, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status,
    Value,
};

/// The `ExportTraceServiceRequest` that holds `groups`, on one line, without a line's end.
pub fn encode(groups: &[ResourceSpans]) -> String {
    let mut out = Json::default();
    out.object(|out| out.array("resourceSpans", groups, resource_spans));
    out.text
}

/// JSON under construction.
#[derive(Default)]
struct Json {
    text: String,
    /// Whether the next member or element needs a comma before it.
    follows: bool,
}

impl Json {
    fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.nest('{', '}', write);
    }

    fn nest(&mut self, open: char, close: char, write: impl FnOnce(&mut Self)) {
        self.text.push(open);
        self.follows = false;
        write(self);
        self.text.push(close);
        self.follows = true;
    }

    fn comma(&mut self) {
        if self.follows {
            self.text.push(',');
        }
        self.follows = true;
    }

    fn key(&mut self, name: &str) {
        self.comma();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    fn array<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        if !items.is_empty() {
            self.key(name);
            self.elements(items, write);
        }
    }

    fn elements<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.nest('[', ']', |out| {
            for item in items {
                out.comma();
                write(out, item);
            }
        });
    }

    fn string(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.key(name);
            self.quoted(text);
        }
    }

    /// Digits of a 64-bit number: a string, for JSON's numbers are doubles.
    fn long(&mut self, name: &str, number: impl std::fmt::Display) {
        self.key(name);
        let _ = write!(self.text, "\"{number}\"");
    }

    fn number(&mut self, name: &str, number: i64) {
        if number != 0 {
            self.key(name);
            let _ = write!(self.text, "{number}");
        }
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\t' => self.text.push_str("\\t"),
                c if c < ' ' => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(c));
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}

fn resource_spans(out: &mut Json, group: &ResourceSpans) {
    out.object(|out| {
        if let Some(found) = &group.resource {
            out.key("resource");
            resource(out, found);
        }
        out.array("scopeSpans", &group.scope_spans, scope_spans);
        out.string("schemaUrl", &group.schema_url);
    });
}

fn resource(out: &mut Json, resource: &Resource) {
    out.object(|out| {
        out.array("attributes", &resource.attributes, attribute);
        out.number("droppedAttributesCount", resource.dropped_attributes_count.into());
        out.array("entityRefs", &resource.entity_refs, entity_ref);
    });
}

fn entity_ref(out: &mut Json, entity: &EntityRef) {
    out.object(|out| {
        out.string("schemaUrl", &entity.schema_url);
        out.string("type", &entity.entity_type);
        out.array("idKeys", &entity.id_keys, |out, key| out.quoted(key));
        out.array("descriptionKeys", &entity.description_keys, |out, key| out.quoted(key));
    });
}

fn scope_spans(out: &mut Json, group: &ScopeSpans) {
    out.object(|out| {
        if let Some(found) = &group.scope {
            out.key("scope");
            scope(out, found);
        }
        out.array("spans", &group.spans, span);
        out.string("schemaUrl", &group.schema_url);
    });
}

fn scope(out: &mut Json, scope: &Scope) {
    out.object(|out| {
        out.string("name", &scope.name);
        out.string("version", &scope.version);
        out.array("attributes", &scope.attributes, attribute);
        out.number("droppedAttributesCount", scope.dropped_attributes_count.into());
    });
}

fn span(out: &mut Json, span: &Span) {
    out.object(|out| {
        out.long("traceId", span.trace_id);
        out.long("spanId", span.span_id);
        out.string("traceState", &span.trace_state);
        if let Some(parent) = span.parent_span_id {
            out.long("parentSpanId", parent);
        }
        out.number("flags", span.flags.into());
        out.string("name", &span.name);
        out.number("kind", span.kind.0.into());
        out.long("startTimeUnixNano", span.start.nanos());
        out.long("endTimeUnixNano", span.end.nanos());
        out.array("attributes", &span.attributes, attribute);
        out.number("droppedAttributesCount", span.dropped_attributes_count.into());
        out.array("events", &span.events, event);
        out.number("droppedEventsCount", span.dropped_events_count.into());
        out.array("links", &span.links, link);
        out.number("droppedLinksCount", span.dropped_links_count.into());
        if let Some(found) = &span.status {
            out.key("status");
            status(out, found);
        }
    });
}

fn status(out: &mut Json, status: &Status) {
    out.object(|out| {
        out.string("message", &status.message);
        out.number("code", status.code.0.into());
    });
}

fn event(out: &mut Json, event: &Event) {
    out.object(|out| {
        out.long("timeUnixNano", event.time.nanos());
        out.string("name", &event.name);
        out.array("attributes", &event.attributes, attribute);
        out.number("droppedAttributesCount", event.dropped_attributes_count.into());
    });
}

fn link(out: &mut Json, link: &Link) {
    out.object(|out| {
        out.long("traceId", link.trace_id);
        out.long("spanId", link.span_id);
        out.string("traceState", &link.trace_state);
        out.array("attributes", &link.attributes, attribute);
        out.number("droppedAttributesCount", link.dropped_attributes_count.into());
        out.number("flags", link.flags.into());
    });
}

fn attribute(out: &mut Json, attribute: &KeyValue) {
    out.object(|out| {
        out.string("key", &attribute.key);
        if !matches!(attribute.value, Value::Missing) {
            out.key("value");
            value(out, &attribute.value);
        }
    });
}

fn value(out: &mut Json, found: &Value) {
    out.object(|out| match found {
        Value::Missing | Value::Empty | Value::Raw(_) => {}
        Value::String(text) => {
            out.key("stringValue");
            out.quoted(text);
        }
        Value::Bool(truth) => {
            out.key("boolValue");
            out.text.push_str(if *truth { "true" } else { "false" });
        }
        Value::Int(number) => out.long("intValue", number),
        Value::Double(number) => {
            out.key("doubleValue");
            double(out, *number);
        }
        Value::Bytes(bytes) => out.long("bytesValue", base64(bytes)),
        Value::Array(values) => {
            out.key("arrayValue");
            out.object(|out| out.array("values", values, value));
        }
        Value::Map(entries) => {
            out.key("kvlistValue");
            out.object(|out| out.array("values", entries, attribute));
        }
    });
}

/// Rust prints the shortest digits that read back as the same number; JSON has no other numbers.
fn double(out: &mut Json, number: f64) {
    let _ = match (number.is_nan(), number.is_infinite()) {
        (true, _) => write!(out.text, "\"NaN\""),
        (_, true) if number > 0.0 => write!(out.text, "\"Infinity\""),
        (_, true) => write!(out.text, "\"-Infinity\""),
        _ => write!(out.text, "{number:?}"),
    };
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, &b| bits << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit =
                DIGITS.get((bits >> (18 - 6 * i)) as usize & 63).filter(|_| i <= chunk.len());
            text.push(digit.map_or('=', |&d| char::from(d)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_base64() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn texts_are_escaped() {
        let mut out = Json::default();
        out.quoted("a\"\\\n\u{1}ü");
        assert_eq!(out.text, r#""a\"\\\n\u0001ü""#);
    }
}
