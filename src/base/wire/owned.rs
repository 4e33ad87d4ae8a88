//! [`SpanRef`] to the owned model and back.

use std::borrow::Cow;

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_VALUE_DEPTH;
use crate::base::model::{Event, KeyValue, Link, Span, Status, Value};
use crate::base::view::{AttrRef, EventRef, LinkRef, SpanRef, StatusRef, StrRef, ValueRef};
use crate::base::wire::value::{decode_array, decode_map};
use crate::base::wire::write::{put_bytes, put_message, put_text};

impl SpanRef<'_> {
    /// The span, owned. `None` if the bytes of a nested value are not canonical, which only
    /// damage can bring about.
    pub fn into_span(self) -> Option<Span> {
        Some(Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            trace_state: self.trace_state.into_str(),
            parent_span_id: self.parent_span_id,
            flags: self.flags,
            name: self.name.into_str(),
            kind: self.kind,
            start: self.start,
            end: self.end,
            attributes: own_attributes(self.attributes)?,
            dropped_attributes_count: self.dropped_attributes_count,
            events: self.events.into_iter().map(own_event).collect::<Option<_>>()?,
            dropped_events_count: self.dropped_events_count,
            links: self.links.into_iter().map(own_link).collect::<Option<_>>()?,
            dropped_links_count: self.dropped_links_count,
            status: self.status.map(|status| Status {
                message: status.message.into_str(),
                code: status.code,
                unknown: status.unknown.into_owned(),
            }),
            unknown: self.unknown.into_owned(),
        })
    }

    /// The span, owned; as [`SpanRef::into_span`], but the view stays.
    pub fn to_span(&self) -> Option<Span> {
        self.clone().into_span()
    }
}

impl ValueRef<'_> {
    /// The value, owned. `None` if the bytes of a nested value are not canonical.
    pub fn into_value(self) -> Option<Value> {
        Some(match self {
            Self::Missing => Value::Missing,
            Self::Empty => Value::Empty,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int(number),
            Self::Double(number) => Value::Double(number),
            Self::Str(text) => Value::String(text.into_str()),
            Self::Bytes(bytes) => Value::Bytes(bytes.into_owned()),
            Self::Array(bytes) => Value::Array(decode_array(&bytes)?),
            Self::Map(bytes) => Value::Map(decode_map(&bytes)?),
            Self::Raw(bytes) => Value::Raw(bytes.into_owned()),
        })
    }
}

pub fn own_attributes(attributes: Vec<AttrRef<'_>>) -> Option<Vec<KeyValue>> {
    let own = |attribute: AttrRef<'_>| {
        let value = attribute.value.into_value()?;
        Some(KeyValue { key: attribute.key.into_str(), value })
    };
    attributes.into_iter().map(own).collect()
}

fn own_event(event: EventRef<'_>) -> Option<Event> {
    Some(Event {
        time: event.time,
        name: event.name.into_str(),
        attributes: own_attributes(event.attributes)?,
        dropped_attributes_count: event.dropped_attributes_count,
        unknown: event.unknown.into_owned(),
    })
}

fn own_link(link: LinkRef<'_>) -> Option<Link> {
    Some(Link {
        trace_id: link.trace_id,
        span_id: link.span_id,
        trace_state: link.trace_state.into_str(),
        attributes: own_attributes(link.attributes)?,
        dropped_attributes_count: link.dropped_attributes_count,
        flags: link.flags,
        unknown: link.unknown.into_owned(),
    })
}

impl Span {
    /// A view of the span. Fails if a value nests deeper than [`MAX_VALUE_DEPTH`] or an array
    /// holds a raw value.
    pub(crate) fn view(&self) -> Result<SpanRef<'_>> {
        Ok(SpanRef {
            trace_id: self.trace_id,
            span_id: self.span_id,
            trace_state: StrRef::Shared(&self.trace_state),
            parent_span_id: self.parent_span_id,
            flags: self.flags,
            name: StrRef::Shared(&self.name),
            kind: self.kind,
            start: self.start,
            end: self.end,
            attributes: view_attributes(&self.attributes)?,
            dropped_attributes_count: self.dropped_attributes_count,
            events: self.events.iter().map(view_event).collect::<Result<_>>()?,
            dropped_events_count: self.dropped_events_count,
            links: self.links.iter().map(view_link).collect::<Result<_>>()?,
            dropped_links_count: self.dropped_links_count,
            status: self.status.as_ref().map(|status| StatusRef {
                message: StrRef::Shared(&status.message),
                code: status.code,
                unknown: Cow::Borrowed(&status.unknown),
            }),
            unknown: Cow::Borrowed(&self.unknown),
        })
    }
}

