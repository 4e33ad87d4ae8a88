//! A block's outline: where each row's values lie. Opening it costs some nanoseconds a row; then
//! any value is read alone.

use std::hint::black_box;
use std::ops::Range;

use crate::base::checksum::crc32;
use crate::base::limits::MAX_DURATION_MODELS;
use crate::base::varint::{read_len, read_u64};
use crate::base::view::StrRef;
use crate::block::bits::get_bits;
use crate::block::classes::Run;
use crate::block::column::{ColumnModel, RunPlace};
use crate::block::durations::{self, Durations};
use crate::block::encode::{CRC_BYTES, begins_width, is_explicit};
use crate::block::ints::IntModel;
use crate::block::models::{DURATION, Models, TemplateModel};
use crate::block::structure::Step;
use crate::disk::bytes::ByteView;

/// Where the parts of a block lie, and which template each row has.
#[derive(Debug, Default)]
pub struct Outline {
    /// The ordinal of the trace of the first row.
    pub first_ordinal: u32,
    /// The rows that begin a trace, ascending.
    pub begins: Vec<u32>,
    /// The rows' steps.
    pub steps: Vec<Step>,
    /// Where its durations lie.
    durations: Durations,
    /// For each row its group and its place in it.
    members: Vec<(u16, u16)>,
    groups: Vec<Group>,
    /// Where the runs of variable width begin, group by group.
    variable: Vec<Run>,
    /// How many explicit parents there are.
    explicit: usize,
    /// The byte where ids begin.
    ids: usize,
    /// The first record in pages, and the one after the last.
    pub records: (u64, u64),
}

/// A block whose checksum was verified, and its outline.
#[derive(Debug)]
pub struct OpenBlock {
    /// Its bytes.
    pub bytes: ByteView,
    /// Where its parts lie.
    pub outline: Outline,
    /// Where it begins in the file.
    pub offset: u64,
}

impl OpenBlock {
    /// The memory it takes: the bytes, too, for they may be mapped or not.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.outline.memory_bytes()
    }

    /// Touches all of the block and the models of these rows, so that reading them finds all that
    /// in the processor's cache.
    ///
    /// A block that was not read for a while lies in main memory, and a trace's values all over
    /// it: to wait for each line in turn takes longer than all else of a lookup, while lines that
    /// do not depend on each other come twenty at a time.
    pub fn warm(&self, rows: Range<usize>, models: &Models) {
        let outline = &self.outline;
        let bytes = self.bytes.iter().step_by(LINE).fold(0, |sum, byte| sum ^ byte);
        let steps = touch(&outline.steps, |step| step.template());
        let members = touch(&outline.members, |member| member.0.into());
        let groups = touch(&outline.groups, |group| group.template);
        let runs = touch(&outline.variable, |run| run.at as u32);
        let groups = groups ^ members;
        let own = outline.steps.get(rows).unwrap_or_default();
        let models = own.iter().filter_map(|step| models.get(step.template()));
        let models = models.fold(0, |sum, model| sum ^ model.touch());
        black_box((bytes, steps ^ groups ^ runs ^ models));
    }
}

/// Bytes that come from memory at a time.
const LINE: usize = 64;

/// Touches every line of a list.
pub(super) fn touch<T>(list: &[T], of: impl Fn(&T) -> u32) -> u32 {
    list.iter().step_by((LINE / size_of::<T>()).max(1)).fold(0, |sum, item| sum ^ of(item))
}

/// The rows of one template in a block.
#[derive(Debug, Default)]
struct Group {
    template: u32,
    rows: usize,
    /// How many durations of its model stand before its own.
    durations: usize,
    /// The bit where its runs begin.
    at: usize,
    /// Where its runs of variable width are listed.
    variable: usize,
    /// Its first record in pages.
    record: u64,
}

/// The block's checksums hold: that of the durations, and that of all.
pub fn is_sound(block: &[u8]) -> bool {
    let Some((rest, stored)) = block.split_last_chunk::<CRC_BYTES>() else { return false };
    durations::sound_bytes(block).is_some() && crc32(rest) == u32::from_le_bytes(*stored)
}

