//! A small filter over the traces of a group: most groups know nothing of most traces, and a
//! lookup asks them all.

use crate::base::checksum::hash64;

/// Bits for each trace: one in eight absent ones passes, and is searched for in vain.
const BITS_PER_TRACE: usize = 8;

/// Which low halves of trace ids a group may hold.
#[derive(Debug)]
pub struct LowFilter {
    /// A power of two of them.
    words: Box<[u64]>,
}

impl LowFilter {
    /// The filter over these low halves; equal neighbours count once.
    pub fn new(lows: impl Iterator<Item = u64> + Clone) -> Self {
        let mut last = None;
        let traces = lows.clone().filter(|low| last.replace(*low) != Some(*low)).count();
        let words = (traces * BITS_PER_TRACE).div_ceil(64).next_power_of_two();
        let mut filter = Self { words: vec![0; words].into() };
        last = None;
        for low in lows {
            if last.replace(low) == Some(low) {
                continue;
            }
            let (word, bit) = filter.place(low);
            if let Some(word) = filter.words.get_mut(word) {
                *word |= bit;
            }
        }
        filter
    }

    /// Whether spans of such a trace may be there; `false` is certain.
    pub fn may_contain(&self, low: u64) -> bool {
        let (word, bit) = self.place(low);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(&self, low: u64) -> (usize, u64) {
        let hash = hash64(&low.to_le_bytes());
        let word = (hash >> 6) as usize & (self.words.len() - 1);
        (word, 1 << (hash & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_passes_and_little_else() {
        let lows = || (0..1000u64).map(|n| n / 3 * 7);
        let filter = LowFilter::new(lows());
        assert!(lows().all(|low| filter.may_contain(low)));
        let passed = (10_000..20_000).filter(|&low| filter.may_contain(low)).count();
        assert!(passed < 2000, "{passed} of 10000 passed");
        assert!(!LowFilter::new(std::iter::empty()).may_contain(1));
    }
}
