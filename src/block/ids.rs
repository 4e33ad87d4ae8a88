//! How blocks keep span ids, and the parents that are told by id.
//!
//! Ids are random, and eight bytes each. Where they are not (counted up, or the same few in every
//! trace) both columns are integers under a model of fixed width for the whole segment, which
//! stands behind the words of section 1:
//! ```text
//! plain | span ids, 8 bytes each | parents, 8 bytes each |
//! coded | span ids, their width each | parents, theirs each | zero bits to a byte |
//! ```

use std::collections::HashMap;

use crate::block::bits::{BitWriter, bit_length, get_bits};
use crate::block::column::int_bits;
use crate::block::dict::IntDict;
use crate::block::ints::IntModel;
use crate::block::scale::Scale;
use crate::block::whim;

/// Different ids of a dictionary at most: looking for more would cost every flush.
const MAX_DISTINCT: usize = 1024;

/// Bits that an id of a dictionary takes there.
const DISTINCT_BITS: u64 = 72;

/// Ids are coded where that saves one bit in so many: plain ones are read in fewer steps.
const LEAST_GAIN: u64 = 8;

/// How ids are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// Eight bytes each, as OTLP carries them.
    #[default]
    Plain,
    /// Numbers under models of fixed width.
    Coded {
        /// Of the rows' ids.
        span: IntModel,
        /// Of the parents that are told by id.
        parent: IntModel,
    },
}

impl Ids {
    /// What takes the fewest bytes for the ids of a segment.
    pub fn fit(span_ids: &[u64], parents: &[u64]) -> Self {
        let (span, span_bits) = fit(span_ids);
        let (parent, parent_bits) = fit(parents);
        let plain = (span_ids.len() + parents.len()) as u64 * 64;
        match whim::take(span_bits + parent_bits < plain - plain / LEAST_GAIN) {
            true => Self::Coded { span, parent },
            false => Self::Plain,
        }
    }

    /// Appends the models; nothing for plain ids.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Self::Coded { span, parent } = self {
            span.write(out);
            parent.write(out);
        }
    }

    /// Reads what [`Self::write`] wrote, to the end.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        if input.is_empty() {
            return Some(Self::Plain);
        }
        let mut model = || IntModel::read(input).filter(|model| int_bits(model).is_some());
        Some(Self::Coded { span: model()?, parent: model()? })
    }

    /// The bytes that the ids of so many rows take, of which some have parents told by id.
    pub fn bytes(&self, rows: usize, parents: usize) -> Option<usize> {
        match self {
            Self::Plain => rows.checked_add(parents)?.checked_mul(8),
            Self::Coded { span, parent } => {
                let span = rows.checked_mul(int_bits(span)?)?;
                let parent = parents.checked_mul(int_bits(parent)?)?;
                Some(span.checked_add(parent)?.div_ceil(8))
            }
        }
    }

    /// Appends the ids of a block from a byte on, and to the end of one; `None` if one is of
    /// another segment.
    pub fn encode(&self, span_ids: &[u64], parents: &[u64], out: &mut BitWriter) -> Option<()> {
        match self {
            Self::Plain => {
                span_ids.iter().chain(parents).for_each(|id| out.put(id.swap_bytes(), 64));
            }
            Self::Coded { span, parent } => {
                for (model, ids) in [(span, span_ids), (parent, parents)] {
                    let numbers: Vec<i64> = ids.iter().map(|&id| id as i64).collect();
                    model.encode_run(&numbers, out)?;
                }
                out.align();
            }
        }
        Some(())
    }

    /// The id of a row, of ids that begin at byte `at`.
    #[inline]
    pub fn span_id(&self, block: &[u8], at: usize, row: usize) -> Option<u64> {
        match self {
            Self::Plain => plain(block, at, row),
            Self::Coded { span, .. } => coded(span, block, at * 8, row),
        }
    }

    /// The so-manieth parent told by id, behind the ids of so many rows.
    pub fn parent(&self, block: &[u8], at: usize, rows: usize, index: usize) -> Option<u64> {
        match self {
            Self::Plain => plain(block, at, rows + index),
            Self::Coded { span, parent } => {
                coded(parent, block, at * 8 + rows * int_bits(span)?, index)
            }
        }
    }
}