impl Outline {
    /// Reads a block whose checksum was verified; `None` if it contradicts itself or the models.
    pub fn open(block: &[u8], models: &Models) -> Option<Self> {
        let durations = Durations::open(block, &models.durations)?;
        let rows = durations.rows;
        let mut rest = block.get(durations.end..)?;
        let begin_count = read_len(&mut rest).filter(|&count| count <= rows)?;
        let first_ordinal = u32::try_from(read_u64(&mut rest)?).ok()?;
        let first_record = read_u64(&mut rest)?;
        let at = (block.len() - rest.len()) * 8;
        let begins = read_begins(block, at, begin_count, rows)?;
        let mut outline = Self { first_ordinal, begins, durations, ..Self::default() };
        let width = begins_width(begin_count, rows);
        let at = at + width.map_or(rows, |width| begin_count * width as usize);
        let (steps, end) = models.grammar.decode(block, at, rows, &outline.begins)?;
        outline.ids = end.div_ceil(8);
        outline.explicit = steps.iter().filter(|&&step| is_explicit(step)).count();
        outline.steps = steps;
        outline.group_rows(models)?;
        outline.place_durations(models)?;
        outline.place_runs(block, models, first_record)?;
        Some(outline)
    }

    /// Sorts the rows into groups by template.
    fn group_rows(&mut self, models: &Models) -> Option<()> {
        // By template: first how many rows it has had, then the number of its group.
        let mut by_template = vec![0u16; models.templates.len()];
        self.members.reserve_exact(self.steps.len());
        for step in &self.steps {
            let rows = by_template.get_mut(step.template() as usize)?;
            self.members.push((0, *rows));
            *rows += 1;
        }
        for (template, rows) in (0..).zip(&mut by_template).filter(|(_, rows)| **rows > 0) {
            let group = self.groups.len() as u16;
            let rows = usize::from(std::mem::replace(rows, group));
            self.groups.push(Group { template, rows, ..Group::default() });
        }
        for (step, member) in self.steps.iter().zip(&mut self.members) {
            member.0 = *by_template.get(step.template() as usize)?;
        }
        Some(())
    }

    /// Finds the durations of each group in the run of its model.
    fn place_durations(&mut self, models: &Models) -> Option<()> {
        let mut placed = [0; MAX_DURATION_MODELS];
        for group in &mut self.groups {
            let ColumnModel::Duration(number) =
                models.get(group.template)?.columns.get(DURATION)?
            else {
                return None;
            };
            let before = placed.get_mut(*number as usize)?;
            group.durations = *before;
            *before += group.rows;
        }
        // Of each model as many as its templates have rows.
        let mut counts = (0..).zip(placed).map(|(model, rows)| (self.durations.run(model), rows));
        counts.all(|(run, rows)| run.is_none_or(|run| run.0 == rows)).then_some(())
    }

    fn place_runs(&mut self, block: &[u8], models: &Models, first_record: u64) -> Option<()> {
        let ids = models.ids.bytes(self.steps.len(), self.explicit)?;
        let mut at = self.ids.checked_add(ids)?.checked_mul(8)?;
        let mut record = first_record;
        for group in &mut self.groups {
            let model = models.get(group.template)?;
            group.at = at;
            group.record = record;
            group.variable = self.variable.len();
            at = at.checked_add(group.rows.checked_mul(model.layout.fixed_bits)?)?;
            for &column in &model.layout.variable {
                let (run, end) = model.columns.get(column)?.open(block, at, group.rows)?;
                self.variable.push(run);
                at = end;
            }
            let records = group.rows.checked_mul(model.layout.paged)?;
            record = record.checked_add(records as u64)?;
        }
        self.records = (first_record, record);
        (at.div_ceil(8).checked_add(CRC_BYTES)? == block.len()).then_some(())
    }

    /// What each column of each template takes here: template, column, rows, bits.
    pub fn sizes(&self, block: &[u8], models: &Models) -> Vec<(u32, usize, usize, usize)> {
        let mut sizes = Vec::new();
        for group in &self.groups {
            let Some(model) = models.get(group.template) else { continue };
            for (column, column_model) in model.columns.iter().enumerate() {
                let fixed = column_model.fixed_bits().map(|bits| bits * group.rows);
                let bits = match column_model {
                    ColumnModel::Duration(number) => {
                        self.duration_bits(block, models, group, *number)
                    }
                    _ => fixed,
                };
                let bits = bits.or_else(|| {
                    let nth = model.layout.variable.iter().position(|&c| c == column)?;
                    let run = self.variable.get(group.variable + nth)?;
                    column_model.run_bits(block, run.at, group.rows)
                });
                sizes.push((group.template, column, group.rows, bits.unwrap_or_default()));
            }
        }
        sizes
    }

    /// The bits that a group's durations take, their selectors included.
    fn duration_bits(
        &self,
        block: &[u8],
        models: &Models,
        group: &Group,
        number: u32,
    ) -> Option<usize> {
        let (count, run) = self.durations.run(number)?;
        let own = group.durations..group.durations + group.rows;
        models.durations.get(number as usize)?.bits_of(block, run, *count, own)
    }

