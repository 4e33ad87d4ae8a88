//! The owned model to OTLP requests: spans put back under the resources and scopes they share.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::model::{ResourceContext, ResourceSpans, ScopeContext, ScopeSpans, Span, Trace};
use crate::base::varint;
use crate::base::wire;

/// An `ExportTraceServiceRequest` with these spans; canonical unless raw values or unknown fields
/// are not. Fails if an attribute value nests too deep or an array holds a raw value.
pub fn encode_request(groups: &[ResourceSpans]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for group in groups {
        wire::put_message(&mut out, 0x0a, |out| {
            let mut context = Vec::new();
            let resource = ResourceContext {
                resource: group.resource.clone(),
                schema_url: group.schema_url.clone(),
                unknown: group.unknown.clone(),
            };
            wire::encode_resource_context(&resource, &mut context)?;
            put_around(out, &context, |out| {
                group.scope_spans.iter().try_for_each(|scope| put_scope_spans(out, scope))
            })
        })?;
    }
    Ok(out)
}

fn put_scope_spans(out: &mut Vec<u8>, group: &ScopeSpans) -> Result<()> {
    wire::put_message(out, 0x12, |out| {
        let mut context = Vec::new();
        let scope = ScopeContext {
            scope: group.scope.clone(),
            schema_url: group.schema_url.clone(),
            unknown: group.unknown.clone(),
        };
        wire::encode_scope_context(&scope, &mut context)?;
        put_around(out, &context, |out| put_spans(out, group.spans.iter()))
    })
}

fn put_spans<'s>(out: &mut Vec<u8>, mut spans: impl Iterator<Item = &'s Span>) -> Result<()> {
    spans.try_for_each(|span| {
        let view = span.view()?;
        wire::put_message(out, 0x12, |out| wire::encode_span(&view, out));
        Ok(())
    })
}

/// Appends a context's bytes with children where their field belongs: behind field 1.
pub fn put_around<T>(
    out: &mut Vec<u8>,
    context: &[u8],
    children: impl FnOnce(&mut Vec<u8>) -> T,
) -> T {
    let mut tail = context;
    if let [0x0a, rest @ ..] = context {
        let mut rest = rest;
        if varint::read_prefixed(&mut rest).is_some() {
            tail = rest;
        }
    }
    let head = context.get(..context.len() - tail.len()).unwrap_or_default();
    out.extend_from_slice(head);
    let answer = children(out);
    out.extend_from_slice(tail);
    answer
}

/// Spans of one resource by scope; resources, scopes and spans in the order of first occurrence.
pub type Grouped<'t> = Vec<(&'t ResourceContext, Vec<(&'t ScopeContext, Vec<&'t Span>)>)>;

/// The spans of a trace under the contexts they share.
pub fn grouped(trace: &Trace) -> Result<Grouped<'_>> {
    let mut resources = Numbers::new(wire::encode_resource_context);
    let mut scopes = Numbers::new(wire::encode_scope_context);
    let mut places = HashMap::new();
    let mut groups: Grouped<'_> = Vec::new();
    for span in &trace.spans {
        let resource = resources.of(&span.resource)?;
        if resource == groups.len() {
            groups.push((&span.resource, Vec::new()));
        }
        let scope = scopes.of(&span.scope)?;
        let Some((_, own)) = groups.get_mut(resource) else { continue };
        let place = *places.entry((resource, scope)).or_insert(own.len());
        if place == own.len() {
            own.push((&span.scope, Vec::new()));
        }
        if let Some((_, spans)) = own.get_mut(place) {
            spans.push(&span.span);
        }
    }
    Ok(groups)
}

/// Numbers contexts by their contents; the same allocation is encoded once.
struct Numbers<T> {
    encode: fn(&T, &mut Vec<u8>) -> Result<()>,
    by_address: HashMap<*const T, usize>,
    by_bytes: HashMap<Vec<u8>, usize>,
}

impl<T> Numbers<T> {
    fn new(encode: fn(&T, &mut Vec<u8>) -> Result<()>) -> Self {
        Self { encode, by_address: HashMap::new(), by_bytes: HashMap::new() }
    }

    fn of(&mut self, context: &Arc<T>) -> Result<usize> {
        let address = Arc::as_ptr(context);
        if let Some(&number) = self.by_address.get(&address) {
            return Ok(number);
        }
        let mut bytes = Vec::new();
        (self.encode)(context, &mut bytes)?;
        let next = self.by_bytes.len();
        let number = *self.by_bytes.entry(bytes).or_insert(next);
        self.by_address.insert(address, number);
        Ok(number)
    }
}

impl Trace {
    /// The trace as OTLP protobuf: a `TracesData` message, which is an
    /// `ExportTraceServiceRequest` too. Appending it gives the same spans.
    ///
    /// Fails if an attribute value nests deeper than OTLP readers follow, which no value read
    /// from a store does.
    pub fn to_otlp(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for (resource, scopes) in grouped(self)? {
            wire::put_message(&mut out, 0x0a, |out| {
                let mut context = Vec::new();
                wire::encode_resource_context(resource, &mut context)?;
                put_around(out, &context, |out| {
                    scopes.iter().try_for_each(|(scope, spans)| {
                        let mut context = Vec::new();
                        wire::encode_scope_context(scope, &mut context)?;
                        wire::put_message(out, 0x12, |out| {
                            put_around(out, &context, |out| put_spans(out, spans.iter().copied()))
                        })
                    })
                })
            })?;
        }
        Ok(out)
    }
}
