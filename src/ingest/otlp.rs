//! OTLP requests, protobuf: validated, made canonical, indexed span by span.
//!
//! ```text
//! request --scan: canonical and all admitted?--yes--> payload = the bytes as they came
//!                \--no--> rebuild: merge, judge each span --> payload --scan--> batch
//! ```
//!
//! What exporters send is canonical already, nearly always, so the scan is the path that counts:
//! one pass that checks all a protobuf decoder would, finds each span's place, id and times, and
//! builds nothing else.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_REQUEST_BYTES;
use crate::base::wire::{
    self, Cursor, Field, Fields, Message, RESOURCE_CONTEXT, SCOPE_CONTEXT, SPAN, WireError,
    WireType,
};
use crate::ingest::batch::{Batch, BatchBuilder, SpanKey};
use crate::ingest::contexts::Contexts;

/// What became of the spans of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// Spans that were stored.
    pub accepted: u64,
    /// Spans that are invalid, or outside the window under `Reject`.
    pub rejected: u64,
    /// Spans that sampling at the door left out.
    pub sampled_out: u64,
    /// Why the first rejected span was.
    pub first_rejection: Option<String>,
}

/// Whether a valid span is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is stored.
    Accept,
    /// It is left out, as told.
    SampleOut,
    /// It is refused, for this reason.
    Reject(&'static str),
}

/// A request ready to be logged.
#[derive(Debug)]
pub struct Prepared {
    /// What to answer once the batch is logged.
    pub appended: Appended,
    /// The accepted spans; nothing is to be logged if there are none.
    pub batch: Batch,
}

/// Validates a request and makes it canonical.
///
/// Bytes that are no protobuf of an `ExportTraceServiceRequest` fail as a whole, with the position
/// of what is wrong. A span with an id of a wrong length is rejected alone, as is one that
/// `admit` does not accept; it may be asked twice about a span.
pub fn prepare(
    request: &[u8],
    contexts: &Contexts,
    admit: &dyn Fn(&SpanKey) -> Admission,
) -> Result<Prepared> {
    check_size(request.len())?;
    let admit_all = |key: &SpanKey| admit(key) == Admission::Accept;
    if let Some(builder) = scan(request, contexts, &admit_all) {
        let batch = builder.finish(Arc::from(request));
        let appended = Appended { accepted: batch.len() as u64, ..Appended::default() };
        return Ok(Prepared { appended, batch });
    }
    let mut rebuild = Rebuild { admit, appended: Appended::default(), scratch: Vec::new() };
    let payload = rebuild.request(request)?;
    check_size(payload.len())?;
    let batch = replay(&payload, contexts)?;
    Ok(Prepared { appended: rebuild.appended, batch })
}

/// The batch of a payload that [`prepare`] made.
pub fn replay(payload: &[u8], contexts: &Contexts) -> Result<Batch> {
    let builder = scan(payload, contexts, &|_| true);
    let builder = builder.ok_or_else(|| Error::invalid("a payload that is not canonical"))?;
    Ok(builder.finish(Arc::from(payload)))
}

fn check_size(len: usize) -> Result<()> {
    if len > MAX_REQUEST_BYTES {
        let what = format!("a request of {len} bytes, at most {MAX_REQUEST_BYTES} are accepted");
        return Err(Error::Limit { what });
    }
    Ok(())
}

/// A `ResourceSpans` or `ScopeSpans` message in its three parts: the first field, the repeated
/// second one, which hold the children, and the rest.
struct Parts<'a> {
    head: &'a [u8],
    children: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(message: &'a [u8]) -> Option<Self> {
        let mut c = Cursor::new(message);
        if c.eat(0x0a) {
            c.delimited()?;
        }
        let (head, rest) = message.split_at_checked(message.len() - c.rest().len())?;
        while c.eat(0x12) {
            c.delimited()?;
        }
        let (children, tail) = rest.split_at_checked(rest.len() - c.rest().len())?;
        Some(Self { head, children, tail })
    }

    /// The message without its children.
    fn context(&self, scratch: &mut Vec<u8>) {
        scratch.clear();
        scratch.extend_from_slice(self.head);
        scratch.extend_from_slice(self.tail);
    }
}

/// The delimited fields of `bytes` under `tag`, each with its offset. `None` for anything else.
fn each<'a>(
    bytes: &'a [u8],
    at: usize,
    tag: u8,
    mut visit: impl FnMut(&'a [u8], usize) -> Option<()>,
) -> Option<()> {
    let mut c = Cursor::new(bytes);
    while c.eat(tag) {
        let child = c.delimited()?;
        visit(child, at + bytes.len() - c.rest().len() - child.len())?;
    }
    c.is_done().then_some(())
}

/// Indexes a canonical request. `None` if it is not, or if a span is invalid or not admitted.
fn scan(
    request: &[u8],
    contexts: &Contexts,
    admit: &dyn Fn(&SpanKey) -> bool,
) -> Option<BatchBuilder> {
    let mut batch = BatchBuilder::default();
    let mut scratch = Vec::new();
    each(request, 0, 0x0a, |message, at| {
        let parts = Parts::of(message)?;
        parts.context(&mut scratch);
        let resource = batch.resource(contexts.resource(&scratch)?);
        each(parts.children, at + parts.head.len(), 0x12, |message, at| {
            let parts = Parts::of(message)?;
            parts.context(&mut scratch);
            let scope = batch.scope(contexts.scope(&scratch)?);
            each(parts.children, at + parts.head.len(), 0x12, |span, at| {
                let key = key_of(&wire::scan_span(span)?);
                batch.push(&key, at, span.len(), resource, scope);
                admit(&key).then_some(())
            })
        })
    })?;
    Some(batch)
}

