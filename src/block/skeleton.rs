//! A span taken apart: its structure as *skeleton* bytes, its scalars as *slot* values.
//!
//! Spans of one operation share their structure and differ in a few scalars. The skeleton holds
//! all that rarely differs, and is stored once a segment:
//!
//! ```text
//! scope code, name, kind, presence mask, [status code], attributes,
//! event count,  { mask, name, attributes },
//! link count,   { mask, attributes }
//! attributes = count, { key, value type }
//! ```
//!
//! Numbers are varints (kind and status code zigzagged), texts have a varint length. Slots follow
//! in one fixed order, the order of [`visit_slots`], which [`crate::block::template`] retraces.
//! Ids, times and the parent of the span itself are neither: every row has them in own columns.

use crate::base::varint::{write_i64, write_prefixed, write_u64};
use crate::base::view::{AttrRef, EventRef, LinkRef, SpanRef, StatusRef, ValueRef};

/// Bits of the presence masks. What is absent or zero costs nothing in the columns.
pub(super) mod mask {
    pub const TRACE_STATE: u64 = 1;
    pub const FLAGS: u64 = 1 << 1;
    pub const DROPPED_ATTRIBUTES: u64 = 1 << 2;
    pub const UNKNOWN: u64 = 1 << 3;
    pub const DROPPED_EVENTS: u64 = 1 << 4;
    pub const DROPPED_LINKS: u64 = 1 << 5;
    pub const STATUS: u64 = 1 << 6;
    pub const STATUS_MESSAGE: u64 = 1 << 7;
    pub const STATUS_UNKNOWN: u64 = 1 << 8;
    /// Every bit that a skeleton of this version may have.
    pub const ALL: u64 = (1 << 9) - 1;
}

/// The kind of an attribute's value; the numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueType {
    Missing = 0,
    Empty = 1,
    Bool = 2,
    Int = 3,
    Double = 4,
    Str = 5,
    Bytes = 6,
    Array = 7,
    Map = 8,
    Raw = 9,
}

impl ValueType {
    /// The type of `value`.
    pub const fn of(value: &ValueRef<'_>) -> Self {
        match value {
            ValueRef::Missing => Self::Missing,
            ValueRef::Empty => Self::Empty,
            ValueRef::Bool(_) => Self::Bool,
            ValueRef::Int(_) => Self::Int,
            ValueRef::Double(_) => Self::Double,
            ValueRef::Str(_) => Self::Str,
            ValueRef::Bytes(_) => Self::Bytes,
            ValueRef::Array(_) => Self::Array,
            ValueRef::Map(_) => Self::Map,
            ValueRef::Raw(_) => Self::Raw,
        }
    }

    /// The type with this number on disk.
    pub const fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Missing,
            1 => Self::Empty,
            2 => Self::Bool,
            3 => Self::Int,
            4 => Self::Double,
            5 => Self::Str,
            6 => Self::Bytes,
            7 => Self::Array,
            8 => Self::Map,
            9 => Self::Raw,
            _ => return None,
        })
    }

    /// What its slot holds; `None` if the type says it all.
    pub const fn slot(self) -> Option<SlotKind> {
        match self {
            Self::Missing | Self::Empty => None,
            Self::Bool | Self::Int | Self::Double => Some(SlotKind::Int),
            Self::Str => Some(SlotKind::Text),
            Self::Bytes | Self::Array | Self::Map | Self::Raw => Some(SlotKind::Blob),
        }
    }
}

/// What a slot holds: all scalars are numbers, text or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// A number: integers, truth values, doubles by their bits, times against the span's start,
    /// ids in big-endian halves.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Blob,
}

/// Receives a span's slot values in order.
pub trait SlotSink {
    /// A number.
    fn int(&mut self, value: i64);
    /// Text.
    fn text(&mut self, value: &str);
    /// Bytes.
    fn blob(&mut self, value: &[u8]);
}

/// Appends the skeleton of `span` under the scope with code `scope`.
pub fn write_skeleton(scope: u32, span: &SpanRef<'_>, out: &mut Vec<u8>) {
    write_u64(out, u64::from(scope));
    write_prefixed(out, span.name.as_str().as_bytes());
    write_i64(out, i64::from(span.kind.0));
    let bits = span_mask(span);
    write_u64(out, bits);
    if let Some(status) = &span.status {
        write_i64(out, i64::from(status.code.0));
    }
    write_attributes(&span.attributes, out);
    write_u64(out, span.events.len() as u64);
    for event in &span.events {
        write_u64(out, event_mask(event));
        write_prefixed(out, event.name.as_str().as_bytes());
        write_attributes(&event.attributes, out);
    }
    write_u64(out, span.links.len() as u64);
    for link in &span.links {
        write_u64(out, link_mask(link));
        write_attributes(&link.attributes, out);
    }
}

