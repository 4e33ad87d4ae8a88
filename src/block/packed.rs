//! Columns under their models, ready to be encoded block by block.

use std::ops::Range;

use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::block::bits::{BitWriter, bit_length};
use crate::block::column::ColumnModel;
use crate::block::forms::Forms;
use crate::block::ints::IntModel;
use crate::block::mining::Draft;
use crate::block::pattern::{Part, Pattern};
use crate::block::slots::{PoolUse, Pools, SlotValues, constant};
use crate::block::strings::StrModel;
use crate::block::template::Place;
use crate::block::vocabulary::WordCodes;
use crate::block::whim;

/// From so many codes on a column may share words with others instead of listing its own.
const MANY_CODES: usize = 32;
/// Numbers up to so many times as high as there are rows are counted in a table, others by sorting.
const DENSE: usize = 4;
/// Bits of a code in such a list, compressed.
const CODE_BITS: u64 = 13;

/// A column under its model.
#[derive(Debug)]
pub struct Packed {
    /// The model.
    pub model: ColumnModel,
    /// The numbers that the model packs, or the pool's numbers where it packs text or uses pages.
    pub values: SlotValues,
    /// The form of each row, where the model is one of several forms.
    forms: Vec<u16>,
    /// Of a column of codes.
    coded: Option<Coded>,
}

/// Where the codes of a column come from.
#[derive(Debug)]
struct Coded {
    /// The pool of its values.
    pool: u32,
    /// The pool's number of each code.
    numbers: Vec<u32>,
    /// Bits of all codes and of their model.
    bits: u64,
}

impl Packed {
    fn new(model: ColumnModel, values: SlotValues) -> Self {
        Self { model, values, forms: Vec::new(), coded: None }
    }

    /// A column of numbers.
    pub fn ints(values: Vec<i64>, effort: Effort) -> Self {
        let model = IntModel::fit(&values, effort);
        Self::new(ColumnModel::Int(model), SlotValues::Ints(values))
    }

    /// The durations of a template, under the segment's model of this number.
    pub fn durations(model: u32, values: Vec<i64>) -> Self {
        Self::new(ColumnModel::Duration(model), SlotValues::Ints(values))
    }

    /// Some durations of a column of such.
    pub fn durations_in(&self, range: Range<usize>) -> Option<(u32, &[i64])> {
        match (&self.model, &self.values) {
            (ColumnModel::Duration(model), SlotValues::Ints(values)) => {
                Some((*model, values.get(range)?))
            }
            _ => None,
        }
    }

    /// Fits a slot's values.
    pub fn fit(
        values: SlotValues,
        place: &Place,
        uses: &[PoolUse],
        pools: &Pools,
        effort: Effort,
    ) -> Self {
        let (pool, numbers) = match values {
            SlotValues::Ints(values) => return Self::ints(values, effort),
            SlotValues::Pooled { pool, numbers } => (pool, numbers),
        };
        match uses.get(pool as usize) {
            Some(PoolUse::Dictionary(ranks)) => {
                let rank = |number: u32| ranks.get(number as usize).copied().unwrap_or_default();
                let (locals, values) = localize(&numbers, rank);
                let (codes, bits) = IntModel::fit_with_bits(&values, effort);
                let coded = Some(Coded { pool, numbers: locals.clone(), bits });
                let locals = locals.iter().map(|&number| rank(number)).collect();
                let model = ColumnModel::Codes { locals, codes };
                Self { coded, ..Self::new(model, SlotValues::Ints(values)) }
            }
            Some(PoolUse::Shared(first)) => {
                let record = |&number: &u32| *first as i64 + i64::from(number);
                let values: Vec<i64> = numbers.iter().map(record).collect();
                let model = ColumnModel::Records(IntModel::fit(&values, effort));
                Self::new(model, SlotValues::Ints(values))
            }
            Some(PoolUse::Unique) | None => {
                let shape = match pools.get(pool) {
                    Some(pool) if place.is_text() => {
                        let texts: Vec<&str> = numbers.iter().map(|&n| pool.text(n)).collect();
                        whim::take(true)
                            .then(|| StrModel::classify(&texts, effort))
                            .flatten()
                            .map(|(model, _)| model)
                    }
                    _ => None,
                };
                let model = shape.map_or(ColumnModel::Paged, ColumnModel::Text);
                Self::new(model, SlotValues::Pooled { pool, numbers })
            }
        }
    }

