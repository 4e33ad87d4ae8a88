//! Rows as owned spans, put together without a view in between: what a lookup answers. A trace is
//! read in half the time so, for nothing is written twice.

use std::borrow::Cow;

use crate::base::error::Result;
use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{Event, KeyValue, Link, Span, Status, Value};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::base::view::StrRef;
use crate::base::wire::{decode_array, decode_map};
use crate::block::skeleton::{ValueType, mask};
use crate::block::template::{
    EventShape, LinkShape, RowTimes, SlotSource, Template, blob_if, count_if, text_if,
};

impl Template {
    /// As [`Template::assemble`], owned; `None` if the bytes of a nested value do not decode.
    pub fn own<'a>(
        &'a self,
        row: &RowTimes,
        slots: &mut impl SlotSource<'a>,
    ) -> Result<Option<Span>> {
        let has = |bit| self.mask & bit != 0;
        let trace_state = own_text_if(has(mask::TRACE_STATE), slots)?;
        let flags = count_if(has(mask::FLAGS), slots)?;
        let dropped_attributes_count = count_if(has(mask::DROPPED_ATTRIBUTES), slots)?;
        let dropped_events_count = count_if(has(mask::DROPPED_EVENTS), slots)?;
        let dropped_links_count = count_if(has(mask::DROPPED_LINKS), slots)?;
        let unknown = own_blob_if(has(mask::UNKNOWN), slots)?;
        let status = match self.status {
            None => None,
            Some(code) => Some(Status {
                message: own_text_if(has(mask::STATUS_MESSAGE), slots)?,
                code,
                unknown: own_blob_if(has(mask::STATUS_UNKNOWN), slots)?,
            }),
        };
        let Some(attributes) = own_attributes(&self.attributes, slots)? else { return Ok(None) };
        let mut events = Vec::with_capacity(self.events.len());
        for shape in &self.events {
            let Some(event) = shape.own(row.start, slots)? else { return Ok(None) };
            events.push(event);
        }
        let mut links = Vec::with_capacity(self.links.len());
        for shape in &self.links {
            let Some(link) = shape.own(slots)? else { return Ok(None) };
            links.push(link);
        }
        Ok(Some(Span {
            trace_id: row.trace_id,
            span_id: row.span_id,
            trace_state,
            parent_span_id: row.parent,
            flags,
            name: self.name.clone(),
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
        }))
    }
}

impl EventShape {
    fn own<'a>(
        &'a self,
        start: Timestamp,
        slots: &mut impl SlotSource<'a>,
    ) -> Result<Option<Event>> {
        let after = slots.int()? as u64;
        let dropped_attributes_count = count_if(self.mask & mask::DROPPED_ATTRIBUTES != 0, slots)?;
        let unknown = own_blob_if(self.mask & mask::UNKNOWN != 0, slots)?;
        let attributes = own_attributes(&self.attributes, slots)?;
        Ok(attributes.map(|attributes| Event {
            time: Timestamp::from_nanos(start.nanos().wrapping_add(after)),
            name: self.name.clone(),
            attributes,
            dropped_attributes_count,
            unknown,
        }))
    }
}

impl LinkShape {
    fn own<'a>(&'a self, slots: &mut impl SlotSource<'a>) -> Result<Option<Link>> {
        let (high, low) = (slots.int()? as u64, slots.int()? as u64);
        let span_id = SpanId::from(slots.int()? as u64);
        let trace_state = own_text_if(self.mask & mask::TRACE_STATE != 0, slots)?;
        let flags = count_if(self.mask & mask::FLAGS != 0, slots)?;
        let dropped_attributes_count = count_if(self.mask & mask::DROPPED_ATTRIBUTES != 0, slots)?;
        let unknown = own_blob_if(self.mask & mask::UNKNOWN != 0, slots)?;
        let attributes = own_attributes(&self.attributes, slots)?;
        Ok(attributes.map(|attributes| Link {
            trace_id: TraceId::from(u128::from(high) << 64 | u128::from(low)),
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
            unknown,
        }))
    }
}

fn own_text_if<'a>(present: bool, slots: &mut impl SlotSource<'a>) -> Result<Str> {
    text_if(present, slots).map(StrRef::into_str)
}

fn own_blob_if<'a>(present: bool, slots: &mut impl SlotSource<'a>) -> Result<Vec<u8>> {
    blob_if(present, slots).map(Cow::into_owned)
}

fn own_attributes<'a>(
    shape: &'a [(Str, ValueType)],
    slots: &mut impl SlotSource<'a>,
) -> Result<Option<Vec<KeyValue>>> {
    let mut attributes = Vec::with_capacity(shape.len());
    for (key, kind) in shape {
        let value = match kind {
            ValueType::Missing => Value::Missing,
            ValueType::Empty => Value::Empty,
            ValueType::Bool => Value::Bool(slots.int()? != 0),
            ValueType::Int => Value::Int(slots.int()?),
            ValueType::Double => Value::Double(f64::from_bits(slots.int()? as u64)),
            ValueType::Str => Value::String(slots.text()?.into_str()),
            ValueType::Bytes => Value::Bytes(slots.blob()?.into_owned()),
            ValueType::Raw => Value::Raw(slots.blob()?.into_owned()),
            ValueType::Array | ValueType::Map => {
                let bytes = slots.blob()?;
                let nested = match kind {
                    ValueType::Array => decode_array(&bytes).map(Value::Array),
                    _ => decode_map(&bytes).map(Value::Map),
                };
                let Some(nested) = nested else { return Ok(None) };
                nested
            }
        };
        attributes.push(KeyValue { key: key.clone(), value });
    }
    Ok(Some(attributes))
}
