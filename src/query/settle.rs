//! Spans of one trace from several sources, put in order, identical ones counted once.

use crate::base::error::Result;
use crate::base::ids::SpanId;
use crate::base::model::{ResourceContext, ScopeContext, TraceSpan};
use crate::base::time::Timestamp;
use crate::base::view::SpanRef;
use crate::base::wire;

/// Where a span stands in its trace; spans of one key are told apart by their content.
pub type SpanKey = (Timestamp, SpanId);

/// A span's canonical bytes with those of its resource and scope: equal exactly for identical
/// spans, and their order where the key leaves it open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(Vec<u8>, Vec<u8>, Vec<u8>);

impl Content {
    /// The content of a span.
    pub fn of(
        span: &SpanRef<'_>,
        resource: &ResourceContext,
        scope: &ScopeContext,
    ) -> Result<Self> {
        let mut content = Self(Vec::new(), Vec::new(), Vec::new());
        wire::encode_span(span, &mut content.0);
        wire::encode_resource_context(resource, &mut content.1)?;
        wire::encode_scope_context(scope, &mut content.2)?;
        Ok(content)
    }

    /// What it takes in memory, about.
    pub const fn bytes(&self) -> usize {
        size_of::<Self>() + self.0.len() + self.1.len() + self.2.len()
    }

    fn of_owned(span: &TraceSpan) -> Result<Self> {
        Self::of(&span.span.view()?, &span.resource, &span.scope)
    }
}

/// The key of an owned span.
pub const fn key_of(span: &TraceSpan) -> SpanKey {
    (span.span.start, span.span.span_id)
}

/// Orders spans by start, id and content, and drops all but one of identical ones.
///
/// Content is looked at only where keys are equal, which honest data hardly ever has.
pub fn settle(spans: Vec<TraceSpan>) -> Result<Vec<TraceSpan>> {
    if spans.is_sorted_by(|a, b| key_of(a) < key_of(b)) {
        return Ok(spans);
    }
    // Spans are large: their keys are sorted, then each span moves once.
    let mut order: Vec<(SpanKey, usize)> =
        spans.iter().enumerate().map(|(index, span)| (key_of(span), index)).collect();
    order.sort_unstable();
    let mut spans: Vec<Option<TraceSpan>> = spans.into_iter().map(Some).collect();
    let mut take = |index: usize| spans.get_mut(index).and_then(Option::take);
    let mut out = Vec::with_capacity(order.len());
    for run in order.chunk_by(|a, b| a.0 == b.0) {
        let mut equal = run.iter().filter_map(|(_, index)| take(*index));
        if run.len() == 1 {
            out.extend(equal);
            continue;
        }
        let mut told = equal
            .by_ref()
            .map(|span| Ok((Content::of_owned(&span)?, span)))
            .collect::<Result<Vec<_>>>()?;
        told.sort_by(|a, b| a.0.cmp(&b.0));
        told.dedup_by(|a, b| a.0 == b.0);
        out.extend(told.into_iter().map(|(_, span)| span));
    }
    Ok(out)
}
