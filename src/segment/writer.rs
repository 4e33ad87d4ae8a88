//! Writes the file from its beginning: header, blocks, pages, and what follows.

use std::io;

use crate::base::error::{Error, Result};
use crate::block::apart::Kind;
use crate::block::bits::BitWriter;
use crate::block::encode::{BlockRows, encode_block};
use crate::block::models::{DURATION, Models, SPELLED};
use crate::block::pages::{PageDirectory, PageSizes, PageWriter};
use crate::block::slots::{PoolUse, Pools};
use crate::block::vocabulary::WordCodes;
use crate::segment::builder::SegmentBuilder;
use crate::segment::finish::io_error;
use crate::segment::footer::HEADER_BYTES;
use crate::segment::lineup::Lineup;
use crate::segment::packing::PackedTemplate;

/// The file being written, and its pages, which wait in memory until the blocks are out.
pub(super) struct Writer<'a> {
    out: &'a mut dyn io::Write,
    /// Bytes written so far.
    pub len: u64,
    pages: PageWriter,
    stored: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// `vocabulary` is what pages may repeat.
    pub fn new(
        out: &'a mut dyn io::Write,
        vocabulary: &[u8],
        sizes: PageSizes,
        level: i32,
    ) -> Result<Self> {
        let pages = PageWriter::after(vocabulary, sizes, level).map_err(io_error)?;
        Ok(Self { out, len: 0, pages, stored: Vec::new() })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.len += bytes.len() as u64;
        self.out.write_all(bytes).map_err(io_error)
    }

    /// Puts the values that rows share into pages.
    pub fn share_records(&mut self, mut uses: Vec<PoolUse>, pools: &Pools) -> Result<Vec<PoolUse>> {
        for (pool_use, (_, pool)) in uses.iter_mut().zip(pools.iter()) {
            if let PoolUse::Shared(first) = pool_use {
                *first = self.pages.records();
                for number in 0..pool.len() {
                    self.pages
                        .push(Kind::Other, pool.get(number), &mut self.stored)
                        .map_err(io_error)?;
                }
            }
        }
        Ok(uses)
    }

    /// Writes the blocks; where each ends.
    pub fn blocks(
        &mut self,
        b: &SegmentBuilder,
        columns: &[PackedTemplate],
        models: &Models,
        codes: &WordCodes<'_>,
        lineup: &Lineup,
    ) -> Result<Vec<u64>> {
        let begins: Vec<u32> = lineup.traces.iter().map(|trace| trace.first_row).collect();
        let states = models.grammar.states();
        let mut done = vec![0usize; columns.len()];
        let mut ends = Vec::new();
        let mut block = Vec::new();
        for (number, steps) in lineup.steps.chunks(b.options.block_rows).enumerate() {
            let first_row = number * b.options.block_rows;
            let rows = first_row..first_row + steps.len();
            let from = begins.partition_point(|&begin| (begin as usize) < rows.start);
            let to = begins.partition_point(|&begin| (begin as usize) < rows.end);
            let inside = begins.get(from..to).unwrap_or_default();
            let inside: Vec<u32> = inside.iter().map(|begin| begin - first_row as u32).collect();
            // The first row continues the trace before, unless it begins one.
            let first_ordinal = if inside.first() == Some(&0) { from } else { from.max(1) - 1 };
            let explicit = |number: usize| {
                lineup.explicit_before.get(number).copied().unwrap_or(lineup.explicit.len())
            };
            let mut counts = vec![0usize; columns.len()];
            for step in steps {
                if let Some(count) = counts.get_mut(step.template() as usize) {
                    *count += 1;
                }
            }
            let mut durations = vec![Vec::new(); models.durations.len()];
            for ((packed, done), count) in columns.iter().zip(&done).zip(&counts) {
                let own = packed.columns.get(DURATION);
                let own = own.and_then(|column| column.durations_in(*done..*done + *count));
                if let Some((model, values)) = own
                    && let Some(all) = durations.get_mut(model as usize)
                {
                    all.extend_from_slice(values);
                }
            }
            let occurring = (0..).zip(&counts).filter(|&(_, &count)| count > 0);
            let templates: Vec<u32> = occurring.map(|(template, _)| template).collect();
            let content = BlockRows {
                durations: &durations,
                states: &states,
                steps,
                templates: &templates,
                begins: &inside,
                first_ordinal: first_ordinal as u32,
                span_ids: b.rows.span_id.get(rows).unwrap_or_default(),
                explicit: lineup
                    .explicit
                    .get(explicit(number)..explicit(number + 1))
                    .unwrap_or_default(),
                first_record: self.pages.records(),
            };
            let (pages, stored) = (&mut self.pages, &mut self.stored);
            let runs = |template: u32, out: &mut BitWriter| {
                let kind = if template == SPELLED { Kind::Span } else { Kind::Other };
                let mut record =
                    |bytes: &[u8]| pages.push(kind, bytes, stored).map(drop).map_err(io_error);
                let index = template as usize;
                let (Some(packed), Some(model), Some(done), Some(&count)) = (
                    columns.get(index),
                    models.get(template),
                    done.get_mut(index),
                    counts.get(index),
                ) else {
                    return Err(Error::invalid("a row of an unknown template"));
                };
                let range = *done..*done + count;
                *done += count;
                let columns = &packed.columns;
                let fixed = (0..columns.len()).filter(|c| !model.layout.variable.contains(c));
                for column in fixed.chain(model.layout.variable.iter().copied()) {
                    if let Some(column) = columns.get(column) {
                        column.encode_run(range.clone(), &b.pools, codes, &mut record, out)?;
                    }
                }
                Ok(())
            };
            block.clear();
            encode_block(models, &content, runs, &mut block)?;
            self.write(&block)?;
            ends.push(self.len - HEADER_BYTES as u64);
        }
        Ok(ends)
    }

    /// Writes the pages.
    pub fn pages(&mut self) -> Result<PageDirectory> {
        let directory = self.pages.finish(&mut self.stored).map_err(io_error)?;
        let stored = std::mem::take(&mut self.stored);
        self.write(&stored)?;
        Ok(directory)
    }
}
