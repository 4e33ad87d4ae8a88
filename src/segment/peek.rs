//! Single values of rows, without putting spans together: what predicates ask of columns.

use std::borrow::Cow;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::view::StrRef;
use crate::block::column::ColumnModel;
use crate::block::decode::{Cell, Cells, OpenBlock};
use crate::block::encode::is_explicit;
use crate::block::models::{DURATION, RESOURCE, TemplateModel};
use crate::block::page_reader::Record;
use crate::block::structure::{ParentCode, Step};
use crate::segment::meta::Meta;
use crate::segment::reader::Segment;

/// Looks at rows of a segment one by one; neighbours share a block, which stays open.
#[derive(Debug)]
pub struct Peek<'a> {
    meta: Arc<Meta>,
    blocks: Blocks<'a>,
}

/// The block of the row last looked at.
#[derive(Debug)]
struct Blocks<'a> {
    segment: &'a Segment,
    /// Its rows, and itself.
    open: Option<(Range<u32>, Arc<OpenBlock>)>,
    /// How many were opened.
    opened: u32,
}

/// Blocks that one search leaves in the cache: enough for a search to be fast the second time. A
/// longer one leaves the rest of the cache to others.
const MAX_KEPT: u32 = 256;

/// The columns of one row, each read when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    segment: &'a Segment,
    meta: &'a Meta,
    block: &'a OpenBlock,
    cells: Cells<'a>,
}

/// A value as it is stored.
#[derive(Debug)]
pub(super) enum Stored<'a> {
    /// By its code in the dictionary of its key.
    Code(u32),
    /// In the column.
    Text(StrRef<'a>),
    /// In pages, and not known to be text.
    Record(Record),
}

/// The templates of a segment, by code.
#[derive(Clone, Debug)]
pub struct Templates(Arc<Meta>);

impl Deref for Templates {
    type Target = [TemplateModel];

    fn deref(&self) -> &[TemplateModel] {
        &self.0.models.templates
    }
}

impl Segment {
    /// What rows are made of.
    pub fn templates(&self) -> Result<Templates> {
        self.meta().map(Templates)
    }

    /// Looks at single values.
    pub fn peek(&self) -> Result<Peek<'_>> {
        let blocks = Blocks { segment: self, open: None, opened: 0 };
        Ok(Peek { meta: self.meta()?, blocks })
    }
}

impl Peek<'_> {
    /// A row's columns. Cost: opening its block, unless the row before was of the same.
    #[inline]
    pub fn row(&mut self, row: u32) -> Result<Columns<'_>> {
        let (segment, meta) = (self.blocks.segment, &*self.meta);
        let (block, index) = self.blocks.of(meta, row)?;
        let cells = block.outline.cells(&block.bytes, &meta.models, index);
        let cells = cells.ok_or_else(|| segment.bad_block(block.offset, "no such row"))?;
        Ok(Columns { segment, meta, block, cells })
    }

    /// The code of a row's template: a fraction of the cost of its columns.
    #[inline]
    pub fn template(&mut self, row: u32) -> Result<u32> {
        self.step(row).map(Step::template)
    }

    /// How a row's parent is found among the rows before it, those of its block and trace.
    #[inline]
    pub fn parent(&mut self, row: u32) -> Result<ParentCode> {
        self.step(row).map(Step::parent)
    }

    /// The id of a row's span.
    pub fn span_id(&mut self, row: u32) -> Result<u64> {
        let (segment, meta) = (self.blocks.segment, &*self.meta);
        let (block, index) = self.blocks.of(meta, row)?;
        let id = block.outline.span_id(&block.bytes, &meta.models, index);
        id.ok_or_else(|| segment.bad_block(block.offset, "no such row"))
    }

    /// The parent of a row whose parent is told by its id.
    pub fn explicit_parent(&mut self, row: u32) -> Result<u64> {
        let (segment, meta) = (self.blocks.segment, &*self.meta);
        let (block, index) = self.blocks.of(meta, row)?;
        let before = block.outline.steps.get(..index).unwrap_or_default();
        let before = before.iter().filter(|&&step| is_explicit(step)).count();
        let id = block.outline.explicit(&block.bytes, &meta.models, before);
        id.ok_or_else(|| segment.bad_block(block.offset, "no such parent"))
    }

    #[inline]
    fn step(&mut self, row: u32) -> Result<Step> {
        let (segment, meta) = (self.blocks.segment, &*self.meta);
        let (block, index) = self.blocks.of(meta, row)?;
        let step = block.outline.steps.get(index).copied();
        step.ok_or_else(|| segment.bad_block(block.offset, "no such row"))
    }

    /// Holds the block of the row last looked at, since it is about to be read.
    pub fn keep(&self) {
        if let Some((_, block)) = &self.blocks.open {
            self.blocks.segment.keep_block(block);
        }
    }
}

