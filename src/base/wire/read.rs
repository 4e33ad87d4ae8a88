//! Canonical bytes to [`SpanRef`]: strict, in one pass, without copying.

use std::borrow::Cow;

use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{SpanKind, StatusCode};
use crate::base::time::Timestamp;
use crate::base::view::{AttrRef, EventRef, LinkRef, SpanRef, StatusRef};
use crate::base::wire::cursor::{Cursor, known};
use crate::base::wire::value::read_attribute;

/// Reads a span's canonical bytes. `None` if they are not canonical, or if an id is missing or has
/// the wrong length.
pub fn decode_span(canonical: &[u8]) -> Option<SpanRef<'_>> {
    read_span(canonical, read_attributes)
}

/// The same with those attributes alone, of the span, its events and its links, whose key is wanted:
/// the others are stepped over, for a tenth of their cost.
pub fn decode_span_with<'a>(
    canonical: &'a [u8],
    wanted: impl Fn(&[u8]) -> bool,
) -> Option<SpanRef<'a>> {
    read_span(canonical, |c, tag| {
        let mut attributes = Vec::new();
        while c.eat(tag) {
            let pair = c.delimited()?;
            let mut key = Cursor::new(pair);
            let key = if key.eat(0x0a) { key.delimited()? } else { &[] };
            if wanted(key) {
                attributes.push(read_attribute(pair)?);
            }
        }
        Some(attributes)
    })
}

/// Reads a span whose attributes, wherever they stand, `attributes` reads.
#[inline(always)]
fn read_span<'a>(
    canonical: &'a [u8],
    attributes: impl Fn(&mut Cursor<'a>, u8) -> Option<Vec<AttrRef<'a>>>,
) -> Option<SpanRef<'a>> {
    let mut c = Cursor::new(canonical);
    let mut span = read_head(&mut c)?;
    span.attributes = attributes(&mut c, ATTRIBUTE)?;
    span.dropped_attributes_count = c.count(0x50)?;
    while c.eat(EVENT) {
        span.events.push(read_event(c.delimited()?, &attributes)?);
    }
    span.dropped_events_count = c.count(0x60)?;
    while c.eat(LINK) {
        span.links.push(read_link(c.delimited()?, &attributes)?);
    }
    span.dropped_links_count = c.count(0x70)?;
    span.status = if c.eat(STATUS) { Some(read_status(c.delimited()?)?) } else { None };
    span.flags = if c.eat_two([0x85, 0x01]) { flags(&mut c)? } else { 0 };
    span.unknown = Cow::Borrowed(c.unknown(known(1, 16))?);
    Some(span)
}

/// Reads of canonical bytes what does not repeat: ids, name, kind, times and status. Attributes,
/// events and links are stepped over, and what stands behind the status is not looked at: a fifth
/// of the cost of [`decode_span`].
pub fn decode_outline(canonical: &[u8]) -> Option<SpanRef<'_>> {
    let mut c = Cursor::new(canonical);
    let mut span = read_head(&mut c)?;
    skip(&mut c, ATTRIBUTE)?;
    span.dropped_attributes_count = c.count(0x50)?;
    skip(&mut c, EVENT)?;
    span.dropped_events_count = c.count(0x60)?;
    skip(&mut c, LINK)?;
    span.dropped_links_count = c.count(0x70)?;
    span.status = if c.eat(STATUS) { Some(read_status(c.delimited()?)?) } else { None };
    Some(span)
}

const ATTRIBUTE: u8 = 0x4a;
const EVENT: u8 = 0x5a;
const LINK: u8 = 0x6a;
const STATUS: u8 = 0x7a;

/// What stands before a span's attributes.
#[inline(always)]
fn read_head<'a>(c: &mut Cursor<'a>) -> Option<SpanRef<'a>> {
    let trace_id = TraceId::from(c.id::<16>(0x0a)?);
    let span_id = SpanId::from(c.id::<8>(0x12)?);
    let trace_state = c.text::<true>(0x1a)?;
    let parent_span_id =
        if c.peek() == Some(0x22) { Some(SpanId::from(c.id::<8>(0x22)?)) } else { None };
    let name = c.text::<true>(0x2a)?;
    let kind = SpanKind(c.number(0x30)?);
    let start = Timestamp::from_nanos(c.fixed64(0x39)?);
    let end = Timestamp::from_nanos(c.fixed64(0x41)?);
    Some(SpanRef {
        trace_id,
        span_id,
        trace_state,
        parent_span_id,
        name,
        kind,
        start,
        end,
        ..SpanRef::default()
    })
}

/// Steps over messages under the same tag, one after another.
fn skip(c: &mut Cursor<'_>, tag: u8) -> Option<()> {
    while c.eat(tag) {
        c.delimited()?;
    }
    Some(())
}

/// Attributes under the same tag, one after another.
pub fn read_attributes<'a>(c: &mut Cursor<'a>, tag: u8) -> Option<Vec<AttrRef<'a>>> {
    let mut attributes = Vec::new();
    while c.eat(tag) {
        attributes.push(read_attribute(c.delimited()?)?);
    }
    Some(attributes)
}

fn read_event<'a>(
    bytes: &'a [u8],
    attributes: &impl Fn(&mut Cursor<'a>, u8) -> Option<Vec<AttrRef<'a>>>,
) -> Option<EventRef<'a>> {
    let mut c = Cursor::new(bytes);
    Some(EventRef {
        time: Timestamp::from_nanos(c.fixed64(0x09)?),
        name: c.text::<true>(0x12)?,
        attributes: attributes(&mut c, 0x1a)?,
        dropped_attributes_count: c.count(0x20)?,
        unknown: Cow::Borrowed(c.unknown(known(1, 4))?),
    })
}

fn read_link<'a>(
    bytes: &'a [u8],
    attributes: &impl Fn(&mut Cursor<'a>, u8) -> Option<Vec<AttrRef<'a>>>,
) -> Option<LinkRef<'a>> {
    let mut c = Cursor::new(bytes);
    Some(LinkRef {
        trace_id: TraceId::from(c.id::<16>(0x0a)?),
        span_id: SpanId::from(c.id::<8>(0x12)?),
        trace_state: c.text::<true>(0x1a)?,
        attributes: attributes(&mut c, 0x22)?,
        dropped_attributes_count: c.count(0x28)?,
        flags: if c.eat(0x35) { flags(&mut c)? } else { 0 },
        unknown: Cow::Borrowed(c.unknown(known(1, 6))?),
    })
}

fn read_status(bytes: &[u8]) -> Option<StatusRef<'_>> {
    let mut c = Cursor::new(bytes);
    Some(StatusRef {
        message: c.text::<true>(0x12)?,
        code: StatusCode(c.number(0x18)?),
        unknown: Cow::Borrowed(c.unknown(known(2, 3))?),
    })
}

/// What stands behind the tag of flags, which is absent when zero.
pub fn flags(c: &mut Cursor<'_>) -> Option<u32> {
    Some(u32::from_le_bytes(c.array()?)).filter(|&flags| flags != 0)
}
