//! OTLP as protobuf, written from back to front.
//!
//! A message's length stands before it and is known only once it is written; from the back, each
//! message is written once, and its length is put before it in as few bytes as it needs. What comes
//! out is in ascending order of fields without explicit defaults, as SDKs write it. This encoder
//! shares no code with the engine's, so that each checks the other.

use tracekeep::{
    EntityRef, Event, KeyValue, Link, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status,
    Value,
};

/// The `ExportTraceServiceRequest` that holds `groups`.
pub fn encode(groups: &[ResourceSpans]) -> Vec<u8> {
    let spans: usize = groups.iter().flat_map(|g| &g.scope_spans).map(|s| s.spans.len()).sum();
    let mut out = Backward::with_capacity(spans * 400 + groups.len() * 1000);
    out.messages(1, groups, resource_spans);
    out.into_bytes()
}

/// Bytes that grow towards the front.
struct Backward {
    bytes: Vec<u8>,
    start: usize,
}

impl Backward {
    fn with_capacity(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity], start: capacity }
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.drain(..self.start);
        self.bytes
    }

    fn raw(&mut self, bytes: &[u8]) {
        if self.start < bytes.len() {
            self.grow(bytes.len());
        }
        let end = self.start;
        self.start -= bytes.len();
        if let Some(room) = self.bytes.get_mut(self.start..end) {
            room.copy_from_slice(bytes);
        }
    }

    fn grow(&mut self, needed: usize) {
        let more = self.bytes.len().max(needed).max(4096);
        self.bytes.splice(0..0, std::iter::repeat_n(0, more));
        self.start += more;
    }

    fn varint(&mut self, mut value: u64) {
        if value < 0x80 {
            return self.raw(&[value as u8]);
        }
        let mut bytes = [0u8; 10];
        let mut len = 0;
        for byte in &mut bytes {
            *byte = value as u8 | 0x80;
            len += 1;
            value >>= 7;
            if value == 0 {
                *byte &= 0x7f;
                break;
            }
        }
        self.raw(bytes.get(..len).unwrap_or_default());
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    /// A field of bytes, also where it is empty.
    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.raw(bytes);
        self.varint(bytes.len() as u64);
        self.tag(field, 2);
    }

    fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(field, text.as_bytes());
        }
    }

    fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(value);
            self.tag(field, 0);
        }
    }

    fn fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.raw(&value.to_le_bytes());
            self.tag(field, 1);
        }
    }

    fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.raw(&value.to_le_bytes());
            self.tag(field, 5);
        }
    }

    fn message<T>(&mut self, field: u32, item: &T, write: impl Fn(&mut Self, &T)) {
        let end = self.bytes.len() - self.start;
        write(self, item);
        let len = self.bytes.len() - self.start - end;
        self.varint(len as u64);
        self.tag(field, 2);
    }

    fn messages<T>(&mut self, field: u32, items: &[T], write: impl Fn(&mut Self, &T)) {
        for item in items.iter().rev() {
            self.message(field, item, &write);
        }
    }
}

fn resource_spans(out: &mut Backward, group: &ResourceSpans) {
    out.raw(&group.unknown);
    out.text(3, &group.schema_url);
    out.messages(2, &group.scope_spans, scope_spans);
    if let Some(resource) = &group.resource {
        out.message(1, resource, write_resource);
    }
}

fn write_resource(out: &mut Backward, resource: &Resource) {
    out.raw(&resource.unknown);
    out.messages(3, &resource.entity_refs, entity_ref);
    out.number(2, resource.dropped_attributes_count.into());
    out.messages(1, &resource.attributes, attribute);
}

fn entity_ref(out: &mut Backward, entity: &EntityRef) {
    out.raw(&entity.unknown);
    for key in entity.description_keys.iter().rev() {
        out.bytes(4, key.as_bytes());
    }
    for key in entity.id_keys.iter().rev() {
        out.bytes(3, key.as_bytes());
    }
    out.text(2, &entity.entity_type);
    out.text(1, &entity.schema_url);
}

fn scope_spans(out: &mut Backward, group: &ScopeSpans) {
    out.raw(&group.unknown);
    out.text(3, &group.schema_url);
    out.messages(2, &group.spans, write_span);
    if let Some(scope) = &group.scope {
        out.message(1, scope, write_scope);
    }
}

fn write_scope(out: &mut Backward, scope: &Scope) {
    out.raw(&scope.unknown);
    out.number(4, scope.dropped_attributes_count.into());
    out.messages(3, &scope.attributes, attribute);
    out.text(2, &scope.version);
    out.text(1, &scope.name);
}

fn write_span(out: &mut Backward, span: &Span) {
    out.raw(&span.unknown);
    out.fixed32(16, span.flags);
    if let Some(found) = &span.status {
        out.message(15, found, status);
    }
    out.number(14, span.dropped_links_count.into());
    out.messages(13, &span.links, link);
    out.number(12, span.dropped_events_count.into());
    out.messages(11, &span.events, event);
    out.number(10, span.dropped_attributes_count.into());
    out.messages(9, &span.attributes, attribute);
    out.fixed64(8, span.end.nanos());
    out.fixed64(7, span.start.nanos());
    out.number(6, i64::from(span.kind.0) as u64);
    out.text(5, &span.name);
    if let Some(parent) = span.parent_span_id {
        out.bytes(4, &parent.to_bytes());
    }
    out.text(3, &span.trace_state);
    out.bytes(2, &span.span_id.to_bytes());
    out.bytes(1, &span.trace_id.to_bytes());
}

fn status(out: &mut Backward, status: &Status) {
    out.raw(&status.unknown);
    out.number(3, i64::from(status.code.0) as u64);
    out.text(2, &status.message);
}

fn event(out: &mut Backward, event: &Event) {
    out.raw(&event.unknown);
    out.number(4, event.dropped_attributes_count.into());
    out.messages(3, &event.attributes, attribute);
    out.text(2, &event.name);
    out.fixed64(1, event.time.nanos());
}

fn link(out: &mut Backward, link: &Link) {
    out.raw(&link.unknown);
    out.fixed32(6, link.flags);
    out.number(5, link.dropped_attributes_count.into());
    out.messages(4, &link.attributes, attribute);
    out.text(3, &link.trace_state);
    out.bytes(2, &link.span_id.to_bytes());
    out.bytes(1, &link.trace_id.to_bytes());
}

fn attribute(out: &mut Backward, attribute: &KeyValue) {
    match &attribute.value {
        Value::Missing => {}
        Value::Raw(fields) => out.raw(fields),
        present => out.message(2, present, value),
    }
    out.text(1, &attribute.key);
}

fn value(out: &mut Backward, found: &Value) {
    match found {
        Value::Missing | Value::Empty | Value::Raw(_) => {}
        Value::String(text) => out.bytes(1, text.as_bytes()),
        // A value of a oneof is written even where it is the default.
        Value::Bool(truth) => {
            out.varint(u64::from(*truth));
            out.tag(2, 0);
        }
        Value::Int(number) => {
            out.varint(*number as u64);
            out.tag(3, 0);
        }
        Value::Double(number) => {
            out.raw(&number.to_bits().to_le_bytes());
            out.tag(4, 1);
        }
        Value::Array(values) => out.message(5, values, |out, values| {
            out.messages(1, values, value);
        }),
        Value::Map(entries) => out.message(6, entries, |out, entries| {
            out.messages(1, entries, attribute);
        }),
        Value::Bytes(bytes) => out.bytes(7, bytes),
    }
}