#[inline]
fn plain(block: &[u8], at: usize, index: usize) -> Option<u64> {
    get_bits(block, (at + index * 8) * 8, 64).map(u64::swap_bytes)
}

/// Values of fixed width do not depend on how many there are.
fn coded(model: &IntModel, block: &[u8], at: usize, index: usize) -> Option<u64> {
    model.get(block, at, index.checked_add(1)?, index).map(|number| number as u64)
}

/// The better of a dictionary and of a range, and the bits that it takes.
fn fit(ids: &[u64]) -> (IntModel, u64) {
    let numbers = || ids.iter().map(|&id| id as i64);
    let least = numbers().min().unwrap_or_default();
    let above = |number: i64| number.wrapping_sub(least) as u64;
    let width = bit_length(numbers().map(above).max().unwrap_or_default());
    let range_bits = u64::from(width) * ids.len() as u64;
    let range = match width {
        0 => IntModel::Const(least),
        _ => IntModel::Fixed { scale: Scale::new(least, 1), width },
    };
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for number in numbers() {
        *counts.entry(number).or_default() += 1;
        if counts.len() > MAX_DISTINCT {
            return (range, range_bits);
        }
    }
    let mut distinct: Vec<i64> = counts.into_keys().collect();
    distinct.sort_unstable();
    let code_width = bit_length(distinct.len().saturating_sub(1) as u64).max(1);
    let bits = u64::from(code_width) * ids.len() as u64 + DISTINCT_BITS * distinct.len() as u64;
    let codes = IntModel::Fixed { scale: Scale::new(0, 1), width: code_width };
    match IntDict::new(distinct, codes) {
        Some(dictionary) if bits < range_bits => (IntModel::Dict(Box::new(dictionary)), bits),
        _ => (range, range_bits),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids() -> impl Strategy<Value = Vec<u64>> {
        let id =
            prop_oneof![any::<u64>(), 0u64..9, Just(u64::MAX), (0u64..4).prop_map(|n| n << 62)];
        prop_oneof![
            prop::collection::vec(id, 0..60),
            prop::collection::vec(5u64..90, 0..60),
            prop::collection::vec(any::<u64>(), 0..20),
        ]
    }

    proptest! {
        #[test]
        fn p3_ids_come_back(span_ids in ids(), parents in ids(), whim in any::<Option<u64>>()) {
            let ids = whim::with(whim, || Ids::fit(&span_ids, &parents));
            let mut models = Vec::new();
            ids.write(&mut models);
            let mut input = models.as_slice();
            prop_assert_eq!(&Ids::read(&mut input).unwrap(), &ids);
            prop_assert!(input.is_empty());
            let mut out = BitWriter::new();
            out.put(0, 24);
            ids.encode(&span_ids, &parents, &mut out).unwrap();
            let bytes = out.into_bytes();
            prop_assert_eq!(bytes.len(), 3 + ids.bytes(span_ids.len(), parents.len()).unwrap());
            for (row, &id) in span_ids.iter().enumerate() {
                prop_assert_eq!(ids.span_id(&bytes, 3, row), Some(id));
            }
            for (index, &id) in parents.iter().enumerate() {
                prop_assert_eq!(ids.parent(&bytes, 3, span_ids.len(), index), Some(id));
            }
        }

        #[test]
        fn any_bytes_are_models_or_refused(bytes: Vec<u8>) {
            if let Some(ids) = Ids::read(&mut bytes.as_slice()) {
                let _ = (ids.bytes(9, 3), ids.span_id(&bytes, 1, 2), ids.parent(&bytes, 0, 3, 1));
            }
        }
    }

    #[test]
    fn few_ids_take_few_bits_and_random_ones_stay() {
        let few: Vec<u64> = (0..1000).map(|n| n % 12 + 1).collect();
        let odd: Vec<u64> = few.iter().map(|n| if n % 5 == 0 { u64::MAX } else { *n }).collect();
        assert_eq!(Ids::fit(&few, &odd).bytes(1000, 1000), Some(1000));
        let random: Vec<u64> =
            (1..5000u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        assert_eq!(Ids::fit(&random, few.get(..100).unwrap()), Ids::Plain);
    }
}
