//! Lists of ordinals as unions of lists that are stored anyway: the traces of a service are those of
//! its operations, those of a method the traces of the operations that use it.
//!
//! Greedy set cover over the lists that lie within the one to be told (Chvátal 1979): not the
//! smallest cover, but one that is found in a few passes over bitmaps.

use crate::index::bits;

/// Segments of more traces keep lists by themselves: the search would cost more than it saves.
const MAX_TRACES: u32 = 1 << 16;
/// Lists that are tried at most.
const MAX_LISTS: usize = 512;
/// A list that covers fewer ordinals is not worth being named.
const LEAST_COVERED: u32 = 6;
/// Lists of one union: a reader adds up no more.
pub const MAX_PARTS: usize = 64;

/// The lists stored so far that may be part of others.
#[derive(Debug)]
pub struct Unions {
    traces: u32,
    lists: Vec<Stored>,
}

/// A list that is stored.
#[derive(Debug)]
struct Stored {
    /// Its place in the heap.
    at: usize,
    len: u32,
    bits: Vec<u64>,
}

/// A list as a union.
#[derive(Debug, PartialEq, Eq)]
pub struct Union {
    /// The places of its lists in the heap.
    pub lists: Vec<usize>,
    /// What no list holds.
    pub rest: Vec<u32>,
}

impl Unions {
    /// For a segment of so many traces.
    pub fn new(traces: u32) -> Self {
        Self { traces, lists: Vec::new() }
    }

    /// Remembers a list that is stored at a place of the heap.
    pub fn remember(&mut self, ordinals: &[u32], at: usize) {
        let is_worth = ordinals.len() >= LEAST_COVERED as usize && self.traces <= MAX_TRACES;
        if is_worth && self.lists.len() < MAX_LISTS {
            let bits = bits_of(ordinals, self.traces);
            self.lists.push(Stored { at, len: ordinals.len() as u32, bits });
        }
    }

    /// The union of stored lists, and some rest, that a list is; `None` if none is within it.
    pub fn find(&self, ordinals: &[u32]) -> Option<Union> {
        if ordinals.len() < LEAST_COVERED as usize || self.lists.is_empty() {
            return None;
        }
        let mut left = bits_of(ordinals, self.traces);
        let within = |stored: &&Stored| {
            stored.len as usize <= ordinals.len()
                && stored.bits.iter().zip(&left).all(|(a, b)| a & !b == 0)
        };
        let within = self.lists.iter().filter(within);
        // What a list covered when it was last counted; it never covers more later.
        let mut within: Vec<(u32, &Stored)> = within.map(|stored| (stored.len, stored)).collect();
        let mut lists = Vec::new();
        while lists.len() < MAX_PARTS {
            let (mut most, mut best) = (LEAST_COVERED - 1, None);
            for (covered, stored) in &mut within {
                if *covered > most {
                    let both = stored.bits.iter().zip(&left).map(|(a, b)| (a & b).count_ones());
                    *covered = both.sum();
                }
                if *covered > most {
                    (most, best) = (*covered, Some(*stored));
                }
            }
            let Some(best) = best else { break };
            lists.push(best.at);
            left.iter_mut().zip(&best.bits).for_each(|(left, own)| *left &= !own);
        }
        (!lists.is_empty()).then(|| {
            let mut rest = Vec::new();
            bits::take(&mut left, &mut rest);
            Union { lists, rest }
        })
    }
}

fn bits_of(ordinals: &[u32], traces: u32) -> Vec<u64> {
    let mut words = vec![0u64; traces.div_ceil(64) as usize];
    bits::set(&mut words, ordinals.iter().copied());
    words
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn list() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(0u32..150, 0..60)
    }

    proptest! {
        #[test]
        fn p5_a_union_is_the_list(
            stored in prop::collection::vec(list(), 0..6), picks in any::<u8>(), more in list(),
        ) {
            let mut unions = Unions::new(150);
            let lists: Vec<Vec<u32>> = stored.iter().map(|l| l.iter().copied().collect()).collect();
            for (at, list) in lists.iter().enumerate() {
                unions.remember(list, at);
            }
            let picked = stored.iter().enumerate().filter(|(n, _)| picks >> n & 1 == 1);
            let mut whole: BTreeSet<u32> = picked.flat_map(|(_, list)| list).copied().collect();
            whole.extend(more);
            let ordinals: Vec<u32> = whole.iter().copied().collect();
            if let Some(union) = unions.find(&ordinals) {
                let of_lists = union.lists.iter().flat_map(|&at| lists.get(at).unwrap()).copied();
                let all: BTreeSet<u32> = of_lists.chain(union.rest.iter().copied()).collect();
                prop_assert_eq!(all, whole);
                prop_assert!(union.rest.is_sorted_by(|a, b| a < b));
            }
        }
    }

    #[test]
    fn lists_that_make_up_another_are_found() {
        let mut unions = Unions::new(100);
        let lists: [Vec<u32>; 3] = [(0..40).collect(), (30..60).collect(), (50..99).collect()];
        for (list, at) in lists.iter().zip([0, 20, 40]) {
            unions.remember(list, at);
        }
        let union = unions.find(&(0..61).collect::<Vec<u32>>()).unwrap();
        assert_eq!(union, Union { lists: vec![0, 20], rest: vec![60] });
        assert_eq!(unions.find(&(0..20).collect::<Vec<u32>>()), None);
    }
}
