//! Takes the rows of a segment, in their final order, apart into columns.

use std::io;

use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::limits::BLOCK_ROWS;
use crate::base::view::SpanRef;
use crate::base::wire::{decode_span, encode_span};
use crate::block::dissection::Dissection;
use crate::block::encode::MAX_ROWS;
use crate::block::pool::Pool;
use crate::block::shapes::Shapes;
use crate::block::slots::Pools;
use crate::block::template::{Place, RowTimes};
use crate::disk::executor::{Executor, InlineExecutor};
use crate::segment::finish;
use crate::segment::footer::Summary;

/// How segments are written; every reader reads them all.
#[derive(Clone, Copy, Debug)]
pub struct SegmentOptions {
    /// Rows of a block. A lookup checks whole blocks, so more rows cost it time, and fewer cost
    /// bytes for headers. 1 to 65535, others are brought into that range.
    pub block_rows: usize,
    /// Raw bytes of a page of long values: the same bargain.
    pub page_bytes: usize,
    /// What is spent on few bytes.
    pub effort: Effort,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self { block_rows: BLOCK_ROWS, page_bytes: 16 << 10, effort: Effort::default() }
    }
}

/// Rows of a segment at most: their numbers have 32 bits.
pub(super) const MAX_SEGMENT_ROWS: usize = u32::MAX as usize - MAX_ROWS;

/// Builds a segment in memory and writes it at the end.
///
/// Rows come trace by trace, traces by their first start and then id; inside a trace parents come
/// before children, siblings by start (see [`crate::block::order`]). Contents do not depend on
/// that order, but compression and the promises of [`super::Segment`] on search order do.
#[derive(Debug)]
pub struct SegmentBuilder {
    pub(super) options: SegmentOptions,
    pub(super) shapes: Shapes,
    pub(super) pools: Pools,
    pub(super) rows: RowColumns,
    pub(super) traces: Vec<TraceRows>,
    pub(super) resources: Pool,
    pub(super) scopes: Pool,
    pub(super) spelled: Spelled,
    scratch: Vec<u8>,
}

/// What every row has, column by column.
#[derive(Debug, Default)]
pub(super) struct RowColumns {
    /// The number of the row's shape; [`SPELLED_SHAPE`] if it has none.
    pub shape: Vec<u32>,
    pub resource: Vec<u32>,
    pub span_id: Vec<u64>,
    pub parent: Vec<u64>,
    /// Whether there is a parent: ids may be zero.
    pub has_parent: Vec<bool>,
    pub start: Vec<u64>,
    pub end: Vec<u64>,
}

impl RowColumns {
    fn reserve(&mut self, rows: usize) {
        self.shape.reserve_exact(rows);
        self.resource.reserve_exact(rows);
        for column in [&mut self.span_id, &mut self.parent, &mut self.start, &mut self.end] {
            column.reserve_exact(rows);
        }
        self.has_parent.reserve_exact(rows);
    }

    pub fn push(&mut self, shape: u32, resource: u32, times: &RowTimes) {
        self.shape.push(shape);
        self.resource.push(resource);
        self.span_id.push(times.span_id.to_u64());
        self.parent.push(times.parent.map_or(0, |id| id.to_u64()));
        self.has_parent.push(times.parent.is_some());
        self.start.push(times.start.nanos());
        self.end.push(times.end.nanos());
    }
}

/// Terms of spelled rows, resources and scopes take so many times the bytes of these while a segment
/// is finished, where keys and values are all different.
const TERMS_FACTOR: usize = 8;

/// The shape of rows that were spelled at once.
pub(super) const SPELLED_SHAPE: u32 = u32::MAX;

/// A trace's rows begin here.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceRows {
    pub id: TraceId,
    pub first_row: u32,
    pub regular: bool,
}

/// The rows that were spelled at once.
#[derive(Debug)]
pub(super) struct Spelled {
    /// The pool of their bytes.
    pub pool: u32,
    /// Scope and number in the pool, in the order of rows.
    pub rows: Vec<(u32, u32)>,
}

impl SegmentBuilder {
    /// A builder without rows.
    pub fn new(options: SegmentOptions) -> Self {
        let block_rows = options.block_rows.clamp(1, MAX_ROWS);
        let mut pools = Pools::default();
        let pool = pools.at(&Place::Spelled);
        Self {
            options: SegmentOptions { block_rows, ..options },
            shapes: Shapes::default(),
            pools,
            rows: RowColumns::default(),
            traces: Vec::new(),
            resources: Pool::default(),
            scopes: Pool::default(),
            spelled: Spelled { pool, rows: Vec::new() },
            scratch: Vec::new(),
        }
    }

    /// The code of a resource, given by its canonical bytes.
    pub fn resource(&mut self, canonical: &[u8]) -> Result<u32> {
        self.resources.intern(canonical)
    }