    /// The texts of a column that has found no model yet.
    pub fn unfitted<'a>(&self, place: &Place, pools: &'a Pools) -> Option<Vec<&'a str>> {
        match &self.values {
            SlotValues::Pooled { pool, numbers }
                if place.is_text() && self.model == ColumnModel::Paged =>
            {
                let pool = pools.get(*pool)?;
                Some(numbers.iter().map(|&number| pool.text(number)).collect())
            }
            _ => None,
        }
    }

    /// The texts of a column of ids: UUIDs or hex digits and nothing else.
    pub fn ids<'a>(&self, pools: &'a Pools) -> Option<Vec<&'a str>> {
        match (&self.model, &self.values) {
            (
                ColumnModel::Text(StrModel::Pattern(pattern)),
                SlotValues::Pooled { pool, numbers },
            ) if pattern.is_id() => {
                let pool = pools.get(*pool)?;
                Some(numbers.iter().map(|&number| pool.text(number)).collect())
            }
            _ => None,
        }
    }

    /// The distinct texts of a column of codes that are so many that their list weighs, and how
    /// often each occurs.
    pub fn coded<'a>(&self, pools: &'a Pools) -> Option<Vec<(&'a str, u64)>> {
        let (Some(Coded { pool, numbers, .. }), SlotValues::Ints(values)) =
            (&self.coded, &self.values)
        else {
            return None;
        };
        let pool = pools.get(*pool).filter(|_| whim::take(numbers.len() >= MANY_CODES))?;
        let mut texts: Vec<(&str, u64)> = numbers.iter().map(|&n| (pool.text(n), 0)).collect();
        for &code in values {
            texts.get_mut(usize::try_from(code).ok()?)?.1 += 1;
        }
        Some(texts)
    }

    /// Stores such a column by the codes of words, if that is shorter than by codes of its own.
    pub fn recode(&mut self, texts: &[(&str, u64)], words: &WordCodes<'_>) {
        let (Some(Coded { pool, numbers, bits: own }), SlotValues::Ints(values)) =
            (&self.coded, &self.values)
        else {
            return;
        };
        let code_of: Option<Vec<i64>> = texts.iter().map(|(text, _)| words.code(text)).collect();
        let Some(code_of) = code_of else { return };
        let at = |&code: &i64| usize::try_from(code).ok();
        let coded: Option<Vec<i64>> = values.iter().map(|v| code_of.get(at(v)?).copied()).collect();
        let rows: Option<Vec<u32>> = values.iter().map(|v| numbers.get(at(v)?).copied()).collect();
        let (Some(coded), Some(rows)) = (coded, rows) else { return };
        let (model, bits) = IntModel::fit_with_bits(&coded, Effort::Thorough);
        if !whim::take(bits < own + numbers.len() as u64 * CODE_BITS) {
            return;
        }
        let pattern = Pattern::new(vec![Part::Word { whole: true, codes: model }]);
        if let Some(forms) = pattern.and_then(|pattern| Forms::new(vec![pattern])) {
            self.values = SlotValues::Pooled { pool: *pool, numbers: rows };
            self.model = ColumnModel::Text(StrModel::Forms(forms));
        }
    }

    /// Gives a column without a model the forms of a draft; it stays as it is if a text does not follow them.
    pub fn settle(&mut self, draft: Draft, texts: &[&str], codes: &WordCodes<'_>, effort: Effort) {
        if let Some(forms) = draft.settle(texts, codes, effort) {
            self.model = ColumnModel::Text(StrModel::Forms(forms));
            self.forms = draft.of_row;
        }
    }

    /// Whether its values are records of pages.
    pub fn is_paged(&self) -> bool {
        self.model == ColumnModel::Paged
    }

    /// Hands the values of the rows `range`, which are records of pages, to `record`.
    pub fn records(
        &self,
        range: Range<usize>,
        pools: &Pools,
        record: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let SlotValues::Pooled { pool, numbers } = &self.values else { return Err(misfit()) };
        let pool = pools.get(*pool).ok_or_else(misfit)?;
        let numbers = numbers.get(range).ok_or_else(misfit)?;
        numbers.iter().try_for_each(|&number| record(pool.get(number)))
    }

    /// Appends the run of the rows `range`; there is none of records of pages.
    pub fn encode_run(
        &self,
        range: Range<usize>,
        pools: &Pools,
        codes: &WordCodes<'_>,
        out: &mut BitWriter,
    ) -> Result<()> {
        match (&self.model, &self.values) {
            // They stand before all other runs of the block.
            (ColumnModel::Duration(_), _) => Ok(()),
            (ColumnModel::Paged, _) => Ok(()),
            // Fitting has seen that all values are the same, and nothing is to be written.
            (
                ColumnModel::Int(IntModel::Const(_))
                | ColumnModel::Codes { codes: IntModel::Const(_), .. },
                SlotValues::Ints(_),
            ) => Ok(()),
            (
                ColumnModel::Int(model)
                | ColumnModel::Records(model)
                | ColumnModel::Codes { codes: model, .. },
                SlotValues::Ints(values),
            ) => {
                let values = values.get(range).ok_or_else(misfit)?;
                model.encode_run(values, out).ok_or_else(misfit)
            }
            (ColumnModel::Text(model), SlotValues::Pooled { pool, numbers }) => {
                let pool = pools.get(*pool).ok_or_else(misfit)?;
                let forms = self.forms.get(range.clone()).unwrap_or_default();
                let numbers = numbers.get(range).ok_or_else(misfit)?;
                let mut texts: Vec<&[u8]> = numbers.iter().map(|&n| pool.get(n)).collect();
                model.encode_run(&mut texts, forms, codes, out).ok_or_else(misfit)
            }
            _ => Err(misfit()),
        }
    }
}

