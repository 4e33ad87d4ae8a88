//! Posting lists: for each term, the ordinals of the traces that have it.
//!
//! A list is named by one number, its *pointer*; `n` is the number of traces:
//! ```text
//! 0           all traces
//! 1 ..= n     the one trace of ordinal pointer - 1
//! n + 1 ..    the list at byte pointer - n - 1 of the heap
//! ```
//! The heap holds lists one behind another, equal ones once, each as it is smallest:
//! ```text
//! | tag: u8 | varint | body |
//!   tag bits 0-1   form; bit 2: the list is of the traces that do NOT have the term; bits 3-7: k
//!   form 0  Rice   varint = ordinals; body = gaps (0 = next ordinal), each: gap >> k ones, a zero, k low bits
//!   form 1  bitset varint = 0; body = ceil(n / 8) bytes, lowest bit first
//!   form 2  roaring varint = bytes; body = roaring's portable format: only where runs make it small
//! ```

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::base::checksum::hash128;
use crate::base::error::Result;
use crate::base::varint::write_u64;
use crate::block::bits::{BitWriter, get_bits};
use crate::index::folded::Joined;
use crate::index::ordinals::{OrdinalSet, full};
use crate::index::source::{Cursor, Source};

const FORM_RICE: u8 = 0;
const FORM_BITSET: u8 = 1;
const FORM_ROARING: u8 = 2;
const COMPLEMENT: u8 = 4;

/// Bytes of a roaring bitmap with one run container, its runs left out.
const ROARING_HEADER: usize = 11;

/// Collects the posting lists of one segment.
#[derive(Debug)]
pub struct PostingsBuilder {
    traces: u32,
    heap: Vec<u8>,
    /// Where lists of this hash stand in the heap, and their lengths; compared before use.
    seen: HashMap<u128, (usize, usize)>,
}

impl PostingsBuilder {
    /// For a segment of so many traces.
    pub fn new(traces: u32) -> Self {
        Self { traces, heap: Vec::new(), seen: HashMap::new() }
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
            _ => u64::from(self.traces) + 1 + self.place(&encode(ordinals, self.traces)) as u64,
        }
    }

    fn place(&mut self, list: &[u8]) -> usize {
        let hash = hash128(list);
        if let Some(&(at, len)) = self.seen.get(&hash)
            && self.heap.get(at..at + len) == Some(list)
        {
            return at;
        }
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
        write_u64(&mut out, list.len() as u64);
        let mut bits = BitWriter::new();
        for gap in gaps(list) {
            let mut ones = gap >> k;
            while ones >= 32 {
                bits.put(u64::MAX, 32);
                ones -= 32;
            }
            bits.put((1 << ones) - 1, ones + 1);
            bits.put(gap.into(), k);
        }
        out.extend_from_slice(&bits.into_bytes());
    }
    out
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
    let mut taken = ordinals.iter().copied().peekable();
    (0..traces).filter(|&o| taken.next_if_eq(&o).is_none()).collect()
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

/// Reads posting lists back.
#[derive(Clone, Debug)]
pub struct Postings {
    traces: u32,
    /// Where the heap lies in its section.
    start: usize,
    end: usize,
}

impl Postings {
    /// Lists of a segment of `traces` traces, whose heap is the bytes `start..end` of a section.
    pub fn new(traces: u32, start: usize, end: usize) -> Self {
        Self { traces, start, end }
    }

    /// How many bytes the heap has.
    pub fn heap_len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The bytes in the file of a stretch of the heap, for people.
    pub fn stored_bytes(&self, source: &Joined, offset: u64, len: u64) -> f64 {
        source.stored_bytes((self.start as u64).saturating_add(offset), len)
    }

    /// Where in the heap a pointer's list stands, if it has one there.
    pub fn heap_offset(&self, pointer: u64) -> Option<u64> {
        pointer.checked_sub(u64::from(self.traces) + 1)
    }

    /// The ordinal of a list of one.
    pub fn single(&self, pointer: u64) -> Option<u32> {
        let ordinal = u32::try_from(pointer.checked_sub(1)?).ok()?;
        (ordinal < self.traces).then_some(ordinal)
    }

