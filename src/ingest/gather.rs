//! One pass over a request: checks it, finds its spans, and writes anew what was not canonical.

use std::ops::Range;
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

/// Tags: the children of a request; the resource or scope in front of a message's children; these.
const REQUEST_CHILD: u8 = 0x0a;
const HEAD: u8 = 0x0a;
const CHILD: u8 = 0x12;

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
type Visit<'r> = fn(&mut Gather<'r>, &[u8], usize) -> Result<()>;

/// Where the children of a message stand.
struct Children {
    range: Range<usize>,
    /// Whether nothing else stands between them.
    together: bool,
}

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
        let resources = self.children(request, 0, REQUEST_CHILD, Self::resource)?;
        self.as_it_came &= resources.together && resources.range == (0..request.len());
        Ok(self)
    }

    fn resource(&mut self, message: &[u8], at: usize) -> Result<()> {
        let first = self.groups.len();
        let children = self.children(message, at, CHILD, Self::scope)?;
        self.context(message, &children, &RESOURCE_CONTEXT, at)?;
        let interned = match self.contexts.resource(&self.scratch) {
            Some(interned) => interned,
            None => {
                self.merge_context(message, &RESOURCE_CONTEXT, at)?;
                self.contexts.resource(&self.scratch).ok_or_else(out_of_form)?
            }
        };
        let resource = self.batch.resource(interned);
        self.groups.iter_mut().skip(first).for_each(|group| group.resource = resource);
        Ok(())
    }

    fn scope(&mut self, message: &[u8], at: usize) -> Result<()> {
        let children = self.children(message, at, CHILD, Self::span)?;
        self.context(message, &children, &SCOPE_CONTEXT, at)?;
        let interned = match self.contexts.scope(&self.scratch) {
            Some(interned) => interned,
            None => {
                self.merge_context(message, &SCOPE_CONTEXT, at)?;
                self.contexts.scope(&self.scratch).ok_or_else(out_of_form)?
            }
        };
        let scope = self.batch.scope(interned);
        // The resource is known once all of its message has been seen.
        self.groups.push(Group { resource: 0, scope, end: self.batch.entries.len() });
        Ok(())
    }

    /// Puts the canonical bytes of a message without its children into `scratch`, if it is
    /// canonical itself.
    fn context(
        &mut self,
        message: &[u8],
        children: &Children,
        schema: &'static Message,
        at: usize,
    ) -> Result<()> {
        let Range { start, end } = children.range;
        let in_order = children.range.is_empty() || head_len(message) == Some(start);
        let parts = message.get(..start).zip(message.get(end..));
        let Some((head, tail)) = parts.filter(|_| children.together && in_order) else {
            return self.merge_context(message, schema, at);
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(head);
        self.scratch.extend_from_slice(tail);
        Ok(())
    }

    /// As [`Gather::context`], of any message.
    fn merge_context(&mut self, message: &[u8], schema: &'static Message, at: usize) -> Result<()> {
        self.as_it_came = false;
        self.scratch.clear();
        wire::canonicalize(schema, message, at, &mut self.scratch)?;
        Ok(())
    }

    /// Visits the children of a message: its fields with this tag. One walk for all, from front to
    /// back: spans are as far apart as memory is slow, and what follows one comes by itself.
    fn children(
        &mut self,
        message: &[u8],
        at: usize,
        tag: u8,
        visit: Visit<'r>,
    ) -> Result<Children> {
        let mut fields = Fields::new(message);
        let mut children = Children { range: 0..0, together: true };
        let here = |error: WireError| WireError { at: at + error.at, ..error };
        loop {
            let start = fields.position();
            let child = match fields.shortest(tag) {
                Some(child) => child,
                None => {
                    let Some(field) = fields.next_field().map_err(here)? else { break };
                    if field.number != u32::from(tag >> 3) {
                        continue;
                    }
                    if field.wire != WireType::Delimited {
                        let what = "a known field with the wire type of another";
                        return Err(WireError { at: at + field.at, what }.into());
                    }
                    // Its tag or its length could be shorter.
                    self.as_it_came = false;
                    field.bytes
                }
            };
            let end = fields.position();
            if children.range.is_empty() {
                children.range = start..end;
            } else {
                children.together &= children.range.end == start;
                children.range.end = end;
            }
            visit(self, child, at + end - child.len())?;
        }
        Ok(children)
    }

    fn span(&mut self, message: &[u8], at: usize) -> Result<()> {
        if let Some(span) = wire::scan_span(message) {
            let accepted = self.judge(&key_of(&span));
            if accepted {
                self.push(&key_of(&span), REQUEST, at, message.len());
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
                self.push(&key, FIXED, start, len);
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

    fn push(&mut self, key: &SpanKey, payload: u32, at: usize, len: usize) {
        self.appended.accepted += 1;
        self.batch.push(key, payload, at, len);
    }

    /// The counts and the batch. `request` is what was gathered, and `keep` keeps it as it came.
    pub fn finish(
        mut self,
        request: &[u8],
        keep: impl FnOnce() -> Payload,
    ) -> Result<(Appended, Batch)> {
        let mut first = 0;
        for group in &self.groups {
            self.batch.assign(first..group.end, group.resource, group.scope);
            first = group.end;
        }
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
            let (head, tail) = split_head(resource)?;
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
            wire::put_tag(&mut out, REQUEST_CHILD, resource.len() + children);
            out.extend_from_slice(head);
            for (group, range, len) in scopes {
                wire::put_tag(&mut out, CHILD, len);
                let (head, tail) = split_head(self.batch.scope_bytes(group.scope))?;
                out.extend_from_slice(head);
                for entry in entries.get_mut(range).unwrap_or_default() {
                    let source = if entry.payload == FIXED { &self.fixed } else { request };
                    let place = entry.offset as usize..(entry.offset + entry.len) as usize;
                    wire::put_tag(&mut out, CHILD, entry.len as usize);
                    (entry.payload, entry.offset) = (0, out.len() as u32);
                    out.extend_from_slice(source.get(place).unwrap_or_default());
                }
                out.extend_from_slice(tail);
            }
            out.extend_from_slice(tail);
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

/// How long the first field of a `ResourceSpans` or `ScopeSpans` message is, behind which its
/// children are to stand; `None` if it is not as short as can be.
fn head_len(message: &[u8]) -> Option<usize> {
    let mut c = Cursor::new(message);
    if c.eat(HEAD) {
        c.delimited()?;
    }
    Some(message.len() - c.rest().len())
}

/// A canonical context in two: what goes before children, and what behind.
fn split_head(context: &[u8]) -> Result<(&[u8], &[u8])> {
    let len = head_len(context).ok_or_else(out_of_form)?;
    context.split_at_checked(len).ok_or_else(out_of_form)
}