    /// The code of an instrumentation scope, given by its canonical bytes.
    pub fn scope(&mut self, canonical: &[u8]) -> Result<u32> {
        self.scopes.intern(canonical)
    }

    /// Makes room for so many rows more, where they are known beforehand.
    pub fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
    }

    /// Begins the next trace. `regular` says that its rows are in pre-order of trees, so that
    /// each subtree is one range of rows.
    pub fn begin_trace(&mut self, id: TraceId, regular: bool) {
        self.drop_empty_trace();
        let first_row = self.rows.start.len() as u32;
        self.traces.push(TraceRows { id, first_row, regular });
    }

    pub(super) fn drop_empty_trace(&mut self) {
        let rows = self.rows.start.len();
        self.traces.pop_if(|trace| trace.first_row as usize == rows);
    }

    /// Appends a row to the trace begun last; the number of its shape, if it has one.
    pub fn push(&mut self, resource: u32, scope: u32, span: &SpanRef<'_>) -> Result<Option<u32>> {
        let times = RowTimes {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent: span.parent_span_id,
            start: span.start,
            end: span.end,
        };
        self.check(resource, scope, &times)?;
        let known = self.shapes.push(scope, span, &mut self.pools)?;
        let shape = match known {
            Some(shape) => shape,
            None => self.spell(scope, span)?,
        };
        self.rows.push(shape, resource, &times);
        Ok(known)
    }

    /// The same with a row in canonical bytes, taken apart in memory that is used again.
    pub fn push_canonical<'a>(
        &mut self,
        resource: u32,
        scope: u32,
        canonical: &'a [u8],
        span: &mut Dissection<'a>,
    ) -> Result<()> {
        let no_span = || Error::invalid("a span that does not decode");
        span.open(canonical).ok_or_else(no_span)?;
        self.check(resource, scope, span.times())?;
        let known = self.shapes.dissect(scope, span)?;
        let shape = match self.shapes.push_dissected(scope, span, known, &mut self.pools)? {
            Some(shape) => shape,
            None => self.spell(scope, &decode_span(span.bytes()).ok_or_else(no_span)?)?,
        };
        self.rows.push(shape, resource, span.times());
        Ok(())
    }

    pub(super) fn check(&self, resource: u32, scope: u32, times: &RowTimes) -> Result<()> {
        if self.traces.last().is_none_or(|trace| trace.id != times.trace_id) {
            return Err(Error::invalid("a span outside of its trace"));
        }
        if resource >= self.resources.len() || scope >= self.scopes.len() {
            return Err(Error::invalid("a span of an unknown resource or scope"));
        }
        if self.rows.start.len() >= MAX_SEGMENT_ROWS {
            return Err(Error::Limit { what: "2^32 rows of a segment".into() });
        }
        Ok(())
    }

    fn spell(&mut self, scope: u32, span: &SpanRef<'_>) -> Result<u32> {
        self.scratch.clear();
        spell(span, &mut self.scratch);
        let number = self.pools.append(self.spelled.pool, &self.scratch)?;
        self.spelled.rows.push((scope, number));
        Ok(SPELLED_SHAPE)
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.start.len()
    }

    /// Memory held, about, and what the terms of all that is told apart by text will take; finishing
    /// takes up to twice as much.
    pub fn memory_bytes(&self) -> usize {
        let spelled = self.pools.get(self.spelled.pool).map_or(0, Pool::bytes);
        let told = (spelled + self.resources.bytes() + self.scopes.bytes()) * TERMS_FACTOR;
        let rows = self.rows.start.capacity() * size_of::<(u64, u64, u64, u64, u32, u32, bool)>();
        rows + told
            + self.shapes.memory_bytes()
            + self.pools.memory_bytes()
            + self.resources.memory_bytes()
            + self.scopes.memory_bytes()
            + self.traces.capacity() * size_of::<TraceRows>()
    }

    /// Writes the segment from its first byte to its last.
    pub fn finish(self, out: &mut dyn io::Write) -> Result<Summary> {
        finish::finish(self, out, &InlineExecutor::new())
    }

    /// The same to the byte, with the threads of an executor that have nothing else to do.
    pub fn finish_by(self, out: &mut dyn io::Write, executor: &dyn Executor) -> Result<Summary> {
        finish::finish(self, out, executor)
    }
}

/// The canonical bytes of a span without what every row has in columns: ids and times are zero.
pub(super) fn spell(span: &SpanRef<'_>, out: &mut Vec<u8>) {
    let bare = SpanRef {
        trace_id: TraceId::default(),
        span_id: Default::default(),
        parent_span_id: None,
        start: Default::default(),
        end: Default::default(),
        ..span.clone()
    };
    encode_span(&bare, out);
}
