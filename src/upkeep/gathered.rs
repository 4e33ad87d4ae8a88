//! The rows of one trace, gathered to be put in order anew.

use std::ops::Range;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::view::SpanRef;
use crate::base::wire;
use crate::block::dissection::Dissection;
use crate::block::order::{OrderItem, preorder};
use crate::segment::SegmentBuilder;

/// Rows of a trace from wherever they lay, as canonical bytes.
#[derive(Debug, Default)]
pub struct Gathered {
    bytes: Vec<u8>,
    rows: Vec<GatheredRow>,
    items: Vec<OrderItem>,
}

#[derive(Debug)]
struct GatheredRow {
    resource: u32,
    scope: u32,
    bytes: Range<usize>,
}

impl Gathered {
    /// Adds a row, with the builder's codes of its resource and scope.
    pub fn add(&mut self, resource: u32, scope: u32, span: &SpanRef<'_>) {
        let start = self.bytes.len();
        wire::encode_span(span, &mut self.bytes);
        self.rows.push(GatheredRow { resource, scope, bytes: start..self.bytes.len() });
        self.items.push(OrderItem {
            span_id: span.span_id,
            parent: span.parent_span_id,
            start: span.start,
            tie: 0,
        });
    }

    /// Hands the rows to `builder` in pre-order, as the trace `id`.
    pub fn emit(&self, id: TraceId, builder: &mut SegmentBuilder) -> Result<()> {
        let (order, regular) = preorder(&self.items);
        builder.begin_trace(id, regular);
        let mut taken = Dissection::default();
        for index in order {
            let Some(row) = self.rows.get(index as usize) else { continue };
            let bytes = self.bytes.get(row.bytes.clone()).unwrap_or_default();
            builder.push_canonical(row.resource, row.scope, bytes, &mut taken)?;
        }
        Ok(())
    }

    /// The memory that it takes, about.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.rows.len() * (size_of::<GatheredRow>() + size_of::<OrderItem>())
    }
}
