//! Canonical bytes checked, with nothing built: what is done to every span that arrives.

use crate::base::ids::{SpanId, TraceId};
use crate::base::time::Timestamp;
use crate::base::wire::cursor::{Cursor, known};
use crate::base::wire::plain::PlainPair;
use crate::base::wire::read::flags;
use crate::base::wire::value::check_pair;

/// What tells a span from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanHead {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

/// Checks everything that [`decode_span`](super::decode_span) does.
pub fn scan_span(bytes: &[u8]) -> Option<SpanHead> {
    let mut c = Cursor::new(bytes);
    let trace_id = TraceId::from(c.id::<16>(0x0a)?);
    let span_id = SpanId::from(c.id::<8>(0x12)?);
    c.text::<false>(0x1a)?;
    if c.peek() == Some(0x22) {
        c.id::<8>(0x22)?;
    }
    c.text::<false>(0x2a)?;
    c.number(0x30)?;
    let start = Timestamp::from_nanos(c.fixed64(0x39)?);
    let end = Timestamp::from_nanos(c.fixed64(0x41)?);
    check_attributes(&mut c, 0x4a)?;
    c.count(0x50)?;
    while c.eat(0x5a) {
        check_event(c.delimited()?)?;
    }
    c.count(0x60)?;
    while c.eat(0x6a) {
        check_link(c.delimited()?)?;
    }
    c.count(0x70)?;
    if c.eat(0x7a) {
        check_status(c.delimited()?)?;
    }
    if c.eat_two([0x85, 0x01]) {
        flags(&mut c)?;
    }
    c.unknown(known(1, 16))?;
    Some(SpanHead { trace_id, span_id, start, end })
}

/// The parent of a span, read from the front of its canonical bytes.
pub fn span_parent(canonical: &[u8]) -> Option<SpanId> {
    let mut c = Cursor::new(canonical);
    c.id::<16>(0x0a)?;
    c.id::<8>(0x12)?;
    if c.eat(0x1a) {
        c.delimited()?;
    }
    c.id::<8>(0x22).map(SpanId::from)
}

#[inline(always)]
fn check_attributes(c: &mut Cursor<'_>, tag: u8) -> Option<()> {
    // By value, so that it can stay in registers.
    let mut here = *c;
    while here.eat(tag) {
        match PlainPair::split(here.rest()) {
            Some((pair, rest)) if pair.is_canonical() => here = Cursor::new(rest),
            _ => here = check_longer(here)?,
        }
    }
    *c = here;
    Some(())
}

/// Checks an attribute of any kind, and moves past it.
fn check_longer(mut c: Cursor<'_>) -> Option<Cursor<'_>> {
    check_pair(c.delimited()?, 0, &mut false)?;
    Some(c)
}

fn check_event(bytes: &[u8]) -> Option<()> {
    let mut c = Cursor::new(bytes);
    c.fixed64(0x09)?;
    c.text::<false>(0x12)?;
    check_attributes(&mut c, 0x1a)?;
    c.count(0x20)?;
    c.unknown(known(1, 4)).map(|_| ())
}

fn check_link(bytes: &[u8]) -> Option<()> {
    let mut c = Cursor::new(bytes);
    c.id::<16>(0x0a)?;
    c.id::<8>(0x12)?;
    c.text::<false>(0x1a)?;
    check_attributes(&mut c, 0x22)?;
    c.count(0x28)?;
    if c.eat(0x35) {
        flags(&mut c)?;
    }
    c.unknown(known(1, 6)).map(|_| ())
}

fn check_status(bytes: &[u8]) -> Option<()> {
    let mut c = Cursor::new(bytes);
    c.text::<false>(0x12)?;
    c.number(0x18)?;
    c.unknown(known(2, 3)).map(|_| ())
}
