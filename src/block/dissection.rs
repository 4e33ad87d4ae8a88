//! A span's skeleton and slot values, straight from its canonical bytes.
//!
//! The same that [`write_skeleton`](crate::block::skeleton::write_skeleton) and
//! [`visit_slots`](crate::block::skeleton::visit_slots) find in a span, but in one pass and
//! without a [`SpanRef`](crate::base::view::SpanRef) in between: its lists of attributes, made and
//! dropped for every span, cost a flush more than all else that it does with a row.

mod outline;
mod walk;

#[cfg(test)]
mod tests;

use crate::base::ids::{SpanId, TraceId};
use crate::base::time::Timestamp;
use crate::base::varint::{write_i64, write_u64};
use crate::base::wire::Cursor;
use crate::block::dissection::outline::{Expected, Outline};
use crate::block::dissection::walk::{Presence, Walk, prefixed_text};
use crate::block::template::RowTimes;

/// A span taken apart; reading another one into it reuses its memory.
#[derive(Debug, Default)]
pub struct Dissection<'a> {
    /// The span, and what of it stands behind the head.
    bytes: &'a [u8],
    rest: &'a [u8],
    /// The columns that every row has.
    times: RowTimes,
    trace_state: &'a [u8],
    /// The name with its length in front.
    name: &'a [u8],
    kind: i32,
    presence: Presence,
    /// The skeleton from the attributes on, if it has been written down.
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
    /// Begins with a span: reads what stands in front of its attributes. `None` if the bytes are
    /// no span's; that they are canonical, and texts UTF-8, was checked when they arrived.
    pub fn open(&mut self, canonical: &'a [u8]) -> Option<()> {
        let mut c = Cursor::new(canonical);
        let trace_id = TraceId::from(c.id::<16>(0x0a)?);
        let span_id = SpanId::from(c.id::<8>(0x12)?);
        self.trace_state = if c.eat(0x1a) { c.delimited()? } else { &[] };
        let parent =
            if c.peek() == Some(0x22) { Some(SpanId::from(c.id::<8>(0x22)?)) } else { None };
        self.name = prefixed_text(&mut c, 0x2a)?;
        self.kind = c.number(0x30)?;
        let start = Timestamp::from_nanos(c.fixed64(0x39)?);
        let end = Timestamp::from_nanos(c.fixed64(0x41)?);
        self.times = RowTimes { trace_id, span_id, parent, start, end };
        (self.bytes, self.rest) = (canonical, c.rest());
        Some(())
    }

    /// Takes the span apart on the guess that it has this skeleton, under the scope with code
    /// `scope`. `None` if it has another, or does not decode.
    pub fn follow(&mut self, scope: u32, skeleton: &[u8]) -> Option<()> {
        let mut expected = Expected::behind(skeleton, scope, self.name, self.kind)?;
        self.walk(&mut expected)?;
        expected.is_met(self.presence.mask, self.presence.code).then_some(())
    }

    /// Takes the span apart, and writes its skeleton down. `None` if it does not decode.
    pub fn read(&mut self) -> Option<()> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        let walked = self.walk(&mut body);
        self.body = body;
        walked
    }

    #[inline]
    fn walk(&mut self, outline: &mut impl Outline) -> Option<()> {
        self.own.clear();
        self.slots.clear();
        let start = self.times.start.nanos();
        let walk = Walk { outline, own: &mut self.own, slots: &mut self.slots, start };
        self.presence = walk.finish(Cursor::new(self.rest), self.trace_state)?;
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

    /// The span's name, with its length in front.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Appends the skeleton under the scope with code `scope`, once it has been read.
    pub fn write_skeleton(&self, scope: u32, out: &mut Vec<u8>) {
        write_u64(out, u64::from(scope));
        out.extend_from_slice(self.name);
        write_i64(out, self.kind.into());
        write_u64(out, self.presence.mask);
        if let Some(code) = self.presence.code {
            write_i64(out, code.into());
        }
        out.extend_from_slice(&self.body);
    }

    /// The slot values, in the order that the template lists them, in two parts.
    pub fn slots(&self) -> [&[Scalar<'a>]; 2] {
        [&self.own, &self.slots]
    }

    /// Length of the longest value.
    pub fn longest_value(&self) -> usize {
        let len = |scalar: &Scalar<'_>| match scalar {
            Scalar::Int(_) => 0,
            Scalar::Bytes(bytes) => bytes.len(),
        };
        self.slots().into_iter().flatten().map(len).max().unwrap_or(0)
    }
}
