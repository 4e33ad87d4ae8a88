//! Builds the posting lists of a segment: see [`crate::index::postings`] for their forms.

use roaring::RoaringBitmap;

use crate::base::checksum::hash128;
use crate::base::effort::Effort;
use crate::base::quick::QuickMap;
use crate::base::varint::write_u64;
use crate::block::bits::BitWriter;
use crate::block::whim;
use crate::index::postings::{COMPLEMENT, FORM_BITSET, FORM_RICE, FORM_ROARING, FORM_UNION};
use crate::index::unions::{Union, Unions};

/// Bytes of a roaring bitmap with one run container, its runs left out.
const ROARING_HEADER: usize = 11;

/// Lists of fewer bytes are not worth looking for unions.
const LEAST_UNION: usize = 10;

/// Collects the posting lists of one segment.
#[derive(Debug)]
pub struct PostingsBuilder {
    traces: u32,
    heap: Vec<u8>,
    /// Where lists of this hash stand in the heap, and their lengths; compared before use.
    seen: QuickMap<u128, (usize, usize)>,
    /// What lists may be unions of, if that is looked for.
    unions: Option<Unions>,
}

impl PostingsBuilder {
    /// For a segment of so many traces.
    pub fn new(traces: u32, effort: Effort) -> Self {
        let unions = (effort == Effort::Thorough).then(|| Unions::new(traces));
        Self { traces, heap: Vec::new(), seen: QuickMap::default(), unions }
    }

    /// How many traces the segment has.
    pub fn traces(&self) -> u32 {
        self.traces
    }

    /// Stores a list of strictly ascending ordinals below the number of traces, and names it.
    pub fn add(&mut self, ordinals: &[u32]) -> u64 {
        debug_assert!(ordinals.is_sorted_by(|a, b| a < b), "ordinals ascend");
        debug_assert!(ordinals.last().is_none_or(|&last| last < self.traces), "ordinals exist");
        match ordinals {
            _ if ordinals.len() >= self.traces as usize => 0,
            &[only] => u64::from(only) + 1,
            _ => u64::from(self.traces) + 1 + self.store(ordinals) as u64,
        }
    }

    /// Where the heap holds a list.
    fn store(&mut self, ordinals: &[u32]) -> usize {
        let list = encode(ordinals, self.traces);
        let hash = hash128(&list);
        if let Some(at) = self.find(hash, &list) {
            return at;
        }
        let unions = self.unions.as_ref().filter(|_| whim::take(list.len() >= LEAST_UNION));
        let union = unions.and_then(|unions| unions.find(ordinals)).map(|u| encode_union(&u));
        if let Some(union) = union.filter(|union| whim::take(union.len() < list.len())) {
            let hash = hash128(&union);
            return self.find(hash, &union).unwrap_or_else(|| self.place(hash, &union));
        }
        let at = self.place(hash, &list);
        if let Some(unions) = &mut self.unions {
            unions.remember(ordinals, at);
        }
        at
    }

    fn find(&self, hash: u128, list: &[u8]) -> Option<usize> {
        let &(at, len) = self.seen.get(&hash)?;
        (self.heap.get(at..at + len) == Some(list)).then_some(at)
    }

    fn place(&mut self, hash: u128, list: &[u8]) -> usize {
        let at = self.heap.len();
        self.heap.extend_from_slice(list);
        self.seen.insert(hash, (at, list.len()));
        at
    }

    /// The heap.
    pub fn finish(self) -> Vec<u8> {
        self.heap
    }
}

