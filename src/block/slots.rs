//! The columns of templates while a segment is being built, and the models fitted to them.

use std::collections::HashMap;

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_TERM_BYTES;
use crate::block::bits::BitWriter;
use crate::block::column::ColumnModel;
use crate::block::ints::IntModel;
use crate::block::pool::Pool;
use crate::block::skeleton::{SlotKind, SlotSink, ValueType};
use crate::block::strings::StrModel;
use crate::block::template::{Place, Slot};

/// Below so many different values a dictionary costs too little to ask whether they repeat.
const SMALL_DICTIONARY: u32 = 64;

/// The values of one slot, in the order of rows.
#[derive(Debug)]
pub enum SlotValues {
    /// Numbers.
    Ints(Vec<i64>),
    /// Numbers of the values in a pool.
    Pooled {
        /// Which pool.
        pool: u32,
        /// The values.
        numbers: Vec<u32>,
    },
}

/// The pools of a segment: one for each attribute key and type, and for each other kind of text.
#[derive(Debug, Default)]
pub struct Pools {
    pools: Vec<Pool>,
    places: Vec<Place>,
    by_place: HashMap<Place, u32>,
}

/// How the values of a pool are stored.
#[derive(Clone, Debug)]
pub enum PoolUse {
    /// In the dictionary of their key: the dictionary's code of each value.
    Dictionary(Vec<u32>),
    /// As page records that rows share, from this record on.
    Shared(u64),
    /// By each slot for itself: they hardly repeat.
    Unique,
}

impl Pools {
    /// The pool of the values at `place`.
    pub fn at(&mut self, place: &Place) -> u32 {
        if let Some(&pool) = self.by_place.get(place) {
            return pool;
        }
        let pool = self.pools.len() as u32;
        self.pools.push(Pool::default());
        self.places.push(place.clone());
        self.by_place.insert(place.clone(), pool);
        pool
    }

    /// The pool with this number.
    pub fn get(&self, pool: u32) -> Option<&Pool> {
        self.pools.get(pool as usize)
    }

    /// The number of a value in a pool.
    pub fn intern(&mut self, pool: u32, value: &[u8]) -> Result<u32> {
        let pool = self.pools.get_mut(pool as usize);
        pool.ok_or_else(out_of_step).and_then(|pool| pool.intern(value))
    }

    /// The number of a value that is taken as new.
    pub fn append(&mut self, pool: u32, value: &[u8]) -> Result<u32> {
        let pool = self.pools.get_mut(pool as usize);
        pool.ok_or_else(out_of_step).and_then(|pool| pool.append(value))
    }

    /// All pools and what they hold.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, &Pool)> {
        self.places.iter().zip(&self.pools)
    }

    /// Memory held, about.
    pub fn memory_bytes(&self) -> usize {
        self.pools.iter().map(|pool| pool.memory_bytes() + 200).sum()
    }
}

/// Whether the values of `pool` are worth a dictionary, as terms or for rows to share.
pub fn repeats(pool: &Pool) -> bool {
    let few = pool.len() <= SMALL_DICTIONARY || (pool.len() as usize) * 2 <= pool.seen();
    few && !pool.is_unique_like()
}

/// Whether the values of a pool of text are short enough to be terms of the tag index.
pub fn is_term(pool: &Pool) -> bool {
    pool.longest() <= MAX_TERM_BYTES
}

impl SlotValues {
    /// No values yet.
    pub fn new(slot: &Slot, pools: &mut Pools) -> Self {
        match slot.kind {
            SlotKind::Int => Self::Ints(Vec::new()),
            SlotKind::Text | SlotKind::Blob => {
                Self::Pooled { pool: pools.at(&slot.place), numbers: Vec::new() }
            }
        }
    }

    /// Memory held, about.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Ints(values) => values.capacity() * 8,
            Self::Pooled { numbers, .. } => numbers.capacity() * 4,
        }
    }

    fn push_pooled(&mut self, value: &[u8], pools: &mut Pools) -> Result<()> {
        let Self::Pooled { pool, numbers } = self else { return Err(out_of_step()) };
        let pool = pools.pools.get_mut(*pool as usize).ok_or_else(out_of_step)?;
        // Many slots repeat their last value: a compare is cheaper than a hash.
        if let Some(&last) = numbers.last()
            && pool.get(last) == value
        {
            pool.saw_again();
            numbers.push(last);
            return Ok(());
        }
        numbers.push(pool.intern(value)?);
        Ok(())
    }
}

fn out_of_step() -> Error {
    Error::invalid("a span that changed while it was read")
}

/// Appends a row to the slots of its template.
#[derive(Debug)]
pub struct RowSink<'a> {
    /// The template's slots.
    pub slots: std::slice::IterMut<'a, SlotValues>,
    /// The segment's pools.
    pub pools: &'a mut Pools,
    /// The first failure.
    pub outcome: Result<()>,
}

impl RowSink<'_> {
    fn pooled(&mut self, value: &[u8]) {
        let pushed = match self.slots.next() {
            Some(slot) => slot.push_pooled(value, self.pools),
            None => Err(out_of_step()),
        };
        if self.outcome.is_ok() {
            self.outcome = pushed;
        }
    }
}

