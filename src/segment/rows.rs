//! Reads rows back as spans.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::Span;
use crate::base::time::Timestamp;
use crate::base::view::{SpanRef, StrRef};
use crate::base::wire::decode_span;
use crate::block::decode::{OpenBlock, Outline, is_sound};
use crate::block::models::SLOTS;
use crate::block::page_reader::Record;
use crate::block::template::{RowTimes, SlotSource, Template};
use crate::block::walk::Walker;
use crate::segment::meta::Meta;
use crate::segment::peek::Columns;
use crate::segment::reader::Segment;

/// One row.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its number in the segment.
    pub row: u32,
    /// The ordinal of its trace.
    pub ordinal: u32,
    /// The code of its resource.
    pub resource: u32,
    /// The code of its scope.
    pub scope: u32,
    /// The span.
    pub span: SpanRef<'a>,
}

/// A row as far as it is known before its slots are read.
#[derive(Clone, Copy, Debug)]
pub struct Outlined<'a> {
    /// Its number in the segment.
    pub row: u32,
    /// The ordinal of its trace.
    pub ordinal: u32,
    /// The code of its resource.
    pub resource: u32,
    /// Its ids and times.
    pub times: RowTimes,
    /// Its columns.
    pub columns: Columns<'a>,
    /// Its template; none for a spelled row.
    pub template: Option<&'a Template>,
}

/// What takes rows one by one, and may end the walk.
pub type Visit<'a> = dyn FnMut(Row<'_>) -> Result<ControlFlow<()>> + 'a;

/// The same before their slots are read.
pub type VisitOutlined<'a> = dyn FnMut(Outlined<'_>) -> Result<ControlFlow<()>> + 'a;

/// Walks over more blocks than these leave the cache as it is: it is for lookups.
const MAX_CACHED_BLOCKS: u32 = 8;

/// Reading as many rows of a block meets most of its lines.
const WORTH_WARMING: usize = 8;

impl Segment {
    /// Hands over the rows in `range`, in order. Cost: opening each block that it meets, and the
    /// rows of the first block before the range that belong to the same trace.
    pub fn rows(&self, range: Range<u32>, visit: &mut Visit<'_>) -> Result<()> {
        self.outlines(range, &mut |outlined| outlined.read(visit))
    }

    /// The same without their slots, which cost most of reading a row.
    pub fn outlines(&self, range: Range<u32>, visit: &mut VisitOutlined<'_>) -> Result<()> {
        self.walk(range, true, visit)
    }

    /// The same for who reads all rows, one range after the other, so that blocks are at hand.
    pub fn outlines_in_turn(&self, range: Range<u32>, visit: &mut VisitOutlined<'_>) -> Result<()> {
        self.walk(range, false, visit)
    }

    fn walk(&self, range: Range<u32>, is_cold: bool, visit: &mut VisitOutlined<'_>) -> Result<()> {
        if u64::from(range.end) > self.summary().rows {
            return Err(Error::corrupt(self.path(), 0, "rows", "rows beyond the last"));
        }
        let block_rows = self.footer.block_rows;
        let keep = range.len() as u64 <= u64::from(MAX_CACHED_BLOCKS) * u64::from(block_rows);
        let meta = self.meta()?;
        let mut row = range.start;
        while row < range.end {
            let block = self.open_block(&meta, row / block_rows, keep)?;
            let first = row / block_rows * block_rows;
            let end = range.end.min(first.saturating_add(block_rows));
            let rows = (row - first) as usize..(end - first) as usize;
            if is_cold && rows.len() >= WORTH_WARMING {
                block.warm(rows, &meta.models);
            }
            if self.block_rows(&meta, &block, first, row..end, visit)?.is_break() {
                return Ok(());
            }
            row = end;
        }
        Ok(())
    }