/// The smallest form of a list that is neither all nor a single trace.
fn encode(ordinals: &[u32], traces: u32) -> Vec<u8> {
    let complement = ordinals.len() > traces as usize / 2;
    let others: Vec<u32>;
    let list = if complement {
        others = complement_of(ordinals, traces);
        &others
    } else {
        ordinals
    };
    let flag = if complement { COMPLEMENT } else { 0 };
    // So dense a list never has a Rice code shorter than one bit a trace.
    let dense = list.len() > traces as usize / 3;
    let (k, rice_bits) = if dense { (0, usize::MAX) } else { best_rice(list, traces) };
    let mut out = Vec::new();
    let rice = 3usize.saturating_add(rice_bits.div_ceil(8));
    let bitset = 2 + traces.div_ceil(8) as usize;
    let runs = 1 + list.windows(2).filter(|w| !matches!(w, [a, b] if a + 1 == *b)).count();
    if ROARING_HEADER + 4 * runs < rice.min(bitset) {
        let mut bitmap = RoaringBitmap::from_sorted_iter(list.iter().copied()).unwrap_or_default();
        bitmap.optimize();
        let mut body = Vec::new();
        let written = bitmap.serialize_into(&mut body).is_ok();
        if written && 2 + body.len() < rice.min(bitset) {
            out.push(FORM_ROARING | flag);
            write_u64(&mut out, body.len() as u64);
            out.extend_from_slice(&body);
            return out;
        }
    }
    if bitset < rice {
        out.extend([FORM_BITSET, 0]);
        out.extend(bitset_of(ordinals, traces));
    } else {
        out.push(FORM_RICE | flag | (k as u8) << 3);
        write_rice(list, k, &mut out);
    }
    out
}

/// A list as a union of others.
fn encode_union(union: &Union) -> Vec<u8> {
    let last = union.rest.last().map_or(0, |&last| last + 1);
    let (k, _) = best_rice(&union.rest, last);
    let mut out = vec![FORM_UNION | (k as u8) << 3];
    write_u64(&mut out, union.lists.len() as u64);
    union.lists.iter().for_each(|&at| write_u64(&mut out, at as u64));
    write_rice(&union.rest, k, &mut out);
    out
}

/// How many ordinals there are, and their gaps.
fn write_rice(list: &[u32], k: u32, out: &mut Vec<u8>) {
    write_u64(out, list.len() as u64);
    let mut bits = BitWriter::new();
    for gap in gaps(list) {
        let mut ones = gap >> k;
        while ones >= 32 {
            bits.put(u64::MAX, 32);
            ones -= 32;
        }
        // Both fit a word: 32 bits at most, and 31.
        let rest = u64::from(gap & ((1 << k) - 1));
        bits.put(rest << (ones + 1) | ((1 << ones) - 1), ones + 1 + k);
    }
    out.extend_from_slice(&bits.into_bytes());
}

/// How far each ordinal lies behind the one that would follow its predecessor.
fn gaps(list: &[u32]) -> impl Iterator<Item = u32> {
    let mut next = 0;
    list.iter().map(move |&ordinal| {
        let gap = ordinal.saturating_sub(next);
        next = ordinal.saturating_add(1);
        gap
    })
}

/// The Rice parameter with the fewest bits, and how many those are.
fn best_rice(list: &[u32], traces: u32) -> (u32, usize) {
    let mean = traces as usize / list.len().max(1);
    let guess = mean.checked_ilog2().unwrap_or(0);
    let cost = |k: u32| {
        let quotients: usize = gaps(list).map(|gap| (gap >> k) as usize).sum();
        quotients + list.len() * (k as usize + 1)
    };
    // The best is log2(mean) less a half on random lists: clustered ones want less.
    let candidates = guess.saturating_sub(2)..=guess.min(31);
    candidates.map(|k| (k, cost(k))).min_by_key(|&(_, cost)| cost).unwrap_or((0, usize::MAX))
}

fn complement_of(ordinals: &[u32], traces: u32) -> Vec<u32> {
    let mut others = Vec::with_capacity((traces as usize).saturating_sub(ordinals.len()));
    let mut next = 0;
    for &ordinal in ordinals {
        others.extend(next..ordinal);
        next = ordinal.saturating_add(1);
    }
    others.extend(next..traces);
    others
}