    /// How the list that `pointer` names is stored, for people.
    pub fn form(&self, source: &dyn Source, pointer: u64) -> Result<&'static str> {
        let Some(offset) = self.heap_offset(pointer) else {
            return Ok(if pointer == 0 { "all" } else { "one" });
        };
        let at = usize::try_from(offset).ok().and_then(|offset| self.start.checked_add(offset));
        let at = at.filter(|&at| at < self.end);
        let at = at.ok_or_else(|| source.corrupt(self.start, "a list beyond the heap"))?;
        let tag = source.bytes(at, 1)?.first().copied().unwrap_or_default();
        Ok(match (tag & 3, tag & COMPLEMENT != 0) {
            (FORM_RICE, false) => "rice",
            (FORM_RICE, true) => "rice of the others",
            (FORM_BITSET, _) => "bitset",
            (_, false) => "roaring",
            (_, true) => "roaring of the others",
        })
    }

    /// The list that `pointer` names.
    pub fn read(&self, source: &dyn Source, pointer: u64) -> Result<OrdinalSet> {
        if pointer == 0 {
            return Ok(OrdinalSet::all(self.traces));
        }
        if let Some(ordinal) = self.single(pointer) {
            return Ok(OrdinalSet::from_ordinals(self.traces, [ordinal]));
        }
        let offset = self.heap_offset(pointer);
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        let at = offset.and_then(|offset| self.start.checked_add(offset));
        let at = at.filter(|&at| at < self.end);
        let at = at.ok_or_else(|| source.corrupt(self.start, "a list beyond the heap"))?;
        let mut cursor = Cursor::new(source, at..self.end)?;
        let tag = cursor.byte()?;
        let argument = cursor.varint()?;
        let k = u32::from(tag >> 3);
        let members = match tag & 3 {
            FORM_RICE => self.read_rice(&cursor, argument, k)?,
            FORM_BITSET => self.read_bitset(&cursor)?,
            FORM_ROARING => self.read_roaring(&cursor, argument)?,
            _ => return Err(source.corrupt(at, "an unknown form of posting list")),
        };
        if members.max().is_some_and(|max| max >= self.traces) {
            return Err(source.corrupt(at, "a posting beyond the last trace"));
        }
        let members = if tag & COMPLEMENT == 0 { members } else { full(self.traces) - members };
        Ok(OrdinalSet::from_bitmap(self.traces, members))
    }

    fn read_rice(&self, cursor: &Cursor<'_>, count: u64, k: u32) -> Result<RoaringBitmap> {
        if count > u64::from(self.traces) {
            return Err(cursor.corrupt("more postings than traces"));
        }
        // A gap's ones cannot add up to more than all traces: so much holds any sound list.
        let bits = count * u64::from(k + 1) + u64::from(self.traces >> k);
        let most = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
        let body = cursor.source().bytes(cursor.at(), most.min(cursor.remaining()))?;
        let mut list = Vec::with_capacity(body.len().min(count as usize));
        let (mut at, mut next) = (0usize, 0u64);
        for _ in 0..count {
            let gap = rice(&body, &mut at, k).ok_or_else(|| cursor.corrupt("a cut-off list"))?;
            let ordinal = next + gap;
            if ordinal >= u64::from(self.traces) {
                return Err(cursor.corrupt("a posting beyond the last trace"));
            }
            list.push(ordinal as u32);
            next = ordinal + 1;
        }
        RoaringBitmap::from_sorted_iter(list).map_err(|_| cursor.corrupt("an unsorted list"))
    }

    fn read_bitset(&self, cursor: &Cursor<'_>) -> Result<RoaringBitmap> {
        let len = self.traces.div_ceil(8) as usize;
        if len > cursor.remaining() {
            return Err(cursor.corrupt("a cut-off list"));
        }
        let body = cursor.source().bytes(cursor.at(), len)?;
        Ok(RoaringBitmap::from_lsb0_bytes(0, &body))
    }

    fn read_roaring(&self, cursor: &Cursor<'_>, len: u64) -> Result<RoaringBitmap> {
        let len = usize::try_from(len).ok().filter(|&len| len <= cursor.remaining());
        let len = len.ok_or_else(|| cursor.corrupt("a cut-off list"))?;
        let body = cursor.source().bytes(cursor.at(), len)?;
        RoaringBitmap::deserialize_from(&*body).map_err(|_| cursor.corrupt("a bad roaring bitmap"))
    }
}

/// Reads one Rice code at bit `at`.
fn rice(body: &[u8], at: &mut usize, k: u32) -> Option<u64> {
    let mut ones = 0u64;
    loop {
        let left = (body.len() * 8).saturating_sub(*at).min(32) as u32;
        let run = get_bits(body, *at, left)?.trailing_ones().min(left);
        ones += u64::from(run);
        *at += run as usize;
        if run < left {
            break;
        }
        if left == 0 {
            return None;
        }
    }
    let low = get_bits(body, *at + 1, k)?;
    *at += 1 + k as usize;
    Some(ones << k | low)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
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
            let mut builder = PostingsBuilder::new(traces);
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
    fn sizes_are_near_what_the_density_demands() {
        let size = |list: Vec<u32>| encode(&list, 4096).len();
        assert!(size((0..4096).filter(|o| o % 2 == 0).collect()) <= 2 + 512);
        assert!(size((0..4096).filter(|o| o % 64 == 9).collect()) <= 4 + 64);
        assert!(size((0..4096).filter(|o| o % 64 != 9).collect()) <= 4 + 64);
        assert!(size((1000..3000).collect()) <= 20);
        assert!(size(vec![5, 4000]) <= 6);
    }
}