#[cold]
fn misfit() -> Error {
    Error::invalid("a value that its column's model does not hold")
}

/// Small codes for the numbers that occur, and each number's code: the frequent first, those about
/// as frequent (their counts have as many bits) by `rank`, so that a list of ranks has small gaps.
fn localize(numbers: &[u32], rank: impl Fn(u32) -> u32) -> (Vec<u32>, Vec<i64>) {
    if let Some(only) = constant(numbers) {
        return (vec![only], vec![0; numbers.len()]);
    }
    // The order in one number: how rare, then the rank, then the number itself.
    let key = |(number, count): (u32, u32)| {
        let rarity = u128::from(u32::BITS - bit_length(count.into()));
        rarity << 64 | u128::from(rank(number)) << 32 | u128::from(number)
    };
    let mut counted: Vec<u128> = count_each(numbers).into_iter().map(key).collect();
    counted.sort_unstable();
    let locals: Vec<u32> = counted.iter().map(|&key| key as u32).collect();
    let highest = locals.iter().copied().max().unwrap_or(0) as usize;
    if highest / DENSE <= numbers.len() {
        let mut codes = vec![0u32; highest + 1];
        for (&number, code) in locals.iter().zip(0..) {
            if let Some(place) = codes.get_mut(number as usize) {
                *place = code;
            }
        }
        let code = |&number: &u32| codes.get(number as usize).copied().unwrap_or(0).into();
        let values = numbers.iter().map(code).collect();
        return (locals, values);
    }
    let mut codes: Vec<(u32, i64)> = locals.iter().copied().zip(0..).collect();
    codes.sort_unstable();
    // Most rows have the value of the row before.
    let mut last = codes.first().copied().unwrap_or_default();
    let code = |&number: &u32| {
        if number != last.0 {
            let place = codes.binary_search_by_key(&number, |&(number, _)| number);
            last = place.ok().and_then(|place| codes.get(place).copied()).unwrap_or(last);
        }
        last.1
    };
    let values = numbers.iter().map(code).collect();
    (locals, values)
}

/// The numbers that occur, each with how often.
fn count_each(numbers: &[u32]) -> Vec<(u32, u32)> {
    let highest = numbers.iter().copied().max().unwrap_or(0) as usize;
    if highest / DENSE <= numbers.len() {
        let mut counts = vec![0u32; highest + 1];
        for &number in numbers {
            if let Some(count) = counts.get_mut(number as usize) {
                *count += 1;
            }
        }
        return (0..).zip(counts).filter(|&(_, count)| count > 0).collect();
    }
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a == b);
    runs.filter_map(|run| Some((*run.first()?, run.len() as u32))).collect()
}
