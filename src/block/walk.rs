//! Rows in order with what every row has: ids, parent, times, resource.

use crate::base::ids::SpanId;
use crate::base::time::Timestamp;
use crate::block::decode::{Cells, Outline};
use crate::block::encode::is_explicit;
use crate::block::lineage::Lineage;
use crate::block::models::{DURATION, Models, RESOURCE, START};

/// Walks the rows of a block from the beginning of a trace, or of the block, on.
#[derive(Debug)]
pub struct Walker<'a> {
    block: &'a [u8],
    outline: &'a Outline,
    models: &'a Models,
    lineage: Lineage,
    row: usize,
    explicit: usize,
}

/// What every row has.
#[derive(Clone, Copy, Debug)]
pub struct WalkedRow<'a> {
    pub span_id: SpanId,
    pub parent: Option<SpanId>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub resource: u32,
    /// Its other columns.
    pub cells: Cells<'a>,
}

impl<'a> Walker<'a> {
    /// Stands before `row`, which begins a trace or the block.
    pub fn new(block: &'a [u8], outline: &'a Outline, models: &'a Models, row: usize) -> Self {
        let before = outline.steps.get(..row).unwrap_or_default();
        let explicit = before.iter().filter(|&&step| is_explicit(step)).count();
        Self { block, outline, models, lineage: Lineage::default(), row, explicit }
    }

    /// Says that the next row belongs to another trace than the row before, and when that trace
    /// starts. To be called before the first row, too.
    pub fn begin(&mut self, first_start: Timestamp) {
        self.lineage.begin(first_start.nanos());
    }

    /// The next row; `None` at the end, or if the block contradicts itself.
    #[inline]
    pub fn step(&mut self) -> Option<WalkedRow<'a>> {
        let step = *self.outline.steps.get(self.row)?;
        let (outline, block, models) = (self.outline, self.block, self.models);
        let explicit = &mut self.explicit;
        let (parent, base) = self.lineage.decode(step.parent(), || {
            *explicit += 1;
            outline.explicit(block, models, *explicit - 1)
        })?;
        let span_id = outline.span_id(block, models, self.row)?;
        let cells = outline.cells(block, models, self.row)?;
        let start = base.wrapping_add(cells.int(START)? as u64);
        let end = start.wrapping_add(cells.int(DURATION)? as u64);
        let resource = u32::try_from(cells.int(RESOURCE)?).ok()?;
        self.lineage.enter(span_id, start);
        self.row += 1;
        Some(WalkedRow {
            span_id: SpanId::from(span_id),
            parent: parent.map(SpanId::from),
            start: Timestamp::from_nanos(start),
            end: Timestamp::from_nanos(end),
            resource,
            cells,
        })
    }
}
