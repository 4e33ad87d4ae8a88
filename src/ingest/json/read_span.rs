//! Spans, events, links and statuses from JSON to protobuf.

use serde::Deserialize;

use crate::base::wire::{
    put_bytes, put_count, put_enum, put_fixed32, put_fixed64, put_message, put_text,
};
use crate::ingest::json::message::{Element, Many, Put};
use crate::ingest::json::read_value::Attributes;
use crate::ingest::json::scalar::{Base64, CodeNumber, Hex, KindNumber, Number, Text};

/// Spans in a list.
pub struct SpanType;

impl Element for SpanType {
    type Read<'a> = Span<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Span<'a> {
    #[serde(alias = "trace_id")]
    pub trace_id: Hex,
    #[serde(alias = "span_id")]
    pub span_id: Hex,
    #[serde(borrow, alias = "trace_state")]
    pub trace_state: Text<'a>,
    #[serde(alias = "parent_span_id")]
    pub parent_span_id: Hex,
    pub flags: Number<u32>,
    #[serde(borrow)]
    pub name: Text<'a>,
    pub kind: KindNumber,
    #[serde(alias = "start_time_unix_nano")]
    pub start_time_unix_nano: Number<u64>,
    #[serde(alias = "end_time_unix_nano")]
    pub end_time_unix_nano: Number<u64>,
    pub attributes: Attributes<0x4a>,
    #[serde(alias = "dropped_attributes_count")]
    pub dropped_attributes_count: Number<u32>,
    pub events: Many<0x5a, EventType>,
    #[serde(alias = "dropped_events_count")]
    pub dropped_events_count: Number<u32>,
    pub links: Many<0x6a, LinkType>,
    #[serde(alias = "dropped_links_count")]
    pub dropped_links_count: Number<u32>,
    #[serde(borrow)]
    pub status: Option<Status<'a>>,
    #[serde(rename = "tracekeep.unknown")]
    pub unknown: Base64,
}

impl Span<'_> {
    /// The default again, with the memory that it has.
    pub fn clear(&mut self) {
        let mut kept = std::mem::take(self);
        let ids = [&mut kept.trace_id, &mut kept.span_id, &mut kept.parent_span_id];
        ids.into_iter().for_each(|id| id.0.clear());
        kept.attributes.0.clear();
        *self = Self {
            trace_id: kept.trace_id,
            span_id: kept.span_id,
            parent_span_id: kept.parent_span_id,
            attributes: kept.attributes,
            ..Self::default()
        };
    }
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

pub struct EventType;

impl Element for EventType {
    type Read<'a> = Event<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event<'a> {
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

pub struct LinkType;

impl Element for LinkType {
    type Read<'a> = Link<'a>;
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Link<'a> {
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
pub struct Status<'a> {
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
