//! Requests with their resources and scopes from JSON to protobuf.

use serde::Deserialize;

use crate::base::wire::{put_bytes, put_count, put_message, put_text};
use crate::ingest::json::message::{Element, Many, Put};
use crate::ingest::json::read_span::SpanType;
use crate::ingest::json::read_value::Attributes;
use crate::ingest::json::scalar::{Base64, Number, Text};

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
pub struct Resource {
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
pub struct Scope<'a> {
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
