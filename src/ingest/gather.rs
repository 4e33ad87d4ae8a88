//! One pass over a request: checks it, finds its spans, and writes anew what was not canonical.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::varint::len_u64;
use crate::base::wire::{
    self, Cursor, Fields, Message, RESOURCE_CONTEXT, SCOPE_CONTEXT, WireError, WireType,
};
use crate::ingest::batch::{Batch, BatchBuilder, Payload, SpanKey};
use crate::ingest::contexts::Contexts;
use crate::ingest::otlp::{Admission, Appended};
use crate::ingest::wrong_id::wrong_id;

/// Entries point into the request, or into what was written anew.
const REQUEST: u32 = 0;
const FIXED: u32 = 1;

/// Room is made beforehand for spans of this length: most are longer.
const USUAL_SPAN_BYTES: usize = 256;

/// What has been gathered of a request.
pub struct Gather<'r> {
    contexts: &'r Contexts,
    admit: &'r dyn Fn(&SpanKey) -> Admission,
    batch: BatchBuilder,
    appended: Appended,
    /// Whether the request is canonical and all its spans are accepted.
    as_it_came: bool,
    /// Canonical bytes of accepted spans that did not come so.
    fixed: Vec<u8>,
    groups: Vec<Group>,
    scratch: Vec<u8>,
}

/// Spans under one resource and scope: the entries up to `end` from where the last group ends.
struct Group {
    resource: u32,
    scope: u32,
    end: usize,
}

/// Takes a message and its offset in the request.
type Visit<'r, C> = fn(&mut Gather<'r>, &[u8], usize, C) -> Result<()>;

