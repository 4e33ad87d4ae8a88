//! What answers take in memory, about: what an allocator adds is not counted.

use crate::base::model::{Event, KeyValue, Link, Span, TraceSpan, Value};
use crate::base::text::Str;
use crate::query::hit::{ServiceStats, TraceHit, TraceTimes};

/// Something that a query holds.
pub trait Weigh {
    /// Its bytes, in place and elsewhere. What is shared counts for each that shares it, but for
    /// resources and scopes, which a segment or buffer has anyway.
    fn weigh(&self) -> usize;
}

impl Weigh for () {
    fn weigh(&self) -> usize {
        0
    }
}

impl Weigh for TraceTimes {
    fn weigh(&self) -> usize {
        size_of::<Self>()
    }
}

impl Weigh for TraceHit {
    fn weigh(&self) -> usize {
        let texts =
            self.root_service.as_ref().map_or(0, text) + self.root_name.as_ref().map_or(0, text);
        let service = |own: &ServiceStats| size_of::<ServiceStats>() + text(&own.service);
        let services = self.services.iter().map(service).sum::<usize>();
        size_of::<Self>() + texts + services + spans(&self.spans)
    }
}

impl Weigh for Vec<TraceSpan> {
    fn weigh(&self) -> usize {
        size_of::<Self>() + spans(self)
    }
}

impl Weigh for TraceSpan {
    fn weigh(&self) -> usize {
        let Span { name, trace_state, attributes, events, links, status, unknown, .. } = &self.span;
        let message = status.as_ref().map_or(0, |own| text(&own.message) + own.unknown.len());
        size_of::<Self>()
            + text(name)
            + text(trace_state)
            + message
            + unknown.len()
            + pairs(attributes)
            + events.iter().map(event).sum::<usize>()
            + links.iter().map(link).sum::<usize>()
    }
}

fn spans(spans: &[TraceSpan]) -> usize {
    spans.iter().map(Weigh::weigh).sum()
}

fn event(event: &Event) -> usize {
    size_of::<Event>() + text(&event.name) + pairs(&event.attributes) + event.unknown.len()
}

fn link(link: &Link) -> usize {
    size_of::<Link>() + text(&link.trace_state) + pairs(&link.attributes) + link.unknown.len()
}

fn pairs(pairs: &[KeyValue]) -> usize {
    let pair = |own: &KeyValue| size_of::<KeyValue>() + text(&own.key) + value(&own.value);
    pairs.iter().map(pair).sum()
}

/// The bytes of a value that lie elsewhere. Values nest at most as deep as requests may.
fn value(own: &Value) -> usize {
    match own {
        Value::String(own) => text(own),
        Value::Bytes(bytes) | Value::Raw(bytes) => bytes.len(),
        Value::Array(values) => values.iter().map(|own| size_of::<Value>() + value(own)).sum(),
        Value::Map(entries) => pairs(entries),
        _ => 0,
    }
}

/// The bytes of a text that lie elsewhere, and the two counters before them.
fn text(text: &Str) -> usize {
    if text.is_empty() { 0 } else { text.len() + 2 * size_of::<usize>() }
}
