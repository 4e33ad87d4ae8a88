//! A segment's blocks from its columns: in parts, which threads that have nothing else to do encode
//! side by side. Bytes do not depend on who encodes what.

use std::ops::Range;

use crate::base::error::{Error, Result};
use crate::block::apart::Kind;
use crate::block::bits::BitWriter;
use crate::block::encode::{BlockRows, encode_block};
use crate::block::models::{DURATION, Models, SPELLED};
use crate::block::structure::States;
use crate::block::vocabulary::WordCodes;
use crate::disk::executor::{Executor, Part};
use crate::segment::builder::SegmentBuilder;
use crate::segment::lineup::Lineup;
use crate::segment::packing::PackedTemplate;

/// Blocks of a part: a few milliseconds of work, against some microseconds for handing it over.
const PART_BLOCKS: usize = 16;

/// All that blocks are made of.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub b: &'a SegmentBuilder,
    pub columns: &'a [PackedTemplate],
    pub models: &'a Models,
    pub codes: &'a WordCodes<'a>,
    pub lineup: &'a Lineup,
}

/// Blocks that follow each other, and what stands before them.
struct Stretch {
    blocks: Range<usize>,
    /// How many rows of each template.
    done: Vec<usize>,
    /// How many records of pages.
    records: u64,
}