impl<'r> Gather<'r> {
    /// Nothing yet.
    pub fn new(contexts: &'r Contexts, admit: &'r dyn Fn(&SpanKey) -> Admission) -> Self {
        Self {
            contexts,
            admit,
            batch: BatchBuilder::default(),
            appended: Appended::default(),
            as_it_came: true,
            fixed: Vec::new(),
            groups: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Gathers a whole request.
    pub fn request(mut self, request: &[u8]) -> Result<Self> {
        self.batch.entries.reserve(request.len() / USUAL_SPAN_BYTES);
        self.children(request, 0, 1, (), |this, message, at, ()| this.resource(message, at))?;
        Ok(self)
    }

    fn resource(&mut self, message: &[u8], at: usize) -> Result<()> {
        let mut children = self.context(message, &RESOURCE_CONTEXT, at)?;
        let interned = match self.contexts.resource(&self.scratch) {
            Some(interned) => interned,
            None => {
                children = self.merge_context(message, &RESOURCE_CONTEXT, at)?;
                self.contexts.resource(&self.scratch).ok_or_else(out_of_form)?
            }
        };
        let resource = self.batch.resource(interned);
        let (children, inside) = children;
        self.children(children, at + inside, 2, resource, Self::scope)
    }

    fn scope(&mut self, message: &[u8], at: usize, resource: u32) -> Result<()> {
        let mut children = self.context(message, &SCOPE_CONTEXT, at)?;
        let interned = match self.contexts.scope(&self.scratch) {
            Some(interned) => interned,
            None => {
                children = self.merge_context(message, &SCOPE_CONTEXT, at)?;
                self.contexts.scope(&self.scratch).ok_or_else(out_of_form)?
            }
        };
        let scope = self.batch.scope(interned);
        let (children, inside) = children;
        self.children(children, at + inside, 2, (resource, scope), Self::span)?;
        self.groups.push(Group { resource, scope, end: self.batch.entries.len() });
        Ok(())
    }

    /// Puts the canonical bytes of a message without its children into `scratch`, if it is
    /// canonical itself. Answers where its children stand, and at which offset inside.
    fn context<'m>(
        &mut self,
        message: &'m [u8],
        schema: &'static Message,
        at: usize,
    ) -> Result<(&'m [u8], usize)> {
        let Some(parts) = Parts::of(message) else {
            return self.merge_context(message, schema, at);
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(parts.head);
        self.scratch.extend_from_slice(parts.tail);
        Ok((parts.children, parts.head.len()))
    }

    /// As [`Gather::context`], of any message.
    fn merge_context<'m>(
        &mut self,
        message: &'m [u8],
        schema: &'static Message,
        at: usize,
    ) -> Result<(&'m [u8], usize)> {
        self.as_it_came = false;
        self.scratch.clear();
        wire::canonicalize(schema, message, at, &mut self.scratch)?;
        Ok((message, 0))
    }

    fn children<C: Copy>(
        &mut self,
        message: &[u8],
        at: usize,
        number: u32,
        context: C,
        visit: Visit<'r, C>,
    ) -> Result<()> {
        let mut fields = Fields::new(message);
        let here = |error: WireError| WireError { at: at + error.at, ..error };
        while let Some(field) = fields.next_field().map_err(here)? {
            let len = field.bytes.len();
            // Anything but a delimited field with a tag and a length as short as can be.
            self.as_it_came &= field.raw.len() == 1 + len_u64(len as u64) + len;
            if field.number != number {
                self.as_it_came = false;
            } else if field.wire != WireType::Delimited {
                let what = "a known field with the wire type of another";
                return Err(WireError { at: at + field.at, what }.into());
            } else {
                visit(self, field.bytes, at + field.at, context)?;
            }
        }
        Ok(())
    }

    fn span(&mut self, message: &[u8], at: usize, groups: (u32, u32)) -> Result<()> {
        if let Some(span) = wire::scan_span(message) {
            let accepted = self.judge(&key_of(&span));
            if accepted {
                self.push(&key_of(&span), REQUEST, at, message.len(), groups);
            }
            return Ok(());
        }
        self.as_it_came = false;
        let start = self.fixed.len();
        wire::canonicalize_span(message, at, &mut self.fixed)?;
        let canonical = self.fixed.get(start..).unwrap_or_default();
        let len = canonical.len();
        let key = wire::scan_span(canonical).map(|span| key_of(&span));
        let key = key.ok_or_else(|| format!("at byte {at}: {}", wrong_id(canonical)));
        match key {
            Ok(key) if self.judge(&key) => {
                self.push(&key, FIXED, start, len, groups);
                return Ok(());
            }
            Ok(_) => {}
            Err(why) => self.reject(|| why),
        }
        self.fixed.truncate(start);
        Ok(())
    }

    /// Asks for admission, and counts the answer.
    fn judge(&mut self, key: &SpanKey) -> bool {
        match (self.admit)(key) {
            Admission::Accept => true,
            Admission::LeaveOut => {
                self.as_it_came = false;
                false
            }
            Admission::Reject(why) => {
                self.reject(|| format!("span {} of trace {}: {why}", key.span_id, key.trace_id));
                false
            }
        }
    }

    fn reject(&mut self, why: impl FnOnce() -> String) {
        self.as_it_came = false;
        self.appended.rejected += 1;
        self.appended.first_rejection.get_or_insert_with(why);
    }

    fn push(&mut self, key: &SpanKey, payload: u32, at: usize, len: usize, groups: (u32, u32)) {
        self.appended.accepted += 1;
        self.batch.push(key, payload, at, len, groups);
    }

    /// The counts and the batch. `request` is what was gathered, and `keep` keeps it as it came.
    pub fn finish(
        mut self,
        request: &[u8],
        keep: impl FnOnce() -> Payload,
    ) -> Result<(Appended, Batch)> {
        let payload = if self.as_it_came { keep() } else { Arc::new(self.write(request)?) };
        Ok((self.appended, self.batch.finish(payload)))
    }

    /// A canonical request of the accepted spans, to which the entries point from now on.
    fn write(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        let mut entries = std::mem::take(&mut self.batch.entries);
        let mut out = Vec::with_capacity(request.len());
        let mut first = 0;
        for same_resource in self.groups.chunk_by(|a, b| a.resource == b.resource) {
            let resource =
                self.batch.resource_bytes(same_resource.first().map_or(0, |g| g.resource));
            let parts = Parts::of(resource).ok_or_else(out_of_form)?;
            let mut start = first;
            let mut scopes = Vec::new();
            for group in same_resource {
                let spans = entries.get(start..group.end).unwrap_or_default();
                let spans = spans.iter().map(|entry| delimited_len(entry.len as usize));
                let len = self.batch.scope_bytes(group.scope).len() + spans.sum::<usize>();
                scopes.push((group, start..group.end, len));
                start = group.end;
            }
            scopes.retain(|(_, range, _)| !range.is_empty());
            first = start;
            if scopes.is_empty() {
                continue;
            }
            let children: usize = scopes.iter().map(|(_, _, len)| delimited_len(*len)).sum();
            wire::put_tag(&mut out, 0x0a, resource.len() + children);
            out.extend_from_slice(parts.head);
            for (group, range, len) in scopes {
                wire::put_tag(&mut out, 0x12, len);
                let context = self.batch.scope_bytes(group.scope);
                let scope = Parts::of(context).ok_or_else(out_of_form)?;
                out.extend_from_slice(scope.head);
                for entry in entries.get_mut(range).unwrap_or_default() {
                    let source = if entry.payload == FIXED { &self.fixed } else { request };
                    let place = entry.offset as usize..(entry.offset + entry.len) as usize;
                    wire::put_tag(&mut out, 0x12, entry.len as usize);
                    (entry.payload, entry.offset) = (0, out.len() as u32);
                    out.extend_from_slice(source.get(place).unwrap_or_default());
                }
                out.extend_from_slice(scope.tail);
            }
            out.extend_from_slice(parts.tail);
        }
        self.batch.entries = entries;
        Ok(out)
    }
}

const fn key_of(span: &wire::SpanHead) -> SpanKey {
    SpanKey { trace_id: span.trace_id, span_id: span.span_id, start: span.start, end: span.end }
}

/// What a delimited field with a short tag takes.
const fn delimited_len(len: usize) -> usize {
    1 + len_u64(len as u64) + len
}

/// The canonicalizer's bytes were not canonical.
fn out_of_form() -> Error {
    Error::invalid("not OTLP protobuf: a context that cannot be put in form")
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
}
