//! A template: the decoded skeleton that many rows share, which puts spans together again.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::base::error::Result;
use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{SpanKind, StatusCode};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::base::varint::{read_i64, read_len, read_prefixed, read_u64};
use crate::base::view::{AttrRef, EventRef, LinkRef, SpanRef, StatusRef, StrRef, ValueRef};
use crate::block::skeleton::{SlotKind, ValueType, mask};

/// The structure of a span, parsed from its skeleton.
#[derive(Debug)]
pub struct Template {
    /// Code of the instrumentation scope.
    pub scope: u32,
    /// The span's name.
    pub name: Str,
    /// The span's kind.
    pub kind: SpanKind,
    /// The status code, if there is a status.
    pub status: Option<StatusCode>,
    /// The attributes' keys and types.
    pub attributes: Vec<(Str, ValueType)>,
    /// The events' structures.
    pub events: Vec<EventShape>,
    /// The links' structures.
    pub links: Vec<LinkShape>,
    /// What its slots are, in order.
    pub slots: Vec<Slot>,
    pub(super) mask: u64,
}

/// The structure of an event.
#[derive(Debug)]
pub struct EventShape {
    /// The event's name.
    pub name: Str,
    /// The attributes' keys and types.
    pub attributes: Vec<(Str, ValueType)>,
    pub(super) mask: u64,
}

/// The structure of a link.
#[derive(Debug)]
pub struct LinkShape {
    /// The attributes' keys and types.
    pub attributes: Vec<(Str, ValueType)>,
    pub(super) mask: u64,
}

/// One slot of a template.
#[derive(Clone, Debug)]
pub struct Slot {
    /// What values it holds.
    pub kind: SlotKind,
    /// Which field of the span it is.
    pub place: Place,
}

/// Which field of a span a slot is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// An attribute of the span, of an event or of a link.
    Attribute(Owner, Str, ValueType),
    /// The status's message.
    StatusMessage,
    /// A `tracestate`, of the span or of a link.
    TraceState,
    /// Protobuf fields that this version does not know.
    Unknown,
    /// An event's time, after the span's start.
    EventTime,
    /// A part of a link's ids.
    LinkId,
    /// W3C flags or a dropped count.
    Count,
    /// The whole span, of a row without a template.
    Spelled,
}

impl Place {
    /// Whether what stands there is text of an attribute or of a status.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Attribute(_, _, ValueType::Str) | Self::StatusMessage)
    }
}

/// What bears an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    Span,
    Event,
    Link,
}

/// The fields every row has, whatever its template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowTimes {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<SpanId>,
    pub start: Timestamp,
    pub end: Timestamp,
}

/// Gives the slot values of one row, in the template's order.
pub trait SlotSource<'a> {
    /// The next slot, a number.
    fn int(&mut self) -> Result<i64>;
    /// The next slot, text.
    fn text(&mut self) -> Result<StrRef<'a>>;
    /// The next slot, bytes.
    fn blob(&mut self) -> Result<Cow<'a, [u8]>>;
}

/// Shares equal keys and names among the templates of a segment.
#[derive(Debug, Default)]
pub struct Names(HashSet<Str>);

impl Names {
    fn share(&mut self, bytes: &[u8]) -> Option<Str> {
        let text = std::str::from_utf8(bytes).ok()?;
        if let Some(known) = self.0.get(text) {
            return Some(known.clone());
        }
        let new = Str::from(text);
        self.0.insert(new.clone());
        Some(new)
    }
}

impl Template {
    /// Parses a skeleton; `None` if the bytes are none.
    pub fn parse(mut skeleton: &[u8], names: &mut Names) -> Option<Self> {
        let input = &mut skeleton;
        let scope = u32::try_from(read_u64(input)?).ok()?;
        let name = names.share(read_prefixed(input)?)?;
        let kind = SpanKind(i32::try_from(read_i64(input)?).ok()?);
        let mask = read_u64(input).filter(|bits| bits & !mask::ALL == 0)?;
        let status = match mask & mask::STATUS {
            0 => None,
            _ => Some(StatusCode(i32::try_from(read_i64(input)?).ok()?)),
        };
        let attributes = read_attributes(input, names)?;
        let mut events = Vec::new();
        for _ in 0..read_len(input)? {
            let mask = read_u64(input).filter(|bits| bits & !mask::ALL == 0)?;
            let name = names.share(read_prefixed(input)?)?;
            events.push(EventShape { mask, name, attributes: read_attributes(input, names)? });
        }
        let mut links = Vec::new();
        for _ in 0..read_len(input)? {
            let mask = read_u64(input).filter(|bits| bits & !mask::ALL == 0)?;
            links.push(LinkShape { mask, attributes: read_attributes(input, names)? });
        }
        if !input.is_empty() {
            return None;
        }
        let mut template =
            Self { scope, name, kind, status, attributes, events, links, slots: Vec::new(), mask };
        template.slots = template.list_slots();
        Some(template)
    }

