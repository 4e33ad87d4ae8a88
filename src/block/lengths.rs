//! How long the values of a column are, and the widths that suit them.

use crate::block::bits::bit_length;
use crate::block::scale::Scale;

/// How many values of a column have which bit length on a scale.
#[derive(Clone, Copy, Debug)]
pub struct Lengths {
    counts: [u64; 65],
    /// How many values are not on the scale.
    pub off_scale: u64,
}

impl Lengths {
    /// Those of `values`.
    pub fn of(values: &[i64], scale: Scale) -> Self {
        let mut lengths = Self { counts: [0; 65], off_scale: 0 };
        let scale = scale.inverse();
        for &value in values {
            match scale.index(value) {
                Some(n) => {
                    if let Some(count) = lengths.counts.get_mut(bit_length(n) as usize) {
                        *count += 1;
                    }
                }
                None => lengths.off_scale += 1,
            }
        }
        lengths
    }

    /// The lengths that occur, ascending, each with its count.
    pub fn occurring(&self) -> Vec<(u32, u64)> {
        (0..).zip(self.counts).filter(|&(_, count)| count > 0).collect()
    }

    /// Those of both columns.
    pub fn with(&self, other: &Self) -> Self {
        let mut sum = Self { off_scale: self.off_scale + other.off_scale, ..*self };
        for (count, more) in sum.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        sum
    }

    /// The fewest bits that the values take in one width or two.
    pub fn bits_in_two_widths(&self) -> u64 {
        let occurring = self.occurring();
        let count = self.off_scale + occurring.iter().map(|&(_, count)| count).sum::<u64>();
        let width = match self.off_scale {
            0 => occurring.last().map_or(0, |&(length, _)| length),
            _ => 64,
        };
        let two = best_widths(&occurring, self.off_scale, 2).map(|(_, _, bits)| bits + count);
        two.unwrap_or(u64::MAX).min(count * u64::from(width))
    }

    /// How many bits a value has on average, times 100.
    pub fn mean_centibits(&self) -> u64 {
        let occurring = self.occurring();
        let count: u64 = occurring.iter().map(|&(_, count)| count).sum();
        let bits: u64 = occurring.iter().map(|&(length, count)| u64::from(length) * count).sum();
        (bits * 100).checked_div(count).unwrap_or_default()
    }
}

/// The `classes` widths that take the fewest bits, whether the last is raw, and those bits.
/// Dynamic programming over the lengths that occur. `None` if fewer widths would do.
pub fn best_widths(
    occurring: &[(u32, u64)],
    off_scale: u64,
    classes: usize,
) -> Option<(Vec<u32>, bool, u64)> {
    let raw = off_scale > 0;
    let scaled = if raw { classes - 1 } else { classes };
    if occurring.len() < scaled {
        return None;
    }
    // cost[i]: the fewest bits for the i shortest lengths in the classes so far; from[class][i]:
    // how many of those lengths lie below the last of these classes.
    let mut cost = vec![u64::MAX; occurring.len() + 1];
    if let Some(none) = cost.first_mut() {
        *none = 0;
    }
    let mut from = Vec::new();
    for _ in 0..scaled {
        let mut next = vec![u64::MAX; cost.len()];
        let mut next_from = vec![0; cost.len()];
        for (below, &start) in cost.iter().enumerate().filter(|&(_, &start)| start < u64::MAX) {
            let mut held = 0;
            for (i, &(length, count)) in occurring.iter().enumerate().skip(below) {
                held += count;
                let bits = start + held * u64::from(length);
                if let (Some(n), Some(f)) = (next.get_mut(i + 1), next_from.get_mut(i + 1))
                    && bits < *n
                {
                    (*n, *f) = (bits, below);
                }
            }
        }
        cost = next;
        from.push(next_from);
    }
    let above = |i: usize| occurring.iter().skip(i).map(|&(_, count)| count).sum::<u64>();
    let ends = cost.iter().enumerate().filter(|&(i, &bits)| {
        // Without a raw class, all lengths must be held.
        bits < u64::MAX && (raw || i == occurring.len())
    });
    let priced = ends.map(|(i, &bits)| (bits + 64 * (above(i) + off_scale), i));
    let (bits, mut end) = priced.filter(|_| raw || off_scale == 0).min()?;
    let mut widths = if raw { vec![64] } else { Vec::new() };
    for from in from.iter().rev() {
        widths.push(occurring.get(end.checked_sub(1)?)?.0);
        end = *from.get(end)?;
    }
    widths.reverse();
    Some((widths, raw, bits))
}
