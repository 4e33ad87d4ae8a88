//! Choosing a model for the integers of a column.
//!
//! Every candidate is priced exactly, over all values, from a histogram of bit lengths; only the
//! candidates themselves (steps, bases) come from a sample when there are many values.

use crate::base::effort::Effort;
use crate::base::quick::QuickMap;
use crate::block::bits::bit_length;
use crate::block::classes::Classes;
use crate::block::dict::IntDict;
use crate::block::ints::IntModel;
use crate::block::lengths::{Lengths, best_widths};
use crate::block::rough_fit;
use crate::block::scale::Scale;
use crate::block::whim;

/// Values looked at to find candidates: enough to see a step or a tail of a few percent.
const SAMPLE: usize = 1024;

/// Of more values than these only the scales that suit the sample are priced.
const MANY: usize = 4 * SAMPLE;

/// Groups of four values that are asked for their step: a greatest common divisor takes some
/// hundred nanoseconds.
const STEP_GROUPS: usize = 16;

/// Bits by which most values must become shorter where many go into the raw class.
const FAR: u32 = 12;

/// A dictionary of more values than this costs more to search and keep than it saves.
const MAX_DICT: usize = 4096;

/// A model with few bits, with all effort the one with the fewest, and how many those are, its own size included.
pub fn fit(values: &[i64], effort: Effort) -> (IntModel, u64) {
    fit_with(values, &[1, 2], effort)
}

/// The same with at most two widths, so that a run has two stretches to read at most.
pub fn fit_two_widths(values: &[i64], effort: Effort) -> (IntModel, u64) {
    fit_with(values, &[1], effort)
}

fn fit_with(values: &[i64], planes: &[u32], effort: Effort) -> (IntModel, u64) {
    match effort {
        Effort::Quick => rough_fit::fit(values),
        Effort::Thorough => fit_by(values, planes),
    }
}

/// The same with selectors of so many planes.
fn fit_by(values: &[i64], planes: &[u32]) -> (IntModel, u64) {
    let Some(&first) = values.first() else {
        return priced(IntModel::Const(0), 0);
    };
    if values.iter().all(|&value| value == first) {
        return priced(IntModel::Const(first), 0);
    }
    let mut sample = sample(values);
    let steps = steps(values, &sample);
    sample.sort_unstable();
    let mut best = widest(values.len() as u64);
    for scale in likely(scales(values, &sample, &steps), values.len(), &sample, planes) {
        best = cheaper(best, fit_scale(values, scale, planes));
    }
    match fit_dict(values, &sample, best.1, planes) {
        Some(dict) => cheaper(best, dict),
        None => best,
    }
}

/// A model that holds anything.
fn widest(count: u64) -> (IntModel, u64) {
    let model = IntModel::Fixed { scale: Scale::new(0, 1), width: 64 };
    priced(model, 64 * count)
}

pub(super) fn priced(model: IntModel, run_bits: u64) -> (IntModel, u64) {
    let bits = run_bits + model.model_bits();
    (model, bits)
}

/// The first unless the second is cheaper: candidates come in the order of their cost of reading.
pub(super) fn cheaper(a: (IntModel, u64), b: (IntModel, u64)) -> (IntModel, u64) {
    if whim::take(b.1 < a.1) { b } else { a }
}

