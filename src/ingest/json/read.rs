//! Messages from JSON to protobuf.
//!
//! Lists are written while they are read, so that no more than one element is held as a
//! structure, however many `{}` a hostile request lists.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use crate::base::wire::{
    put_bytes, put_count, put_enum, put_fixed32, put_fixed64, put_message, put_text,
};
use crate::ingest::json::read_value::Attributes;
use crate::ingest::json::scalar::{Base64, CodeNumber, Hex, KindNumber, Number, Text};

/// A message that writes its protobuf fields.
trait Put {
    fn put(&self, out: &mut Vec<u8>);
}

/// A message type whose values may borrow from the input.
trait Element {
    type Read<'a>: Deserialize<'a> + Put;
}

/// Repeated fields of messages under `TAG`.
struct Many<const TAG: u8, E>(Vec<u8>, PhantomData<E>);

impl<const TAG: u8, E> Default for Many<TAG, E> {
    fn default() -> Self {
        Self(Vec::new(), PhantomData)
    }
}

impl<'de, const TAG: u8, E: Element> Deserialize<'de> for Many<TAG, E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<const TAG: u8, E>(PhantomData<E>);
        impl<'de, const TAG: u8, E: Element> Visitor<'de> for List<TAG, E> {
            type Value = Many<TAG, E>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_unit<X: Error>(self) -> Result<Self::Value, X> {
                Ok(Many::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(element) = list.next_element::<E::Read<'de>>()? {
                    put_message(&mut out, TAG, |out| element.put(out));
                }
                Ok(Many(out, PhantomData))
            }
        }
        deserializer.deserialize_any(List(PhantomData))
    }
}

/// A request, or a file of trace data.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    #[serde(alias = "resource_spans")]
    resource_spans: Many<0x0a, ResourceSpansType>,
}

impl Request {
    /// The request as protobuf.
    pub fn into_protobuf(self) -> Vec<u8> {
        self.resource_spans.0
    }
}

struct ResourceSpansType;

