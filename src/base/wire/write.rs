//! [`SpanRef`] to canonical bytes.

use crate::base::varint;
use crate::base::view::{AttrRef, EventRef, LinkRef, SpanRef, StatusRef, ValueRef};

/// Appends a span's canonical bytes.
///
/// They are canonical if the nested values, raw values and unknown fields are, which holds for
/// every `SpanRef` that was decoded.
pub fn encode_span(span: &SpanRef<'_>, out: &mut Vec<u8>) {
    put_bytes(out, 0x0a, &span.trace_id.to_bytes());
    put_bytes(out, 0x12, &span.span_id.to_bytes());
    put_text(out, 0x1a, span.trace_state.as_str());
    if let Some(parent) = span.parent_span_id {
        put_bytes(out, 0x22, &parent.to_bytes());
    }
    put_text(out, 0x2a, span.name.as_str());
    put_enum(out, 0x30, span.kind.0);
    put_fixed64(out, 0x39, span.start.nanos());
    put_fixed64(out, 0x41, span.end.nanos());
    put_attributes(out, 0x4a, &span.attributes);
    put_count(out, 0x50, span.dropped_attributes_count);
    for event in &span.events {
        put_message(out, 0x5a, |out| put_event(out, event));
    }
    put_count(out, 0x60, span.dropped_events_count);
    for link in &span.links {
        put_message(out, 0x6a, |out| put_link(out, link));
    }
    put_count(out, 0x70, span.dropped_links_count);
    if let Some(status) = &span.status {
        put_message(out, 0x7a, |out| put_status(out, status));
    }
    put_fixed32(out, &[0x85, 0x01], span.flags);
    out.extend_from_slice(&span.unknown);
}

fn put_event(out: &mut Vec<u8>, event: &EventRef<'_>) {
    put_fixed64(out, 0x09, event.time.nanos());
    put_text(out, 0x12, event.name.as_str());
    put_attributes(out, 0x1a, &event.attributes);
    put_count(out, 0x20, event.dropped_attributes_count);
    out.extend_from_slice(&event.unknown);
}

fn put_link(out: &mut Vec<u8>, link: &LinkRef<'_>) {
    put_bytes(out, 0x0a, &link.trace_id.to_bytes());
    put_bytes(out, 0x12, &link.span_id.to_bytes());
    put_text(out, 0x1a, link.trace_state.as_str());
    put_attributes(out, 0x22, &link.attributes);
    put_count(out, 0x28, link.dropped_attributes_count);
    put_fixed32(out, &[0x35], link.flags);
    out.extend_from_slice(&link.unknown);
}

fn put_status(out: &mut Vec<u8>, status: &StatusRef<'_>) {
    put_text(out, 0x12, status.message.as_str());
    put_enum(out, 0x18, status.code.0);
    out.extend_from_slice(&status.unknown);
}

/// Appends attributes as repeated `KeyValue` messages under `tag`.
pub fn put_attributes(out: &mut Vec<u8>, tag: u8, attributes: &[AttrRef<'_>]) {
    for attribute in attributes {
        put_message(out, tag, |out| {
            put_text(out, 0x0a, attribute.key.as_str());
            encode_value(&attribute.value, out);
        });
    }
}

/// Appends all of a `KeyValue` message but its key.
pub fn encode_value(value: &ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Missing => {}
        ValueRef::Raw(bytes) => out.extend_from_slice(bytes),
        ValueRef::Empty => out.extend_from_slice(&[0x12, 0]),
        ValueRef::Bool(truth) => out.extend_from_slice(&[0x12, 2, 0x10, u8::from(*truth)]),
        ValueRef::Int(number) => {
            let number = *number as u64;
            out.extend_from_slice(&[0x12, 1 + varint::len_u64(number) as u8, 0x18]);
            varint::write_u64(out, number);
        }
        ValueRef::Double(number) => {
            out.extend_from_slice(&[0x12, 9, 0x21]);
            out.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Str(text) => put_wrapped(out, 0x0a, text.as_str().as_bytes()),
        ValueRef::Array(bytes) => put_wrapped(out, 0x2a, bytes),
        ValueRef::Map(bytes) => put_wrapped(out, 0x32, bytes),
        ValueRef::Bytes(bytes) => put_wrapped(out, 0x3a, bytes),
    }
}

/// The value field holding an `AnyValue` whose only field is `bytes` under `tag`.
fn put_wrapped(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    let inner = 1 + varint::len_u64(bytes.len() as u64) + bytes.len();
    put_tag(out, 0x12, inner);
    put_bytes(out, tag, bytes);
}

/// Appends a tag and the length that follows it.
pub fn put_tag(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    varint::write_u64(out, len as u64);
}

/// Appends a delimited field, empty or not.
pub fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_tag(out, tag, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a text field unless it is empty.
pub fn put_text(out: &mut Vec<u8>, tag: u8, text: &str) {
    if !text.is_empty() {
        put_bytes(out, tag, text.as_bytes());
    }
}

/// Appends a `uint32` field unless it is zero.
pub fn put_count(out: &mut Vec<u8>, tag: u8, count: u32) {
    if count != 0 {
        out.push(tag);
        varint::write_u64(out, u64::from(count));
    }
}

/// Appends an enum field unless it is zero.
pub fn put_enum(out: &mut Vec<u8>, tag: u8, number: i32) {
    if number != 0 {
        out.push(tag);
        varint::write_u64(out, i64::from(number) as u64);
    }
}

/// Appends a `fixed64` field unless it is zero.
pub fn put_fixed64(out: &mut Vec<u8>, tag: u8, number: u64) {
    if number != 0 {
        out.push(tag);
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Appends a `fixed32` field unless it is zero.
pub fn put_fixed32(out: &mut Vec<u8>, tag: &[u8], number: u32) {
    if number != 0 {
        out.extend_from_slice(tag);
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Appends a message field whose contents `fill` writes.
pub fn put_message<T>(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    out.extend_from_slice(&[tag, 0]);
    let start = out.len();
    let answer = fill(out);
    close_message(out, start);
    answer
}

/// Writes the length of what stands behind `start` into the byte before it. Most messages are
/// short; longer ones are moved by what their length takes beyond one byte.
fn close_message(out: &mut Vec<u8>, start: usize) {
    let end = out.len();
    let mut len = (end - start) as u64;
    let extra = varint::len_u64(len) - 1;
    if extra > 0 {
        out.resize(end + extra, 0);
        out.copy_within(start..end, start + extra);
    }
    for byte in out.get_mut(start - 1..start + extra).unwrap_or_default() {
        *byte = if len < 0x80 { len as u8 } else { len as u8 | 0x80 };
        len >>= 7;
    }
}
