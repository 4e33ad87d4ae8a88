//! A span's skeleton and slot values, straight from its canonical bytes.
//!
//! The same that [`write_skeleton`](crate::block::skeleton::write_skeleton) and
//! [`visit_slots`](crate::block::skeleton::visit_slots) find in a span, but in one pass and
//! without a [`SpanRef`](crate::base::view::SpanRef) in between: its lists of attributes, made and
//! dropped for every span, cost a flush more than all else that it does with a row.

use std::borrow::Cow;

use crate::base::ids::{SpanId, TraceId};
use crate::base::time::Timestamp;
use crate::base::varint::{write_i64, write_u64};
use crate::base::view::ValueRef;
use crate::base::wire::{Cursor, read_attribute};
use crate::block::skeleton::{ValueType, mask};
use crate::block::template::RowTimes;

/// A span taken apart; reading another one into it reuses its memory.
#[derive(Debug, Default)]
pub struct Dissection<'a> {
    /// The span.
    bytes: &'a [u8],
    /// The columns that every row has.
    times: RowTimes,
    /// The skeleton from the name to the status code, and from the attributes on.
    head: Vec<u8>,
    body: Vec<u8>,
    /// The slots of the span itself, which the bytes tell last, and those from its attributes on.
    own: Vec<Scalar<'a>>,
    slots: Vec<Scalar<'a>>,
}

/// The value of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A number.
    Int(i64),
    /// Text or bytes.
    Bytes(&'a [u8]),
}

impl<'a> Dissection<'a> {
    /// Takes a span apart. `None`, with what it held undone, if the bytes are no span's; that they
    /// are canonical, and texts UTF-8, was checked when they arrived.
    pub fn read(&mut self, canonical: &'a [u8]) -> Option<()> {
        self.bytes = canonical;
        self.head.clear();
        self.body.clear();
        self.own.clear();
        self.slots.clear();
        let mut c = Cursor::new(canonical);
        let trace_id = TraceId::from(c.id::<16>(0x0a)?);
        let span_id = SpanId::from(c.id::<8>(0x12)?);
        let trace_state = if c.eat(0x1a) { c.delimited()? } else { &[] };
        let parent =
            if c.peek() == Some(0x22) { Some(SpanId::from(c.id::<8>(0x22)?)) } else { None };
        put_text(&mut c, 0x2a, &mut self.head)?;
        write_i64(&mut self.head, c.number(0x30)?.into());
        let start = c.fixed64(0x39)?;
        let end = Timestamp::from_nanos(c.fixed64(0x41)?);
        self.times =
            RowTimes { trace_id, span_id, parent, start: Timestamp::from_nanos(start), end };
        self.attributes(&mut c, 0x4a)?;
        let dropped_attributes = c.count(0x50)?;
        self.each(&mut c, 0x5a, |this, event| this.event(event, start))?;
        let dropped_events = c.count(0x60)?;
        self.each(&mut c, 0x6a, Self::link)?;
        let dropped_links = c.count(0x70)?;
        let status = if c.eat(0x7a) { Some(c.delimited()?) } else { None };
        let flags = if c.eat_two([0x85, 0x01]) { u32::from_le_bytes(c.array()?) } else { 0 };

        let mut own = Optional { mask: 0, slots: &mut self.own, at: 0 };
        own.bytes(mask::TRACE_STATE, trace_state);
        own.count(mask::FLAGS, flags);
        own.count(mask::DROPPED_ATTRIBUTES, dropped_attributes);
        own.count(mask::DROPPED_EVENTS, dropped_events);
        own.count(mask::DROPPED_LINKS, dropped_links);
        own.bytes(mask::UNKNOWN, c.rest());
        let mut code = None;
        if let Some(status) = status {
            let mut c = Cursor::new(status);
            own.mask |= mask::STATUS;
            own.bytes(mask::STATUS_MESSAGE, if c.eat(0x12) { c.delimited()? } else { &[] });
            code = Some(c.number(0x18)?);
            own.bytes(mask::STATUS_UNKNOWN, c.rest());
        }
        write_u64(&mut self.head, own.mask);
        if let Some(code) = code {
            write_i64(&mut self.head, code.into());
        }
        Some(())
    }

    /// The span's canonical bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The columns that every row has.
    pub fn times(&self) -> &RowTimes {
        &self.times
    }

