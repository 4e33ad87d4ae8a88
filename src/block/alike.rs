//! Which templates' durations are alike, so that they share a model.
//!
//! Operations of all kinds last about as long as some others. With a model for each template a
//! block of 512 rows holds some seventy runs of durations, of eight values each; with a model for
//! templates that are alike it holds a dozen. On the web shop of the benches the durations take 4 %
//! more bits by it.
//!
//! Templates stand in the order of how long their spans usually last; the two neighbours that
//! cost least together join, again and again, while joining costs less than what a model takes.

use std::collections::BTreeMap;

use crate::base::effort::Effort;
use crate::block::bits::bit_length;
use crate::block::fit::fit_two_widths;
use crate::block::ints::IntModel;
use crate::block::lengths::Lengths;
use crate::block::scale::Scale;
use crate::block::whim;

/// Models of a segment at most: each costs a byte and some time in every block. With sixteen the
/// durations of the benches' web shop would take 1 % fewer bits.
const MAX_MODELS: usize = 12;

/// Clocks tick in nanoseconds or in microseconds; coarser ones are told apart from the second no
/// more than templates of longer spans are.
const TICKS: [u64; 2] = [1_000, 1];

/// Values of a column that tell how long they are, where time counts.
const LOOKED_AT: usize = 64;

/// Bits that a model takes of the models' section, compressed, and of each block.
const MODEL_BITS: u64 = 64;
const COUNT_BITS: u64 = 8;

/// Templates that share a model.
struct Group {
    columns: Vec<usize>,
    /// How long the values are, by tick; apart, since groups are moved about.
    lengths: Box<[Lengths; TICKS.len()]>,
    /// What the values cost, by the best tick.
    bits: u64,
}

impl Group {
    fn of(column: usize, values: &[i64]) -> Self {
        let lengths = Box::new(TICKS.map(|tick| Lengths::of(values, Scale::new(0, tick))));
        let bits = price(&lengths);
        Self { columns: vec![column], lengths, bits }
    }

    /// Its place in the order: which clock, and how many bits a usual value has.
    fn rank(&self) -> (bool, u64) {
        let [coarse, fine] = &*self.lengths;
        let is_fine = fine.bits_in_two_widths() < coarse.bits_in_two_widths();
        (is_fine, if is_fine { fine.mean_centibits() } else { coarse.mean_centibits() })
    }

    fn lengths_with(&self, other: &Self) -> [Lengths; TICKS.len()] {
        let [coarse, fine] = &*self.lengths;
        let [other_coarse, other_fine] = &*other.lengths;
        [coarse.with(other_coarse), fine.with(other_fine)]
    }

    fn join(&mut self, other: Self) {
        *self.lengths = self.lengths_with(&other);
        self.bits = price(&self.lengths);
        self.columns.extend(other.columns);
    }
}

fn price(lengths: &[Lengths; TICKS.len()]) -> u64 {
    lengths.iter().map(Lengths::bits_in_two_widths).min().unwrap_or_default()
}

/// The bits that two groups cost together beyond what they cost apart.
fn joint_cost(a: &Group, b: &Group) -> u64 {
    price(&a.lengths_with(b)).saturating_sub(a.bits + b.bits)
}

/// The models of the durations in these columns, one of each template, which come to stand in so
/// many blocks; and for each column the number of its model.
pub fn share(columns: &[&[i64]], blocks: usize, effort: Effort) -> (Vec<IntModel>, Vec<u32>) {
    let groups = match effort {
        Effort::Quick => group_by_length(columns),
        Effort::Thorough => group_by_cost(columns, blocks),
    };
    let mut numbers = vec![0; columns.len()];
    let mut models = Vec::with_capacity(groups.len());
    for (number, group) in (0..).zip(groups) {
        let own = group.iter().filter_map(|&column| columns.get(column));
        let values = own.copied().collect::<Vec<_>>().concat();
        models.push(fit_two_widths(&values, effort).0);
        for column in group {
            if let Some(place) = numbers.get_mut(column) {
                *place = number;
            }
        }
    }
    (models, numbers)
}