fn write_attributes(attributes: &[AttrRef<'_>], out: &mut Vec<u8>) {
    write_u64(out, attributes.len() as u64);
    for attribute in attributes {
        write_prefixed(out, attribute.key.as_str().as_bytes());
        out.push(ValueType::of(&attribute.value) as u8);
    }
}

/// `bit` if `present`.
const fn bit(present: bool, bit: u64) -> u64 {
    if present { bit } else { 0 }
}

fn span_mask(span: &SpanRef<'_>) -> u64 {
    bit(!span.trace_state.as_str().is_empty(), mask::TRACE_STATE)
        | bit(span.flags != 0, mask::FLAGS)
        | bit(span.dropped_attributes_count != 0, mask::DROPPED_ATTRIBUTES)
        | bit(!span.unknown.is_empty(), mask::UNKNOWN)
        | bit(span.dropped_events_count != 0, mask::DROPPED_EVENTS)
        | bit(span.dropped_links_count != 0, mask::DROPPED_LINKS)
        | span.status.as_ref().map_or(0, status_mask)
}

fn status_mask(status: &StatusRef<'_>) -> u64 {
    mask::STATUS
        | bit(!status.message.as_str().is_empty(), mask::STATUS_MESSAGE)
        | bit(!status.unknown.is_empty(), mask::STATUS_UNKNOWN)
}

fn event_mask(event: &EventRef<'_>) -> u64 {
    bit(event.dropped_attributes_count != 0, mask::DROPPED_ATTRIBUTES)
        | bit(!event.unknown.is_empty(), mask::UNKNOWN)
}

fn link_mask(link: &LinkRef<'_>) -> u64 {
    bit(!link.trace_state.as_str().is_empty(), mask::TRACE_STATE)
        | bit(link.flags != 0, mask::FLAGS)
        | bit(link.dropped_attributes_count != 0, mask::DROPPED_ATTRIBUTES)
        | bit(!link.unknown.is_empty(), mask::UNKNOWN)
}

/// Hands the slot values of `span` to `sink`, in the order that its template lists them.
pub fn visit_slots(span: &SpanRef<'_>, sink: &mut impl SlotSink) {
    visit_text(span.trace_state.as_str(), sink);
    visit_count(span.flags, sink);
    visit_count(span.dropped_attributes_count, sink);
    visit_count(span.dropped_events_count, sink);
    visit_count(span.dropped_links_count, sink);
    visit_blob(&span.unknown, sink);
    if let Some(status) = &span.status {
        visit_text(status.message.as_str(), sink);
        visit_blob(&status.unknown, sink);
    }
    visit_attributes(&span.attributes, sink);
    for event in &span.events {
        sink.int(event.time.nanos().wrapping_sub(span.start.nanos()) as i64);
        visit_count(event.dropped_attributes_count, sink);
        visit_blob(&event.unknown, sink);
        visit_attributes(&event.attributes, sink);
    }
    for link in &span.links {
        sink.int(link.trace_id.high() as i64);
        sink.int(link.trace_id.low() as i64);
        sink.int(link.span_id.to_u64() as i64);
        visit_text(link.trace_state.as_str(), sink);
        visit_count(link.flags, sink);
        visit_count(link.dropped_attributes_count, sink);
        visit_blob(&link.unknown, sink);
        visit_attributes(&link.attributes, sink);
    }
}

fn visit_count(count: u32, sink: &mut impl SlotSink) {
    if count != 0 {
        sink.int(i64::from(count));
    }
}

fn visit_text(text: &str, sink: &mut impl SlotSink) {
    if !text.is_empty() {
        sink.text(text);
    }
}

fn visit_blob(bytes: &[u8], sink: &mut impl SlotSink) {
    if !bytes.is_empty() {
        sink.blob(bytes);
    }
}

fn visit_attributes(attributes: &[AttrRef<'_>], sink: &mut impl SlotSink) {
    for attribute in attributes {
        match &attribute.value {
            ValueRef::Missing | ValueRef::Empty => {}
            ValueRef::Bool(truth) => sink.int(i64::from(*truth)),
            ValueRef::Int(number) => sink.int(*number),
            ValueRef::Double(number) => sink.int(number.to_bits() as i64),
            ValueRef::Str(text) => sink.text(text.as_str()),
            ValueRef::Bytes(bytes)
            | ValueRef::Array(bytes)
            | ValueRef::Map(bytes)
            | ValueRef::Raw(bytes) => sink.blob(bytes),
        }
    }
}