    /// The memory it takes, about, beside itself: templates share names and keys.
    pub fn memory_bytes(&self) -> usize {
        let events = self.events.iter().map(|event| size_of_val(&*event.attributes));
        let links = self.links.iter().map(|link| size_of_val(&*link.attributes));
        let attributes = size_of_val(&*self.attributes) + events.chain(links).sum::<usize>();
        attributes
            + size_of_val(&*self.events)
            + size_of_val(&*self.links)
            + size_of_val(&*self.slots)
    }

    fn list_slots(&self) -> Vec<Slot> {
        let mut list = SlotList(Vec::new());
        let m = self.mask;
        list.add_if(m & mask::TRACE_STATE, SlotKind::Text, Place::TraceState);
        list.add_if(m & mask::FLAGS, SlotKind::Int, Place::Count);
        list.add_if(m & mask::DROPPED_ATTRIBUTES, SlotKind::Int, Place::Count);
        list.add_if(m & mask::DROPPED_EVENTS, SlotKind::Int, Place::Count);
        list.add_if(m & mask::DROPPED_LINKS, SlotKind::Int, Place::Count);
        list.add_if(m & mask::UNKNOWN, SlotKind::Blob, Place::Unknown);
        list.add_if(m & mask::STATUS_MESSAGE, SlotKind::Text, Place::StatusMessage);
        list.add_if(m & mask::STATUS_UNKNOWN, SlotKind::Blob, Place::Unknown);
        list.attributes(Owner::Span, &self.attributes);
        for event in &self.events {
            list.add_if(1, SlotKind::Int, Place::EventTime);
            list.add_if(event.mask & mask::DROPPED_ATTRIBUTES, SlotKind::Int, Place::Count);
            list.add_if(event.mask & mask::UNKNOWN, SlotKind::Blob, Place::Unknown);
            list.attributes(Owner::Event, &event.attributes);
        }
        for link in &self.links {
            for _ in 0..3 {
                list.add_if(1, SlotKind::Int, Place::LinkId);
            }
            list.add_if(link.mask & mask::TRACE_STATE, SlotKind::Text, Place::TraceState);
            list.add_if(link.mask & mask::FLAGS, SlotKind::Int, Place::Count);
            list.add_if(link.mask & mask::DROPPED_ATTRIBUTES, SlotKind::Int, Place::Count);
            list.add_if(link.mask & mask::UNKNOWN, SlotKind::Blob, Place::Unknown);
            list.attributes(Owner::Link, &link.attributes);
        }
        list.0
    }

    /// Puts a row together from its own columns and its slot values.
    pub fn assemble<'a>(
        &'a self,
        row: RowTimes,
        slots: &mut impl SlotSource<'a>,
    ) -> Result<SpanRef<'a>> {
        let has = |bit| self.mask & bit != 0;
        let trace_state = text_if(has(mask::TRACE_STATE), slots)?;
        let flags = count_if(has(mask::FLAGS), slots)?;
        let dropped_attributes_count = count_if(has(mask::DROPPED_ATTRIBUTES), slots)?;
        let dropped_events_count = count_if(has(mask::DROPPED_EVENTS), slots)?;
        let dropped_links_count = count_if(has(mask::DROPPED_LINKS), slots)?;
        let unknown = blob_if(has(mask::UNKNOWN), slots)?;
        let status = match self.status {
            None => None,
            Some(code) => Some(StatusRef {
                message: text_if(has(mask::STATUS_MESSAGE), slots)?,
                code,
                unknown: blob_if(has(mask::STATUS_UNKNOWN), slots)?,
            }),
        };
        let attributes = assemble_attributes(&self.attributes, slots)?;
        let mut events = Vec::with_capacity(self.events.len());
        for shape in &self.events {
            events.push(shape.assemble(row.start, slots)?);
        }
        let mut links = Vec::with_capacity(self.links.len());
        for shape in &self.links {
            links.push(shape.assemble(slots)?);
        }
        Ok(SpanRef {
            trace_id: row.trace_id,
            span_id: row.span_id,
            trace_state,
            parent_span_id: row.parent,
            flags,
            name: StrRef::Shared(&self.name),
            kind: self.kind,
            start: row.start,
            end: row.end,
            attributes,
            dropped_attributes_count,
            events,
            dropped_events_count,
            links,
            dropped_links_count,
            status,
            unknown,
        })
    }
}

