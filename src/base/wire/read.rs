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
    let mut c = Cursor::new(canonical);
    let trace_id = TraceId::from(c.id::<16>(0x0a)?);
    let span_id = SpanId::from(c.id::<8>(0x12)?);
    let trace_state = c.text::<true>(0x1a)?;
    let parent_span_id =
        if c.peek() == Some(0x22) { Some(SpanId::from(c.id::<8>(0x22)?)) } else { None };
    let name = c.text::<true>(0x2a)?;
    let kind = SpanKind(c.number(0x30)?);
    let start = Timestamp::from_nanos(c.fixed64(0x39)?);
    let end = Timestamp::from_nanos(c.fixed64(0x41)?);
    let attributes = read_attributes(&mut c, 0x4a)?;
    let dropped_attributes_count = c.count(0x50)?;
    let mut events = Vec::new();
    while c.eat(0x5a) {
        events.push(read_event(c.delimited()?)?);
    }
    let dropped_events_count = c.count(0x60)?;
    let mut links = Vec::new();
    while c.eat(0x6a) {
        links.push(read_link(c.delimited()?)?);
    }
    let dropped_links_count = c.count(0x70)?;
    let status = if c.eat(0x7a) { Some(read_status(c.delimited()?)?) } else { None };
    let flags = if c.eat_two([0x85, 0x01]) { flags(&mut c)? } else { 0 };
    let unknown = Cow::Borrowed(c.unknown(known(1, 16))?);
    Some(SpanRef {
        trace_id,
        span_id,
        trace_state,
        parent_span_id,
        flags,
        name,
        kind,
        start,
        end,
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

/// Attributes under the same tag, one after another.
pub fn read_attributes<'a>(c: &mut Cursor<'a>, tag: u8) -> Option<Vec<AttrRef<'a>>> {
    let mut attributes = Vec::new();
    while c.eat(tag) {
        attributes.push(read_attribute(c.delimited()?)?);
    }
    Some(attributes)
}

fn read_event(bytes: &[u8]) -> Option<EventRef<'_>> {
    let mut c = Cursor::new(bytes);
    Some(EventRef {
        time: Timestamp::from_nanos(c.fixed64(0x09)?),
        name: c.text::<true>(0x12)?,
        attributes: read_attributes(&mut c, 0x1a)?,
        dropped_attributes_count: c.count(0x20)?,
        unknown: Cow::Borrowed(c.unknown(known(1, 4))?),
    })
}

fn read_link(bytes: &[u8]) -> Option<LinkRef<'_>> {
    let mut c = Cursor::new(bytes);
    Some(LinkRef {
        trace_id: TraceId::from(c.id::<16>(0x0a)?),
        span_id: SpanId::from(c.id::<8>(0x12)?),
        trace_state: c.text::<true>(0x1a)?,
        attributes: read_attributes(&mut c, 0x22)?,
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
