//! A span's skeleton and slot values, straight from its canonical bytes.
//!
//! The same that [`write_skeleton`](crate::block::skeleton::write_skeleton) and
//! [`visit_slots`](crate::block::skeleton::visit_slots) find in a span, but in one pass and
//! without a [`SpanRef`](crate::base::view::SpanRef) in between: its lists of attributes, made and
//! dropped for every span, cost a flush more than all else that it does with a row.

mod last_row;
mod outline;
mod walk;

#[cfg(test)]
mod tests;

use crate::base::bytes::is_same;
use crate::base::ids::{SpanId, TraceId};
use crate::base::time::Timestamp;
use crate::base::varint::{write_i64, write_u64};
use crate::base::wire::Cursor;
use crate::block::dissection::outline::{Expected, Outline};
use crate::block::dissection::walk::{Presence, Walk, prefixed_text};
use crate::block::skeleton::mask;
use crate::block::template::RowTimes;

pub use crate::block::dissection::last_row::{Changed, LastRow};

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
    /// Whether only what differs from the last row is in `slots`: these attributes, and all that
    /// stands behind the attributes if any of it differs; then `own` is told, too.
    is_partial: bool,
    changed: Vec<Changed>,
    is_tail_changed: bool,
}

/// What of a span differs from the last row of its template.
#[derive(Clone, Copy, Debug)]
pub struct Differences<'d, 'a> {
    /// The attributes that differ, in order, and their values.
    pub changed: &'d [Changed],
    pub attributes: &'d [Scalar<'a>],
    /// All slots before and behind those of attributes, unless none of them differs.
    pub tail: Option<(&'d [Scalar<'a>], &'d [Scalar<'a>])>,
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
    ///
    /// Where the last row of the skeleton is known, only what differs from it is read.
    pub fn follow(&mut self, scope: u32, skeleton: &[u8], last: &LastRow) -> Option<()> {
        let mut expected = Expected::behind(skeleton, scope, self.name, self.kind)?;
        match last.is_known() {
            true => self.compare(&mut expected, last)?,
            false => self.walk(&mut expected)?,
        }
        let is_seen = !self.is_partial || self.is_tail_changed;
        (!is_seen || expected.is_met(self.presence.mask, self.presence.code)).then_some(())
    }

    fn compare(&mut self, expected: &mut Expected<'_>, last: &LastRow) -> Option<()> {
        self.own.clear();
        self.slots.clear();
        self.changed.clear();
        self.is_partial = true;
        let start = self.times.start.nanos();
        let mut walk =
            Walk { outline: expected, own: &mut self.own, slots: &mut self.slots, start };
        let (mut rest, mut old) = (self.rest, last.bytes());
        for (number, (len, key)) in (0..).zip(last.attributes()) {
            let (before, later) = old.split_at_checked(len)?;
            old = later;
            if let Some((now, later)) = rest.split_at_checked(len)
                && is_same(now, before)
            {
                rest = later;
                continue;
            }
            let mut c = Cursor::new(rest);
            walk.outline.go_to(key);
            let read = c.eat(0x4a).then_some(c)?;
            let later = walk.next_attribute(read)?.rest();
            self.changed.push(Changed { number, len: (rest.len() - later.len()) as u32 });
            rest = later;
        }
        let c = Cursor::new(rest);
        if c.peek() == Some(0x4a) {
            return None;
        }
        // Times of events are told from the span's start, which is another one.
        let behind = last.keys_end();
        self.is_tail_changed = rest != old
            || walk.outline.tells(behind)
            || !self.trace_state.is_empty()
            || walk.outline.has(mask::TRACE_STATE);
        if self.is_tail_changed {
            walk.outline.go_to(behind);
            self.presence = walk.finish_behind(c, self.trace_state)?;
        }
        Some(())
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
        self.is_partial = false;
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

    /// What differs from the last row, if only that was read.
    pub fn differences(&self) -> Option<Differences<'_, 'a>> {
        let (attributes, behind) = self.slots.split_at_checked(self.changed.len())?;
        let tail = self.is_tail_changed.then_some((&*self.own, behind));
        self.is_partial.then_some(Differences { changed: &self.changed, attributes, tail })
    }

    /// Tells the next row of this skeleton what this one said.
    pub fn teach(&self, last: &mut LastRow) {
        if !self.is_partial {
            last.learn(self.rest, self.own.len());
        } else if self.is_tail_changed || !self.changed.is_empty() {
            last.change(self.rest, &self.changed);
        }
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