pub fn view_attributes(attributes: &[KeyValue]) -> Result<Vec<AttrRef<'_>>> {
    attributes.iter().map(KeyValue::view).collect()
}

fn view_event(event: &Event) -> Result<EventRef<'_>> {
    Ok(EventRef {
        time: event.time,
        name: StrRef::Shared(&event.name),
        attributes: view_attributes(&event.attributes)?,
        dropped_attributes_count: event.dropped_attributes_count,
        unknown: Cow::Borrowed(&event.unknown),
    })
}

fn view_link(link: &Link) -> Result<LinkRef<'_>> {
    Ok(LinkRef {
        trace_id: link.trace_id,
        span_id: link.span_id,
        trace_state: StrRef::Shared(&link.trace_state),
        attributes: view_attributes(&link.attributes)?,
        dropped_attributes_count: link.dropped_attributes_count,
        flags: link.flags,
        unknown: Cow::Borrowed(&link.unknown),
    })
}

impl KeyValue {
    /// A view of the attribute. Fails as [`Span::view`] does.
    pub(crate) fn view(&self) -> Result<AttrRef<'_>> {
        Ok(AttrRef { key: StrRef::Shared(&self.key), value: self.value.view()? })
    }
}

impl Value {
    /// A view of the value. Fails as [`Span::view`] does.
    pub(crate) fn view(&self) -> Result<ValueRef<'_>> {
        Ok(match self {
            Self::Missing => ValueRef::Missing,
            Self::Empty => ValueRef::Empty,
            Self::Bool(truth) => ValueRef::Bool(*truth),
            Self::Int(number) => ValueRef::Int(*number),
            Self::Double(number) => ValueRef::Double(*number),
            Self::String(text) => ValueRef::Str(StrRef::Shared(text)),
            Self::Bytes(bytes) => ValueRef::Bytes(Cow::Borrowed(bytes)),
            Self::Array(values) => {
                let mut out = Vec::new();
                put_array(&mut out, values, 1)?;
                ValueRef::Array(Cow::Owned(out))
            }
            Self::Map(pairs) => {
                let mut out = Vec::new();
                put_map(&mut out, pairs, 1)?;
                ValueRef::Map(Cow::Owned(out))
            }
            Self::Raw(bytes) => ValueRef::Raw(Cow::Borrowed(bytes)),
        })
    }
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > MAX_VALUE_DEPTH {
        let message = format!("an attribute value nests deeper than {MAX_VALUE_DEPTH}");
        return Err(Error::invalid(message));
    }
    Ok(())
}

fn put_array(out: &mut Vec<u8>, values: &[Value], depth: usize) -> Result<()> {
    check_depth(depth)?;
    let put = |out: &mut Vec<u8>, value| put_any(out, value, depth);
    values.iter().try_for_each(|value| put_message(out, 0x0a, |out| put(out, value)))
}

fn put_map(out: &mut Vec<u8>, pairs: &[KeyValue], depth: usize) -> Result<()> {
    check_depth(depth)?;
    pairs.iter().try_for_each(|pair| {
        put_message(out, 0x0a, |out| {
            put_text(out, 0x0a, &pair.key);
            match &pair.value {
                Value::Missing => {}
                Value::Raw(bytes) => out.extend_from_slice(bytes),
                value => put_message(out, 0x12, |out| put_any(out, value, depth))?,
            }
            Ok(())
        })
    })
}

/// The contents of an `AnyValue` message.
fn put_any(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<()> {
    match value {
        Value::Missing | Value::Empty => {}
        Value::Bool(truth) => out.extend_from_slice(&[0x10, u8::from(*truth)]),
        Value::Int(number) => {
            out.push(0x18);
            crate::base::varint::write_u64(out, *number as u64);
        }
        Value::Double(number) => {
            out.push(0x21);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::String(text) => put_bytes(out, 0x0a, text.as_bytes()),
        Value::Array(values) => put_message(out, 0x2a, |out| put_array(out, values, depth + 1))?,
        Value::Map(pairs) => put_message(out, 0x32, |out| put_map(out, pairs, depth + 1))?,
        Value::Bytes(bytes) => put_bytes(out, 0x3a, bytes),
        Value::Raw(_) => return Err(Error::invalid("an array holds a raw value")),
    }
    Ok(())
}
