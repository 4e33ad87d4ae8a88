//! The way through a span's canonical bytes, from its attributes on.

use std::borrow::Cow;

use crate::base::ids::{SpanId, TraceId};
use crate::base::view::ValueRef;
use crate::base::wire::{Cursor, PlainPair, PlainValue, read_attribute};
use crate::block::dissection::Scalar;
use crate::block::dissection::outline::Outline;
use crate::block::skeleton::{ValueType, mask};

/// Hands the structure it meets to an outline and puts slot values into a list.
pub struct Walk<'w, 'a, O> {
    pub outline: &'w mut O,
    /// The slots of the span itself, which its bytes tell last, and those from its attributes on.
    pub own: &'w mut Vec<Scalar<'a>>,
    pub slots: &'w mut Vec<Scalar<'a>>,
    /// When the span starts.
    pub start: u64,
}

/// What a skeleton tells before the attributes, but a span behind them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presence {
    pub mask: u64,
    /// The code of the status.
    pub code: Option<i32>,
}

impl<'a, O: Outline> Walk<'_, 'a, O> {
    /// Walks from the attributes to the end of the span. `trace_state` came before.
    #[inline]
    pub fn finish(mut self, mut c: Cursor<'a>, trace_state: &'a [u8]) -> Option<Presence> {
        self.attributes(&mut c, 0x4a)?;
        self.finish_behind(c, trace_state)
    }

    /// The same from behind the span's attributes.
    #[inline]
    pub fn finish_behind(mut self, mut c: Cursor<'a>, trace_state: &'a [u8]) -> Option<Presence> {
        let dropped_attributes = c.count(0x50)?;
        self.each(&mut c, 0x5a, Self::event)?;
        let dropped_events = c.count(0x60)?;
        self.each(&mut c, 0x6a, Self::link)?;
        let dropped_links = c.count(0x70)?;
        let status = if c.eat(0x7a) { Some(c.delimited()?) } else { None };
        let flags = if c.eat_two([0x85, 0x01]) { u32::from_le_bytes(c.array()?) } else { 0 };

        let mut own = Optional { mask: 0, slots: self.own, at: 0 };
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
        Some(Presence { mask: own.mask, code })
    }

    /// Tells how many messages there are under `tag`, and what `read` makes of each.
    #[inline]
    fn each(
        &mut self,
        c: &mut Cursor<'a>,
        tag: u8,
        mut read: impl FnMut(&mut Self, &'a [u8]) -> Option<()>,
    ) -> Option<()> {
        let place = self.outline.later()?;
        let mut count = 0u64;
        while c.eat(tag) {
            read(self, c.delimited()?)?;
            count += 1;
        }
        self.outline.fill(place, count)
    }

    #[inline]
    fn attributes(&mut self, c: &mut Cursor<'a>, tag: u8) -> Option<()> {
        let place = self.outline.later()?;
        let mut count = 0u64;
        // By value, so that it can stay in registers.
        let mut here = *c;
        while here.eat(tag) {
            count += 1;
            here = self.next_attribute(here)?;
        }
        *c = here;
        self.outline.fill(place, count)
    }

    /// Takes the attribute whose tag was just passed, and moves past it.
    #[inline(always)]
    pub fn next_attribute(&mut self, here: Cursor<'a>) -> Option<Cursor<'a>> {
        if let Some((pair, rest)) = PlainPair::split(here.rest())
            && let Some((kind, scalar)) = pair.value().map(scalar_of)
        {
            self.outline.attribute(pair.prefixed_key(), kind)?;
            self.slots.push(scalar);
            return Some(Cursor::new(rest));
        }
        self.longer_attribute(here)
    }

    /// Takes an attribute of any kind, and moves past it.
    fn longer_attribute(&mut self, mut c: Cursor<'a>) -> Option<Cursor<'a>> {
        self.attribute(c.delimited()?)?;
        Some(c)
    }

    fn attribute(&mut self, pair: &'a [u8]) -> Option<()> {
        let mut c = Cursor::new(pair);
        let key = prefixed_text(&mut c, 0x0a)?;
        if c.eat(0x12)
            && let Some((kind, scalar)) = c.delimited().and_then(scalar_value)
            && c.rest().is_empty()
        {
            self.outline.attribute(key, kind)?;
            self.slots.push(scalar);
            return Some(());
        }
        let value = read_attribute(pair)?.value;
        self.outline.attribute(key, ValueType::of(&value))?;
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

    fn event(&mut self, event: &'a [u8]) -> Option<()> {
        let mut c = Cursor::new(event);
        self.slots.push(Scalar::Int(c.fixed64(0x09)?.wrapping_sub(self.start) as i64));
        let (mask_at, at) = (self.outline.later()?, self.slots.len());
        self.outline.text(prefixed_text(&mut c, 0x12)?)?;
        self.attributes(&mut c, 0x1a)?;
        let mut own = Optional { mask: 0, slots: self.slots, at };
        own.count(mask::DROPPED_ATTRIBUTES, c.count(0x20)?);
        own.bytes(mask::UNKNOWN, c.rest());
        let mask = own.mask;
        self.outline.fill(mask_at, mask)
    }

    fn link(&mut self, link: &'a [u8]) -> Option<()> {
        let mut c = Cursor::new(link);
        let trace_id = TraceId::from(c.id::<16>(0x0a)?);
        let span_id = SpanId::from(c.id::<8>(0x12)?);
        let ids = [trace_id.high(), trace_id.low(), span_id.to_u64()];
        self.slots.extend(ids.map(|part| Scalar::Int(part as i64)));
        let trace_state = if c.eat(0x1a) { c.delimited()? } else { &[] };
        let (mask_at, at) = (self.outline.later()?, self.slots.len());
        self.attributes(&mut c, 0x22)?;
        let dropped = c.count(0x28)?;
        let flags = if c.eat(0x35) { u32::from_le_bytes(c.array()?) } else { 0 };
        let mut own = Optional { mask: 0, slots: self.slots, at };
        own.bytes(mask::TRACE_STATE, trace_state);
        own.count(mask::FLAGS, flags);
        own.count(mask::DROPPED_ATTRIBUTES, dropped);
        own.bytes(mask::UNKNOWN, c.rest());
        let mask = own.mask;
        self.outline.fill(mask_at, mask)
    }
}

/// The masks of events and links take one byte of the skeleton.
const _: () = {
    let bits = mask::TRACE_STATE | mask::FLAGS | mask::DROPPED_ATTRIBUTES | mask::UNKNOWN;
    assert!(bits >> 7 == 0, "not a varint of one byte");
};

/// A text with its length in front, both as they stand in the message, or the empty one.
#[inline]
pub fn prefixed_text<'a>(c: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    if c.eat(tag) { c.prefixed() } else { Some(&[0]) }
}

#[inline(always)]
fn scalar_of(value: PlainValue<'_>) -> (ValueType, Scalar<'_>) {
    match value {
        PlainValue::Text(text) => (ValueType::Str, Scalar::Bytes(text)),
        PlainValue::Bool(truth) => (ValueType::Bool, Scalar::Int(truth as i64)),
        PlainValue::Int(number) => (ValueType::Int, Scalar::Int(number)),
        PlainValue::Double(bits) => (ValueType::Double, Scalar::Int(bits as i64)),
    }
}

/// The value of an `AnyValue` message that is one scalar, without unknown fields.
fn scalar_value(value: &[u8]) -> Option<(ValueType, Scalar<'_>)> {
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
    #[inline]
    fn count(&mut self, bit: u64, count: u32) {
        if count != 0 {
            self.add(bit, Scalar::Int(count.into()));
        }
    }

    #[inline]
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