impl EventShape {
    fn assemble<'a>(
        &'a self,
        start: Timestamp,
        slots: &mut impl SlotSource<'a>,
    ) -> Result<EventRef<'a>> {
        let after = slots.int()? as u64;
        Ok(EventRef {
            time: Timestamp::from_nanos(start.nanos().wrapping_add(after)),
            name: StrRef::Shared(&self.name),
            dropped_attributes_count: count_if(self.mask & mask::DROPPED_ATTRIBUTES != 0, slots)?,
            unknown: blob_if(self.mask & mask::UNKNOWN != 0, slots)?,
            attributes: assemble_attributes(&self.attributes, slots)?,
        })
    }
}

impl LinkShape {
    fn assemble<'a>(&'a self, slots: &mut impl SlotSource<'a>) -> Result<LinkRef<'a>> {
        let (high, low) = (slots.int()? as u64, slots.int()? as u64);
        let span_id = SpanId::from(slots.int()? as u64);
        Ok(LinkRef {
            trace_id: TraceId::from(u128::from(high) << 64 | u128::from(low)),
            span_id,
            trace_state: text_if(self.mask & mask::TRACE_STATE != 0, slots)?,
            flags: count_if(self.mask & mask::FLAGS != 0, slots)?,
            dropped_attributes_count: count_if(self.mask & mask::DROPPED_ATTRIBUTES != 0, slots)?,
            unknown: blob_if(self.mask & mask::UNKNOWN != 0, slots)?,
            attributes: assemble_attributes(&self.attributes, slots)?,
        })
    }
}

#[inline]
pub(super) fn text_if<'a>(present: bool, slots: &mut impl SlotSource<'a>) -> Result<StrRef<'a>> {
    if present { slots.text() } else { Ok(StrRef::default()) }
}

#[inline]
pub(super) fn blob_if<'a>(present: bool, slots: &mut impl SlotSource<'a>) -> Result<Cow<'a, [u8]>> {
    if present { slots.blob() } else { Ok(Cow::Borrowed(&[])) }
}

#[inline]
pub(super) fn count_if<'a>(present: bool, slots: &mut impl SlotSource<'a>) -> Result<u32> {
    if present { Ok(slots.int()? as u32) } else { Ok(0) }
}

fn assemble_attributes<'a>(
    shape: &'a [(Str, ValueType)],
    slots: &mut impl SlotSource<'a>,
) -> Result<Vec<AttrRef<'a>>> {
    let mut attributes = Vec::with_capacity(shape.len());
    for (key, kind) in shape {
        let value = match kind {
            ValueType::Missing => ValueRef::Missing,
            ValueType::Empty => ValueRef::Empty,
            ValueType::Bool => ValueRef::Bool(slots.int()? != 0),
            ValueType::Int => ValueRef::Int(slots.int()?),
            ValueType::Double => ValueRef::Double(f64::from_bits(slots.int()? as u64)),
            ValueType::Str => ValueRef::Str(slots.text()?),
            ValueType::Bytes => ValueRef::Bytes(slots.blob()?),
            ValueType::Array => ValueRef::Array(slots.blob()?),
            ValueType::Map => ValueRef::Map(slots.blob()?),
            ValueType::Raw => ValueRef::Raw(slots.blob()?),
        };
        attributes.push(AttrRef { key: StrRef::Shared(key), value });
    }
    Ok(attributes)
}

/// Reads keys and types; grows with the input only, whatever count it claims.
fn read_attributes(input: &mut &[u8], names: &mut Names) -> Option<Vec<(Str, ValueType)>> {
    let mut attributes = Vec::new();
    for _ in 0..read_len(input)? {
        let key = names.share(read_prefixed(input)?)?;
        let (&kind, rest) = input.split_first()?;
        *input = rest;
        attributes.push((key, ValueType::from_u8(kind)?));
    }
    Some(attributes)
}

struct SlotList(Vec<Slot>);

impl SlotList {
    fn add_if(&mut self, present: u64, kind: SlotKind, place: Place) {
        if present != 0 {
            self.0.push(Slot { kind, place });
        }
    }

    fn attributes(&mut self, owner: Owner, attributes: &[(Str, ValueType)]) {
        for (key, value_type) in attributes {
            if let Some(kind) = value_type.slot() {
                let place = Place::Attribute(owner, key.clone(), *value_type);
                self.0.push(Slot { kind, place });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_skeleton_or_refused(bytes in prop::collection::vec(0u8..20, 0..80)) {
            if let Some(template) = Template::parse(&bytes, &mut Names::default()) {
                prop_assert!(template.slots.len() <= bytes.len() * 4);
            }
        }
    }
}
