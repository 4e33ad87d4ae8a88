//! Choosing a model for the integers of a column that is soon written anew: one scale, one look at
//! all values, and a second scale or a dictionary only where much is at stake.

use crate::block::bits::bit_length;
use crate::block::dict::IntDict;
use crate::block::fit::{cheaper, fit_codes, fit_lengths, priced, step_of_all};
use crate::block::ints::IntModel;
use crate::block::lengths::Lengths;
use crate::block::scale::Scale;

/// So few values get one width: any choice would cost more than it saves.
const FEW: usize = 12;

/// Values of so few bits get one width, too: a selector would take a third of what they do.
const NARROW_BITS: u32 = 3;

/// Below so many bits a value, or values, a column is not looked at again.
const DEAR_BITS: u64 = 6;
const DEAR_VALUES: usize = 64;

/// Two widths at most: four would save 0.2 % of a store that is soon written anew, and take longer to
/// choose, to write and to read.
const PLANES: &[u32] = &[1];

/// Values looked at for a low tail.
const SAMPLE: usize = 64;

/// Values of a dictionary at most, which are found one after the other.
const MAX_DICT: usize = 16;

/// A model of all values, and the bits that they take under it, its own size included.
pub(super) fn fit(values: &[i64]) -> (IntModel, u64) {
    let Some(&first) = values.first() else {
        return priced(IntModel::Const(0), 0);
    };
    let bounds = |(low, high): (i64, i64), &value: &i64| (low.min(value), high.max(value));
    let (least, most) = values.iter().fold((first, first), bounds);
    if least == most {
        return priced(IntModel::Const(first), 0);
    }
    let range = most.abs_diff(least);
    let scale = Scale::new(least, step_of_all(values));
    let width = scale.inverse().quotient(range).map_or(64, bit_length);
    if values.len() <= FEW || width <= NARROW_BITS {
        return priced(IntModel::Fixed { scale, width }, values.len() as u64 * u64::from(width));
    }
    let count = values.len() as u64;
    let best = fit_lengths(&Lengths::of(values, scale), scale, count, PLANES);
    if best.1 < DEAR_BITS * count || values.len() < DEAR_VALUES {
        return best;
    }
    if let Some(dict) = fit_dict(values) {
        return cheaper(best, dict);
    }
    match above_tail(values, scale) {
        Some(scale) => {
            cheaper(best, fit_lengths(&Lengths::of(values, scale), scale, count, PLANES))
        }
        None => best,
    }
}

/// A scale that begins above a few low values, if most others become shorter by it.
fn above_tail(values: &[i64], scale: Scale) -> Option<Scale> {
    let every = values.len().div_ceil(SAMPLE);
    let mut sample: Vec<i64> = values.iter().copied().step_by(every).collect();
    sample.sort_unstable();
    let base = *sample.get(sample.len() / 16 + 1)?;
    let most = *sample.get(sample.len() * 3 / 4)?;
    let length = |base: i64| bit_length(most.abs_diff(base));
    (length(base) < length(scale.base())).then(|| scale.with_base(base))
}

/// A dictionary, if a few values are all there are.
fn fit_dict(values: &[i64]) -> Option<(IntModel, u64)> {
    let mut counts: Vec<(i64, u64)> = Vec::with_capacity(MAX_DICT);
    for run in values.chunk_by(|a, b| a == b) {
        let value = *run.first()?;
        if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == value) {
            *count += run.len() as u64;
        } else if counts.len() < MAX_DICT {
            counts.push((value, run.len() as u64));
        } else {
            return None;
        }
    }
    counts.sort_unstable_by_key(|&(value, count)| (std::cmp::Reverse(count), value));
    let codes = fit_codes(&counts, PLANES);
    let dict = IntDict::new(counts.iter().map(|&(value, _)| value).collect(), codes.0)?;
    Some(priced(IntModel::Dict(Box::new(dict)), codes.1))
}
