//! The columns of templates while a segment is being built.

use std::collections::HashMap;

use crate::base::bytes::is_same;
use crate::base::error::{Error, Result};
use crate::base::limits::MAX_TERM_BYTES;
use crate::block::dissection::{Differences, Scalar};
use crate::block::pool::Pool;
use crate::block::skeleton::SlotKind;
use crate::block::template::{Place, Slot};
use crate::block::whim;

/// Below so many different values a dictionary costs too little to ask whether they repeat.
const SMALL_DICTIONARY: u32 = 64;

/// The values of one slot, in the order of rows. While rows are added, a slot whose value is that of
/// the row before may fall behind: see [`SlotValues::fill`].
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

    /// The same, to add values to it.
    #[inline]
    pub fn get_mut(&mut self, pool: u32) -> Result<&mut Pool> {
        self.pools.get_mut(pool as usize).ok_or_else(out_of_step)
    }

    /// The number of a value in a pool.
    pub fn intern(&mut self, pool: u32, value: &[u8]) -> Result<u32> {
        self.get_mut(pool)?.intern(value)
    }

    /// The number of a value that is taken as new.
    pub fn append(&mut self, pool: u32, value: &[u8]) -> Result<u32> {
        self.get_mut(pool)?.append(value)
    }

    /// Checks the text in pools at once, so that reading a value as text costs little from now on.
    pub fn settle_texts(&mut self) {
        for (place, pool) in self.places.iter().zip(&mut self.pools) {
            if place.is_text() {
                pool.settle_text();
            }
        }
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
    whim::take(few) && !pool.is_unique_like()
}

/// The value of a column that has no other.
pub fn constant<T: Copy + PartialEq>(values: &[T]) -> Option<T> {
    // Most columns that vary do so early.
    let first = *values.first()?;
    values.iter().all(|value| *value == first).then_some(first)
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

    /// The value, or its number in the pool, if all rows have the same.
    pub fn constant(&self) -> Option<i64> {
        match self {
            Self::Ints(values) => constant(values),
            Self::Pooled { numbers, .. } => constant(numbers).map(i64::from),
        }
    }

    /// Repeats the last value up to so many rows, of which the pool is told. Most slots of most
    /// rows repeat their values, and a list is filled faster than it is added to.
    #[inline]
    pub fn fill(&mut self, rows: usize, pools: &mut Pools) -> Result<()> {
        match self {
            Self::Ints(values) => repeat_last(values, rows).map(drop),
            Self::Pooled { pool, numbers } => {
                let repeated = repeat_last(numbers, rows)?;
                pools.get_mut(*pool)?.saw_again(repeated);
                Ok(())
            }
        }
    }

    /// Memory held, about, once filled up to so many rows.
    pub fn memory_bytes(&self, rows: usize) -> usize {
        match self {
            Self::Ints(values) => values.capacity().max(rows) * 8,
            Self::Pooled { numbers, .. } => numbers.capacity().max(rows) * 4,
        }
    }
}

/// Repeats the last value until there are so many; how many were missing.
#[inline]
fn repeat_last<T: Copy>(values: &mut Vec<T>, count: usize) -> Result<usize> {
    let missing = count.saturating_sub(values.len());
    if missing > 0 {
        let last = *values.last().ok_or_else(out_of_step)?;
        values.resize(count, last);
    }
    Ok(missing)
}

/// Appends a row to the slots of its template.
#[derive(Debug)]
pub struct RowSink<'a> {
    /// The template's slots.
    pub slots: std::slice::IterMut<'a, SlotValues>,
    /// How many rows come before it.
    pub rows: usize,
    /// The segment's pools.
    pub pools: &'a mut Pools,
}

impl RowSink<'_> {
    /// Appends the values of the next slots.
    pub fn push_all(&mut self, values: &[Scalar<'_>]) -> Result<()> {
        for value in values {
            self.push(*value)?;
        }
        Ok(())
    }

    /// Appends a row that is told by what differs from the one before. So many slots come before
    /// those of attributes, and so many are those.
    pub fn push_differences(
        &mut self,
        differences: Differences<'_, '_>,
        (own, attributes): (usize, usize),
    ) -> Result<()> {
        let Differences { changed, attributes: values, tail } = differences;
        match tail {
            Some((values, _)) => self.push_all(values)?,
            None => self.pass(own),
        }
        let mut done = 0;
        for (change, value) in changed.iter().zip(values) {
            let number = change.number as usize;
            self.pass(number - done);
            self.push_changed(*value)?;
            done = number + 1;
        }
        match tail {
            Some((_, values)) => {
                self.pass(attributes - done);
                self.push_all(values)
            }
            None => Ok(()),
        }
    }

    /// Passes over so many slots, whose values are those of the row before.
    #[inline(always)]
    fn pass(&mut self, slots: usize) {
        if let Some(last) = slots.checked_sub(1) {
            self.slots.nth(last);
        }
    }

    /// Appends the value of the next slot, which differs from the last.
    #[inline(always)]
    fn push_changed(&mut self, value: Scalar<'_>) -> Result<()> {
        self.push_by(push_other, value)
    }

    /// Appends the value of the next slot.
    #[inline(always)]
    pub fn push(&mut self, value: Scalar<'_>) -> Result<()> {
        self.push_by(push_value, value)
    }

    /// Appends the value of the next slot, one of a pool by `pooled`.
    #[inline(always)]
    fn push_by(
        &mut self,
        pooled: impl FnOnce(&mut Pool, &mut Vec<u32>, &[u8]) -> Result<()>,
        value: Scalar<'_>,
    ) -> Result<()> {
        let mut slot = self.slots.next();
        if let Some(slot) = &mut slot {
            slot.fill(self.rows, self.pools)?;
        }
        match (slot, value) {
            (Some(SlotValues::Ints(values)), Scalar::Int(value)) => values.push(value),
            (Some(SlotValues::Pooled { pool, numbers }), Scalar::Bytes(value)) => {
                pooled(self.pools.get_mut(*pool)?, numbers, value)?;
            }
            _ => return Err(out_of_step()),
        }
        Ok(())
    }
}

/// Appends a value of a pool to a slot.
#[inline(always)]
pub fn push_value(pool: &mut Pool, numbers: &mut Vec<u32>, value: &[u8]) -> Result<()> {
    // Many slots repeat their last value: a compare is cheaper than a hash.
    match numbers.last() {
        Some(&last) if is_same(pool.get(last), value) => {
            pool.saw_again(1);
            numbers.push(last);
            Ok(())
        }
        _ => push_other(pool, numbers, value),
    }
}

#[inline(never)]
fn push_other(pool: &mut Pool, numbers: &mut Vec<u32>, value: &[u8]) -> Result<()> {
    numbers.push(pool.intern(value)?);
    Ok(())
}

#[cold]
fn out_of_step() -> Error {
    Error::invalid("a span that changed while it was read")
}