impl Element for ResourceSpansType {
    type Read<'a> = ResourceSpans<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Option<Resource>,
    #[serde(alias = "scope_spans")]
    scope_spans: Many<0x12, ScopeSpansType>,
    #[serde(borrow, alias = "schema_url")]
    schema_url: Text<'a>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for ResourceSpans<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        if let Some(resource) = &self.resource {
            put_message(out, 0x0a, |out| resource.put(out));
        }
        out.extend_from_slice(&self.scope_spans.0);
        put_text(out, 0x1a, &self.schema_url.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resource {
    attributes: Attributes<0x0a>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Number<u32>,
    #[serde(alias = "entity_refs")]
    entity_refs: Many<0x1a, EntityRefType>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for Resource {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.attributes.0);
        put_count(out, 0x10, self.dropped_attributes_count.0);
        out.extend_from_slice(&self.entity_refs.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

struct EntityRefType;

impl Element for EntityRefType {
    type Read<'a> = EntityRef<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EntityRef<'a> {
    #[serde(borrow, alias = "schema_url")]
    schema_url: Text<'a>,
    #[serde(borrow, rename = "type")]
    entity_type: Text<'a>,
    #[serde(borrow, alias = "id_keys")]
    id_keys: Option<Vec<Text<'a>>>,
    #[serde(borrow, alias = "description_keys")]
    description_keys: Option<Vec<Text<'a>>>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for EntityRef<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, 0x0a, &self.schema_url.0);
        put_text(out, 0x12, &self.entity_type.0);
        for key in self.id_keys.iter().flatten() {
            put_bytes(out, 0x1a, key.0.as_bytes());
        }
        for key in self.description_keys.iter().flatten() {
            put_bytes(out, 0x22, key.0.as_bytes());
        }
        out.extend_from_slice(&self.unknown.0);
    }
}

struct ScopeSpansType;

impl Element for ScopeSpansType {
    type Read<'a> = ScopeSpans<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeSpans<'a> {
    #[serde(borrow)]
    scope: Option<Scope<'a>>,
    spans: Many<0x12, SpanType>,
    #[serde(borrow, alias = "schema_url")]
    schema_url: Text<'a>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for ScopeSpans<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        if let Some(scope) = &self.scope {
            put_message(out, 0x0a, |out| scope.put(out));
        }
        out.extend_from_slice(&self.spans.0);
        put_text(out, 0x1a, &self.schema_url.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Scope<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    attributes: Attributes<0x1a>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Number<u32>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for Scope<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, 0x0a, &self.name.0);
        put_text(out, 0x12, &self.version.0);
        out.extend_from_slice(&self.attributes.0);
        put_count(out, 0x20, self.dropped_attributes_count.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

struct SpanType;

impl Element for SpanType {
    type Read<'a> = Span<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Span<'a> {
    #[serde(alias = "trace_id")]
    trace_id: Hex,
    #[serde(alias = "span_id")]
    span_id: Hex,
    #[serde(borrow, alias = "trace_state")]
    trace_state: Text<'a>,
    #[serde(alias = "parent_span_id")]
    parent_span_id: Hex,
    flags: Number<u32>,
    #[serde(borrow)]
    name: Text<'a>,
    kind: KindNumber,
    #[serde(alias = "start_time_unix_nano")]
    start_time_unix_nano: Number<u64>,
    #[serde(alias = "end_time_unix_nano")]
    end_time_unix_nano: Number<u64>,
    attributes: Attributes<0x4a>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Number<u32>,
    events: Many<0x5a, EventType>,
    #[serde(alias = "dropped_events_count")]
    dropped_events_count: Number<u32>,
    links: Many<0x6a, LinkType>,
    #[serde(alias = "dropped_links_count")]
    dropped_links_count: Number<u32>,
    #[serde(borrow)]
    status: Option<Status<'a>>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for Span<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        put_id(out, 0x0a, &self.trace_id);
        put_id(out, 0x12, &self.span_id);
        put_text(out, 0x1a, &self.trace_state.0);
        put_id(out, 0x22, &self.parent_span_id);
        put_text(out, 0x2a, &self.name.0);
        put_enum(out, 0x30, self.kind.0);
        put_fixed64(out, 0x39, self.start_time_unix_nano.0);
        put_fixed64(out, 0x41, self.end_time_unix_nano.0);
        out.extend_from_slice(&self.attributes.0);
        put_count(out, 0x50, self.dropped_attributes_count.0);
        out.extend_from_slice(&self.events.0);
        put_count(out, 0x60, self.dropped_events_count.0);
        out.extend_from_slice(&self.links.0);
        put_count(out, 0x70, self.dropped_links_count.0);
        if let Some(status) = &self.status {
            put_message(out, 0x7a, |out| status.put(out));
        }
        put_fixed32(out, &[0x85, 0x01], self.flags.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

struct EventType;

impl Element for EventType {
    type Read<'a> = Event<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event<'a> {
    #[serde(alias = "time_unix_nano")]
    time_unix_nano: Number<u64>,
    #[serde(borrow)]
    name: Text<'a>,
    attributes: Attributes<0x1a>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Number<u32>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for Event<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        put_fixed64(out, 0x09, self.time_unix_nano.0);
        put_text(out, 0x12, &self.name.0);
        out.extend_from_slice(&self.attributes.0);
        put_count(out, 0x20, self.dropped_attributes_count.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

struct LinkType;

impl Element for LinkType {
    type Read<'a> = Link<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Link<'a> {
    #[serde(alias = "trace_id")]
    trace_id: Hex,
    #[serde(alias = "span_id")]
    span_id: Hex,
    #[serde(borrow, alias = "trace_state")]
    trace_state: Text<'a>,
    attributes: Attributes<0x22>,
    #[serde(alias = "dropped_attributes_count")]
    dropped_attributes_count: Number<u32>,
    flags: Number<u32>,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for Link<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        put_id(out, 0x0a, &self.trace_id);
        put_id(out, 0x12, &self.span_id);
        put_text(out, 0x1a, &self.trace_state.0);
        out.extend_from_slice(&self.attributes.0);
        put_count(out, 0x28, self.dropped_attributes_count.0);
        put_fixed32(out, &[0x35], self.flags.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    code: CodeNumber,
    #[serde(rename = "tracekeep.unknown")]
    unknown: Base64,
}

impl Put for Status<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, 0x12, &self.message.0);
        put_enum(out, 0x18, self.code.0);
        out.extend_from_slice(&self.unknown.0);
    }
}

/// An id of whatever length; that it is right is checked span by span later.
fn put_id(out: &mut Vec<u8>, tag: u8, id: &Hex) {
    if !id.0.is_empty() {
        put_bytes(out, tag, &id.0);
    }
}