    /// Those of the rows in `range` that stand in blocks in which some span starts from `first` to
    /// `last`, as ranges of one block each.
    pub fn rows_starting(
        &self,
        range: Range<u32>,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<Vec<Range<u32>>> {
        let block_rows = self.footer.block_rows;
        let mut found = Vec::new();
        let mut row = range.start;
        while row < range.end {
            let block = row / block_rows;
            let end = range.end.min(block.saturating_add(1).saturating_mul(block_rows));
            let zone = self.zone(block.into())?;
            if zone.first_start <= last && first <= zone.last_start {
                found.push(row..end);
            }
            row = end;
        }
        Ok(found)
    }

    /// Opens a block; `keep` holds it for later readers.
    pub(super) fn open_block(
        &self,
        meta: &Meta,
        number: u32,
        keep: bool,
    ) -> Result<Arc<OpenBlock>> {
        let place = meta.block(number as usize);
        let (offset, len) = place.ok_or_else(|| self.bad_block(0, "no such block"))?;
        if let Some(block) = self.cache.get_block(self.number, offset) {
            return Ok(block);
        }
        let block = Arc::new(self.read_block(meta, number, offset, len)?);
        if keep {
            self.keep_block(&block);
        }
        Ok(block)
    }

    /// Holds a block for later readers.
    pub(super) fn keep_block(&self, block: &Arc<OpenBlock>) {
        self.cache.insert_block(self.number, block.offset, Arc::clone(block));
    }

    /// Reads a block from the file.
    pub(super) fn read_block(
        &self,
        meta: &Meta,
        number: u32,
        offset: u64,
        len: usize,
    ) -> Result<OpenBlock> {
        let bytes = self.file.read_at(offset, len)?;
        if !is_sound(&bytes) {
            return Err(self.bad_block(offset, "checksum"));
        }
        let outline = Outline::open(&bytes, &meta.models);
        let outline = outline.ok_or_else(|| self.bad_block(offset, "contents at odds"))?;
        let rows = self.summary().rows - u64::from(number) * u64::from(self.footer.block_rows);
        if outline.rows() as u64 != rows.min(self.footer.block_rows.into()) {
            return Err(self.bad_block(offset, "another number of rows"));
        }
        // Every trace that begins behind the first row raises the ordinal by one.
        let behind = outline.begins.iter().filter(|&&begin| begin > 0).count() as u64;
        if u64::from(outline.first_ordinal) + behind >= self.summary().traces {
            return Err(self.bad_block(offset, "a trace that is not there"));
        }
        Ok(OpenBlock { bytes, outline, offset })
    }

    pub(super) fn bad_block(&self, offset: u64, detail: &str) -> Error {
        Error::corrupt(self.path(), offset, "blocks", detail)
    }

    /// Hands over rows of one block, whose first row is `first`.
    fn block_rows(
        &self,
        meta: &Meta,
        block: &OpenBlock,
        first: u32,
        range: Range<u32>,
        visit: &mut VisitOutlined<'_>,
    ) -> Result<ControlFlow<()>> {
        let outline = &block.outline;
        let wanted = range.start - first;
        // Parents and starts follow from the rows before, back to the trace's first in this block.
        let after = outline.begins.partition_point(|&begin| begin <= wanted);
        let begin = after.checked_sub(1).and_then(|index| outline.begins.get(index));
        let begin = begin.copied().unwrap_or_default();
        let starts_trace = outline.begins.first() == Some(&0);
        let before = after as u32 + u32::from(!starts_trace);
        let mut ordinal = outline.first_ordinal.saturating_add(before.max(1) - 1);
        let mut begins = outline.begins.get(after..).unwrap_or_default().iter().peekable();

        let mut walker = Walker::new(&block.bytes, outline, &meta.models, begin as usize);
        let mut trace = self.trace_of(ordinal)?;
        walker.begin(trace.1);
        for index in begin..range.end - first {
            if begins.next_if(|&&next| next == index).is_some() {
                ordinal += 1;
                trace = self.trace_of(ordinal)?;
                walker.begin(trace.1);
            }
            let bad = || self.bad_block(block.offset, "a row at odds with its block");
            let walked = walker.step().ok_or_else(bad)?;
            if index < wanted {
                continue;
            }
            let outlined = Outlined {
                row: first + index,
                ordinal,
                resource: walked.resource,
                times: RowTimes {
                    trace_id: trace.0,
                    span_id: walked.span_id,
                    parent: walked.parent,
                    start: walked.start,
                    end: walked.end,
                },
                columns: Columns::new(self, meta, block, walked.cells),
                template: walked.cells.model.template.as_ref(),
            };
            if visit(outlined)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn trace_of(&self, ordinal: u32) -> Result<(TraceId, Timestamp)> {
        self.traces()?.beginning(ordinal)
    }

    /// A record in pages.
    pub(super) fn record(&self, record: u64) -> Result<Record> {
        self.meta()?.pages.get(record, |offset, len| self.file.read_at(offset, len))
    }
}

impl Outlined<'_> {
    /// Reads the slots, puts the span together and hands it over.
    pub fn read(&self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>> {
        let Self { row, ordinal, resource, times, columns, template } = *self;
        let mut slots = RowSlots { columns, next: SLOTS };
        if let Some(template) = template {
            let span = template.assemble(times, &mut slots)?;
            return visit(Row { row, ordinal, resource, scope: template.scope, span });
        }
        let scope = u32::try_from(slots.int()?).map_err(|_| columns.bad())?;
        let bytes = slots.blob()?;
        let span = self.spelled(&bytes)?;
        visit(Row { row, ordinal, resource, scope, span })
    }

    /// The row as an owned span, and the code of its scope.
    #[inline]
    pub fn own(&self) -> Result<(u32, Span)> {
        let mut slots = RowSlots { columns: self.columns, next: SLOTS };
        let (scope, span) = match self.template {
            Some(template) => (template.scope, template.own(&self.times, &mut slots)?),
            None => {
                let scope = u32::try_from(slots.int()?).map_err(|_| self.columns.bad())?;
                (scope, self.spelled(&slots.blob()?)?.into_span())
            }
        };
        Ok((scope, span.ok_or_else(|| self.columns.bad())?))
    }

    /// The span of a row without a template, from its bytes.
    fn spelled<'b>(&self, bytes: &'b [u8]) -> Result<SpanRef<'b>> {
        let span = decode_span(bytes).ok_or_else(|| self.columns.bad())?;
        Ok(SpanRef {
            trace_id: self.times.trace_id,
            span_id: self.times.span_id,
            parent_span_id: self.times.parent,
            start: self.times.start,
            end: self.times.end,
            ..span
        })
    }
}

/// Reads the slots of one row in order.
struct RowSlots<'a> {
    columns: Columns<'a>,
    next: usize,
}

impl RowSlots<'_> {
    #[inline]
    fn next(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }
}

impl<'a> SlotSource<'a> for RowSlots<'a> {
    #[inline]
    fn int(&mut self) -> Result<i64> {
        let column = self.next();
        self.columns.int(column)
    }

    #[inline]
    fn text(&mut self) -> Result<StrRef<'a>> {
        let column = self.next();
        self.columns.text(column)
    }

    fn blob(&mut self) -> Result<Cow<'a, [u8]>> {
        let column = self.next();
        self.columns.blob(column)
    }
}