const fn key_of(span: &crate::base::view::SpanRef<'_>) -> SpanKey {
    SpanKey { trace_id: span.trace_id, span_id: span.span_id, start: span.start, end: span.end }
}

/// Makes a canonical request of whatever protobuf allows, without the spans that are refused.
struct Rebuild<'r> {
    admit: &'r dyn Fn(&SpanKey) -> Admission,
    appended: Appended,
    scratch: Vec<u8>,
}

/// Writes what becomes of a message, given its bytes and their offset in the request.
type Visit<'r> = fn(&mut Rebuild<'r>, &[u8], usize, &mut Vec<u8>) -> Result<()>;

impl<'r> Rebuild<'r> {
    fn request(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(request.len());
        self.children(request, 0, 1, &mut out, |this, message, at, out| {
            this.group(&RESOURCE_CONTEXT, 0x0a, message, at, out, |this, message, at, out| {
                this.group(&SCOPE_CONTEXT, 0x12, message, at, out, Self::span)
            })
        })?;
        Ok(out)
    }

    fn children(
        &mut self,
        message: &[u8],
        at: usize,
        number: u32,
        out: &mut Vec<u8>,
        visit: Visit<'r>,
    ) -> Result<()> {
        let mut fields = Fields::new(message);
        let here = |error: WireError| WireError { at: at + error.at, ..error };
        while let Some(field) = fields.next_field().map_err(here)? {
            if field.number == number {
                if field.wire != WireType::Delimited {
                    let what = "a known field with the wire type of another";
                    return Err(WireError { at: at + field.at, what }.into());
                }
                visit(self, field.bytes, at + field.at, out)?;
            }
        }
        Ok(())
    }

    /// Writes a message of children with a context, unless no child is left.
    fn group(
        &mut self,
        context: &'static Message,
        tag: u8,
        message: &[u8],
        at: usize,
        out: &mut Vec<u8>,
        visit: Visit<'r>,
    ) -> Result<()> {
        let mut bytes = Vec::new();
        wire::canonicalize(context, message, at, &mut bytes)?;
        let parts = Parts::of(&bytes).ok_or_else(|| Error::invalid("a context out of form"))?;
        let start = out.len();
        wire::put_tag(out, tag, 0);
        let contents = out.len();
        out.extend_from_slice(parts.head);
        let empty = out.len();
        self.children(message, at, 2, out, visit)?;
        if out.len() == empty {
            out.truncate(start);
            return Ok(());
        }
        out.extend_from_slice(parts.tail);
        wire::close_message(out, contents);
        Ok(())
    }

    fn span(&mut self, message: &[u8], at: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut merged = std::mem::take(&mut self.scratch);
        merged.clear();
        let canonical = if wire::scan_span(message).is_some() {
            message
        } else {
            wire::canonicalize(&SPAN, message, at, &mut merged)?;
            merged.as_slice()
        };
        match wire::scan_span(canonical) {
            None => self.reject(at, wrong_id(canonical)),
            Some(span) => match (self.admit)(&key_of(&span)) {
                Admission::Accept => {
                    self.appended.accepted += 1;
                    wire::put_bytes(out, 0x12, canonical);
                }
                Admission::SampleOut => self.appended.sampled_out += 1,
                Admission::Reject(why) => {
                    let (id, trace) = (span.span_id, span.trace_id);
                    self.reject(at, format!("span {id} of trace {trace}: {why}"));
                }
            },
        }
        self.scratch = merged;
        Ok(())
    }

    fn reject(&mut self, at: usize, why: String) {
        self.appended.rejected += 1;
        self.appended.first_rejection.get_or_insert_with(|| format!("at byte {at}: {why}"));
    }
}

/// Says which id of a span, canonical but for its ids, has a wrong length.
fn wrong_id(span: &[u8]) -> String {
    let mut wrong = None;
    let mut check = |whose: &str, what: &str, len: usize, right: usize| {
        if len != right && wrong.is_none() {
            wrong = Some(format!("a {whose}{what} of {len} bytes, {right} are right"));
        }
    };
    let own = lengths(span);
    check("", "trace id", own[0], 16);
    check("", "span id", own[1], 8);
    check("", "parent span id", if own[3] == 0 { 8 } else { own[3] }, 8);
    each_field(span, |field| {
        if field.number == 13 {
            let linked = lengths(field.bytes);
            check("linked ", "trace id", linked[0], 16);
            check("linked ", "span id", linked[1], 8);
        }
    });
    wrong.unwrap_or_else(|| "a span that cannot be read".into())
}

/// The lengths of the fields 1 to 4 of a span or link.
fn lengths(message: &[u8]) -> [usize; 4] {
    let mut lengths = [0; 4];
    each_field(message, |field| {
        if let Some(len) = lengths.get_mut(field.number as usize - 1) {
            *len = field.bytes.len();
        }
    });
    lengths
}

fn each_field<'a>(message: &'a [u8], mut visit: impl FnMut(&Field<'a>)) {
    let mut fields = Fields::new(message);
    while let Ok(Some(field)) = fields.next_field() {
        visit(&field);
    }
}