    /// Appends the skeleton under the scope with code `scope`.
    pub fn write_skeleton(&self, scope: u32, out: &mut Vec<u8>) {
        write_u64(out, u64::from(scope));
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.body);
    }

    /// The slot values, in the order that the template lists them.
    pub fn slots(&self) -> impl Iterator<Item = Scalar<'a>> {
        self.own.iter().chain(&self.slots).copied()
    }

    /// Length of the longest value.
    pub fn longest_value(&self) -> usize {
        let len = |scalar| match scalar {
            Scalar::Int(_) => 0,
            Scalar::Bytes(bytes) => bytes.len(),
        };
        self.slots().map(len).max().unwrap_or(0)
    }

    /// Appends the number of messages under `tag`, and what `read` makes of each.
    #[inline]
    fn each(
        &mut self,
        c: &mut Cursor<'a>,
        tag: u8,
        mut read: impl FnMut(&mut Self, &'a [u8]) -> Option<()>,
    ) -> Option<()> {
        let at = self.body.len();
        self.body.push(0);
        let mut count = 0u64;
        while c.eat(tag) {
            read(self, c.delimited()?)?;
            count += 1;
        }
        match self.body.get_mut(at) {
            Some(place) if count < 0x80 => *place = count as u8,
            _ => {
                let mut long = Vec::new();
                write_u64(&mut long, count);
                self.body.splice(at..at + 1, long);
            }
        }
        Some(())
    }

    #[inline]
    fn attributes(&mut self, c: &mut Cursor<'a>, tag: u8) -> Option<()> {
        self.each(c, tag, Self::attribute)
    }

    #[inline]
    fn attribute(&mut self, pair: &'a [u8]) -> Option<()> {
        let mut c = Cursor::new(pair);
        put_text(&mut c, 0x0a, &mut self.body)?;
        if c.eat(0x12)
            && let Some((kind, scalar)) = c.delimited().and_then(simple_value)
            && c.rest().is_empty()
        {
            self.body.push(kind as u8);
            self.slots.push(scalar);
            return Some(());
        }
        self.rarer_value(pair)
    }

    fn rarer_value(&mut self, pair: &'a [u8]) -> Option<()> {
        let value = read_attribute(pair)?.value;
        self.body.push(ValueType::of(&value) as u8);
        let bytes = match value {
            ValueRef::Missing | ValueRef::Empty => return Some(()),
            ValueRef::Bytes(bytes)
            | ValueRef::Array(bytes)
            | ValueRef::Map(bytes)
            | ValueRef::Raw(bytes) => bytes,
            _ => return None,
        };
        let Cow::Borrowed(bytes) = bytes else { return None };
        self.slots.push(Scalar::Bytes(bytes));
        Some(())
    }

    fn event(&mut self, event: &'a [u8], start: u64) -> Option<()> {
        let mut c = Cursor::new(event);
        self.slots.push(Scalar::Int(c.fixed64(0x09)?.wrapping_sub(start) as i64));
        let (mask_at, at) = (self.body.len(), self.slots.len());
        self.body.push(0);
        put_text(&mut c, 0x12, &mut self.body)?;
        self.attributes(&mut c, 0x1a)?;
        let mut own = Optional { mask: 0, slots: &mut self.slots, at };
        own.count(mask::DROPPED_ATTRIBUTES, c.count(0x20)?);
        own.bytes(mask::UNKNOWN, c.rest());
        *self.body.get_mut(mask_at)? = own.mask as u8;
        Some(())
    }

    fn link(&mut self, link: &'a [u8]) -> Option<()> {
        let mut c = Cursor::new(link);
        let trace_id = TraceId::from(c.id::<16>(0x0a)?);
        let span_id = SpanId::from(c.id::<8>(0x12)?);
        let ids = [trace_id.high(), trace_id.low(), span_id.to_u64()];
        self.slots.extend(ids.map(|part| Scalar::Int(part as i64)));
        let trace_state = if c.eat(0x1a) { c.delimited()? } else { &[] };
        let (mask_at, at) = (self.body.len(), self.slots.len());
        self.body.push(0);
        self.attributes(&mut c, 0x22)?;
        let dropped = c.count(0x28)?;
        let flags = if c.eat(0x35) { u32::from_le_bytes(c.array()?) } else { 0 };
        let mut own = Optional { mask: 0, slots: &mut self.slots, at };
        own.bytes(mask::TRACE_STATE, trace_state);
        own.count(mask::FLAGS, flags);
        own.count(mask::DROPPED_ATTRIBUTES, dropped);
        own.bytes(mask::UNKNOWN, c.rest());
        *self.body.get_mut(mask_at)? = own.mask as u8;
        Some(())
    }
}

/// The masks of events and links take one byte of the skeleton.
const _: () = {
    let bits = mask::TRACE_STATE | mask::FLAGS | mask::DROPPED_ATTRIBUTES | mask::UNKNOWN;
    assert!(bits >> 7 == 0, "not a varint of one byte");
};

/// Appends a text with its length, both as they stand in the message, or the empty one.
#[inline]
fn put_text(c: &mut Cursor<'_>, tag: u8, out: &mut Vec<u8>) -> Option<()> {
    if c.eat(tag) {
        out.extend_from_slice(c.prefixed()?);
    } else {
        out.push(0);
    }
    Some(())
}

/// The value of an `AnyValue` message that nearly all are: one scalar, and no unknown fields.
#[inline]
fn simple_value(value: &[u8]) -> Option<(ValueType, Scalar<'_>)> {
    let mut c = Cursor::new(value);
    let tag = c.peek()?;
    c.eat(tag);
    let found = match tag {
        0x0a => (ValueType::Str, Scalar::Bytes(c.delimited()?)),
        0x10 => (ValueType::Bool, Scalar::Int(c.varint()? as i64)),
        0x18 => (ValueType::Int, Scalar::Int(c.varint()? as i64)),
        0x21 => (ValueType::Double, Scalar::Int(i64::from_le_bytes(c.array()?))),
        _ => return None,
    };
    c.rest().is_empty().then_some(found)
}

/// Slots that are there if they are not empty, and the bits that say so.
struct Optional<'s, 'a> {
    mask: u64,
    slots: &'s mut Vec<Scalar<'a>>,
    /// Where the next one goes.
    at: usize,
}

impl<'a> Optional<'_, 'a> {
    fn count(&mut self, bit: u64, count: u32) {
        if count != 0 {
            self.add(bit, Scalar::Int(count.into()));
        }
    }

    fn bytes(&mut self, bit: u64, bytes: &'a [u8]) {
        if !bytes.is_empty() {
            self.add(bit, Scalar::Bytes(bytes));
        }
    }

    fn add(&mut self, bit: u64, scalar: Scalar<'a>) {
        self.mask |= bit;
        self.slots.insert(self.at.min(self.slots.len()), scalar);
        self.at += 1;
    }
}

#[cfg(test)]
mod tests;