/// What became of a stretch.
#[derive(Default)]
pub(super) struct Encoded {
    pub bytes: Vec<u8>,
    /// Where each block ends in them.
    pub ends: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Encodes all blocks, whose first record of pages is `first_record`; in order.
    pub fn encode(self, first_record: u64, executor: &dyn Executor) -> Result<Vec<Encoded>> {
        let begins: Vec<u32> = self.lineup.traces.iter().map(|trace| trace.first_row).collect();
        let states = self.models.grammar.states();
        let stretches = self.stretches(first_record);
        let mut encoded: Vec<Result<Encoded>> =
            stretches.iter().map(|_| Ok(Encoded::default())).collect();
        let parts = stretches.into_iter().zip(&mut encoded).map(|(stretch, place)| -> Part<'_> {
            let (begins, states) = (begins.as_slice(), &states);
            Box::new(move || *place = self.encode_stretch(stretch, begins, states))
        });
        executor.share(parts.collect());
        encoded.into_iter().collect()
    }

    /// Hands the values that are records of pages to `record`, block by block.
    pub fn records(self, record: &mut dyn FnMut(Kind, &[u8]) -> Result<()>) -> Result<()> {
        let mut done = vec![0; self.columns.len()];
        if self.models.templates.iter().all(|model| model.layout.paged == 0) {
            return Ok(());
        }
        for block in 0..self.blocks() {
            let counts = self.counts(block);
            for (template, (packed, &count)) in (0..).zip(self.columns.iter().zip(&counts)) {
                let kind = if template == SPELLED { Kind::Span } else { Kind::Other };
                let begin = done.get(template as usize).copied().unwrap_or(0);
                for column in packed.columns.iter().filter(|column| column.is_paged()) {
                    let rows = begin..begin + count;
                    column.records(rows, &self.b.pools, &mut |bytes| record(kind, bytes))?;
                }
            }
            advance(&mut done, &counts);
        }
        Ok(())
    }

    fn blocks(self) -> usize {
        self.lineup.steps.len().div_ceil(self.b.options.block_rows)
    }

    fn rows(self, block: usize) -> Range<usize> {
        let first = block * self.b.options.block_rows;
        first..(first + self.b.options.block_rows).min(self.lineup.steps.len())
    }

    /// How many rows of each template a block has.
    fn counts(self, block: usize) -> Vec<usize> {
        let mut counts = vec![0usize; self.columns.len()];
        for step in self.lineup.steps.get(self.rows(block)).unwrap_or_default() {
            if let Some(count) = counts.get_mut(step.template() as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// How many records of pages a block with such counts has.
    fn count_records(self, counts: &[usize]) -> u64 {
        let models = self.models.templates.iter();
        models.zip(counts).map(|(model, count)| (model.layout.paged * count) as u64).sum()
    }

    fn stretches(self, mut records: u64) -> Vec<Stretch> {
        let mut done = vec![0; self.columns.len()];
        let mut stretches = Vec::new();
        for first in (0..self.blocks()).step_by(PART_BLOCKS) {
            let blocks = first..(first + PART_BLOCKS).min(self.blocks());
            stretches.push(Stretch { blocks: blocks.clone(), done: done.clone(), records });
            for block in blocks {
                let counts = self.counts(block);
                records += self.count_records(&counts);
                advance(&mut done, &counts);
            }
        }
        stretches
    }

    fn encode_stretch(self, stretch: Stretch, begins: &[u32], states: &States) -> Result<Encoded> {
        let Stretch { blocks, mut done, records: mut first_record } = stretch;
        let mut encoded = Encoded::default();
        for block in blocks {
            let counts = self.counts(block);
            self.encode_block(block, &counts, &done, (begins, states), first_record, &mut encoded)?;
            first_record += self.count_records(&counts);
            advance(&mut done, &counts);
        }
        Ok(encoded)
    }

    fn encode_block(
        self,
        number: usize,
        counts: &[usize],
        done: &[usize],
        (begins, states): (&[u32], &States),
        first_record: u64,
        encoded: &mut Encoded,
    ) -> Result<()> {
        let Self { b, columns, models, codes, lineup } = self;
        let rows = self.rows(number);
        let first_row = rows.start;
        let from = begins.partition_point(|&begin| (begin as usize) < rows.start);
        let to = begins.partition_point(|&begin| (begin as usize) < rows.end);
        let inside = begins.get(from..to).unwrap_or_default();
        let inside: Vec<u32> = inside.iter().map(|begin| begin - first_row as u32).collect();
        // The first row continues the trace before, unless it begins one.
        let first_ordinal = if inside.first() == Some(&0) { from } else { from.max(1) - 1 };
        let explicit = |number: usize| {
            lineup.explicit_before.get(number).copied().unwrap_or(lineup.explicit.len())
        };
        let mut durations = vec![Vec::new(); models.durations.len()];
        for ((packed, done), count) in columns.iter().zip(done).zip(counts) {
            let own = packed.columns.get(DURATION);
            let own = own.and_then(|column| column.durations_in(*done..*done + *count));
            if let Some((model, values)) = own
                && let Some(all) = durations.get_mut(model as usize)
            {
                all.extend_from_slice(values);
            }
        }
        let occurring = (0..).zip(counts).filter(|&(_, &count)| count > 0);
        let templates: Vec<u32> = occurring.map(|(template, _)| template).collect();
        let content = BlockRows {
            durations: &durations,
            states,
            steps: lineup.steps.get(rows.clone()).unwrap_or_default(),
            templates: &templates,
            begins: &inside,
            first_ordinal: first_ordinal as u32,
            span_ids: b.rows.span_id.get(rows).unwrap_or_default(),
            explicit: lineup
                .explicit
                .get(explicit(number)..explicit(number + 1))
                .unwrap_or_default(),
            first_record,
        };
        let runs = |template: u32, out: &mut BitWriter| {
            let index = template as usize;
            let (Some(packed), Some(model), Some(&done), Some(&count)) =
                (columns.get(index), models.get(template), done.get(index), counts.get(index))
            else {
                return Err(Error::invalid("a row of an unknown template"));
            };
            let columns = &packed.columns;
            let fixed = (0..columns.len()).filter(|c| !model.layout.variable.contains(c));
            for column in fixed.chain(model.layout.variable.iter().copied()) {
                if let Some(column) = columns.get(column) {
                    column.encode_run(done..done + count, &b.pools, codes, out)?;
                }
            }
            Ok(())
        };
        encode_block(models, &content, runs, &mut encoded.bytes)?;
        encoded.ends.push(encoded.bytes.len());
        Ok(())
    }
}

fn advance(done: &mut [usize], counts: &[usize]) {
    done.iter_mut().zip(counts).for_each(|(done, count)| *done += count);
}