    /// Where its durations lie.
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.steps.len()
    }

    /// The memory it takes, about.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.begins.len() * 4
            + self.steps.len() * 8
            + self.groups.len() * size_of::<Group>()
            + self.variable.len() * size_of::<Run>()
            + self.durations.memory_bytes()
    }

    /// The id of a row.
    #[inline]
    pub fn span_id(&self, block: &[u8], models: &Models, row: usize) -> Option<u64> {
        models.ids.span_id(block, self.ids, row)
    }

    /// The so-manieth explicit parent.
    pub fn explicit(&self, block: &[u8], models: &Models, index: usize) -> Option<u64> {
        models.ids.parent(block, self.ids, self.steps.len(), index)
    }

    /// The columns of a row.
    #[inline]
    pub fn cells<'a>(
        &'a self,
        block: &'a [u8],
        models: &'a Models,
        row: usize,
    ) -> Option<Cells<'a>> {
        let &(group, index) = self.members.get(row)?;
        let group = self.groups.get(usize::from(group))?;
        let model = models.get(group.template)?;
        Some(Cells { outline: self, block, models, model, group, index: usize::from(index) })
    }
}

/// The columns of one row.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    outline: &'a Outline,
    block: &'a [u8],
    models: &'a Models,
    /// The row's template.
    pub model: &'a TemplateModel,
    group: &'a Group,
    index: usize,
}

/// One value, as far as the block alone can tell.
#[derive(Debug)]
pub enum Cell<'a> {
    /// A value of the key's dictionary.
    Code(u32),
    /// A page record.
    Record(u64),
    /// Text.
    Text(StrRef<'a>),
}

impl<'a> Cells<'a> {
    /// The run of a column; for one in pages, its first record.
    #[inline]
    fn run(&self, column: usize) -> Option<Run> {
        Some(match self.model.layout.places.get(column)? {
            RunPlace::Fixed(before) => Run::plain(self.group.at + before * self.group.rows),
            RunPlace::Variable(nth) => *self.outline.variable.get(self.group.variable + nth)?,
            RunPlace::Paged(nth) => Run::plain(nth * self.group.rows),
        })
    }

    /// The code of the row's template.
    pub fn template(&self) -> u32 {
        self.group.template
    }

    /// The number in a column; `None` if it is not one of numbers, or does not hold.
    #[inline]
    pub fn int(&self, column: usize) -> Option<i64> {
        match self.model.columns.get(column)? {
            ColumnModel::Int(IntModel::Const(all)) => Some(*all),
            ColumnModel::Int(model) => self.number(model, column),
            ColumnModel::Duration(number) => self.duration(*number),
            _ => None,
        }
    }

    #[inline]
    fn duration(&self, number: u32) -> Option<i64> {
        let (count, run) = self.outline.durations.run(number)?;
        let model = self.models.durations.get(number as usize)?;
        model.get_in(self.block, run, *count, self.group.durations + self.index)
    }

    #[inline]
    fn number(&self, model: &IntModel, column: usize) -> Option<i64> {
        model.get_in(self.block, &self.run(column)?, self.group.rows, self.index)
    }

    /// The value in a column that is not one of numbers.
    #[inline]
    pub fn get(&self, column: usize) -> Option<Cell<'a>> {
        Some(match self.model.columns.get(column)? {
            ColumnModel::Int(_) | ColumnModel::Duration(_) => return None,
            ColumnModel::Codes { locals, codes } => {
                let local = usize::try_from(self.number(codes, column)?).ok()?;
                Cell::Code(*locals.get(local)?)
            }
            ColumnModel::Records(model) => {
                Cell::Record(u64::try_from(self.number(model, column)?).ok()?)
            }
            ColumnModel::Text(model) => {
                let (run, rows) = (self.run(column)?, self.group.rows);
                Cell::Text(model.get(self.block, run.at, rows, self.index, &self.models.words)?)
            }
            ColumnModel::Paged => {
                let record = self.run(column)?.at + self.index;
                Cell::Record(self.group.record.checked_add(record as u64)?)
            }
        })
    }
}

fn read_begins(block: &[u8], at: usize, count: usize, rows: usize) -> Option<Vec<u32>> {
    let begins: Vec<u32> = match begins_width(count, rows) {
        Some(width) => (0..count)
            .map(|i| get_bits(block, at + i * width as usize, width).map(|row| row as u32))
            .collect::<Option<_>>()?,
        None => {
            let mut begins = Vec::with_capacity(count);
            for row in 0..rows {
                if get_bits(block, at + row, 1)? == 1 {
                    begins.push(row as u32);
                }
            }
            begins
        }
    };
    let ascending = begins.windows(2).all(|pair| pair.first() < pair.last());
    let inside = begins.last().is_none_or(|&last| (last as usize) < rows);
    (ascending && inside && begins.len() == count).then_some(begins)
}