impl Blocks<'_> {
    /// A row's block, and its place in that.
    #[inline]
    fn of(&mut self, meta: &Meta, row: u32) -> Result<(&OpenBlock, usize)> {
        let (rows, block) = match self.open.take().filter(|(rows, _)| rows.contains(&row)) {
            Some(open) => self.open.insert(open),
            None => {
                let block_rows = self.segment.footer.block_rows;
                let (number, first) = (row / block_rows, row / block_rows * block_rows);
                self.opened = self.opened.saturating_add(1);
                let block = self.segment.open_block(meta, number, self.opened <= MAX_KEPT)?;
                self.open.insert((first..first.saturating_add(block_rows), block))
            }
        };
        Ok((block, (row - rows.start) as usize))
    }
}

impl<'a> Columns<'a> {
    /// The columns whose places in their block are `cells`.
    pub(super) const fn new(
        segment: &'a Segment,
        meta: &'a Meta,
        block: &'a OpenBlock,
        cells: Cells<'a>,
    ) -> Self {
        Self { segment, meta, block, cells }
    }

    /// The code of the row's template.
    #[inline]
    pub fn template(&self) -> u32 {
        self.cells.template()
    }

    /// The code of its resource.
    #[inline]
    pub fn resource(&self) -> Result<u32> {
        u32::try_from(self.int(RESOURCE)?).map_err(|_| self.bad())
    }

    /// Its end against its start, modulo 2^64.
    #[inline]
    pub fn duration(&self) -> Result<i64> {
        self.int(DURATION)
    }

    /// The number in a column.
    #[inline]
    pub fn int(&self, column: usize) -> Result<i64> {
        self.cells.int(column).ok_or_else(|| self.bad())
    }

    /// The bytes of the value in a column as it stands in memory: 8 of a number, of a text or bytes
    /// their own.
    pub(super) fn plain_bytes(&self, column: usize) -> Result<usize> {
        let model = self.cells.model.columns.get(column);
        if matches!(model, Some(ColumnModel::Int(_) | ColumnModel::Duration(_))) {
            return Ok(8);
        }
        match self.cell(column)? {
            Cell::Text(_) | Cell::Code(_) => Ok(self.text(column)?.as_str().len()),
            Cell::Record(record) => Ok(self.segment.record(record)?.len()),
        }
    }

    /// The text in a column.
    #[inline]
    pub fn text(&self, column: usize) -> Result<StrRef<'a>> {
        match self.cell(column)? {
            Cell::Text(text) => Ok(text),
            Cell::Code(code) => {
                let text = self.meta.text(self.cells.template(), column, code)?;
                text.map(StrRef::Shared).ok_or_else(|| self.bad())
            }
            Cell::Record(record) => {
                let record = self.segment.record(record)?;
                let text = std::str::from_utf8(&record).map_err(|_| self.bad())?;
                Ok(StrRef::Made(text.into()))
            }
        }
    }

    /// The code of the text in a column in the dictionary of its key, if that is how it is stored.
    /// All columns with this key have the same dictionary.
    #[inline]
    pub fn code(&self, column: usize) -> Result<Option<u32>> {
        let Some(ColumnModel::Codes { .. }) = self.cells.model.columns.get(column) else {
            return Ok(None);
        };
        Ok(match self.cell(column)? {
            Cell::Code(code) => Some(code),
            Cell::Text(_) | Cell::Record(_) => None,
        })
    }

    /// The value in a column that is not one of numbers, as it is stored.
    #[inline]
    pub(super) fn stored(&self, column: usize) -> Result<Stored<'a>> {
        Ok(match self.cell(column)? {
            Cell::Code(code) => Stored::Code(code),
            Cell::Text(text) => Stored::Text(text),
            Cell::Record(record) => Stored::Record(self.segment.record(record)?),
        })
    }

    /// The bytes in a column.
    pub fn blob(&self, column: usize) -> Result<Cow<'a, [u8]>> {
        match self.cell(column)? {
            Cell::Record(record) => Ok(Cow::Owned(self.segment.record(record)?.to_vec())),
            Cell::Text(_) | Cell::Code(_) => Err(self.bad()),
        }
    }

    #[inline]
    fn cell(&self, column: usize) -> Result<Cell<'a>> {
        self.cells.get(column).ok_or_else(|| self.bad())
    }

    /// The error for a value that cannot be.
    #[cold]
    pub(super) fn bad(&self) -> Error {
        self.segment.bad_block(self.block.offset, "a value at odds with its column")
    }
}