impl SlotSink for RowSink<'_> {
    #[inline]
    fn int(&mut self, value: i64) {
        match self.slots.next() {
            Some(SlotValues::Ints(values)) => values.push(value),
            _ => self.outcome = Err(out_of_step()),
        }
    }

    #[inline]
    fn text(&mut self, value: &str) {
        self.pooled(value.as_bytes());
    }

    fn blob(&mut self, value: &[u8]) {
        self.pooled(value);
    }
}

/// A column under its model, ready to be encoded block by block.
#[derive(Debug)]
pub struct Packed {
    /// The model.
    pub model: ColumnModel,
    /// The numbers that the model packs, or the pool's numbers where it packs text or uses pages.
    pub values: SlotValues,
}

impl Packed {
    /// A column of numbers.
    pub fn ints(values: Vec<i64>) -> Self {
        Self { model: ColumnModel::Int(IntModel::fit(&values)), values: SlotValues::Ints(values) }
    }

    /// Fits a slot's values.
    pub fn fit(values: SlotValues, place: &Place, uses: &[PoolUse], pools: &Pools) -> Self {
        let (pool, numbers) = match values {
            SlotValues::Ints(values) => return Self::ints(values),
            SlotValues::Pooled { pool, numbers } => (pool, numbers),
        };
        match uses.get(pool as usize) {
            Some(PoolUse::Dictionary(ranks)) => {
                let (locals, values) = localize(&numbers);
                let codes = IntModel::fit(&values);
                let rank = |&number: &u32| ranks.get(number as usize).copied().unwrap_or_default();
                let locals = locals.iter().map(rank).collect();
                let model = ColumnModel::Codes { locals, codes };
                Self { model, values: SlotValues::Ints(values) }
            }
            Some(PoolUse::Shared(first)) => {
                let record = |&number: &u32| *first as i64 + i64::from(number);
                let values: Vec<i64> = numbers.iter().map(record).collect();
                let model = ColumnModel::Records(IntModel::fit(&values));
                Self { model, values: SlotValues::Ints(values) }
            }
            Some(PoolUse::Unique) | None => {
                let shape = match (place, pools.get(pool)) {
                    (Place::Attribute(_, _, ValueType::Str) | Place::StatusMessage, Some(pool)) => {
                        let texts: Vec<&str> = numbers.iter().map(|&n| pool.text(n)).collect();
                        StrModel::classify(&texts).map(|(model, _)| model)
                    }
                    _ => None,
                };
                let model = shape.map_or(ColumnModel::Paged, ColumnModel::Text);
                Self { model, values: SlotValues::Pooled { pool, numbers } }
            }
        }
    }

    /// Appends the run of the rows `range`; `record` takes what goes into pages.
    pub fn encode_run(
        &self,
        range: std::ops::Range<usize>,
        pools: &Pools,
        record: &mut dyn FnMut(&[u8]) -> Result<()>,
        out: &mut BitWriter,
    ) -> Result<()> {
        let misfit = || Error::invalid("a value that its column's model does not hold");
        match (&self.model, &self.values) {
            (
                ColumnModel::Int(model)
                | ColumnModel::Records(model)
                | ColumnModel::Codes { codes: model, .. },
                SlotValues::Ints(values),
            ) => {
                let values = values.get(range).ok_or_else(misfit)?;
                model.encode_run(values, out).ok_or_else(misfit)
            }
            (model, SlotValues::Pooled { pool, numbers }) => {
                let pool = pools.get(*pool).ok_or_else(misfit)?;
                let numbers = numbers.get(range).ok_or_else(misfit)?;
                if let ColumnModel::Text(model) = model {
                    let texts: Vec<&str> = numbers.iter().map(|&n| pool.text(n)).collect();
                    return model.encode_run(&texts, out).ok_or_else(misfit);
                }
                numbers.iter().try_for_each(|&number| record(pool.get(number)))
            }
            _ => Err(misfit()),
        }
    }
}

/// Small codes for the numbers that occur, the most frequent first; and each number's code.
fn localize(numbers: &[u32]) -> (Vec<u32>, Vec<i64>) {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let mut counted: Vec<(usize, u32)> = Vec::new();
    for run in sorted.chunk_by(|a, b| a == b) {
        counted.extend(run.first().map(|&number| (run.len(), number)));
    }
    counted.sort_unstable_by_key(|&(count, number)| (std::cmp::Reverse(count), number));
    let locals: Vec<u32> = counted.iter().map(|&(_, number)| number).collect();
    let mut codes: Vec<(u32, i64)> = locals.iter().copied().zip(0..).collect();
    codes.sort_unstable();
    let code = |number: &u32| {
        let place = codes.binary_search_by_key(number, |&(number, _)| number);
        place.ok().and_then(|place| codes.get(place)).map_or(0, |&(_, code)| code)
    };
    let values = numbers.iter().map(code).collect();
    (locals, values)
}