fn bitset_of(ordinals: &[u32], traces: u32) -> Vec<u8> {
    let mut bytes = vec![0u8; traces.div_ceil(8) as usize];
    for &ordinal in ordinals {
        if let Some(byte) = bytes.get_mut(ordinal as usize / 8) {
            *byte |= 1 << (ordinal % 8);
        }
    }
    bytes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::postings::Postings;
    use crate::index::source::{MemSource, Source};
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn lists() -> impl Strategy<Value = (u32, Vec<Vec<u32>>)> {
        prop_oneof![1u32..20, 200u32..3000, Just(70_000u32)].prop_flat_map(|traces| {
            let some = |most: usize| prop::collection::btree_set(0..traces, 0..most.max(1));
            let set = prop_oneof![
                some(4),
                some(60),
                some(traces.min(600) as usize)
                    .prop_map(move |s| (0..traces).filter(|o| !s.contains(o)).collect()),
                (0..traces, 0..traces).prop_map(|(a, b)| (a.min(b)..a.max(b)).collect()),
                Just((0..traces).filter(|o| o % 3 == 0).collect::<BTreeSet<u32>>()),
            ];
            let list = set.prop_map(|s| s.into_iter().collect::<Vec<u32>>());
            (Just(traces), prop::collection::vec(list, 1..6))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn lists_come_back_and_equal_ones_are_stored_once((traces, lists) in lists()) {
            let mut builder = PostingsBuilder::new(traces, Effort::Thorough);
            let pointers: Vec<u64> = lists.iter().map(|l| builder.add(l)).collect();
            let len = builder.heap.len();
            let again: Vec<u64> = lists.iter().map(|l| builder.add(l)).collect();
            prop_assert_eq!(&pointers, &again);
            prop_assert_eq!(builder.heap.len(), len);
            let source = MemSource::new(builder.finish(), Path::new("x"), "test");
            let postings = Postings::new(traces, 0, source.len());
            for (list, pointer) in lists.iter().zip(pointers) {
                let set = postings.read(&source, pointer).unwrap();
                prop_assert!(set.iter().eq(list.iter().copied()));
            }
        }

        #[test]
        fn p6_any_heap_is_read_or_refused(
            bytes in prop::collection::vec(prop_oneof![0u8..12, any::<u8>()], 1..80),
            traces in 0u32..400, pointer in 0u64..500,
        ) {
            let source = MemSource::new(bytes, Path::new("x"), "test");
            let postings = Postings::new(traces, 0, source.len());
            if let Ok(set) = postings.read(&source, pointer) {
                prop_assert!(set.iter().all(|o| o < traces));
            }
        }
    }

    #[test]
    fn p6_a_union_of_unions_is_refused() {
        // A union of one list, which is itself; then one of a single ordinal, and one of both.
        let heap =
            vec![FORM_UNION, 1, 0, 0, FORM_RICE | 2 << 3, 1, 0b0000_0100, FORM_UNION, 1, 4, 0];
        let source = MemSource::new(heap, Path::new("x"), "test");
        let postings = Postings::new(9, 0, source.len());
        assert!(postings.read(&source, 10).is_err());
        let set = postings.read(&source, 17).unwrap();
        assert!(set.iter().eq(postings.read(&source, 14).unwrap().iter()));
    }

    #[test]
    fn a_list_is_told_as_the_union_of_others() {
        let mut builder = PostingsBuilder::new(4096, Effort::Thorough);
        let scattered =
            |seed: u32| (0..4096).filter(move |o| o * seed % 61 < 9).collect::<Vec<u32>>();
        let lists = [scattered(7), scattered(11), scattered(13)];
        for list in &lists {
            builder.add(list);
        }
        let mut all = lists.concat();
        all.sort_unstable();
        all.dedup();
        let before = builder.heap.len();
        let pointer = builder.add(&all);
        assert!(builder.heap.len() - before < 20);
        let source = MemSource::new(builder.finish(), Path::new("x"), "test");
        let postings = Postings::new(4096, 0, source.len());
        assert_eq!(postings.form(&source, pointer).unwrap(), "union");
        assert!(postings.read(&source, pointer).unwrap().iter().eq(all));
    }

    #[test]
    fn sizes_are_near_what_the_density_demands() {
        let size = |list: Vec<u32>| encode(&list, 4096).len();
        assert!(size((0..4096).filter(|o| o % 2 == 0).collect()) <= 2 + 512);
        assert!(size((0..4096).filter(|o| o % 64 == 9).collect()) <= 4 + 64);
        assert!(size((0..4096).filter(|o| o % 64 != 9).collect()) <= 4 + 64);
        assert!(size((1000..3000).collect()) <= 20);
        assert!(size(vec![5, 4000]) <= 6);
    }
}