/// Up to [`SAMPLE`] values, spread by the golden ratio so that periodic data cannot hide.
fn sample(values: &[i64]) -> Vec<i64> {
    if values.len() <= SAMPLE {
        return values.to_vec();
    }
    let at = |i: u64| {
        let spread = u128::from(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        ((spread * values.len() as u128) >> 64) as usize
    };
    (0..SAMPLE as u64).filter_map(|i| values.get(at(i)).copied()).collect()
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Steps worth trying: the one that all values share, or one that most of the sample shares.
fn steps(values: &[i64], sample: &[i64]) -> Vec<u64> {
    match step_of_all(values) {
        1 => [usual_step(sample), Some(1)].into_iter().flatten().collect(),
        // A step is dearer to write down than none: with few values that can tip the scales.
        common if values.len() < 16 => vec![common, 1],
        common => vec![common],
    }
}

/// The step that all values share; not for values that are all the same.
pub(super) fn step_of_all(values: &[i64]) -> u64 {
    let first = values.first().copied().unwrap_or(0);
    let mut all = Scale::new(first, 1).inverse();
    let mut common = 0;
    for value in values {
        let distance = value.abs_diff(first);
        if common == 0 || all.quotient(distance).is_none() {
            common = gcd(common, distance);
            all = Scale::new(first, common).inverse();
        }
        if common == 1 {
            break;
        }
    }
    common
}

/// The step of a sample with outliers. Neighbours in it are arbitrary values: a group of four
/// without an outlier shows the step of the rest, or a small multiple of it.
fn usual_step(sample: &[i64]) -> Option<u64> {
    let groups = sample.chunks_exact(4).take(STEP_GROUPS);
    let step = |group: &[i64]| {
        let distances = group.windows(2).filter_map(|w| Some(w.first()?.abs_diff(*w.last()?)));
        distances.fold(0, gcd)
    };
    let mut found: Vec<u64> = groups.map(step).filter(|&step| step > 1).collect();
    found.sort_unstable();
    let same = found.chunk_by(|a, b| a == b).max_by_key(|same| same.len())?;
    (same.len() >= STEP_GROUPS / 4).then(|| same.first().copied())?
}

/// Scales worth trying: each step from the least value, and from above a low tail of several sizes.
fn scales(values: &[i64], sorted_sample: &[i64], steps: &[u64]) -> Vec<Scale> {
    let mut scales = Vec::new();
    for &step in steps {
        let phase = Scale::new(usual_phase(sorted_sample, step), step);
        let steps = phase.inverse();
        let on_step = |value: &&i64| steps.quotient(value.abs_diff(phase.base())).is_some();
        let Some(&least) = values.iter().filter(on_step).min() else { continue };
        scales.push(Scale::new(least, step));
        let usual: Vec<i64> = sorted_sample.iter().filter(on_step).copied().collect();
        let Some(&most) = usual.get(usual.len() * 3 / 4) else { continue };
        // Values below the base go into the raw class: worth it only for a few of them, and if
        // most others become shorter by it.
        let length = |base: i64| bit_length(most.abs_diff(base) / step);
        let mut shortest = length(least);
        let tails = [usual.len() / 200 + 1, usual.len() / 50, usual.len() / 15].map(|n| (n, 1));
        let tails = tails.into_iter().chain(widest_gap(&usual).map(|n| (n, FAR)));
        for (tail, gain) in tails {
            let base = usual.get(tail).copied();
            let base = base.filter(|&base| length(base) + gain <= shortest);
            if let Some(base) = base {
                shortest = length(base);
                scales.push(Scale::new(base, step));
            }
        }
    }
    scales
}

/// Which value stands behind the widest gap in the lowest quarter of a sorted sample.
fn widest_gap(sample: &[i64]) -> Option<usize> {
    let lowest = sample.get(..=sample.len() / 4)?;
    let gaps = lowest.windows(2).map(|pair| match pair {
        [a, b] => a.abs_diff(*b),
        _ => 0,
    });
    (1..).zip(gaps).max_by_key(|&(_, gap)| gap).map(|(behind, _)| behind)
}

/// Of scales of so many values the first, and the one that is cheapest for a sample; all where there
/// are few values.
fn likely(scales: Vec<Scale>, values: usize, sample: &[i64], planes: &[u32]) -> Vec<Scale> {
    if values <= MANY || scales.len() <= 2 {
        return scales;
    }
    let cost = |scale: &Scale| fit_scale(sample, *scale, planes).1;
    let mut scales = scales.into_iter();
    let first = scales.next();
    let others = scales.min_by_key(cost);
    first.into_iter().chain(others).collect()
}

/// A value whose remainder by `step` is that of most values (Boyer and Moore's majority vote).
fn usual_phase(sample: &[i64], step: u64) -> i64 {
    let (mut usual, mut votes) = (0i64, 0u32);
    for &value in sample {
        if votes == 0 {
            usual = value;
        }
        match value.abs_diff(usual) % step {
            0 => votes += 1,
            _ => votes -= 1,
        }
    }
    usual
}

/// The best model on this scale, priced over all values.
fn fit_scale(values: &[i64], scale: Scale, planes: &[u32]) -> (IntModel, u64) {
    fit_lengths(&Lengths::of(values, scale), scale, values.len() as u64, planes)
}

/// The same for so many values of these lengths.
pub(super) fn fit_lengths(
    lengths: &Lengths,
    scale: Scale,
    count: u64,
    planes: &[u32],
) -> (IntModel, u64) {
    let occurring = lengths.occurring();
    let mut best = widest(count);
    if let (0, Some(&(width, _))) = (lengths.off_scale, occurring.last()) {
        let width = width.max(1);
        best = priced(IntModel::Fixed { scale, width }, count * u64::from(width));
    }
    for &planes in planes {
        // Each plane costs popcounts on reading: it has to save some of what it costs in bits.
        let toll = count * u64::from(planes) / 32;
        let Some((widths, raw, bits)) = best_widths(&occurring, lengths.off_scale, 1 << planes)
        else {
            continue;
        };
        let Some(classes) = Classes::new(scale, &widths, raw) else { continue };
        let candidate = priced(IntModel::Classes(classes), bits + count * u64::from(planes));
        if candidate.1 + toll < best.1 {
            best = candidate;
        }
    }
    best
}

/// A dictionary of the distinct values, if they are few and cheaper than `limit` bits.
fn fit_dict(
    values: &[i64],
    sorted_sample: &[i64],
    limit: u64,
    planes: &[u32],
) -> Option<(IntModel, u64)> {
    let distinct = sorted_sample.chunk_by(|a, b| a == b).count();
    // Where a sample hardly repeats itself, the column does not either.
    if distinct > sorted_sample.len() / 2 || limit < 2 * values.len() as u64 {
        return None;
    }
    let mut counts: QuickMap<i64, u64> = QuickMap::default();
    for &value in values {
        *counts.entry(value).or_default() += 1;
        if counts.len() > MAX_DICT {
            return None;
        }
    }
    let mut by_count: Vec<(i64, u64)> = counts.into_iter().collect();
    by_count.sort_unstable_by_key(|&(value, count)| (std::cmp::Reverse(count), value));
    let codes = fit_codes(&by_count, planes);
    let dict = IntDict::new(by_count.iter().map(|&(value, _)| value).collect(), codes.0)?;
    Some(priced(IntModel::Dict(Box::new(dict)), codes.1))
}

/// The model of codes that follow the order of `by_count`, and the bits of all of them.
pub(super) fn fit_codes(by_count: &[(i64, u64)], planes: &[u32]) -> (IntModel, u64) {
    let mut occurring: Vec<(u32, u64)> = Vec::new();
    for (code, &(_, count)) in (0u64..).zip(by_count) {
        match occurring.last_mut() {
            Some((length, held)) if *length == bit_length(code) => *held += count,
            _ => occurring.push((bit_length(code), count)),
        }
    }
    let count: u64 = by_count.iter().map(|&(_, count)| count).sum();
    let scale = Scale::new(0, 1);
    let width = occurring.last().map_or(1, |&(length, _)| length.max(1));
    let mut best = (IntModel::Fixed { scale, width }, count * u64::from(width));
    for &planes in planes {
        let Some((widths, raw, bits)) = best_widths(&occurring, 0, 1 << planes) else { continue };
        let Some(classes) = Classes::new(scale, &widths, raw) else { continue };
        let bits = bits + count * u64::from(planes);
        if bits + count * u64::from(planes) / 32 < best.1 {
            best = (IntModel::Classes(classes), bits);
        }
    }
    best
}