/// Columns of the same clock whose values are about as long.
fn group_by_length(columns: &[&[i64]]) -> Vec<Vec<usize>> {
    let keys: Vec<(bool, u64)> = columns.iter().map(|values| length_of(values)).collect();
    for shift in 0.. {
        let mut groups: BTreeMap<(bool, u64), Vec<usize>> = BTreeMap::new();
        for (column, &(is_fine, bits)) in keys.iter().enumerate() {
            groups.entry((is_fine, bits >> shift)).or_default().push(column);
        }
        if groups.len() <= MAX_MODELS {
            return groups.into_values().collect();
        }
    }
    Vec::new()
}

/// Whether some values are no multiples of the coarser tick, and how many bits they have on average.
fn length_of(values: &[i64]) -> (bool, u64) {
    let every = values.len().div_ceil(LOOKED_AT).max(1);
    let some = || values.iter().step_by(every);
    let [coarse, fine] = TICKS.map(|tick| Scale::new(0, tick).inverse());
    let is_fine = some().any(|&value| coarse.index(value).is_none());
    let scale = if is_fine { fine } else { coarse };
    let bits = |&value: &i64| u64::from(bit_length(scale.index(value).unwrap_or(value as u64)));
    let sum: u64 = some().map(bits).sum();
    (is_fine, sum.checked_div(some().len() as u64).unwrap_or_default())
}

/// The same by what they cost together and apart.
fn group_by_cost(columns: &[&[i64]], blocks: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<Group> =
        columns.iter().enumerate().map(|(column, values)| Group::of(column, values)).collect();
    groups.sort_by_cached_key(Group::rank);
    let mut costs: Vec<u64> = groups.windows(2).map(pair_cost).collect();
    let worth = MODEL_BITS + COUNT_BITS * blocks as u64;
    while let Some((at, &least)) = costs.iter().enumerate().min_by_key(|&(_, cost)| cost) {
        if groups.len() <= MAX_MODELS && !whim::take(least <= worth) {
            break;
        }
        let joined = groups.remove(at + 1);
        costs.remove(at);
        if let Some(group) = groups.get_mut(at) {
            group.join(joined);
        }
        for pair in [at.checked_sub(1), Some(at)].into_iter().flatten() {
            if let (Some(cost), Some(two)) = (costs.get_mut(pair), groups.get(pair..pair + 2)) {
                *cost = pair_cost(two);
            }
        }
    }
    groups.into_iter().map(|group| group.columns).collect()
}

fn pair_cost(pair: &[Group]) -> u64 {
    match pair {
        [a, b] => joint_cost(a, b),
        _ => u64::MAX,
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::block::bits::BitWriter;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_value_fits_the_model_of_its_column(
            columns in prop::collection::vec(
                (prop::collection::vec(any::<u64>(), 0..20), 0u32..64), 1..40),
            blocks in 0usize..9,
            seed: Option<u64>,
            is_quick: bool,
        ) {
            let effort = if is_quick { Effort::Quick } else { Effort::Thorough };
            let columns: Vec<Vec<i64>> = columns
                .into_iter()
                .map(|(values, shift)| values.into_iter().map(|v| (v >> shift) as i64).collect())
                .collect();
            let slices: Vec<&[i64]> = columns.iter().map(Vec::as_slice).collect();
            let (models, numbers) = whim::with(seed, || share(&slices, blocks, effort));
            prop_assert!((1..=MAX_MODELS).contains(&models.len()));
            prop_assert_eq!(numbers.len(), columns.len());
            for (values, &number) in columns.iter().zip(&numbers) {
                models[number as usize].encode_run(values, &mut BitWriter::new()).unwrap();
            }
        }
    }

    #[test]
    fn what_is_alike_shares_a_model_and_what_is_not_does_not() {
        let micros = |step: i64, count: i64| -> Vec<i64> {
            (1..count).map(|i| i * step % 20_011 * 1000).collect()
        };
        let nanos: Vec<i64> = (0..3000).map(|i| i * 7919 % 30_011).collect();
        let columns = [micros(7, 3000), nanos.clone(), micros(11, 3000), nanos, Vec::new()];
        let slices: Vec<&[i64]> = columns.iter().map(Vec::as_slice).collect();
        for effort in [Effort::Quick, Effort::Thorough] {
            let (models, numbers) = share(&slices, 10, effort);
            assert!(models.len() <= 3);
            assert_eq!((numbers[0], numbers[1]), (numbers[2], numbers[3]));
            assert_ne!(numbers[0], numbers[1]);
        }
    }
}
